use candle_core::{Device, Tensor};
use striate_random::Seed;
use striate_testkit::Differences;

use super::*;
use crate::Backend;
use crate::testing::{
    assert_tensor, check_golden, check_gradients, flat, gradients, random, tensor, with_threads,
};

const BACKENDS: [Backend; 2] = [Backend::Auto, Backend::Reference];
/// f32 sums of a few dozen products against f64.
const CLOSE: (f64, f64) = (1e-5, 1e-5);

#[test]
fn conv2d_agrees_with_torch() {
    for case in 0..6 {
        for backend in BACKENDS {
            let name = format!("conv2d_{case}");
            // The weight gradient sums over all pixels; Winograd loses a digit.
            check_golden(
                &name,
                &["x", "weight", "bias"],
                (1e-4, 2e-5),
                |golden, args| {
                    let settings = golden.u32("settings");
                    let (stride, padding) = (settings[0] as usize, settings[1] as usize);
                    conv2d_with(backend, &args[0], &args[1], Some(&args[2]), stride, padding)
                },
            );
        }
    }
}

#[test]
fn linear_agrees_with_torch() {
    for backend in BACKENDS {
        check_golden("linear", &["x", "weight", "bias"], CLOSE, |_, args| {
            linear_with(backend, &args[0], &args[1], Some(&args[2]))
        });
    }
}

#[test]
fn pooling_agrees_with_torch() {
    for backend in BACKENDS {
        check_golden("max_pool_2x2", &["x"], (0.0, 1e-7), |_, args| {
            max_pool_2x2_with(backend, &args[0])
        });
        check_golden("global_max_pool", &["x"], (0.0, 1e-7), |_, args| {
            global_max_pool_with(backend, &args[0])
        });
    }
}

#[test]
fn activations_agree_with_torch() {
    for backend in BACKENDS {
        check_golden("relu", &["x"], (0.0, 1e-7), |_, args| {
            relu_with(backend, &args[0])
        });
    }
    check_golden("elu_plus_one", &["x"], (1e-7, 1e-6), |_, args| {
        elu_plus_one(&args[0], -1.0)
    });
}

#[test]
fn rates_stay_positive_and_finite() {
    let x = Tensor::new(&[-80f32, -1e-3, 0.0, 1.0, 1e30], &Device::Cpu).unwrap();
    let x = candle_core::Var::from_tensor(&x).unwrap();
    let y = elu_plus_one(x.as_tensor(), -1.0).unwrap();
    assert!(flat(&y).iter().all(|v| *v > 0.0 && v.is_finite()));
    let store = y.sum_all().unwrap().backward().unwrap();
    assert!(flat(store.get(&x).unwrap()).iter().all(|v| v.is_finite()));
}

#[test]
fn dropout_agrees_with_torch_for_a_given_mask() {
    check_golden("dropout", &["x"], (0.0, 1e-7), |golden, args| {
        dropout_with_mask(&args[0], &tensor(golden, "mask"), 0.5)
    });
}

#[test]
fn dropout_keeps_the_mean_and_follows_its_stream() {
    let x = Tensor::ones(20_000, candle_core::DType::F32, &Device::Cpu).unwrap();
    let draw = || flat(&dropout(&x, 0.25, &mut Seed::new(5).stream()).unwrap());
    let y = draw();
    assert_eq!(y, draw());
    assert!(y.iter().all(|v| *v == 0.0 || (*v - 4.0 / 3.0).abs() < 1e-6));
    let mean = f64::from(y.iter().sum::<f32>()) / 20_000.0;
    // Five standard errors: sqrt(0.25 / 0.75 / 20000) = 0.0041.
    assert!((mean - 1.0).abs() < 0.02, "{mean}");
    assert!(dropout(&x, 1.0, &mut Seed::new(5).stream()).is_err());
}

#[test]
fn bilinear_sampling_agrees_with_torch() {
    for backend in BACKENDS {
        check_golden("bilinear_sample", &["x", "grid"], CLOSE, |_, args| {
            bilinear_sample_with(backend, &args[0], &args[1])
        });
    }
}

