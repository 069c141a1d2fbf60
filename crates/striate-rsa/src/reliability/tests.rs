use striate_random::Seed;
use striate_testkit::assert_close;

use super::*;

const IMAGES: usize = 40;
const NEURONS: usize = 60;

fn signal() -> Vec<f32> {
    let mut stream = Seed::new(1).stream();
    (0..IMAGES * NEURONS)
        .map(|_| stream.normal() as f32)
        .collect()
}

fn repeats(count: u64, noise: f32) -> Vec<Vec<f32>> {
    let signal = signal();
    (0..count)
        .map(|k| {
            let mut stream = Seed::new(2).index(k).stream();
            signal
                .iter()
                .map(|s| s + noise * stream.normal() as f32)
                .collect()
        })
        .collect()
}

fn reliability(count: u64, noise: f32) -> SplitHalf {
    let repeats = repeats(count, noise);
    let views: Vec<Features<'_>> = repeats
        .iter()
        .map(|r| Features::new(r, IMAGES, NEURONS).unwrap())
        .collect();
    split_half(
        &views,
        Dissimilarity::Correlation,
        Comparator::Pearson,
        30,
        7,
    )
    .unwrap()
}

#[test]
fn noise_free_repeats_are_perfectly_reliable() {
    let result = reliability(4, 0.0);
    // Tolerance: f32 rounding of the means.
    assert_close(&[result.half, result.model_ceiling], &[1.0, 1.0], 1e-6, 0.0);
}

#[test]
fn spearman_brown_predicts_the_whole() {
    // The similarity of two independent sets of 6 repeats against the
    // prediction from halves of 6: within 0.05, the sampling error of a
    // correlation over 780 pairs.
    let all = repeats(12, 1.5);
    let mean = |range: std::ops::Range<usize>| -> Vec<f32> {
        let count = range.len() as f32;
        let value = |i: usize| all[range.clone()].iter().map(|r| r[i]).sum::<f32>() / count;
        (0..IMAGES * NEURONS).map(value).collect()
    };
    let rdm = |values: &[f32]| {
        let features = Features::new(values, IMAGES, NEURONS).unwrap();
        Rdm::from_features(&features, Dissimilarity::Correlation).unwrap()
    };
    let whole = compare(&rdm(&mean(0..6)), &rdm(&mean(6..12)), Comparator::Pearson).unwrap();
    let predicted = reliability(6, 1.5);
    assert_close(&[predicted.spearman_brown], &[whole], 0.05, 0.0);
    // And a noise-free model reaches its ceiling.
    let model = compare(&rdm(&signal()), &rdm(&mean(0..6)), Comparator::Pearson).unwrap();
    assert_close(&[predicted.model_ceiling], &[model], 0.05, 0.0);
}

#[test]
fn one_repeat_is_too_few() {
    let one = repeats(1, 1.0);
    let views = [Features::new(&one[0], IMAGES, NEURONS).unwrap()];
    let result = split_half(&views, Dissimilarity::Cosine, Comparator::Cosine, 3, 0);
    assert!(matches!(result, Err(Error::TooFew { found: 1, .. })));
}

#[test]
fn weights_recover_the_signal_to_noise_ratio() {
    // Signal of variance 1, noise of deviation 0.5 and 60 neurons: the mean over
    // neurons of an estimate from 40 images x 12 repeats is near 2, within 5 %.
    let repeats = repeats(12, 0.5);
    let views: Vec<Features<'_>> = repeats
        .iter()
        .map(|r| Features::new(r, IMAGES, NEURONS).unwrap())
        .collect();
    let weights = signal_weights(&views).unwrap();
    let mean = weights.iter().sum::<f64>() / weights.len() as f64;
    assert_close(&[mean], &[2.0], 0.0, 0.05);
    let scaled = weighted(&views[0], &weights).unwrap();
    assert_close(
        &[scaled[NEURONS + 3]],
        &[repeats[0][NEURONS + 3] as f64 * weights[3]],
        0.0,
        1e-6,
    );
    let still = [views[0], views[0]];
    assert!(matches!(
        signal_weights(&still),
        Err(Error::NoNoise { neuron: 0 })
    ));
    assert!(weighted(&views[0], &[1.0]).is_err());
}
