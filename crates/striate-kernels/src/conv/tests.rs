//! Every convolution against a direct sum in f64.

use proptest::prelude::*;

use super::{
    Algorithm, ConvInput, Product, algorithm, conv2d_backward_input, conv2d_backward_weight,
    conv2d_forward, conv2d_forward_with_statistics, with_algorithm,
};
use crate::map::MapShape;
use crate::norm::{Activation, NormBlock, NormParameters, Pooling};
use crate::owned;
use crate::shape::{ConvShape, ConvSizes};
use crate::testing::{check_error, everywhere, values};

/// Calls `visit(input index, weight index, output index)` for every product of a
/// convolution: all three kernels are sums over these.
pub(super) fn products(shape: &ConvShape, mut visit: impl FnMut(usize, usize, usize)) {
    let s = shape.sizes();
    let (out_h, out_w) = (shape.out_height(), shape.out_width());
    for b in 0..s.batch {
        for oy in 0..out_h {
            for ox in 0..out_w {
                for ky in 0..s.kernel_h {
                    for kx in 0..s.kernel_w {
                        let (y, x) = (oy * s.stride + ky, ox * s.stride + kx);
                        let (Some(y), Some(x)) =
                            (y.checked_sub(s.padding), x.checked_sub(s.padding))
                        else {
                            continue;
                        };
                        if y >= s.height || x >= s.width {
                            continue;
                        }
                        for o in 0..s.out_channels {
                            for i in 0..s.in_channels {
                                visit(
                                    ((b * s.height + y) * s.width + x) * s.in_channels + i,
                                    ((o * s.kernel_h + ky) * s.kernel_w + kx) * s.in_channels + i,
                                    ((b * out_h + oy) * out_w + ox) * s.out_channels + o,
                                );
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A sum of products in f64, and the sum of their absolute values.
struct Reference {
    sum: Vec<f64>,
    scale: Vec<f64>,
}

impl Reference {
    fn new(len: usize) -> Self {
        Self {
            sum: vec![0.0; len],
            scale: vec![0.0; len],
        }
    }

    fn add(&mut self, at: usize, a: f32, b: f32) {
        let product = f64::from(a) * f64::from(b);
        self.sum[at] += product;
        self.scale[at] += product.abs();
    }

    fn check(&self, actual: &[f32], winograd: bool) -> Result<(), TestCaseError> {
        if winograd {
            let largest = self.scale.iter().copied().fold(0.0, f64::max);
            check_error(actual, &self.sum, &vec![largest; actual.len()], WINOGRAD)
        } else {
            check_error(actual, &self.sum, &self.scale, DIRECT)
        }
    }
}

fn check_shape(shape: &ConvShape, seed: u64) -> Result<(), TestCaseError> {
    let winograd = |product| algorithm(shape, product) == Algorithm::Winograd;
    let input = values(seed, "input", shape.input_len());
    let weight = values(seed, "weight", shape.weight_len());
    let bias = values(seed, "bias", shape.sizes().out_channels);
    let grad = values(seed, "grad", shape.output_len());
    let mut output = Reference::new(shape.output_len());
    let mut grad_input = Reference::new(shape.input_len());
    let mut grad_weight = Reference::new(shape.weight_len());
    let mut grad_bias = Reference::new(bias.len());
    for (i, g) in grad.iter().enumerate() {
        output.add(i, bias[i % bias.len()], 1.0);
        grad_bias.add(i % bias.len(), *g, 1.0);
    }
    products(shape, |x, w, y| {
        output.add(y, input[x], weight[w]);
        grad_input.add(x, grad[y], weight[w]);
        grad_weight.add(w, grad[y], input[x]);
    });
    // Buffers start as NaN: what a kernel leaves unwritten shows.
    for (_, y) in everywhere(|| {
        let mut y = vec![f32::NAN; shape.output_len()];
        conv2d_forward(shape, &input, &weight, Some(&bias), &mut y).unwrap();
        y
    }) {
        output.check(&y, winograd(Product::Forward))?;
    }
    for (_, y) in everywhere(|| {
        let (mut y, mut mean) = (
            vec![f32::NAN; shape.output_len()],
            vec![f32::NAN; bias.len()],
        );
        let (input, mut variance) = (&input, mean.clone());
        conv2d_forward_with_statistics(
            shape,
            input,
            &weight,
            Some(&bias),
            &mut y,
            &mut mean,
            &mut variance,
        )
        .unwrap();
        [y, mean, variance].concat()
    }) {
        let (y, statistics) = y.split_at(shape.output_len());
        output.check(y, winograd(Product::Forward))?;
        check_statistics(y, statistics)?;
    }
    for (_, dx) in everywhere(|| {
        let mut dx = vec![f32::NAN; shape.input_len()];
        conv2d_backward_input(shape, &weight, &grad, &mut dx).unwrap();
        dx
    }) {
        grad_input.check(&dx, winograd(Product::InputGradient))?;
    }
    for (_, dw) in everywhere(|| {
        let mut dw = vec![f32::NAN; shape.weight_len()];
        let mut db = vec![f32::NAN; bias.len()];
        conv2d_backward_weight(shape, &input, &grad, &mut dw, Some(&mut db)).unwrap();
        dw.extend(db);
        dw
    }) {
        let (dw, db) = dw.split_at(shape.weight_len());
        grad_weight.check(dw, winograd(Product::WeightGradient))?;
        grad_bias.check(db, false)?;
    }
    Ok(())
}

/// Mean and variance of each channel against those of this output in f64.
fn check_statistics(y: &[f32], statistics: &[f32]) -> Result<(), TestCaseError> {
    let channels = statistics.len() / 2;
    for c in 0..channels {
        let values = || y.iter().skip(c).step_by(channels).map(|v| f64::from(*v));
        let count = values().count() as f64;
        let mean = values().sum::<f64>() / count;
        let squares = values().map(|v| v * v).sum::<f64>() / count;
        let variance = values().map(|v| (v - mean).powi(2)).sum::<f64>() / count;
        let found = [statistics[c], statistics[channels + c]].map(f64::from);
        // Rounding of the mean goes with the values. The variance is a sum of up to 256
        // squares in f32, each addition of which may round by 2^-24 the same way: the border
        // of a padded map is constant.
        prop_assert!(
            (found[0] - mean).abs() <= 1e-6 * squares.sqrt(),
            "{found:?} {mean}"
        );
        prop_assert!(
            (found[1] - variance).abs() <= 1.6e-5 * squares,
            "{found:?} {variance}"
        );
    }
    Ok(())
}

/// Sums in f32 of up to some thousand terms, of the size of their absolute sum:
/// random rounding gives about sqrt(terms) x 2^-24 = 4e-6 at most.
const DIRECT: f64 = 5e-6;

/// Winograd mixes the values of a tile, so its error goes with the largest
/// elements: it is bounded beside the largest sum of absolute products. The
/// transforms' intermediate values are up to 100 times the result's, hence the factor.
const WINOGRAD: f64 = 5e-6;

/// Pairs are height and width, and channels in and out.
fn sizes(
    batch: usize,
    (height, width): (usize, usize),
    (in_channels, out_channels): (usize, usize),
    (kernel_h, kernel_w): (usize, usize),
    stride: usize,
    padding: usize,
) -> ConvSizes {
    ConvSizes {
        batch,
        height,
        width,
        in_channels,
        out_channels,
        kernel_h,
        kernel_w,
        stride,
        padding,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn any_shape_agrees_with_the_direct_sum(
        seed in 0..1000u64,
        batch in 1..=9usize,
        size in (1..=13usize, 1..=13usize),
        channels in (1..=70usize, 1..=70usize),
        kernel in (prop::sample::select(vec![1usize, 3, 5, 7]), prop::sample::select(vec![1usize, 3, 5, 7])),
        stride in 1..=4usize,
        padding in 0..=3usize,
    ) {
        // Large kernels over many channels cost seconds in the reference.
        let limit = 140 / (kernel.0 * kernel.1) + 4;
        let channels = (channels.0.min(limit), channels.1.min(limit));
        let sizes = sizes(batch, size, channels, kernel, stride, padding);
        if let Ok(shape) = ConvShape::new(sizes) {
            check_shape(&shape, seed)?;
            with_algorithm(Algorithm::Direct, || check_shape(&shape, seed))?;
        }
    }

    #[test]
    fn any_stride_agrees_with_the_direct_sum(
        seed in 0..1000u64,
        batch in 1..=3usize,
        size in (1..=17usize, 1..=17usize),
        channels in (1..=20usize, 1..=20usize),
        kernel in (1..=5usize, 1..=5usize),
        stride in prop::sample::select(vec![2usize, 3, 5, 20, 1 << 50]),
        padding in 0..=5usize,
    ) {
        let sizes = sizes(batch, size, channels, kernel, stride, padding);
        if let Ok(shape) = ConvShape::new(sizes) {
            check_shape(&shape, seed)?;
        }
    }

    #[test]
    fn few_input_channels_agree_with_the_direct_sum(
        seed in 0..1000u64,
        batch in 1..=4usize,
        size in (1..=40usize, 1..=13usize),
        channels in (1..=3usize, 1..=40usize),
        kernel in (1..=5usize, 1..=5usize),
        padding in 0..=4usize,
    ) {
        let sizes = sizes(batch, size, channels, kernel, 1, padding);
        if let Ok(shape) = ConvShape::new(sizes) {
            check_shape(&shape, seed)?;
        }
    }

    #[test]
    fn winograd_agrees_with_the_direct_sum(
        seed in 0..1000u64,
        batch in 1..=9usize,
        size in (1..=13usize, 1..=13usize),
        channels in (1..=70usize, 1..=70usize),
    ) {
        let batch = if size.0 * size.1 > 40 { batch.min(3) } else { batch };
        let shape = ConvShape::same([batch, size.0, size.1, channels.0], channels.1, 3).unwrap();
        with_algorithm(Algorithm::Winograd, || {
            prop_assert_eq!(algorithm(&shape, Product::Forward), Algorithm::Winograd);
            check_shape(&shape, seed)
        })?;
    }
}

#[test]
fn an_image_does_not_depend_on_its_batch() {
    // Small maps, blocks of tiles that end within an image, weights by columns, direct sums.
    for (size, channels, out) in [
        (1, 9, 5),
        (4, 20, 16),
        (9, 40, 33),
        (5, 136, 150),
        (7, 3, 8),
        (19, 1, 16),
    ] {
        let shape = |batch| ConvShape::same([batch, size, size, channels], out, 3).unwrap();
        let (all, one) = (shape(7), shape(1));
        let input = values(1, "input", all.input_len());
        let weight = values(1, "weight", all.weight_len());
        let grad = values(1, "grad", all.output_len());
        let forward = |shape: &ConvShape, input: &[f32]| {
            let mut y = vec![f32::NAN; shape.output_len()];
            conv2d_forward(shape, input, &weight, None, &mut y).unwrap();
            y
        };
        let backward = |shape: &ConvShape, grad: &[f32]| {
            let mut dx = vec![f32::NAN; shape.input_len()];
            conv2d_backward_input(shape, &weight, grad, &mut dx).unwrap();
            dx
        };
        for (_, found) in everywhere(|| {
            let alone = input.chunks(one.input_len()).map(|x| forward(&one, x));
            let alone = alone.collect::<Vec<_>>().concat();
            assert!(forward(&all, &input) == alone, "{size} {channels}");
            let gradients = grad.chunks(one.output_len()).map(|g| backward(&one, g));
            let gradients = gradients.collect::<Vec<_>>().concat();
            assert!(backward(&all, &grad) == gradients, "{size} {channels}");
            [alone, gradients].concat()
        }) {
            assert!(found.iter().all(|v| v.is_finite()));
        }
    }
}

#[test]
fn winograd_of_many_channels_agrees_with_the_direct_sum() {
    // Above 128 x 128 channels, weights are transformed by columns.
    let shape = ConvShape::same([2, 5, 9, 136], 150, 3).unwrap();
    check_shape(&shape, 3).unwrap();
}

#[test]
fn outputs_of_many_tiles_are_those_of_few() {
    // So many tiles of so many channels that the inputs are transformed in two blocks.
    let shape = |batch| ConvShape::same([batch, 4, 4, 260], 70, 3).unwrap();
    let (all, some) = (shape(1400), shape(700));
    let input = values(1, "input", all.input_len());
    let weight = values(1, "weight", all.weight_len());
    let forward = |shape: &ConvShape, input: &[f32]| {
        let mut y = vec![f32::NAN; shape.output_len()];
        conv2d_forward(shape, input, &weight, None, &mut y).unwrap();
        y
    };
    let (first, second) = input.split_at(some.input_len());
    assert!(forward(&all, &input) == [forward(&some, first), forward(&some, second)].concat());
}

#[test]
fn weight_gradients_of_many_tiles_are_the_sum_of_few() {
    // Groups of tiles with sums of their own, and two blocks with kept sums.
    for (batch, channels, out) in [(1400, 260, 70), (600, 300, 300)] {
        let shape = |batch| ConvShape::same([batch, 4, 4, channels], out, 3).unwrap();
        let (all, some) = (shape(batch), shape(batch / 2));
        let input = values(1, "input", all.input_len());
        let grad = values(1, "grad", all.output_len());
        let backward = |shape: &ConvShape, input: &[f32], grad: &[f32]| {
            let mut dw = vec![f32::NAN; shape.weight_len()];
            conv2d_backward_weight(shape, input, grad, &mut dw, None).unwrap();
            dw
        };
        let (first, second) = input.split_at(some.input_len());
        let (grad1, grad2) = grad.split_at(some.output_len());
        let sum: Vec<f32> = backward(&some, first, grad1)
            .iter()
            .zip(backward(&some, second, grad2))
            .map(|(a, b)| a + b)
            .collect();
        // As many products of values in -1..1 as pixels, 22,400 at most; of their absolute
        // sum this is below 1e-6; a block left
        // out would show as an error of 50.
        striate_testkit::assert_close(&backward(&all, &input, &grad), &sum, 1e-2, 0.0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn a_block_is_read_as_its_map(
        seed in 0..1000u64,
        map in (1..=3usize, 1..=13usize, 1..=13usize, 1..=40usize),
        out in 1..=40usize,
        pool: bool,
        relu: bool,
        constant: bool,
    ) {
        let (batch, height, width, channels) = map;
        let pooling = if pool && height > 1 && width > 1 { Pooling::Max2x2 } else { Pooling::None };
        let activation = if relu { Activation::Relu } else { Activation::Identity };
        let block = NormBlock { shape: MapShape::new([batch, height, width, channels]).unwrap(), activation, pooling };
        let (height, width) = match pooling {
            Pooling::None => (height, width),
            Pooling::Max2x2 => (height / 2, width / 2),
        };
        let shape = ConvShape::same([batch, height, width, channels], out, 3).unwrap();
        let x = values(seed, "x", block.shape.len());
        let mut gamma = values(seed, "gamma", channels);
        if constant {
            gamma[0] = 0.0;
        }
        let variance: Vec<f32> = values(seed, "variance", channels).iter().map(|v| v * v + 0.1).collect();
        let (mean, beta) = (values(seed, "mean", channels), values(seed, "beta", channels));
        let parameters = NormParameters { mean: &mean, variance: &variance, gamma: &gamma, beta: &beta, epsilon: 1e-5 };
        let weight = values(seed, "weight", shape.weight_len());
        let grad = values(seed, "grad", shape.output_len());
        let input = ConvInput::Block { block: &block, x: &x, parameters: &parameters };
        let run = |input: Option<ConvInput<'_>>| everywhere(|| {
            let map = owned::batch_norm_forward(&block, &x, &parameters).unwrap();
            let input = input.unwrap_or(ConvInput::Map(&map));
            let (mut mean, mut variance) = (vec![0.0; out], vec![0.0; out]);
            let y = owned::conv2d_forward(&shape, input, &weight, None).unwrap();
            let z = owned::conv2d_forward_with_statistics(&shape, input, &weight, None, &mut mean, &mut variance);
            let dw = owned::conv2d_backward_weight(&shape, input, &grad, None).unwrap();
            [y, z.unwrap(), mean, variance, dw].concat()
        });
        prop_assert_eq!(run(Some(input)), run(None));
    }
}

/// A block of scale 1 and shift 0, read by a convolution of `shape` with equal weights.
fn convolve_block(shape: &ConvShape, block: &NormBlock, x: &[f32]) -> crate::Result<Vec<f32>> {
    let channels = block.shape.dims()[3];
    let (zeros, ones) = (vec![0.0; channels], vec![1.0; channels]);
    let parameters = NormParameters {
        mean: &zeros,
        variance: &ones,
        gamma: &ones,
        beta: &zeros,
        epsilon: 0.0,
    };
    let input = ConvInput::Block {
        block,
        x,
        parameters: &parameters,
    };
    owned::conv2d_forward(shape, input, &vec![1.0; shape.weight_len()], None)
}

#[test]
fn a_block_of_another_shape_is_refused() {
    let shape = ConvShape::same([2, 4, 8, 16], 16, 3).unwrap();
    // As many values.
    for dims in [[2, 4, 16, 8], [2, 8, 4, 16], [1, 8, 8, 16]] {
        for activation in [Activation::Relu, Activation::Identity] {
            let block = NormBlock {
                shape: MapShape::new(dims).unwrap(),
                activation,
                pooling: Pooling::None,
            };
            let x = vec![0.0; shape.input_len()];
            let error = convolve_block(&shape, &block, &x).unwrap_err();
            let expected = format!("a map of {dims:?}, expected [2, 4, 8, 16]");
            assert!(error.to_string().contains(&expected), "{error}");
        }
    }
}

#[test]
fn a_block_that_is_read_hides_no_nan() {
    let shape = ConvShape::same([1, 4, 4, 16], 16, 3).unwrap();
    let block = NormBlock {
        shape: MapShape::new([1, 4, 4, 16]).unwrap(),
        activation: Activation::Relu,
        pooling: Pooling::None,
    };
    let mut x = vec![-1.0; shape.input_len()];
    let run = |x: &[f32]| everywhere(|| convolve_block(&shape, &block, x).unwrap());
    for (_, y) in run(&x) {
        assert!(y.iter().all(|y| *y == 0.0), "{y:?}");
    }
    x[0] = f32::NAN;
    for (isa, y) in run(&x) {
        assert!(y[0].is_nan(), "{isa}");
    }
}
