use super::*;

fn three() -> ImageSet {
    let images = Images::new(3, 1, 2, 3, (0..18).collect()).unwrap();
    let ids = ["a", "b", "c"].map(String::from).to_vec();
    ImageSet::new(images, vec![1, 0, 1], vec!["x".into(), "y".into()], ids).unwrap()
}

#[test]
fn an_image_is_its_slice() {
    let set = three();
    assert_eq!(set.images.get(1), [6, 7, 8, 9, 10, 11]);
    assert_eq!(set.images.get(3), [0u8; 0]);
    assert_eq!(set.images.iter().len(), 3);
    assert_eq!(set.class_counts(), [1, 2]);
}

#[test]
fn a_selection_keeps_order_and_classes() {
    let part = three().select(&[2, 0]).unwrap();
    assert_eq!(part.ids, ["c", "a"]);
    assert_eq!(part.images.get(0)[0], 12);
    assert_eq!(part.classes(), 2);
    let error = three().select(&[7]).unwrap_err().to_string();
    assert_eq!(error, "index of an image: expected below 3, found 7");
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let error = Images::new(2, 2, 2, 3, vec![0; 5]).unwrap_err().to_string();
    assert_eq!(
        error,
        "pixels_u8: expected 2 x 2 x 2 x 3 bytes, found 5 bytes"
    );
    let set = three();
    let doubled = vec!["a".to_string(), "b".into(), "a".into()];
    let error = ImageSet::new(
        set.images.clone(),
        set.labels.clone(),
        set.class_names.clone(),
        doubled,
    )
    .unwrap_err()
    .to_string();
    assert_eq!(
        error,
        "ids: expected each image id once, found \"a\" at 0 and at 2"
    );
    let error = ImageSet::new(set.images, vec![0, 2, 0], set.class_names, set.ids)
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "label of image 1 (b): expected below 2 classes, found 2"
    );
}
