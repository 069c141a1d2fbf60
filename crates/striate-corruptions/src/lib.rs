//! The ImageNet-C family of image corruptions: exact, seeded, any size
