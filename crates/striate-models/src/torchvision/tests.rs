use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor};
use proptest::prelude::*;
use striate_random::Seed;

use super::*;
use crate::{Head, MultiTaskNet, VggConfig};

type Tensors = BTreeMap<String, Tensor>;

fn config(batch_norm: bool, head: Head) -> VggConfig {
    VggConfig {
        blocks: vec![vec![3, 4], vec![5]],
        batch_norm,
        split: "conv1_2".parse().unwrap(),
        head,
        classes: 3,
        input_size: 12,
        ..VggConfig::default()
    }
}

fn dense(hidden: &[usize]) -> Head {
    Head::Dense {
        hidden: hidden.to_vec(),
        dropout: 0.5,
    }
}

fn conv(hidden: &[usize]) -> Head {
    Head::Conv {
        hidden: hidden.to_vec(),
        dropout: 0.5,
    }
}

fn network(config: &VggConfig) -> MultiTaskNet {
    MultiTaskNet::new(config, &Device::Cpu, &Seed::new(3)).unwrap()
}

fn exported(config: &VggConfig) -> Tensors {
    let net = network(config);
    export(net.plan(), &net.params().state().unwrap()).unwrap()
}

fn fails(tensors: &Tensors, config: &ImportConfig, parts: &[&str]) {
    let message = import(tensors, config).unwrap_err().to_string();
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
}

fn bits(tensor: &Tensor) -> Vec<u32> {
    let values = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    values.iter().map(|v| v.to_bits()).collect()
}

fn of_size(px: usize) -> ImportConfig {
    ImportConfig {
        input_size: Some(px),
        ..ImportConfig::default()
    }
}

#[test]
fn names_are_torchvisions() {
    let theirs = exported(&config(true, dense(&[6])));
    let names: Vec<&str> = theirs.keys().map(String::as_str).collect();
    let expected = [
        "classifier.0.bias",
        "classifier.0.weight",
        "classifier.3.bias",
        "classifier.3.weight",
        "features.0.bias",
        "features.0.weight",
        "features.1.bias",
        "features.1.running_mean",
        "features.1.running_var",
        "features.1.weight",
    ];
    assert_eq!(names[..10], expected);
    // Two blocks of three modules, and a pool at 6.
    assert!(theirs.contains_key("features.7.weight"));
    assert_eq!(theirs["classifier.0.weight"].dims(), [6, 5 * 3 * 3]);
    // Without batch norm: 0, 2, pool at 4, 5.
    let theirs = exported(&config(false, conv(&[])));
    assert_eq!(theirs["features.5.weight"].dims(), [5, 4, 3, 3]);
    assert_eq!(theirs["classifier.0.weight"].dims(), [3, 5, 1, 1]);
    assert_eq!(theirs.len(), 8);
}

/// Statistics of stimuli have no name there, and a network that was read has one set.
#[test]
fn the_statistics_of_images_are_those_that_torchvision_gets() {
    let ours = VggConfig {
        statistics_per_task: true,
        ..config(true, conv(&[]))
    };
    let theirs = exported(&ours);
    let names: Vec<String> = exported(&config(true, conv(&[]))).into_keys().collect();
    assert_eq!(theirs.keys().cloned().collect::<Vec<_>>(), names);
    let like = ImportConfig {
        network: Some(ours.clone()),
        ..ImportConfig::default()
    };
    let back = import(&theirs, &like).unwrap();
    assert_eq!(back.network, ours.single_task());
}

/// The kernel that PyTorch has at [out, in, row, column].
#[test]
fn layouts_are_turned() {
    let config = config(false, dense(&[]));
    let net = network(&config);
    let state = net.params().state().unwrap();
    let theirs = export(net.plan(), &state).unwrap();
    let at = |t: &Tensor, i: &[usize]| {
        let strides = t.dims().iter().rev().scan(1, |step, len| {
            let stride = *step;
            *step *= len;
            Some(stride)
        });
        let place: usize = i.iter().rev().zip(strides).map(|(i, s)| i * s).sum();
        t.flatten_all().unwrap().to_vec1::<f32>().unwrap()[place]
    };
    let (a, b) = (
        &theirs["features.2.weight"],
        &state["shared.conv1_2.conv.weight"],
    );
    assert_eq!(at(a, &[3, 2, 1, 0]), at(b, &[3, 1, 0, 2]));
    // Channel 4, row 2, column 1 of a map of 3x3 with 5 channels.
    let (a, b) = (&theirs["classifier.0.weight"], &state["head.0.weight"]);
    assert_eq!(
        at(a, &[2, 4 * 9 + 2 * 3 + 1]),
        at(b, &[2, (2 * 3 + 1) * 5 + 4])
    );
}