#[test]
fn bilinear_sampling_gives_the_reference_vectors() {
    // Reference 11: channel 0 counts the pixels, channel 1 is (12..23)^2 / 10.
    let first = Tensor::arange(0f32, 12.0, &Device::Cpu).unwrap();
    let second = (Tensor::arange(12f32, 24.0, &Device::Cpu)
        .unwrap()
        .sqr()
        .unwrap()
        / 10.0)
        .unwrap();
    let map = Tensor::stack(&[first, second], 1)
        .unwrap()
        .reshape((1, 3, 4, 2))
        .unwrap();
    let grid = Tensor::new(&[[[0.25f32, -0.4], [1.0, 1.0], [-1.0, 1.0]]], &Device::Cpu).unwrap();
    for backend in BACKENDS {
        let samples = bilinear_sample_with(backend, &map, &grid).unwrap();
        // f32 rounding of pixel positions.
        striate_testkit::assert_close(
            &flat(&samples),
            &[4.275, 26.8825, 11.0, 52.9, 8.0, 40.0],
            0.0,
            1e-6,
        );
    }
}

#[test]
fn the_blur_agrees_with_torch() {
    check_golden("gaussian_blur", &["x"], CLOSE, |_, args| {
        gaussian_blur(&args[0], 5, 1.3)
    });
    let x = random(&[1, 2, 9, 1], 0);
    assert!(gaussian_blur(&x, 5, 1.0).is_err());
    assert!(gaussian_blur(&x, 2, 1.0).is_err());
}

#[test]
fn gradients_agree_with_differences() {
    let options = Differences {
        step: 1e-2,
        stride: 1,
    };
    for backend in BACKENDS {
        let inputs = [
            random(&[2, 5, 6, 3], 1),
            random(&[4, 3, 3, 3], 2),
            random(&[4], 3),
        ];
        check_gradients(&inputs, options, 5e-3, |a| {
            conv2d_with(backend, &a[0], &a[1], Some(&a[2]), 2, 1)
        });
        let inputs = [random(&[4, 5], 1), random(&[3, 5], 2), random(&[3], 3)];
        check_gradients(&inputs, options, 5e-3, |a| {
            linear_with(backend, &a[0], &a[1], Some(&a[2]))
        });
        // Distinct values, so that no maximum changes within a step.
        let values: Vec<f32> = (0..60)
            .map(|i| ((i * 37) % 60) as f32 * 0.1 - 2.95)
            .collect();
        let distinct = [Tensor::from_vec(values, (1, 5, 6, 2), &Device::Cpu).unwrap()];
        check_gradients(&distinct, options, 5e-3, |a| {
            max_pool_2x2_with(backend, &a[0])
        });
        check_gradients(&distinct, options, 5e-3, |a| {
            global_max_pool_with(backend, &a[0])
        });
        check_gradients(&distinct, options, 5e-3, |a| relu_with(backend, &a[0]));
        check_gradients(&distinct, options, 5e-3, |a| elu_plus_one(&a[0], -1.0));
        check_gradients(&distinct, options, 5e-3, |a| gaussian_blur(&a[0], 3, 0.8));
        // Points inside of pixels: the interpolation bends at their centres.
        let grid = Tensor::new(
            &[
                [[0.13f32, -0.42], [-0.71, 0.66]],
                [[0.93, 0.21], [-0.09, -0.83]],
            ],
            &Device::Cpu,
        )
        .unwrap();
        let options = Differences {
            step: 5e-3,
            stride: 1,
        };
        check_gradients(&[random(&[2, 4, 5, 3], 4), grid], options, 5e-3, |a| {
            bilinear_sample_with(backend, &a[0], &a[1])
        });
    }
}

#[test]
fn the_bits_do_not_depend_on_the_number_of_threads() {
    let run = |threads| {
        with_threads(threads, || {
            let map = candle_core::Var::from_tensor(&random(&[8, 9, 9, 16], 1)).unwrap();
            let weight = candle_core::Var::from_tensor(&random(&[33, 16], 2)).unwrap();
            let kernel = candle_core::Var::from_tensor(&random(&[16, 5, 5, 16], 3)).unwrap();
            let y = conv2d(map.as_tensor(), kernel.as_tensor(), None, 2, 2).unwrap();
            let y = global_max_pool(&max_pool_2x2(&relu(&y).unwrap()).unwrap()).unwrap();
            let y = linear(&y, weight.as_tensor(), None).unwrap();
            let store = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
            [&map, &weight, &kernel].map(|v| {
                flat(store.get(v).unwrap())
                    .iter()
                    .map(|g| g.to_bits())
                    .collect::<Vec<u32>>()
            })
        })
    };
    assert_eq!(run(1), run(2));
}

