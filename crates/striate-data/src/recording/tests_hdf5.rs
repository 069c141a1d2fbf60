use std::path::PathBuf;

use hdf5_pure::FileBuilder;

use super::*;
use crate::testing::temporary;

fn written(name: &str, builder: FileBuilder) -> PathBuf {
    let folder = temporary(&format!("hdf5-{name}")).join("monkeyF");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, builder.finish().unwrap()).unwrap();
    path
}

/// THINGS with 3 channels, 4 training and 2 test images of 5 repeats; the value says
/// which it is: image * 10 + channel, and 100 for each repeat.
fn things(channels_first: bool) -> FileBuilder {
    let mut file = FileBuilder::new();
    let mut matrix = |name: &str, images: usize| {
        let mut values = vec![0.0; images * 3];
        for image in 0..images {
            for channel in 0..3 {
                let at = if channels_first {
                    channel * images + image
                } else {
                    image * 3 + channel
                };
                values[at] = (image * 10 + channel) as f64;
            }
        }
        let shape = if channels_first {
            [3, images as u64]
        } else {
            [images as u64, 3]
        };
        file.create_dataset(name)
            .with_f64_data(&values)
            .with_shape(&shape);
    };
    matrix("train_MUA", 4);
    matrix("test_MUA", 2);
    // [repeats, images, channels]; the last repeat of the last image is missing.
    let mut reps = Vec::new();
    for repeat in 0..5 {
        for image in 0..2 {
            for channel in 0..3 {
                let missing = repeat == 4 && image == 1;
                let value = f64::from(repeat * 100 + image * 10 + channel);
                reps.push(if missing { f64::NAN } else { value });
            }
        }
    }
    file.create_dataset("test_MUA_reps")
        .with_f64_data(&reps)
        .with_shape(&[5, 2, 3]);
    file
}

#[test]
fn things_is_read_in_both_orders_of_axes() {
    for channels_first in [false, true] {
        let path = written(
            &format!("things{channels_first}.mat"),
            things(channels_first),
        );
        let config = ThingsConfig {
            channels: 1..3,
            ..ThingsConfig::default()
        };
        let session = read_things(&path, &config).unwrap();
        assert_eq!(session.train.session, "monkeyF");
        assert_eq!(session.train.neuron_ids, ["1", "2"]);
        assert_eq!(session.train.image_of_trial, [0, 1, 2, 3]);
        assert_eq!(
            session.train.responses,
            [1.0, 2.0, 11.0, 12.0, 21.0, 22.0, 31.0, 32.0]
        );
        assert_eq!(session.test.image_of_trial, [4, 4, 4, 4, 4, 5, 5, 5, 5]);
        assert_eq!(session.test.trial(1), [101.0, 102.0]);
        assert_eq!(session.test.trial(5), [11.0, 12.0]);
        let error = read_things(&path, &ThingsConfig::default())
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            "channels: expected a range within 0..3, found 0..512"
        );
        std::fs::remove_dir_all(path.parent().unwrap().parent().unwrap()).unwrap();
    }
}

#[test]
fn names_of_things_are_followed_through_references() {
    let mut file = FileBuilder::new();
    let mut refs = file.create_group("#refs#");
    for (name, text) in [
        ("a", "aardvark"),
        ("b", "b\u{e4}r"),
        ("c", "x/1.jpg"),
        ("d", "y/2.jpg"),
    ] {
        let codes: Vec<u16> = text.encode_utf16().collect();
        refs.create_dataset(name)
            .with_u16_data(&codes)
            .with_shape(&[codes.len() as u64, 1]);
    }
    file.add_group(refs.finish());
    let mut group = file.create_group("train_imgs");
    group
        .create_dataset("class")
        .with_path_references(&["/#refs#/a", "/#refs#/b"])
        .with_shape(&[2, 1]);
    group
        .create_dataset("things_path")
        .with_path_references(&["/#refs#/c", "/#refs#/d"])
        .with_shape(&[2, 1]);
    file.add_group(group.finish());
    let path = written("things_imgs.mat", file);
    let images = read_things_images(&path, false).unwrap();
    let error = read_things_images(&path, true).unwrap_err().to_string();
    std::fs::remove_dir_all(path.parent().unwrap().parent().unwrap()).unwrap();
    assert_eq!(images.class, ["aardvark", "b\u{e4}r"]);
    assert_eq!(images.path, ["x/1.jpg", "y/2.jpg"]);
    assert!(error.contains("group /test_imgs"), "{error}");
}

