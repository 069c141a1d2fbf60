use candle_core::{DType, IndexOp};
use striate_testkit::assert_close;

use super::*;
use crate::Head;

fn small(split: &str, head: Head) -> VggConfig {
    VggConfig {
        in_channels: 1,
        blocks: vec![vec![4, 4], vec![6, 6]],
        split: split.parse().unwrap(),
        head,
        classes: 5,
        input_size: 8,
        ..VggConfig::default()
    }
}

fn conv_head() -> Head {
    Head::Conv {
        hidden: vec![7],
        dropout: 0.5,
    }
}

fn images(count: usize, channels: usize) -> Tensor {
    let mut stream = Seed::new(9).stream();
    let values: Vec<f32> = (0..count * 64 * channels)
        .map(|_| stream.normal() as f32)
        .collect();
    Tensor::from_vec(values, (count, 8, 8, channels), &Device::Cpu).unwrap()
}

fn values(x: &Tensor) -> Vec<f32> {
    x.flatten_all().unwrap().to_vec1().unwrap()
}

fn train() -> Context {
    Context::train(Seed::new(4).stream())
}

#[test]
fn a_lowpass_is_a_blur_before_the_network_and_its_gradient_goes_through() {
    let plain = MultiTaskNet::new(&small("conv2_1", conv_head()), &Device::Cpu, &Seed::new(1));
    let (plain, sigma_px) = (plain.unwrap(), 0.8);
    let config = VggConfig {
        lowpass_sigma_px: sigma_px,
        ..plain.plan().config().clone()
    };
    let net = MultiTaskNet::new(&config, &Device::Cpu, &Seed::new(1)).unwrap();
    let x = images(2, 1);
    let blurred = lowpass(&x, sigma_px).unwrap();
    assert_ne!(values(&blurred), values(&x));
    let eval = Context::eval;
    for (own, expected) in [
        (
            net.logits(&x, &mut eval()),
            plain.logits(&blurred, &mut eval()),
        ),
        (
            net.features(&x, &mut eval()),
            plain.features(&blurred, &mut eval()),
        ),
    ] {
        assert_eq!(values(&own.unwrap()), values(&expected.unwrap()));
    }
    // No contrast, no change: a constant passes the blur as it is.
    let flat = (x.ones_like().unwrap() * 0.7).unwrap();
    assert_close(
        &values(&lowpass(&flat, sigma_px).unwrap()),
        &values(&flat),
        1e-6,
        0.0,
    );
    // The gradient with respect to the images, as attacks and maps of sensitivity need it.
    let start = values(&x);
    let var = candle_core::Var::from_tensor(&x).unwrap();
    let loss = |x: &Tensor| {
        let map = net.features(x, &mut eval()).unwrap();
        map.sqr().unwrap().sum_all().unwrap()
    };
    let gradients = loss(var.as_tensor()).backward().unwrap();
    let gradient = values(gradients.get(var.as_tensor()).unwrap());
    let options = striate_testkit::Differences {
        step: 1e-3,
        stride: 7,
    };
    let found = striate_testkit::finite_differences(&start, options, |point| {
        let x = Tensor::from_slice(point, x.shape(), &Device::Cpu).unwrap();
        f64::from(loss(&x).to_scalar::<f32>().unwrap())
    });
    let of_gradient: Vec<f32> = found.iter().map(|(i, _)| gradient[*i]).collect();
    let differences: Vec<f64> = found.iter().map(|(_, d)| *d).collect();
    let largest = gradient.iter().fold(0f32, |m, g| m.max(g.abs()));
    // ReLU and max pool bend within a step now and then; a wrong adjoint is off by its size.
    assert_close(&of_gradient, &differences, 0.05 * f64::from(largest), 0.0);
    let bad = VggConfig {
        lowpass_sigma_px: -1.0,
        ..config
    };
    assert!(
        bad.check()
            .unwrap_err()
            .to_string()
            .contains("lowpass_sigma_px")
    );
}

