//! The picture that tests, benchmarks and instruction counts work on.

use striate_random::Seed;

/// A picture with edges, a gradient and a little noise, `height x width x channels`.
pub fn picture(height: usize, width: usize, channels: usize, seed: u64) -> Vec<u8> {
    let mut stream = Seed::new(seed).child("picture").stream();
    let (a, b) = (stream.below(5) + 2, stream.below(5) + 2);
    (0..height * width * channels)
        .map(|i| {
            let (y, x, c) = (i / channels / width, i / channels % width, i % channels);
            let block = (x * a / width + y * b / height + c) % 4 * 45;
            (block + x * 50 / width + stream.below(20)) as u8
        })
        .collect()
}
