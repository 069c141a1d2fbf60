use super::*;
use crate::{MultiTaskNet, part};
use candle_core::Device;
use striate_random::Seed;

fn count(net: &MultiTaskNet, prefix: &str) -> usize {
    net.params()
        .trained()
        .iter()
        .filter(|(name, _)| name.starts_with(prefix))
        .map(|(_, var)| var.elem_count())
        .sum()
}

/// The counts of training.md 11; the baseline's is also the one that the authors'
/// notebook printed.
#[test]
fn the_study_has_its_parameter_counts() {
    let seed = Seed::new(1);
    let bias = vec![1.0; 458];
    let mut net = MultiTaskNet::new(&VggConfig::default(), &Device::Cpu, &seed).unwrap();
    let shared = count(&net, part::SHARED);
    let head = count(&net, part::HEAD);
    assert_eq!(shared, 556_608);
    assert_eq!(shared + count(&net, part::UNSHARED), 20_035_392);
    assert_eq!(head, 19_701_960);
    assert_eq!(net.params().count(), 39_737_352);
    net.add_readout("v1", &bias, &seed).unwrap();
    assert_eq!(net.params().count(), 39_856_890);

    let v1 = VggConfig::default().headless();
    let mut net = MultiTaskNet::new(&v1, &Device::Cpu, &seed).unwrap();
    net.add_readout("v1", &bias, &seed).unwrap();
    assert_eq!(net.params().count(), 676_146);
}

/// torchvision's own counts of the feature parts, with and without batch norm.
#[test]
fn the_family_has_torchvisions_counts() {
    let cases = [
        (Preset::Vgg11, false, 9_220_480),
        (Preset::Vgg11, true, 9_225_984),
        (Preset::Vgg13, false, 9_404_992),
        (Preset::Vgg16, false, 14_714_688),
        (Preset::Vgg19, false, 20_024_384),
        (Preset::Vgg19, true, 20_035_392),
    ];
    for (preset, batch_norm, expected) in cases {
        let plan = VggConfig::preset(preset, batch_norm).check().unwrap();
        let total: usize = plan
            .layers()
            .iter()
            .map(|l| 9 * l.inputs * l.outputs + l.outputs * if batch_norm { 3 } else { 1 })
            .sum();
        assert_eq!(total, expected, "{preset:?} {batch_norm}");
    }
}

#[test]
fn maps_are_those_of_the_table() {
    let plan = VggConfig::default().check().unwrap();
    let size = |name: &str| {
        let i = plan.find(name.parse().unwrap()).unwrap();
        plan.layers()[i].map_size
    };
    // training.md 3.1, for 64x64.
    assert_eq!(
        ["conv1_2", "conv2_2", "conv3_1", "conv4_4", "conv5_4"].map(size),
        [64, 32, 16, 8, 4]
    );
    assert_eq!(plan.head_size(), 2);
    assert!(!plan.pool_at_split());
}

#[test]
fn what_does_not_fit_is_named() {
    let message = |config: VggConfig| config.check().unwrap_err().to_string();
    let default = VggConfig::default;
    let cases = [
        (
            VggConfig {
                input_size: 50,
                ..default()
            },
            "input_size: expected a multiple of 32",
        ),
        (
            VggConfig {
                blocks: vec![vec![8, 0]],
                ..default()
            },
            "blocks[0][1]",
        ),
        (
            VggConfig {
                blocks: vec![vec![8], vec![]],
                ..default()
            },
            "blocks[1]",
        ),
        (
            VggConfig {
                blocks: vec![vec![8]],
                ..default()
            },
            "split: expected one of conv1_1, found conv3_1",
        ),
        (
            VggConfig {
                in_channels: 2,
                ..default()
            },
            "in_channels",
        ),
        (
            VggConfig {
                classes: 0,
                ..default()
            },
            "classes",
        ),
        (
            VggConfig {
                head: Head::Conv {
                    hidden: vec![8],
                    dropout: 1.0,
                },
                ..default()
            },
            "head.dropout",
        ),
    ];
    for (config, expected) in cases {
        let found = message(config);
        assert!(found.contains(expected), "{found:?} lacks {expected:?}");
    }
}

#[test]
fn layer_names_are_strict() {
    for wrong in [
        "", "conv", "conv1", "conv0_1", "conv1_0", "conv01_1", "conv+1_1", "pool1_1",
    ] {
        assert!(wrong.parse::<LayerName>().is_err(), "{wrong}");
    }
}