#[test]
fn each_task_has_its_statistics() {
    let config = VggConfig {
        statistics_per_task: true,
        ..small("conv2_1", conv_head())
    };
    let mut net = MultiTaskNet::new(&config, &Device::Cpu, &Seed::new(1)).unwrap();
    net.add_readout("a", &[1.0, 2.0], &Seed::new(2)).unwrap();
    let x = images(4, 1);
    let answers = |net: &MultiTaskNet| {
        let logits = values(&net.logits(&x, &mut Context::eval()).unwrap());
        let rates = values(&net.responses("a", &x, &mut Context::eval()).unwrap());
        (logits, rates)
    };
    let (logits, rates) = answers(&net);
    // A training pass of one task moves what it remembers, and nothing of the other.
    net.responses("a", &(&x * 3.0).unwrap(), &mut train())
        .unwrap();
    let after = answers(&net);
    assert_eq!(after.0, logits);
    assert_ne!(after.1, rates);
    net.logits(&(&x * 5.0).unwrap(), &mut train()).unwrap();
    let last = answers(&net);
    assert_eq!(last.1, after.1);
    assert_ne!(last.0, logits);
    // The map is that of the set that the context names, the image's by default.
    let map = |cx: Context| values(&net.features(&x, &mut { cx }).unwrap());
    let of_stimuli = map(Context::eval().with_statistics(statistics::STIMULI));
    assert_ne!(map(Context::eval()), of_stimuli);

    // A network of the neural task alone gets the stimuli's.
    let headless = config.headless();
    let mut v1 = MultiTaskNet::new(&headless, &Device::Cpu, &Seed::new(3)).unwrap();
    v1.add_readout("a", &[1.0, 2.0], &Seed::new(3)).unwrap();
    let state = statistics::of_stimuli(net.params().state().unwrap());
    for part in [part::SHARED, part::READOUT] {
        v1.params().load_state_of(part, &state).unwrap();
    }
    let of_v1 = values(&v1.responses("a", &x, &mut Context::eval()).unwrap());
    assert_eq!(of_v1, last.1);
    // One set for both stays as it is.
    let state = v1.params().state().unwrap();
    let names: Vec<&String> = state.keys().collect();
    let same = statistics::of_stimuli(state.clone());
    assert_eq!(same.keys().collect::<Vec<_>>(), names);
}

#[test]
fn a_second_area_reads_a_deeper_layer() {
    let config = VggConfig {
        statistics_per_task: true,
        readout_layers: [("v4".to_owned(), "conv2_1".parse().unwrap())].into(),
        ..small("conv1_2", conv_head())
    };
    let mut net = MultiTaskNet::new(&config, &Device::Cpu, &Seed::new(1)).unwrap();
    net.add_readout("v1", &[1.0, 2.0], &Seed::new(2)).unwrap();
    net.add_readout("v4", &[1.0], &Seed::new(3)).unwrap();
    let x = images(4, 1);
    // What the readout gets is the named layer's output.
    let mut cx = Context::eval().with_statistics(statistics::STIMULI);
    let map = net
        .layer_output("conv2_1".parse().unwrap(), &x, &mut cx)
        .unwrap();
    let readout = net.readout("v4").unwrap();
    let expected = values(&readout.forward(&map, &mut Context::eval()).unwrap());
    let found = net.responses("v4", &x, &mut Context::eval()).unwrap();
    assert_eq!(values(&found), expected);
    let all = net.all_responses(&x, &mut Context::eval()).unwrap();
    assert_eq!(all.dims(), [4, 3]);
    let last = all.narrow(1, 2, 1).unwrap().contiguous().unwrap();
    assert_eq!(values(&last), expected);
    // Its gradient reaches the classifier's layers, the other's does not.
    for (session, reached) in [("v4", true), ("v1", false)] {
        let rates = net.responses(session, &x, &mut train()).unwrap();
        let store = rates.sum_all().unwrap().backward().unwrap();
        let trained = net.params().trained();
        let var = |name: &str| trained.iter().find(|(n, _)| n == name).unwrap().1.clone();
        let unshared = store.get(&var("unshared.conv2_1.conv.weight"));
        assert_eq!(unshared.is_some(), reached, "{session}");
        assert!(store.get(&var("shared.conv1_1.conv.weight")).is_some());
        assert!(store.get(&var("unshared.conv2_2.conv.weight")).is_none());
    }
    // Its training moves what the stimuli's statistics are there, not the images'.
    let logits = values(&net.logits(&x, &mut Context::eval()).unwrap());
    net.responses("v4", &(&x * 3.0).unwrap(), &mut train())
        .unwrap();
    assert_eq!(
        values(&net.logits(&x, &mut Context::eval()).unwrap()),
        logits
    );

    // Alone, it ends at the deepest readout; on frozen layers it keeps the head.
    let alone = config.headless();
    assert_eq!(
        (alone.split.to_string().as_str(), &alone.head),
        ("conv2_1", &Head::None)
    );
    let mut v1 = MultiTaskNet::new(&alone, &Device::Cpu, &Seed::new(1)).unwrap();
    v1.add_readout("v1", &[1.0], &Seed::new(2)).unwrap();
    v1.add_readout("v4", &[1.0], &Seed::new(2)).unwrap();
    assert_eq!(v1.all_responses(&x, &mut train()).unwrap().dims(), [4, 2]);
    let frozen = config.for_readouts();
    assert_eq!((&frozen.head, frozen.split), (&config.head, config.split));
    net.freeze_layers(true);
    let trained = net.params().trained();
    assert!(trained.iter().all(|(name, _)| name.starts_with("readout.")));

    let wrong = VggConfig {
        readout_layers: [("v4".to_owned(), "conv3_1".parse().unwrap())].into(),
        ..config
    };
    let message = wrong.check().unwrap_err().to_string();
    assert!(
        message.contains("readout_layers.v4: expected one of conv1_1"),
        "{message}"
    );
}

