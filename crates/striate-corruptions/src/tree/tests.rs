use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use striate_testkit::files_below;

use crate::{Corruption, Corruptor, Error, Severity, Table};

fn png(height: u32, width: u32, start: u8) -> Vec<u8> {
    let image = image::RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([
            start.wrapping_add((x * 7) as u8),
            (y * 5) as u8,
            (x * y) as u8,
        ])
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn jpeg(height: u32, width: u32) -> Vec<u8> {
    let image = image::load_from_memory(&png(height, width, 9)).unwrap();
    let mut bytes = std::io::Cursor::new(Vec::new());
    image
        .write_to(&mut bytes, image::ImageFormat::Jpeg)
        .unwrap();
    bytes.into_inner()
}

fn tree(folder: &Path) {
    for (class, files) in [("a", ["1.png", "2.png"]), ("b", ["1.png", "3.png"])] {
        fs::create_dir_all(folder.join(class)).unwrap();
        for (i, file) in files.iter().enumerate() {
            fs::write(folder.join(class).join(file), png(20, 24, i as u8 * 50)).unwrap();
        }
    }
}

fn config() -> TreeConfig {
    TreeConfig {
        corruptions: vec![Corruption::GaussianNoise, Corruption::Fog],
        severities: vec![Severity::ALL[0], Severity::ALL[4]],
        ..TreeConfig::default()
    }
}

#[test]
fn an_interrupted_run_ends_with_the_same_bytes() {
    let place = tempfile::tempdir().unwrap();
    let input = place.path().join("in");
    tree(&input);
    let whole = place.path().join("whole");
    let report = corrupt_tree(&input, &whole, &config(), &mut |_| {}, &|| false).unwrap();
    assert_eq!((report.progress.done, report.progress.total), (4, 4));
    assert!(report.bad.is_empty() && !report.stopped);

    let parts = place.path().join("parts");
    // In the third image: an image asks once, and again before each result.
    let asked = AtomicUsize::new(0);
    let stop = || asked.fetch_add(1, Ordering::Relaxed) >= 12;
    let one_thread = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    let first = one_thread
        .install(|| corrupt_tree(&input, &parts, &config(), &mut |_| {}, &stop))
        .unwrap();
    assert!(first.stopped && first.progress.done == 2 && first.progress.made == 9);
    // What a crash leaves: half a line, half a file.
    let mut text = fs::read(&first.manifest).unwrap();
    text.extend(b"{\"source\":\"b/");
    fs::write(&first.manifest, text).unwrap();
    fs::create_dir(parts.join(".partial")).unwrap();
    fs::write(parts.join(".partial/0"), "half").unwrap();
    let mut seen = Progress::default();
    let second = corrupt_tree(&input, &parts, &config(), &mut |p| seen = p, &|| false).unwrap();
    assert_eq!((second.progress.resumed, second.progress.made), (2, 8));
    assert_eq!(seen, second.progress);
    assert_eq!((seen.done, seen.results, seen.results_total), (4, 16, 16));
    assert_eq!(files_below(&whole), files_below(&parts));
    assert_eq!(files_below(&whole).len(), 4 * 4 + 1);
    assert!(whole.join("fog/5/b/3.png").is_file());
}

#[test]
fn another_configuration_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let (input, output) = (place.path().join("in"), place.path().join("out"));
    tree(&input);
    let run = |config: &TreeConfig| corrupt_tree(&input, &output, config, &mut |_| {}, &|| false);
    run(&config()).unwrap();
    let other = TreeConfig {
        seed: 1,
        ..config()
    };
    assert!(matches!(run(&other), Err(Error::OtherConfiguration { .. })));
    let inside = corrupt_tree(&input, &input.join("c"), &config(), &mut |_| {}, &|| false);
    assert!(matches!(inside, Err(Error::OutputInsideInput { .. })));
    let empty = place.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let none = corrupt_tree(&empty, &output, &config(), &mut |_| {}, &|| false);
    assert!(matches!(none, Err(Error::NoImages { .. })));
}

#[test]
fn a_changed_source_is_made_again() {
    let place = tempfile::tempdir().unwrap();
    let (input, output) = (place.path().join("in"), place.path().join("out"));
    tree(&input);
    let run = || corrupt_tree(&input, &output, &config(), &mut |_| {}, &|| false).unwrap();
    run();
    let before = files_below(&output);
    fs::write(input.join("a/1.png"), png(20, 24, 99)).unwrap();
    let report = run();
    assert_eq!(report.progress.resumed, 3);
    let after = files_below(&output);
    let changed = before.iter().filter(|(k, v)| after[*k] != **v).count();
    // Four results and the manifest.
    assert_eq!(changed, 5);
}

#[test]
fn names_that_differ_in_their_extension_keep_apart() {
    let place = tempfile::tempdir().unwrap();
    let (input, output) = (place.path().join("in"), place.path().join("out"));
    fs::create_dir(&input).unwrap();
    for (i, name) in ["a.PNG", "a.jpg", "a.jpg.png", "a.png"].iter().enumerate() {
        // The content says what it is, not the name.
        fs::write(input.join(name), png(20, 24, i as u8 * 50)).unwrap();
        let report = corrupt_tree(&input, &output, &config(), &mut |_| {}, &|| false).unwrap();
        assert_eq!((report.progress.done, report.bad.len()), (i + 1, 0));
    }
    let afresh = place.path().join("afresh");
    corrupt_tree(&input, &afresh, &config(), &mut |_| {}, &|| false).unwrap();
    assert_eq!(files_below(&output), files_below(&afresh));
    assert_eq!(files_below(&output).len(), 4 * 4 + 1);
}

