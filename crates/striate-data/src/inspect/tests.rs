use std::{fs, io::Write, path::Path};

use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::*;
use crate::{
    ResizeCrop,
    array::{Array, Values, write_npz},
    recording::{Stimuli, StimulusConfig},
    testing::{shared, temporary},
    tree::FileTree,
};

fn look(path: &Path) -> Summary {
    inspect(path, &InspectConfig::default()).unwrap()
}

#[test]
fn the_real_files_are_recognised() {
    if let Some(path) = shared("tiny-imagenet-20.tar") {
        let summary = look(&path);
        assert_eq!(summary.format, Format::ImageTree);
        let parts: Vec<(&str, usize, usize)> = summary
            .images
            .iter()
            .map(|p| (p.part.as_str(), p.images, p.class_counts.len()))
            .collect();
        assert_eq!(parts, [("train", 10_000, 20), ("validation", 1000, 20)]);
        assert_eq!(summary.images[0].decoded, 2000);
        assert_eq!(summary.images[0].sizes.len(), 1);
        assert_eq!(summary.problems, Problems::new(20));
    }
    if let Some(path) = shared("sample_csrf.pickle") {
        let summary = look(&path);
        assert_eq!(summary.format, Format::SessionPickle);
        let trials: Vec<usize> = summary
            .recordings
            .iter()
            .map(|r| r.recording.trials())
            .collect();
        assert_eq!(trials, [20, 8]);
    }
    if let Some(path) = shared("sample_cadena.pkl") {
        assert_eq!(look(&path).format, Format::Cadena);
    }
    if let Some(path) = shared("macaque-v1-patterns.npz") {
        let summary = look(&path);
        assert_eq!(summary.format, Format::RecordingArrays);
        assert_eq!(summary.images[0].images, 9500);
        assert_eq!(summary.recordings[0].recording.neuron_ids, ["75", "255"]);
    }
    if let Some(path) = shared("sample_hf.parquet") {
        assert_eq!(look(&path).format, Format::ImageTable);
    }
}

fn png(pixels: &[u8], width: u32) -> Vec<u8> {
    let mut out = Vec::new();
    let height = pixels.len() as u32 / width;
    PngEncoder::new(&mut out)
        .write_image(pixels, width, height, ExtendedColorType::L8)
        .unwrap();
    out
}

/// The public copy with two sessions, one of them without test part.
fn public_sessions() -> Vec<(String, Vec<u8>)> {
    let trial = |id: u32, first: u32| {
        let bins: Vec<String> = (0..12).map(|bin| (first + bin).to_string()).collect();
        let bins = bins.join(", ");
        format!("{id},\"[[{bins}],\n [0, {bins}]]\",1\n").replace("[0, ", "[")
    };
    let csv = |ids: &[u32]| {
        let rows: String = ids.iter().map(|id| trial(*id, *id)).collect();
        format!("image_id,responses,trial_id\n{rows}").into_bytes()
    };
    let mut files = vec![
        ("top/train/101/responses.csv".to_string(), csv(&[1, 2, 1])),
        ("top/train/102/responses.csv".to_string(), csv(&[2, 3])),
        ("top/test/101/responses.csv".to_string(), csv(&[4, 4])),
    ];
    for id in 1..=3u8 {
        let name = format!("top/images/{id:06}.png");
        files.push((
            name,
            png(
                &[id, 50, 100, 150, 200, 250, 7, 8, 9, 1, 2, 3, 4, 5, 6, 0],
                4,
            ),
        ));
    }
    files
}