#[test]
fn the_split_moves_no_output() {
    // Weights are drawn by layer name, so only the place of the split differs.
    let x = images(3, 1);
    let of = |split: &str, head| {
        let net = MultiTaskNet::new(&small(split, head), &Device::Cpu, &Seed::new(1)).unwrap();
        values(&net.logits(&x, &mut Context::eval()).unwrap())
    };
    let expected = of("conv2_2", conv_head());
    for split in ["conv1_1", "conv1_2", "conv2_1"] {
        assert_eq!(of(split, conv_head()), expected, "{split}");
    }
    let dense = Head::Dense {
        hidden: vec![7],
        dropout: 0.5,
    };
    assert_eq!(of("conv1_2", dense.clone()), of("conv2_1", dense));
}

#[test]
fn a_pool_after_the_split_is_not_shared() {
    let net =
        MultiTaskNet::new(&small("conv1_2", conv_head()), &Device::Cpu, &Seed::new(1)).unwrap();
    let x = images(2, 1);
    let map = net.features(&x, &mut Context::eval()).unwrap();
    assert_eq!(map.dims(), [2, 8, 8, 4]);
    let name = "conv1_2".parse().unwrap();
    let same = net.layer_output(name, &x, &mut Context::eval()).unwrap();
    assert_eq!(values(&map), values(&same));
    let last = "conv2_2".parse().unwrap();
    let last = net.layer_output(last, &x, &mut Context::eval()).unwrap();
    assert_eq!(last.dims(), [2, 4, 4, 6]);
}

#[test]
fn one_pass_gives_the_maps_of_all_layers() {
    // A pool at the split opens the classifier; statistics of both kinds.
    for split in ["conv1_2", "conv2_1"] {
        let config = VggConfig {
            statistics_per_task: true,
            ..small(split, conv_head())
        };
        let net = MultiTaskNet::new(&config, &Device::Cpu, &Seed::new(1)).unwrap();
        let x = images(3, 1);
        let names: Vec<LayerName> = net.plan().layers().iter().map(|l| l.name).collect();
        let cx = || Context::eval().with_statistics(statistics::STIMULI);
        let all = net.layer_outputs(&names, &x, &mut cx()).unwrap();
        assert_eq!(all.len(), names.len());
        for ((name, layer), map) in names.iter().zip(net.plan().layers()).zip(&all) {
            let (size, channels) = (layer.map_size, layer.outputs);
            assert_eq!(map.dims(), [3, size, size, channels], "{name}");
            // Fused kernels on the way to one layer, none on the way to all.
            let one = net.layer_output(*name, &x, &mut cx()).unwrap();
            assert_close(&values(map), &values(&one), 1e-5, 1e-5);
        }
        // Some of them, in another order.
        let some = [names[2], names[0]];
        let found = net.layer_outputs(&some, &x, &mut cx()).unwrap();
        assert_eq!(values(&found[0]), values(&all[2]));
        assert_eq!(values(&found[1]), values(&all[0]));
        assert!(net.layer_outputs(&[], &x, &mut cx()).unwrap().is_empty());
        let missing = net.layer_outputs(&["conv9_1".parse().unwrap()], &x, &mut cx());
        assert!(missing.unwrap_err().to_string().contains("conv9_1"));
    }
}

#[test]
fn gray_is_replicated_for_three_channels() {
    let config = VggConfig {
        in_channels: 3,
        ..small("conv2_1", conv_head())
    };
    let net = MultiTaskNet::new(&config, &Device::Cpu, &Seed::new(1)).unwrap();
    let gray = images(2, 1);
    let rgb = Tensor::cat(&[&gray, &gray, &gray], 3).unwrap();
    let of = |x: &Tensor| values(&net.logits(x, &mut Context::eval()).unwrap());
    assert_eq!(of(&gray), of(&rgb));
}

