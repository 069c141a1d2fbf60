use std::{io::Cursor, path::PathBuf, time::Instant};

use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use proptest::prelude::*;

use super::*;
use crate::{
    parquet::SplitName,
    testing::{damaged, shared, temporary},
};

#[test]
fn the_real_tar_is_read_without_unpacking() {
    let Some(path) = shared("tiny-imagenet-20.tar") else {
        return;
    };
    let start = Instant::now();
    let tree = ImageTree::open(&path).unwrap();
    let train = tree.split(SplitName::Train).unwrap();
    assert_eq!((train.class_names.len(), train.samples.len()), (20, 10_000));
    // The order of torchvision's ImageFolder: names as text, 10 before 2.
    let names: Vec<&str> = train.samples[..4]
        .iter()
        .filter_map(|(name, _)| name.rsplit('/').next())
        .collect();
    let expected = ["0", "1", "10", "100"].map(|k| format!("n01774750_{k}.JPEG"));
    assert_eq!(names, expected);
    let validation = tree.split(SplitName::Validation).unwrap().load().unwrap();
    assert_eq!(validation.class_counts(), vec![50; 20]);
    assert_eq!(validation.class_names, train.class_names);
    let train = train.load().unwrap();
    assert_eq!(train.class_counts(), vec![500; 20]);
    assert_eq!((train.images.height, train.images.width), (64, 64));
    eprintln!("11,000 images indexed and decoded in {:?}", start.elapsed());
    // 1.7 % of the images are gray in the file: their channels are equal.
    let gray = train
        .images
        .iter()
        .filter(|image| image.chunks(3).all(|p| p[0] == p[1] && p[1] == p[2]))
        .count();
    assert!((50..500).contains(&gray), "{gray} gray images");
}

/// A tree of files of one pixel each; the pixel is the file's number.
fn write_tree(name: &str, files: &[&str]) -> PathBuf {
    let folder = temporary(name);
    for (index, file) in files.iter().enumerate() {
        let path = folder.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut png = Vec::new();
        PngEncoder::new(&mut png)
            .write_image(&[index as u8], 1, 1, ExtendedColorType::L8)
            .unwrap();
        std::fs::write(path, png).unwrap();
    }
    folder
}

fn labels(folder: &std::path::Path, split: SplitName) -> crate::Result<Vec<(String, u32)>> {
    let tree = ImageTree::open(folder)?;
    let samples = tree.split(split)?.samples;
    let short = samples.into_iter().map(|(name, label)| {
        (
            name.rsplit('/').next().unwrap_or_default().to_string(),
            label,
        )
    });
    Ok(short.collect())
}