fn zip_of(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in files {
        writer.start_file(name.as_str(), options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn public_sessions_are_the_same_in_a_folder_and_in_a_zip() {
    let folder = temporary("public");
    for (name, bytes) in public_sessions() {
        let path = folder.join("tree").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    fs::write(folder.join("all.zip"), zip_of(&public_sessions())).unwrap();
    for name in ["tree", "all.zip"] {
        let summary = look(&folder.join(name));
        assert_eq!(summary.format, Format::PublicSessions, "{name}");
        let parts: Vec<_> = summary
            .recordings
            .iter()
            .map(|r| {
                (
                    r.recording.session.as_str(),
                    r.part,
                    r.recording.trials(),
                    r.repeats,
                )
            })
            .collect();
        let expected = [
            ("101", "train", 3, (1, 2)),
            ("101", "test", 2, (2, 2)),
            ("102", "train", 2, (1, 1)),
        ];
        assert_eq!(parts, expected);
        // Twelve bins that begin with the image's id: 12 id + 66.
        assert_eq!(summary.recordings[0].recording.responses[..2], [78.0, 78.0]);
        assert_eq!(
            summary.stimuli,
            Some(StimulusSummary {
                images: 3,
                missing: 1
            })
        );
        assert_eq!(
            summary.problems.first[0],
            "session 101, part test: neuron 0 always responds with 114"
        );
        assert_eq!(
            summary.problems.first.last().unwrap(),
            "1 of 4 images that were shown have no file; the first is 000004"
        );
    }
    let files = FileTree::open(&folder.join("all.zip")).unwrap();
    let stimuli = Stimuli::find(&files).unwrap();
    let cut = StimulusConfig {
        crop_px: 1,
        ..StimulusConfig::default()
    };
    let images = stimuli.load(&[3, 1], &cut).unwrap();
    assert_eq!(
        (images.count, images.height, images.width, images.channels),
        (2, 2, 2, 1)
    );
    assert_eq!(images.get(0), [250, 7, 1, 2]);
    let error = stimuli.load(&[9], &cut).unwrap_err().to_string();
    assert!(
        error.ends_with("expected an image 000009, found 3 images, not this one"),
        "{error}"
    );
    let far = StimulusConfig { crop_px: 2, ..cut };
    let error = stimuli.load(&[1], &far).unwrap_err().to_string();
    assert!(
        error.ends_with("more than 2 x 2 pixels to crop, found 4 x 4"),
        "{error}"
    );
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn what_is_no_data_set_is_named() {
    let folder = temporary("unknown");
    let path = folder.join("x");
    let cases: [(&[u8], &str); 6] = [
        (b"\x1f\x8b\x08\x00", "a gzip file: unpack it first"),
        (b"MATLAB 5.0 MAT-file", "a MATLAB file of version 5"),
        (b"\x93NUMPY\x01\x00", "a single array (.npy)"),
        (b"(dp0\n.", "a pickle of protocol 0 or 1"),
        (b"hello", "a file that begins with [68, 65, 6c, 6c, 6f]"),
        (b"\x80\x02}q\x00X\x01\x00\x00\x00aK\x01s.", "keys [a]"),
    ];
    for (bytes, found) in cases {
        fs::write(&path, bytes).unwrap();
        let error = inspect(&path, &InspectConfig::default()).unwrap_err();
        let text = error.to_string();
        assert!(text.ends_with(&format!("found {found}")), "{text}");
        assert!(text.starts_with(&path.display().to_string()), "{text}");
    }
    fs::write(&path, vec![b'a'; 2000]).unwrap();
    let error = inspect(&path, &InspectConfig::default()).unwrap_err();
    assert!(
        error.to_string().contains("expected a tar, zip, npz"),
        "{error}"
    );
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_damaged_image_is_a_problem_and_the_rest_is_seen() {
    let folder = temporary("damaged");
    for (name, bytes) in [
        ("train/a/0.png", png(&[10; 4], 2)),
        ("train/a/1.png", b"no".to_vec()),
    ] {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let summary = look(&folder);
    fs::remove_dir_all(&folder).unwrap();
    let part = &summary.images[0];
    assert_eq!((part.images, part.decoded, part.gray), (2, 1, 1));
    assert_eq!(part.mean, [10.0 / 255.0; 3]);
    assert_eq!(part.deviation, [0.0; 3]);
    assert_eq!(summary.problems.count, 1);
    assert!(summary.problems.first[0].contains("file train/a/1.png: expected a PNG or JPEG"));
}

#[test]
fn a_zip_with_a_changed_byte_is_noticed() {
    let mut bytes = zip_of(&public_sessions());
    let place = bytes.windows(8).position(|w| w == b"image_id").unwrap();
    bytes[place] = b'I';
    let folder = temporary("changed");
    let path = folder.join("x.zip");
    fs::write(&path, bytes).unwrap();
    let error = inspect(&path, &InspectConfig::default())
        .unwrap_err()
        .to_string();
    fs::remove_dir_all(&folder).unwrap();
    assert!(
        error.contains("top/train/101/responses.csv: expected"),
        "{error}"
    );
    assert!(error.contains("with checksum"), "{error}");
}

#[test]
fn an_image_part_comes_back_from_npz() {
    let folder = temporary("convert");
    for (name, pixels) in [("val/b/0.png", [9; 4]), ("val/a/1.png", [10; 4])] {
        let path = folder.join("tree").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, png(&pixels, 2)).unwrap();
    }
    let source = Source::detect(&folder.join("tree")).unwrap();
    assert_eq!(source.image_parts(), ["validation"]);
    let set = source.image_set("validation").unwrap();
    assert_eq!(set.class_names, ["a", "b"]);
    let path = folder.join("set.npz");
    set.write_npz(&path).unwrap();
    let again = Source::detect(&path).unwrap();
    assert_eq!(again.format(), Format::ImageArrays);
    assert_eq!(again.image_set("all").unwrap(), set);
    let error = source.image_set("train").unwrap_err().to_string();
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(
        error,
        "part: expected an image part among [validation], found train"
    );
}

#[test]
fn stimuli_of_an_npz_come_by_their_ids_cropped_and_rescaled() {
    let folder = temporary("stimuli");
    let path = folder.join("v1.npz");
    let pixels: Vec<u8> = (0..3 * 6 * 6).map(|i| (i / 36 * 50) as u8).collect();
    let arrays = [
        ("images", Array::new(vec![3, 6, 6], Values::U8(pixels))),
        (
            "responses",
            Array::new(vec![3, 1], Values::F32(vec![0.0; 3])),
        ),
    ];
    let arrays = arrays.map(|(name, array)| (name.to_string(), array.unwrap()));
    write_npz(&path, &arrays.into()).unwrap();
    let source = Source::detect(&path).unwrap();
    let config = StimulusConfig {
        crop_px: 1,
        scale: 2.0,
        ..StimulusConfig::default()
    };
    let reading = InspectConfig::default();
    let images = source.stimuli(&[2, 0], &config, &reading).unwrap();
    let missing = source.stimuli(&[0, 3], &config, &reading).unwrap_err();
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(
        (images.count, images.height, images.width, images.channels),
        (2, 8, 8, 1)
    );
    assert!(images.get(0).iter().all(|v| *v == 100));
    assert!(images.get(1).iter().all(|v| *v == 0));
    assert!(
        missing
            .to_string()
            .ends_with("expected an image 3, found 3 images, numbered from 0")
    );
}

#[test]
fn images_of_any_size_come_in_one() {
    let folder = temporary("fit");
    for (name, pixels, side) in [
        ("train/a/0.png", vec![9; 16], 4),
        ("train/b/1.png", vec![70; 36], 6),
    ] {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, png(&pixels, side)).unwrap();
    }
    let plain = Source::detect(&folder).unwrap();
    let differ = plain.image_set("train").unwrap_err().to_string();
    let fit = ResizeCrop {
        resize_px: 4,
        crop_px: 3,
    };
    let fitted = Source::detect(&folder).unwrap().with_fit(Some(fit));
    let set = fitted.image_set("train").unwrap();
    set.write_npz(&folder.join("set.npz")).unwrap();
    let smaller = ResizeCrop {
        resize_px: 2,
        crop_px: 2,
    };
    let arrays = Source::detect(&folder.join("set.npz")).unwrap();
    let small = arrays.with_fit(Some(smaller)).image_set("all").unwrap();
    fs::remove_dir_all(&folder).unwrap();
    assert!(
        differ.contains("expected 4 x 4 pixels as the first image"),
        "{differ}"
    );
    for (set, side) in [(set, 3), (small, 2)] {
        let images = &set.images;
        assert_eq!((images.count, images.height, images.width), (2, side, side));
        assert!(images.get(0).iter().all(|v| *v == 9));
        assert!(images.get(1).iter().all(|v| *v == 70));
    }
}