#[test]
fn evaluation_changes_nothing() {
    let mut net =
        MultiTaskNet::new(&small("conv1_2", conv_head()), &Device::Cpu, &Seed::new(1)).unwrap();
    net.add_readout("a", &[1.0; 3], &Seed::new(2)).unwrap();
    let before = net.params().state().unwrap();
    let x = images(4, 1);
    net.logits(&x, &mut Context::eval()).unwrap();
    net.responses("a", &x, &mut Context::eval()).unwrap();
    for (name, tensor) in net.params().state().unwrap() {
        assert_eq!(values(&tensor), values(&before[&name]), "{name}");
    }
}

#[test]
fn evaluation_treats_images_alone() {
    let net =
        MultiTaskNet::new(&small("conv1_2", conv_head()), &Device::Cpu, &Seed::new(1)).unwrap();
    let x = images(4, 1);
    let all = net.logits(&x, &mut Context::eval()).unwrap();
    let one = net
        .logits(&x.i(2..3).unwrap(), &mut Context::eval())
        .unwrap();
    // The kernels may group sums differently for another batch size.
    assert_close(&values(&all.i(2..3).unwrap()), &values(&one), 1e-6, 1e-5);
}

#[test]
fn frozen_shared_layers_keep_weights_and_statistics() {
    let net =
        MultiTaskNet::new(&small("conv1_2", conv_head()), &Device::Cpu, &Seed::new(1)).unwrap();
    net.freeze_shared(true);
    let names: Vec<String> = net.params().trained().into_iter().map(|(n, _)| n).collect();
    assert!(names.iter().all(|name| !name.starts_with(part::SHARED)));
    let before = net.params().state().unwrap();
    net.logits(&images(4, 1), &mut train()).unwrap();
    let mut moved = 0;
    for (name, tensor) in net.params().state().unwrap() {
        let same = values(&tensor) == values(&before[&name]);
        if name.starts_with(part::SHARED) {
            assert!(same, "{name}");
        } else {
            moved += usize::from(!same);
        }
    }
    // Running mean and variance of both unshared batch norms.
    assert_eq!(moved, 4);
    net.freeze_shared(false);
    assert!(net.params().trained().len() > names.len());
}

#[test]
fn a_reset_gives_other_weights_above_the_split_only() {
    let net =
        MultiTaskNet::new(&small("conv1_2", conv_head()), &Device::Cpu, &Seed::new(1)).unwrap();
    let before = net.params().state().unwrap();
    net.reset_unshared(&Seed::new(8)).unwrap();
    for (name, tensor) in net.params().state().unwrap() {
        let same = values(&tensor) == values(&before[&name]);
        let drawn =
            name.ends_with("conv.weight") || name.starts_with("head") && name.ends_with("weight");
        assert_eq!(same, name.starts_with(part::SHARED) || !drawn, "{name}");
    }
    let fresh =
        MultiTaskNet::new(&small("conv1_2", conv_head()), &Device::Cpu, &Seed::new(8)).unwrap();
    fresh.copy_shared_from(&net).unwrap();
    let x = images(2, 1);
    assert_eq!(
        values(&fresh.logits(&x, &mut Context::eval()).unwrap()),
        values(&net.logits(&x, &mut Context::eval()).unwrap())
    );
}

#[test]
fn errors_name_the_place() {
    let mut net = MultiTaskNet::new(
        &small("conv1_2", conv_head()).headless(),
        &Device::Cpu,
        &Seed::new(1),
    )
    .unwrap();
    net.add_readout("a", &[1.0], &Seed::new(2)).unwrap();
    let x = images(1, 1);
    let mut cx = Context::eval();
    let message = net.logits(&x, &mut cx).unwrap_err().to_string();
    assert!(message.contains("no classification head"), "{message}");
    let message = net.responses("b", &x, &mut cx).unwrap_err().to_string();
    assert!(
        message.contains("\"b\"") && message.contains("\"a\""),
        "{message}"
    );
    let twice = net.add_readout("a", &[1.0], &Seed::new(2));
    assert!(twice.unwrap_err().to_string().contains("already"));
    let rgb = Tensor::zeros((1, 8, 8, 3), DType::F32, &Device::Cpu).unwrap();
    assert!(net.features(&rgb, &mut cx).is_err());
    let missing = net.layer_output("conv2_1".parse().unwrap(), &x, &mut cx);
    assert!(missing.unwrap_err().to_string().contains("conv1_2"));
}