#[test]
fn wrong_shapes_are_errors_that_name_the_place() {
    let x = random(&[2, 1, 6, 3], 0);
    for backend in BACKENDS {
        let message = max_pool_2x2_with(backend, &x).unwrap_err().to_string();
        assert_eq!(
            message,
            "max_pool_2x2: expected an input of shape [batch, height >= 2, width >= 2, channels], \
             found [2, 1, 6, 3]"
        );
        let weight = random(&[4, 3, 3, 3], 1);
        let message = conv2d_with(backend, &x, &weight, None, 1, 0)
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("height and width plus 0 at least 3 and 3"),
            "{message}"
        );
        assert!(conv2d_with(backend, &x, &weight, None, 0, 1).is_err());
        assert!(linear_with(backend, &x, &weight, None).is_err());
        assert!(bilinear_sample_with(backend, &x, &random(&[3, 5, 2], 1)).is_err());
    }
}

#[test]
fn a_view_is_read_as_what_it_shows() {
    let x = random(&[2, 6, 8, 3], 0).transpose(1, 2).unwrap();
    for pool in [max_pool_2x2_with, global_max_pool_with] {
        let fast = pool(Backend::Auto, &x).unwrap();
        assert_tensor(&fast, &pool(Backend::Reference, &x).unwrap(), 0.0, 0.0);
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    /// Any convolution: values and gradients of the kernels and of the reference.
    #[test]
    fn the_kernels_convolve_as_the_reference(
        batch in 1usize..4,
        (height, width) in (1usize..14, 1usize..14),
        (input, output) in (1usize..20, 1usize..20),
        (kernel, stride, padding) in (1usize..5, 1usize..4, 0usize..3),
    ) {
        proptest::prop_assume!(kernel <= height.min(width) + 2 * padding);
        let inputs = [
            random(&[batch, height, width, input], 1),
            random(&[output, kernel, kernel, input], 2),
            random(&[output], 3),
        ];
        let [(fast, fast_gradients), (slow, slow_gradients)] = BACKENDS.map(|backend| {
            gradients(&inputs, |a| conv2d_with(backend, &a[0], &a[1], Some(&a[2]), stride, padding))
        });
        // f32 sums of up to 2000 products of size 1, in another order.
        assert_tensor(&fast, &slow, 5e-4, 1e-4);
        for (fast, slow) in fast_gradients.iter().zip(&slow_gradients) {
            assert_tensor(fast, slow, 5e-4, 1e-4);
        }
    }
}

#[test]
fn depthwise_convolution_agrees_with_torch() {
    for i in 0..4 {
        for backend in [Backend::Auto, Backend::Reference] {
            let name = format!("depthwise_{i}");
            check_golden(&name, &["x", "weight"], (2e-5, 2e-5), |golden, args| {
                let settings = golden.u32("settings");
                let [stride, padding, dilation] = [0, 1, 2].map(|i| settings[i] as usize);
                // torch's [channels, 1, kernel, kernel].
                let weight = args[1].squeeze(3)?.permute((1, 2, 0))?.contiguous()?;
                depthwise_conv2d_with(backend, &args[0], &weight, stride, padding, dilation)
            });
        }
    }
}

#[test]
fn depthwise_gradients_agree_with_differences() {
    let options = Differences {
        step: 1e-2,
        stride: 1,
    };
    let inputs = [random(&[2, 5, 6, 3], 1), random(&[3, 3, 3], 2)];
    for stride in [1, 2] {
        check_gradients(&inputs, options, 0.01, |args| {
            depthwise_conv2d(&args[0], &args[1], stride, 2, 2)
        });
    }
    let message = |x: &Tensor, weight: &Tensor, stride, padding, dilation| {
        let error = depthwise_conv2d(x, weight, stride, padding, dilation).unwrap_err();
        error.to_string()
    };
    let [x, weight] = &inputs;
    assert!(message(x, weight, 1, 0, 3).contains("at least 7"));
    assert!(message(x, weight, 1, 0, 0).contains("dilation of at least 1"));
    assert!(message(x, weight, 0, 0, 1).contains("stride 0"));
    assert!(message(x, &random(&[3, 3, 4], 1), 1, 1, 1).contains("[batch, height, width, 4]"));
    assert!(message(x, &random(&[3, 2, 3], 1), 1, 1, 1).contains("a square kernel"));
}