#[test]
fn textures_are_counted_in_both_orders_of_axes() {
    // One spike in millisecond 40, and one in 160 (outside), of one known trial.
    let (time, repeat, sample, kind, family) = (300usize, 20usize, 15usize, 2usize, 15usize);
    let total = time * repeat * sample * kind * family;
    let image = (3 * 2 + 1) * 15 + 7;
    for reversed in [false, true] {
        let mut values = vec![0u8; total];
        for t in [40, 160] {
            let at = if reversed {
                (((3 * kind + 1) * sample + 7) * repeat + 5) * time + t
            } else {
                ((((t * repeat) + 5) * sample + 7) * kind + 1) * family + 3
            };
            values[at] = 1;
        }
        let mut shape = vec![1, 300, 20, 15, 2, 15];
        if reversed {
            shape.reverse();
        }
        let mut file = FileBuilder::new();
        file.create_dataset("v1")
            .with_data(&values)
            .with_shape(&shape);
        let path = written(&format!("textures{reversed}.mat"), file);
        let recording = read_textures(&path, &TextureConfig::default()).unwrap();
        let other = TextureConfig {
            area: "v2".to_string(),
            ..TextureConfig::default()
        };
        let error = read_textures(&path, &other).unwrap_err().to_string();
        std::fs::remove_dir_all(path.parent().unwrap().parent().unwrap()).unwrap();
        assert_eq!((recording.neurons, recording.trials()), (1, 450 * 20));
        assert_eq!(recording.responses.iter().sum::<f32>(), 1.0);
        assert_eq!(
            recording.responses[image * 20 + 5],
            1.0,
            "reversed: {reversed}"
        );
        assert!(
            error.ends_with("expected a data set v2, found [v1]"),
            "{error}"
        );
    }
    assert_eq!(
        texture_file(image as u32).unwrap(),
        "tex-320x320-im402-smp8.png"
    );
    assert_eq!(texture_file(450), None);
}