#[test]
fn prefixes_and_numbers_may_differ() {
    let config = config(true, dense(&[6, 7]));
    let net = network(&config);
    let state = net.params().state().unwrap();
    let rename = |from: &str| match from.split_once('.') {
        Some(("features", rest)) => format!("core.features.module.{rest}"),
        Some((_, rest)) => {
            let rest = rest
                .replace("3.", "5.")
                .replace("0.", "2.")
                .replace("6.", "8.");
            format!("core.classifier.{rest}")
        }
        None => from.to_owned(),
    };
    let theirs: Tensors = exported(&config)
        .into_iter()
        .map(|(name, tensor)| (rename(&name), tensor))
        .collect();
    let found = import(&theirs, &ImportConfig::default()).unwrap();
    // The split is not shown: conv3_1 is not there, so it is the last layer.
    assert_eq!(found.network.split.to_string(), "conv2_1");
    assert!(found.notes.is_empty());
    let with = ImportConfig {
        split: Some(config.split),
        ..ImportConfig::default()
    };
    let found = import(&theirs, &with).unwrap();
    assert_eq!(found.network, config);
    for (name, tensor) in &state {
        assert_eq!(bits(&found.state[name]), bits(tensor), "{name}");
    }
}

#[test]
fn all_that_differs_is_listed() {
    let mut theirs = exported(&config(true, dense(&[6])));
    theirs.remove("features.4.running_var");
    let other = Tensor::zeros(9, DType::F32, &Device::Cpu).unwrap();
    theirs.insert("features.1.bias".to_owned(), other.clone());
    theirs.insert("extra.weight".to_owned(), other.clone());
    theirs.insert("features.4.num_batches_tracked".to_owned(), other);
    let parts = [
        "1 missing [features.4.running_var]",
        "1 unexpected [extra.weight]",
        "1 of another shape [features.1.bias: expected [3], found [9]]",
    ];
    fails(&theirs, &ImportConfig::default(), &parts);
    // What the network must be is said by the user.
    let theirs = exported(&config(true, dense(&[6])));
    let wanted = ImportConfig {
        network: Some(config(true, dense(&[7]))),
        ..ImportConfig::default()
    };
    let parts = [
        "classifier.0.weight: expected [7, 45], found [6, 45]",
        "3 of another shape",
    ];
    fails(&theirs, &wanted, &parts);
}

#[test]
fn what_the_tensors_do_not_show_is_asked_for() {
    let theirs = exported(&config(true, conv(&[6])));
    let parts = ["input_size: expected the side of the images in pixels, a multiple of 4"];
    fails(&theirs, &ImportConfig::default(), &parts);
    fails(
        &theirs,
        &of_size(30),
        &["input_size: expected a multiple of 4"],
    );
    assert_eq!(
        import(&theirs, &of_size(12)).unwrap().network.input_size,
        12
    );

    let mut theirs = exported(&config(true, dense(&[])));
    let wide = Tensor::zeros((3, 46), DType::F32, &Device::Cpu).unwrap();
    theirs.insert("classifier.0.weight".to_owned(), wide);
    fails(
        &theirs,
        &ImportConfig::default(),
        &["a square map of 5 channels, found 46 inputs"],
    );
    let fc = BTreeMap::from([(
        "fc.weight".to_owned(),
        theirs["classifier.0.weight"].clone(),
    )]);
    fails(
        &fc,
        &ImportConfig::default(),
        &["one features.0.weight", "found fc.weight"],
    );
    let shifted: Tensors = exported(&config(false, conv(&[])))
        .into_iter()
        .map(|(name, tensor)| (name.replace("features.5", "features.8"), tensor))
        .collect();
    let parts = ["features.8.weight: expected a convolution at 4, or at 5 after a pool"];
    fails(&shifted, &of_size(12), &parts);
}

#[test]
fn convolutions_without_bias_get_zeros() {
    let config = config(true, conv(&[]));
    let mut theirs = exported(&config);
    theirs.remove("features.0.bias");
    let parts = ["1 missing [features.0.bias]"];
    fails(&theirs, &of_size(12), &parts);
    for index in [3, 7] {
        theirs.remove(&format!("features.{index}.bias"));
    }
    let found = import(&theirs, &of_size(12)).unwrap();
    assert_eq!(found.notes, ["convolutions without bias get one of 0"]);
    let bias = found.state["shared.conv1_1.conv.bias"]
        .to_vec1::<f32>()
        .unwrap();
    assert_eq!(bias, [0.0; 3]);
}

