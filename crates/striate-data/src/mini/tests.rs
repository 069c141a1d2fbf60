use std::{
    path::Path,
    sync::LazyLock,
    time::{Duration, Instant},
};

use proptest::prelude::*;
use sha2::{Digest, Sha256};
use striate_random::Seed;

use super::*;
use crate::{ImageSet, parquet::ImageTable, resize::Rect};

static PHOTOS: LazyLock<Vec<Photograph>> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets/mini/photos.parquet");
    Photograph::decode_all(&ImageTable::open(&path).unwrap()).unwrap()
});

static TASK: LazyLock<MiniTask> = LazyLock::new(|| {
    MiniTask::from_photographs(&PHOTOS, &MiniConfig::default(), Seed::new(1)).unwrap()
});

#[test]
fn counts_and_labels_are_those_of_the_configuration() {
    let config = MiniConfig::default();
    for (set, per_class) in [
        (&TASK.train, config.train_per_class),
        (&TASK.validation, config.validation_per_class),
        (&TASK.test, config.test_per_class),
    ] {
        assert_eq!(set.len(), per_class * config.classes);
        assert_eq!(set.class_counts(), vec![per_class; config.classes]);
        assert_eq!(
            (set.images.height, set.images.width, set.images.channels),
            (32, 32, 3)
        );
        assert_eq!(set.class_names, TASK.train.class_names);
    }
    assert_eq!(TASK.stimuli_train.count, config.stimuli_train);
    assert_eq!(TASK.stimuli_test.count, config.stimuli_test);
}

#[test]
fn a_label_is_the_photograph_of_the_patch() {
    let sets: [&ImageSet; 3] = [&TASK.train, &TASK.validation, &TASK.test];
    for (set, origins) in sets.iter().zip(&TASK.origins) {
        for (i, origin) in origins.iter().enumerate() {
            let label = set.labels[i] as usize;
            assert_eq!(TASK.classes[label].0, origin.photograph);
            let again = patches::cut(
                &PHOTOS[origin.photograph],
                origin.square,
                &MiniConfig::default(),
            );
            assert_eq!(again.unwrap(), set.images.get(i), "{}", set.ids[i]);
        }
    }
}

#[test]
fn parts_never_share_a_pixel() {
    let [train, validation, test, _, _] = &TASK.origins;
    for (a, b) in [(train, validation), (train, test), (validation, test)] {
        for a in a {
            for b in b.iter().filter(|b| b.photograph == a.photograph) {
                assert!(!a.square.overlaps(&b.square), "{a:?} {b:?}");
            }
        }
    }
}

#[test]
fn each_photograph_serves_one_purpose() {
    let photographs = |part: usize| {
        let mut photos: Vec<usize> = TASK.origins[part].iter().map(|p| p.photograph).collect();
        photos.sort_unstable();
        photos.dedup();
        photos
    };
    let (classes, train, test) = (photographs(0), photographs(3), photographs(4));
    assert_eq!(classes.len(), 20);
    assert!(
        train.len() > 40 && test.len() > 10,
        "{} {}",
        train.len(),
        test.len()
    );
    let mut all = [classes, train, test].concat();
    let used = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), used);
    let mut sources: Vec<_> = all.iter().map(|i| PHOTOS[*i].source.clone()).collect();
    sources.sort();
    sources.dedup();
    assert_eq!(sources.len(), used, "a picture comes twice");
}

#[test]
fn every_patch_has_the_least_contrast() {
    let least = MiniConfig::default().min_patch_contrast;
    for set in [
        &TASK.train.images,
        &TASK.validation.images,
        &TASK.test.images,
        &TASK.stimuli_train,
        &TASK.stimuli_test,
    ] {
        assert!(set.iter().all(|image| patches::contrast(image) >= least));
    }
}

fn hash(task: &MiniTask) -> String {
    let mut hasher = Sha256::new();
    for images in [
        &task.train.images,
        &task.validation.images,
        &task.test.images,
        &task.stimuli_train,
        &task.stimuli_test,
    ] {
        hasher.update(&images.pixels_u8);
    }
    let digest = hasher.finalize();
    digest.iter().take(8).map(|b| format!("{b:02x}")).collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    // A change of these bytes changes every result on the mini task: it must be a
    // decision, and is noted in the changelog.
    let expected = match crate::JPEG_DECODER {
        "libjpeg-turbo" => "6ae71b8ccd6ff7b2",
        _ => "448044077ab4615b",
    };
    assert_eq!(hash(&TASK), expected);
    let other = MiniTask::from_photographs(&PHOTOS, &MiniConfig::default(), Seed::new(2)).unwrap();
    assert_ne!(hash(&TASK), hash(&other));
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    let single = pool.install(|| {
        MiniTask::from_photographs(&PHOTOS, &MiniConfig::default(), Seed::new(1)).unwrap()
    });
    assert_eq!(*TASK, single);
}

#[test]
fn building_is_quick() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets/mini/photos.parquet");
    let start = Instant::now();
    let table = ImageTable::open(&path).unwrap();
    MiniTask::build(&table, &MiniConfig::default(), Seed::new(3)).unwrap();
    // Well under a second on an idle machine; the bound leaves room for a busy one.
    let spent = start.elapsed();
    assert!(spent < Duration::from_secs(10), "{spent:?}");
    eprintln!("mini task built in {spent:?}");
}

#[test]
fn what_cannot_be_built_is_named() {
    let build = |config: MiniConfig| {
        let built = MiniTask::from_photographs(&PHOTOS, &config, Seed::new(1));
        built.unwrap_err().to_string()
    };
    let classes = MiniConfig {
        classes: 500,
        ..MiniConfig::default()
    };
    assert_eq!(
        build(classes),
        "classes: expected at most the 69 photographs (of 208) that are large and textured enough, found 500"
    );
    let crop = MiniConfig {
        crop_max_px: 20,
        ..MiniConfig::default()
    };
    assert_eq!(build(crop), "crop_max_px: expected at least 64, found 20");
    let share = MiniConfig {
        train_fraction: f64::NAN,
        ..MiniConfig::default()
    };
    assert_eq!(
        build(share),
        "train_fraction: expected a share in (0, 1], found NaN"
    );
    let unknown = serde_json::from_str::<MiniConfig>(r#"{"clases": 3}"#).unwrap_err();
    assert!(unknown.to_string().contains("unknown field `clases`"));
}

proptest! {
    #[test]
    fn regions_are_disjoint_and_large_enough(
        height in 50usize..500,
        width in 50usize..500,
        crop in 4usize..120,
        gap_px in 0usize..30,
        train_fraction in 0.1f64..0.95,
        seed in 0u64..1000,
    ) {
        let config = MiniConfig {
            crop_min_px: crop, crop_max_px: crop, gap_px, train_fraction, ..MiniConfig::default()
        };
        let whole = Rect { y: 0, x: 0, height, width };
        if let Some(regions) = Regions::cut((height, width), &config, &mut Seed::new(seed).stream()) {
            for (name, region) in regions.named() {
                prop_assert!(region.height >= crop && region.width >= crop, "{} {:?}", name, region);
                prop_assert!(whole.contains(&region));
                // Grown by the gap, a region still touches no other.
                let grown = Rect {
                    y: region.y,
                    x: region.x,
                    height: region.height + gap_px,
                    width: region.width + gap_px,
                };
                for (other_name, other) in regions.named() {
                    prop_assert!(other_name == name || !grown.overlaps(&other));
                }
            }
        }
    }
}