#[test]
fn spikes_are_counted_around_the_onset_of_images() {
    let mut file = FileBuilder::new();
    let mut units = file.create_group("units");
    // Unit 7: 10.05 and 10.15 in the first trial, 20.16 is too late. Unit 9: none, 30.1.
    units
        .create_dataset("spike_times")
        .with_f64_data(&[10.05, 20.16, 10.15, 30.1]);
    units
        .create_dataset("spike_times_index")
        .with_data(&[3u64, 4]);
    units.create_dataset("id").with_data(&[7i64, 9]);
    file.add_group(units.finish());
    let mut intervals = file.create_group("intervals");
    let mut trials = intervals.create_group("trials");
    trials
        .create_dataset("start_time")
        .with_f64_data(&[10.0, 20.0, 30.0]);
    trials.create_dataset("image_id").with_data(&[12i64, 3, 12]);
    intervals.add_group(trials.finish());
    file.add_group(intervals.finish());
    let path = written("session.nwb", file);
    let found = read_nwb(&path, &NwbConfig::default()).unwrap();
    let config = NwbConfig {
        image_column: Some("picture".to_string()),
        ..NwbConfig::default()
    };
    let error = read_nwb(&path, &config).unwrap_err().to_string();
    std::fs::remove_dir_all(path.parent().unwrap().parent().unwrap()).unwrap();
    assert_eq!(found.recording.neuron_ids, ["7", "9"]);
    assert_eq!(found.recording.responses, [2.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
    assert_eq!(found.recording.image_of_trial, [1, 0, 1]);
    assert_eq!(found.image_names, ["3", "12"]);
    let there = "expected a data set picture, found [image_id, start_time]";
    assert!(error.ends_with(there), "{error}");
}

#[test]
fn things_keeps_the_reliable_channels() {
    // Of three channels, four pairs of repeats; one value of the last channel is unknown.
    let reliab = [
        0.1,
        0.3,
        0.9,
        0.2,
        0.2,
        f64::NAN,
        0.1,
        0.4,
        0.7,
        0.4,
        0.3,
        0.8,
    ];
    let turned: Vec<f64> = (0..12).map(|i| reliab[i % 4 * 3 + i / 4]).collect();
    for (name, values, shape) in [("pairs", &reliab[..], [4, 3]), ("turned", &turned, [3, 4])] {
        let mut file = things(true);
        file.create_dataset("reliab")
            .with_f64_data(values)
            .with_shape(&shape);
        let path = written(&format!("things-{name}.mat"), file);
        let read = |least| {
            let config = ThingsConfig {
                channels: 0..3,
                min_reliability: Some(least),
            };
            read_things(&path, &config)
        };
        // Means 0.2, 0.3 and 0.8.
        let session = read(0.25).unwrap();
        assert_eq!(session.train.neuron_ids, ["1", "2"]);
        assert_eq!(session.train.responses[..4], [1.0, 2.0, 11.0, 12.0]);
        assert_eq!(session.test.trial(1), [101.0, 102.0]);
        let error = read(0.9).unwrap_err().to_string();
        let expected =
            "min_reliability: expected at most 0.800, the best of channels 0..3, found 0.9";
        assert_eq!(error, expected);
        std::fs::remove_dir_all(path.parent().unwrap().parent().unwrap()).unwrap();
    }
    let path = written("things-none.mat", things(true));
    let config = ThingsConfig {
        channels: 0..3,
        min_reliability: Some(0.5),
    };
    let error = read_things(&path, &config).unwrap_err().to_string();
    assert!(error.contains("reliab"), "{error}");
    std::fs::remove_dir_all(path.parent().unwrap().parent().unwrap()).unwrap();
}

/// A file that h5py wrote (tests/golden/data.py).
fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/golden/data")
        .join(name)
}

#[test]
fn what_h5py_wrote_behind_a_matlab_header_is_read() {
    let expected = striate_testkit::Golden::open("data/hdf5");
    let config = ThingsConfig {
        channels: 0..6,
        ..ThingsConfig::default()
    };
    let session = read_things(&golden("things.mat"), &config).unwrap();
    let (shape, train) = expected.f32("things.train");
    assert_eq!(shape, [30, 6]);
    assert_eq!(session.train.responses, train);
    // [repeats, images, channels], image 1 without its last repeat.
    let (_, reps) = expected.f32("things.reps");
    assert_eq!(session.test.trials(), 19);
    let mut trial = 0;
    for image in 0..5 {
        for repeat in (0..4).filter(|repeat| (*repeat, image) != (3, 1)) {
            let start = (repeat * 5 + image) * 6;
            assert_eq!(session.test.trial(trial), &reps[start..start + 6]);
            assert_eq!(session.test.image_of_trial[trial] as usize, 30 + image);
            trial += 1;
        }
    }
    let images = read_things_images(&golden("things.mat"), false).unwrap();
    assert_eq!(images.class, ["aardvark", "b\u{e4}r"]);
    assert_eq!(images.path, ["a/1.jpg", "b/2.jpg"]);
}

#[test]
fn spikes_that_h5py_wrote_are_counted_as_numpy_counts_them() {
    let found = read_nwb(&golden("session.nwb"), &NwbConfig::default()).unwrap();
    let (shape, counts) = striate_testkit::Golden::open("data/hdf5").f32("nwb.counts");
    assert_eq!(shape, [8, 3]);
    assert_eq!(found.recording.responses, counts);
    assert_eq!(found.recording.neuron_ids, ["3", "4", "9"]);
    assert_eq!(found.image_names, ["cat.png", "dog.png", "eel.png"]);
    assert_eq!(found.recording.image_of_trial, [0, 1, 0, 2, 0, 1, 0, 2]);
}