#[test]
fn the_names_of_the_study_are_known() {
    let config = config(true, conv(&[6]));
    let mut net = network(&config);
    let bias = [1.0, 2.0];
    net.add_readout("s1", &bias, &Seed::new(4)).unwrap();
    let state = net.params().state().unwrap();
    let rename = |name: &str| {
        let parts: Vec<&str> = name.splitn(3, '.').collect();
        let number: usize = parts[1].parse().unwrap();
        // The shared block has six modules; the pool at 6 opens the unshared one.
        match (parts[0], number) {
            ("features", 0..6) => format!("mtl_vgg_core.v1_block.{number}.{}", parts[2]),
            ("features", _) => format!("mtl_vgg_core.unshared_block.{}.{}", number - 6, parts[2]),
            _ => format!("classification_readout.{number}.{}", parts[2]),
        }
    };
    let mut theirs: Tensors = exported(&config)
        .into_iter()
        .map(|(name, tensor)| (format!("module.{}", rename(&name)), tensor))
        .collect();
    for what in ["mu", "sigma", "features", "bias"] {
        let tensor = &state[&format!("readout.s1.{what}")];
        let tensor = match tensor.dims() {
            [a, b] => tensor.reshape((1, *a, 1, *b)).unwrap(),
            _ => tensor.clone(),
        };
        theirs.insert(format!("module.v1_readout.s1.{what}"), tensor);
    }
    let found = import(&theirs, &of_size(12)).unwrap();
    assert_eq!(found.network.split, config.split);
    assert_eq!(found.sessions, ["s1"]);
    net.params().load_state(&found.state).unwrap();
    for (name, tensor) in &state {
        assert_eq!(bits(&found.state[name]), bits(tensor), "{name}");
    }
    // A second session.
    let second: Tensors = theirs
        .iter()
        .filter(|(name, _)| name.contains(".s1."))
        .map(|(name, tensor)| (name.replace(".s1.", ".s2."), tensor.clone()))
        .collect();
    theirs.extend(second);
    let found = import(&theirs, &of_size(12)).unwrap();
    assert_eq!(found.sessions, ["s1", "s2"]);
    assert!(found.state.contains_key("readout.s2.mu"));
    theirs.remove("module.v1_readout.s2.sigma");
    fails(&theirs, &of_size(12), &["1 missing [readout.s2.sigma]"]);
}

#[test]
fn the_names_of_timm_are_known() {
    let config = config(true, dense(&[6, 7]));
    let net = network(&config);
    let state = net.params().state().unwrap();
    let rename = |(name, tensor): (String, Tensor)| {
        let (name, shape) = match name.as_str() {
            "classifier.0.weight" => ("pre_logits.fc1.weight".to_owned(), vec![6, 5, 3, 3]),
            "classifier.3.weight" => ("pre_logits.fc2.weight".to_owned(), vec![7, 6, 1, 1]),
            other => {
                let heads = ["pre_logits.fc1", "pre_logits.fc2", "head.fc"];
                let theirs = ["classifier.0", "classifier.3", "classifier.6"]
                    .iter()
                    .zip(heads);
                let renamed = theirs.fold(other.to_owned(), |n, (a, b)| n.replace(a, b));
                (renamed, tensor.dims().to_vec())
            }
        };
        (name, tensor.reshape(shape).unwrap())
    };
    let theirs: Tensors = exported(&config).into_iter().map(rename).collect();
    let found = import(&theirs, &ImportConfig::default()).unwrap();
    assert_eq!(found.network.head, config.head);
    for (name, tensor) in &state {
        let name = name.replace("unshared.conv2_1", "shared.conv2_1");
        assert_eq!(bits(&found.state[&name]), bits(tensor), "{name}");
    }
    // A smaller map is averaged as torchvision does; over a larger one timm's head moves.
    assert_eq!(import(&theirs, &of_size(8)).unwrap().notes.len(), 1);
    fails(
        &theirs,
        &of_size(24),
        &["input_size: expected at most 12 pixels"],
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// There and back, the architecture is found again and every bit is the same.
    #[test]
    fn a_network_comes_back(
        blocks in prop::collection::vec(prop::collection::vec(1..6usize, 1..4), 1..4),
        hidden in prop::collection::vec(1..6usize, 0..3),
        batch_norm in any::<bool>(),
        is_dense in any::<bool>(),
        gray in any::<bool>(),
        map in 1..4usize,
    ) {
        let last = format!("conv{}_{}", blocks.len(), blocks.last().unwrap().len());
        let usual = if blocks.len() > 2 { "conv3_1" } else { &last };
        let config = VggConfig {
            in_channels: if gray { 1 } else { 3 },
            input_size: map << blocks.len(),
            split: usual.parse().unwrap(),
            head: if is_dense { dense(&hidden) } else { conv(&hidden) },
            blocks,
            batch_norm,
            classes: 4,
            ..VggConfig::default()
        };
        let net = network(&config);
        let state = net.params().state().unwrap();
        let theirs = export(net.plan(), &state).unwrap();
        let size = (!is_dense).then_some(config.input_size);
        let found = import(&theirs, &ImportConfig { input_size: size, ..ImportConfig::default() }).unwrap();
        prop_assert_eq!(&found.network, &config);
        prop_assert_eq!(found.state.len(), state.len());
        for (name, tensor) in &state {
            prop_assert_eq!(bits(&found.state[name]), bits(tensor), "{}", name);
        }
    }
}