#[test]
fn every_layout_of_the_validation_part_gives_the_same() {
    let train = ["train/n2/images/n2_0.png", "train/n1/images/n1_0.png"];
    let expected = [("val_1.png".to_string(), 0), ("val_0.png".to_string(), 1)];
    let layouts = [
        ["val/n2/val_0.png", "val/n1/val_1.png"],
        ["val/n2/images/val_0.png", "val/n1/images/val_1.png"],
        ["val/images/n2/val_0.png", "val/images/n1/val_1.png"],
        ["val/images/val_0.png", "val/images/val_1.png"],
    ];
    for (i, layout) in layouts.iter().enumerate() {
        let folder = write_tree(&format!("layout{i}"), &[train, *layout].concat());
        std::fs::write(folder.join("wnids.txt"), "n2\nn1\n").unwrap();
        if i == 3 {
            let lines = "val_0.png\tn2\t0\t0\t1\t1\nval_1.png\tn1\t0\t0\t1\t1\n";
            std::fs::write(folder.join("val/val_annotations.txt"), lines).unwrap();
        }
        let found = labels(&folder, SplitName::Validation);
        let train = labels(&folder, SplitName::Train);
        let set = ImageTree::open(&folder)
            .unwrap()
            .split(SplitName::Train)
            .unwrap()
            .load();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(found.unwrap(), expected, "layout {i}");
        assert_eq!(train.unwrap()[0], ("n1_0.png".to_string(), 0));
        assert_eq!(set.unwrap().images.pixels_u8, [1, 1, 1, 0, 0, 0]);
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let files = ["train/n1/a.png", "val/n3/b.png"];
    let folder = write_tree("misfit", &files);
    let class = labels(&folder, SplitName::Validation)
        .unwrap_err()
        .to_string();
    let part = labels(&folder, SplitName::Test).unwrap_err().to_string();
    std::fs::write(folder.join("wnids.txt"), "n1\nn2\n").unwrap();
    let wnids = labels(&folder, SplitName::Train).unwrap_err().to_string();
    std::fs::write(folder.join("train/n1/a.png"), b"no image").unwrap();
    std::fs::remove_file(folder.join("wnids.txt")).unwrap();
    let tree = ImageTree::open(&folder).unwrap();
    let image = tree
        .split(SplitName::Train)
        .unwrap()
        .load()
        .unwrap_err()
        .to_string();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(
        class.ends_with(
            "file val/n3/b.png: expected one of 1 classes of the training part, found n3"
        ),
        "{class}"
    );
    assert!(
        part.ends_with("expected images in class folders in {test}, found none"),
        "{part}"
    );
    assert!(
        wnids.ends_with(
            "file wnids.txt: expected the 1 class folders, found 2 classes; n2 is in one only"
        ),
        "{wnids}"
    );
    assert!(
        image.contains("file train/n1/a.png: expected a PNG or JPEG"),
        "{image}"
    );
}

#[test]
fn corrupted_trees_are_listed_by_corruption_and_severity() {
    let files = [
        "Tiny-ImageNet-C/fog/1/n1/a.JPEG",
        "Tiny-ImageNet-C/fog/5/n1/a.JPEG",
        "Tiny-ImageNet-C/fog/5/n0/b.JPEG",
        "Tiny-ImageNet-C/snow/2/n1/a.JPEG",
    ];
    let folder = write_tree("corrupted", &files);
    let tree = ImageTree::open(&folder).unwrap();
    let corruptions = tree.corruptions();
    let five = tree.corrupted("fog", 5).unwrap();
    let (classes, samples) = (five.class_names.clone(), five.samples.len());
    let error = tree
        .corrupted("rain", 1)
        .map(|_| ())
        .unwrap_err()
        .to_string();
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(corruptions, ["fog", "snow"]);
    assert_eq!(
        (classes, samples),
        (vec!["n0".to_string(), "n1".to_string()], 2)
    );
    assert!(error.ends_with("found corruptions [fog, snow]"), "{error}");
}

/// A tar of one file with a short name.
fn small_tar() -> Vec<u8> {
    let mut header = [0u8; 512];
    header[..9].copy_from_slice(b"./a/b.png");
    header[124..135].copy_from_slice(b"00000000005");
    header[148..156].fill(b' ');
    header[156] = b'0';
    header[257..263].copy_from_slice(b"ustar\0");
    let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    let mut out = header.to_vec();
    out.extend_from_slice(b"hello");
    out.resize(512 * 4, 0);
    out
}

#[test]
fn a_tar_is_indexed_and_damage_is_named() {
    let files = tar::index(&mut Cursor::new(small_tar()), "x.tar").unwrap();
    assert_eq!(
        files.into_iter().collect::<Vec<_>>(),
        [("a/b.png".to_string(), (512, 5))]
    );
    let mut changed = small_tar();
    changed[3] = b'z';
    let error = tar::index(&mut Cursor::new(changed), "x.tar")
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("x.tar, byte 0: expected a tar header with checksum"),
        "{error}"
    );
    let cut = small_tar()[..1024].to_vec();
    let error = tar::index(&mut Cursor::new(cut), "x.tar")
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "x.tar, byte 1024: expected the end mark of a tar archive, found the end of the file: it is cut off"
    );
}

proptest! {
    #[test]
    fn a_damaged_tar_never_panics(bytes in damaged(small_tar())) {
        let len = bytes.len() as u64;
        if let Ok(files) = tar::index(&mut Cursor::new(bytes), "damaged") {
            prop_assert!(files.values().all(|(start, size)| start + size <= len));
        }
    }
}