#[test]
fn a_configuration_that_cannot_be_carried_out_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let (input, output) = (place.path().join("in"), place.path().join("out"));
    tree(&input);
    let refused = |change: &dyn Fn(&mut TreeConfig), part: &str| {
        let mut config = config();
        change(&mut config);
        let text = corrupt_tree(&input, &output, &config, &mut |_| {}, &|| false)
            .unwrap_err()
            .to_string();
        assert!(text.contains(part), "{text}");
    };
    refused(&|c| c.corruptions.clear(), "corruption: none");
    refused(&|c| c.severities.clear(), "severity: none");
    refused(
        &|c| c.corruptions.push(Corruption::Fog),
        "fog is named twice",
    );
    refused(&|c| c.format = Format::Jpeg(0), "Q from 1 to 100");
    refused(
        &|c| (c.random, c.seed) = (RandomMode::Numpy, 1 << 32),
        "below 2^32",
    );
    assert!(!output.exists());
}

#[test]
fn bad_files_are_reported_and_the_run_goes_on() {
    let place = tempfile::tempdir().unwrap();
    let (input, output) = (place.path().join("in"), place.path().join("out"));
    tree(&input);
    fs::write(input.join("a/small.png"), png(15, 40, 0)).unwrap();
    fs::write(input.join("a/text.jpg"), "no image").unwrap();
    let whole = png(64, 64, 1);
    fs::write(input.join("b/cut.png"), &whole[..whole.len() / 2]).unwrap();
    let mut deep = std::io::Cursor::new(Vec::new());
    image::ImageBuffer::<image::Rgb<u16>, _>::new(20, 20)
        .write_to(&mut deep, image::ImageFormat::Png)
        .unwrap();
    fs::write(input.join("b/deep.png"), deep.into_inner()).unwrap();
    // Written by Pillow (tests/golden/corruptions.py): a whole CMYK photograph,
    // and 16-bit gray.
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/corruptions/files");
    fs::copy(files.join("cmyk.jpg"), input.join("b/ink.jpg")).unwrap();
    fs::copy(files.join("gray16.png"), input.join("b/gray16.png")).unwrap();
    let photograph = jpeg(64, 64);
    let half = &photograph[..photograph.len() / 2];
    fs::write(input.join("b/half.jpg"), half).unwrap();
    fs::write(input.join("b/old.bmp"), "BM").unwrap();
    fs::write(input.join("words.txt"), "not an image").unwrap();
    let report = corrupt_tree(&input, &output, &config(), &mut |_| {}, &|| false).unwrap();
    let found: Vec<(String, &str)> = report
        .bad
        .iter()
        .map(|b| {
            let name = b.path.strip_prefix(&input).unwrap();
            (name.to_string_lossy().replace('\\', "/"), b.reason.as_str())
        })
        .collect();
    let names: Vec<&str> = found.iter().map(|(n, _)| n.as_str()).collect();
    assert_eq!(
        names,
        [
            "a/small.png",
            "a/text.jpg",
            "b/cut.png",
            "b/deep.png",
            "b/gray16.png",
            "b/half.jpg",
            "b/ink.jpg",
            "b/old.bmp"
        ]
    );
    assert!(found[0].1.contains("15x40") && found[1].1.contains("PNG nor JPEG"));
    assert!(found[3].1.contains("8 bits") && found[4].1.contains("L16"));
    assert!(found[5].1.contains("truncated") && found[6].1.contains("CMYK"));
    assert_eq!(report.progress.done, 12);
    assert!(output.join("fog/1/a/1.png").is_file());
}

#[test]
fn numpy_mode_seeds_by_place_and_one_image_will_do() {
    let place = tempfile::tempdir().unwrap();
    let input = place.path().join("one.png");
    fs::write(&input, png(20, 24, 3)).unwrap();
    let config = TreeConfig {
        random: RandomMode::Numpy,
        seed: 41,
        ..config()
    };
    let output = place.path().join("out");
    corrupt_tree(&input, &output, &config, &mut |_| {}, &|| false).unwrap();
    let made = decode(&fs::read(output.join("gaussian_noise/5/one.png")).unwrap()).unwrap();
    let source = decode(&fs::read(&input).unwrap()).unwrap();
    let image = crate::ImageRef::new(&source.pixels_u8, 20, 24, 3).unwrap();
    let mut expected = vec![0; source.pixels_u8.len()];
    Corruptor::new(Table::ImageCorruptions)
        .corrupt(
            image,
            Corruption::GaussianNoise,
            Severity::ALL[4],
            &mut crate::Random::numpy(41),
            &mut expected,
        )
        .unwrap();
    assert_eq!(made.pixels_u8, expected);
    let text = fs::read_to_string(output.join("manifest.jsonl")).unwrap();
    assert!(text.contains("\"numpy_seed\":41") && text.contains("deviation 0.38"));
}
