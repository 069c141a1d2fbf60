use candle_core::{Device, Var};
use striate_nn::{Params, loss};
use striate_testkit::{Golden, assert_close};

use super::*;
use crate::{Head, MultiTaskNet, VggConfig};

fn small() -> SeCoreConfig {
    SeCoreConfig {
        channels: 6,
        input_kernel: 4,
        hidden_kernel: 3,
        dilation: 2,
        layers: 3,
        se_blocks: 1,
        se_reduction: 3,
        momentum: 0.9,
    }
}

/// The name that neuralpredictors gives a variable of ours.
fn theirs(ours: &str) -> String {
    let name = [
        (".in.", ".ds_conv.in_depth_conv."),
        (".spatial.", ".ds_conv.spatial_conv."),
        (".out.", ".ds_conv.out_depth_conv."),
        (".bn.", ".norm."),
        (".se.squeeze.", ".seg_ex_block.se.1."),
        (".se.excite.", ".seg_ex_block.se.3."),
    ]
    .iter()
    .fold(ours.to_owned(), |name, (from, to)| name.replace(from, to));
    format!("features.{name}")
}

/// A tensor of theirs in our layout.
fn tensor(golden: &Golden, name: &str) -> Tensor {
    let (shape, values) = golden.f32(name);
    let tensor = Tensor::from_vec(values, shape, &Device::Cpu).unwrap();
    let tensor = match tensor.rank() {
        4 => tensor.permute((0, 2, 3, 1)).unwrap().contiguous().unwrap(),
        _ => return tensor,
    };
    if name.contains("spatial") {
        let taps = tensor.squeeze(3).unwrap().permute((1, 2, 0)).unwrap();
        return taps.contiguous().unwrap();
    }
    tensor
}

fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn the_core_agrees_with_neuralpredictors() {
    for mode in ["train", "eval"] {
        let golden = Golden::open(&format!("nn/se_core_{mode}"));
        let mut cx = match mode {
            "train" => Context::train(Seed::new(1).stream()),
            _ => Context::eval(),
        };
        for reference in [false, true] {
            if reference {
                cx = cx.reference();
            }
            let params = Params::new(&Device::Cpu);
            let core = SeCore::new(&small(), 1, &params.root(), &Seed::new(1)).unwrap();
            for (name, var) in params.trained() {
                var.set(&tensor(&golden, &theirs(&name))).unwrap();
            }
            if mode == "eval" {
                for (name, var) in params.buffers() {
                    var.set(&tensor(&golden, &theirs(&name))).unwrap();
                }
            }
            let x = Var::from_tensor(&tensor(&golden, "x")).unwrap();
            let y = core.forward(x.as_tensor(), &mut cx).unwrap();
            let close = |found: &Tensor, name: &str| {
                println!("{mode}, {name}");
                let expected = tensor(&golden, name);
                assert_eq!(found.dims(), expected.dims());
                // f32 sums of up to a hundred products through three normalisations.
                assert_close(&flat(found), &flat(&expected), 2e-4, 2e-4);
            };
            close(&y, "y");
            let loss = (&y * tensor(&golden, "weights")).unwrap();
            let store = loss.sum_all().unwrap().backward().unwrap();
            close(store.get(&x).unwrap(), "grad_x");
            for (name, var) in params.trained() {
                let name = format!("grad_{}", theirs(&name));
                close(store.get(&var).unwrap(), &name);
            }
            if mode == "train" {
                for (name, var) in params.buffers() {
                    close(var.as_tensor(), &theirs(&name));
                }
            }
            let rough = loss::laplace_l2norm(&core.first_kernels()).unwrap();
            close(&(rough * 10.0).unwrap(), "regulariser");
        }
    }
}

/// training.md 2.2: 32x70x70 for 93 px, 32x41x41 for 64 px.
#[test]
fn the_groups_core_has_its_sizes() {
    let config = VggConfig {
        core: Some(SeCoreConfig::default()),
        head: Head::None,
        in_channels: 1,
        ..VggConfig::default()
    };
    let plan = config.check().unwrap();
    assert_eq!((plan.shared_channels(), plan.shared_size()), (32, 41));
    assert_eq!(SeCoreConfig::default().map_size(93), 70);
    let net = MultiTaskNet::new(&config, &Device::Cpu, &Seed::new(1)).unwrap();
    // Kernels, two norms' scales and shifts of three layers, and two excitations.
    let separable = 2 * 32 * 32 + 81 * 32;
    let excitation = 2 * 32 * 2 + 2 + 32;
    let expected = 576 * 32 + 2 * separable + 3 * 64 + 2 * excitation;
    assert_eq!(net.params().count(), expected);
    let x = Tensor::zeros((1, 64, 64, 1), candle_core::DType::F32, &Device::Cpu).unwrap();
    let map = net.features(&x, &mut Context::eval()).unwrap();
    assert_eq!(map.dims(), [1, 41, 41, 32]);
}

#[test]
fn what_does_not_fit_is_named() {
    type Change = fn(&mut SeCoreConfig);
    let message = |change: Change, head: Head| {
        let mut core = small();
        change(&mut core);
        let config = VggConfig {
            core: Some(core),
            head,
            ..VggConfig::default()
        };
        config.check().unwrap_err().to_string()
    };
    let cases: [(Change, &str); 7] = [
        (|c| c.channels = 0, "core.channels"),
        (|c| c.input_kernel = 65, "core.input_kernel"),
        (
            |c| c.hidden_kernel = 4,
            "core.hidden_kernel: expected an odd",
        ),
        (|c| c.dilation = 0, "core.dilation"),
        (
            |c| c.se_blocks = 3,
            "core.se_blocks: expected fewer than the 3",
        ),
        (|c| c.se_reduction = 7, "core.se_reduction"),
        (|c| c.momentum = 1.5, "core.momentum"),
    ];
    for (change, expected) in cases {
        let found = message(change, Head::None);
        assert!(found.contains(expected), "{found}");
    }
    let found = message(|_| (), Head::study());
    assert!(found.contains("core: expected none with a classification head"));
}
