//! Made-up data: nothing here was measured, every number comes from a formula.

#[path = "comparisons.rs"]
mod comparisons;
#[path = "pictures.rs"]
mod pictures;

use striate_report::*;

use comparisons::{published, regressions, score_of};
use pictures::{grid, pattern};

/// The five models with a made-up gain in robustness.
const MODELS: [(&str, f64); 5] = [
    ("baseline", 1.0),
    ("mtl_monkey", 1.13),
    ("mtl_shuffled", 1.02),
    ("mtl_oracle", 1.22),
    ("oracle", 1.27),
];

const CORRUPTIONS: [(&str, &str); 15] = [
    ("gaussian_noise", "noise"),
    ("shot_noise", "noise"),
    ("impulse_noise", "noise"),
    ("defocus_blur", "blur"),
    ("glass_blur", "blur"),
    ("motion_blur", "blur"),
    ("zoom_blur", "blur"),
    ("snow", "weather"),
    ("frost", "weather"),
    ("fog", "weather"),
    ("brightness", "weather"),
    ("contrast", "digital"),
    ("elastic_transform", "digital"),
    ("pixelate", "digital"),
    ("jpeg_compression", "digital"),
];

const SEEDS: [u64; 3] = [1, 2, 3];

/// A number in -1..1 that depends on its arguments only.
fn noise(a: u64, b: u64) -> f64 {
    let mut x = a.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ b.wrapping_mul(0xc2b2_ae3d_27d4_eb4f);
    x ^= x >> 29;
    x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^= x >> 32;
    (x >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

fn texts<const N: usize>(list: [&str; N]) -> Vec<String> {
    list.map(String::from).to_vec()
}

/// A whole report of made-up data.
pub fn report() -> Result<ReportData> {
    Ok(ReportData {
        title: "Made-up numbers: a report of co-training on simulated V1".to_owned(),
        recipe: "demo".to_owned(),
        protocol: [
            ("Recipe hash", "3f9a1c27d0b4"),
            ("Code revision", "0000000 (made up)"),
            ("Date", "2026-01-01"),
            ("Machine", "2 cores, no GPU"),
            ("Device", "cpu"),
            ("Threads", "2"),
            ("Seeds", "1, 2, 3"),
            ("Time", "8 min 12 s"),
            ("Corruption table", "imagecorruptions, severities 1 to 5"),
            (
                "Data hash",
                "9b7e3f9a1c27d0b4aa10c3fe6d0715be8d2c19ff7a4e5b6c",
            ),
        ]
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .to_vec(),
        simulated: texts([
            "The recordings: a population of Gabor simple and complex cells with divisive normalisation and Poisson spikes stands in for macaque V1.",
            "All numbers on this page are made up to show the layout.",
        ]),
        differences: texts([
            "Images are patches of photographs, 32 × 32, in place of TinyImageNet at 64 × 64.",
            "A narrow VGG in place of VGG-19 with batch normalisation.",
        ]),
        uncertainty: Uncertainty {
            seeds: SEEDS.len(),
            interval: "95 % percentile bootstrap over seeds, 10,000 draws".to_owned(),
        },
        models: models(),
        examples: Some(vec![examples()?]),
        training: Some(training()),
        accuracy: Some(accuracy()),
        scores: Some(scores()),
        published: published(),
        neural: Some(neural()),
        rsa: Some(rsa()),
        reconstruction: Some(reconstruction()?),
        saliency: Some(saliency()?),
        ..ReportData::default()
    })
}

fn models() -> Vec<ModelInfo> {
    let text = [
        "Classification only.",
        "Co-trained on responses predicted by a V1 model that was fitted to the simulated recordings.",
        "Co-trained on the same responses, permuted over images.",
        "Co-trained on responses predicted from the Oracle's features.",
        "Shared layers trained on corrupted images, then frozen; the rest retrained on clean images.",
    ];
    let model = |(i, (name, _)): (usize, &(&str, f64))| ModelInfo {
        name: (*name).to_owned(),
        description: text[i].to_owned(),
        seeds: SEEDS.to_vec(),
        parameters: Some(143_312),
        clean_accuracy: Some(Estimate::with_error(0.62 - 0.01 * i as f64, 0.012)),
        epochs: Some(40.0),
        seconds: Some(61.0 + i as f64),
        hash: format!("{:08x}", 0x3f9a_1c27u64 * (i as u64 + 3) % 0xffff_ffff),
    };
    MODELS.iter().enumerate().map(model).collect()
}

fn examples() -> Result<PictureGrid> {
    let rows: Vec<_> = CORRUPTIONS.iter().map(|c| pretty(c.0)).collect();
    let columns = texts(["clean", "1", "2", "3", "4", "5"]);
    let caption = "One test image under each corruption; as the networks see it, without colour.";
    grid(caption, "severity", &rows, &columns, |i, j| {
        pattern(i as u64 / 3, 0.1 * j as f64, 32).map(Some)
    })
}

fn training() -> Training {
    let mut curves = Vec::new();
    for (m, (name, _)) in MODELS.iter().enumerate() {
        for seed in SEEDS {
            let row = |epoch: u32| {
                let t = f64::from(epoch);
                let jitter = noise(seed * 100 + m as u64, u64::from(epoch));
                let neural = name.starts_with("mtl");
                EpochRow {
                    epoch,
                    classification_loss: Some(3.0 * (-t / 9.0).exp() + 0.4 + 0.05 * jitter),
                    neural_loss: neural.then(|| 0.9 * (-t / 6.0).exp() + 0.1 + 0.01 * jitter),
                    validation_accuracy: Some(
                        0.62 * (1.0 - (-t / (7.0 + m as f64)).exp()) + 0.015 * jitter,
                    ),
                    validation_correlation: neural
                        .then(|| 0.85 * (1.0 - (-t / 5.0).exp()) + 0.01 * jitter),
                    learning_rate: Some(0.05),
                    ..EpochRow::default()
                }
            };
            curves.push(TrainingCurve {
                model: (*name).to_owned(),
                seed,
                phase: String::new(),
                epochs: (1..=36 + seed as u32 * 2).map(row).collect(),
            });
        }
    }
    Training {
        curves,
        chance_accuracy: Some(0.05),
    }
}

fn accuracy() -> AccuracyGrid {
    let mut rows = Vec::new();
    for (m, (name, gain)) in MODELS.iter().enumerate() {
        for seed in SEEDS {
            let mut add = |corruption: &str, severity: u8, accuracy: f64| {
                rows.push(AccuracyRow {
                    model: (*name).to_owned(),
                    seed,
                    corruption: corruption.to_owned(),
                    severity,
                    accuracy,
                    images: 400,
                    protocol: format!("{:012x}", 77 * seed + m as u64),
                });
            };
            let clean = 0.62 - 0.01 * m as f64 + 0.01 * noise(seed, m as u64);
            add("clean", 0, clean);
            for (c, (corruption, _)) in CORRUPTIONS.iter().enumerate() {
                let hard = 0.12 + 0.03 * (c % 5) as f64;
                for s in 1..=5u8 {
                    let fall = (-hard * f64::from(s) / gain.powi(2)).exp();
                    let jitter = 0.012 * noise(seed * 31 + m as u64, c as u64 * 7 + u64::from(s));
                    add(corruption, s, (clean * fall + jitter).max(0.03));
                }
            }
        }
    }
    AccuracyGrid {
        rows,
        chance: Some(0.05),
        corruption_table: "imagecorruptions".to_owned(),
    }
}

fn scores() -> Scores {
    let mut rows = Vec::new();
    for (m, (name, gain)) in MODELS.iter().enumerate().skip(1) {
        let mut add = |level, key: &str, shift: f64, error: f64| {
            rows.push(ScoreRow {
                model: (*name).to_owned(),
                level,
                name: key.to_owned(),
                score: Estimate::with_error(gain + shift, error),
            });
        };
        add(Level::Overall, "overall", 0.0, 0.05);
        for (g, group) in ["noise", "blur", "weather", "digital"].iter().enumerate() {
            add(Level::Group, group, 0.08 * noise(m as u64, g as u64), 0.06);
        }
        for (c, (corruption, _)) in CORRUPTIONS.iter().enumerate() {
            let shift = 0.2 * noise(m as u64 + 9, c as u64);
            add(Level::Corruption, corruption, shift, 0.05);
        }
    }
    Scores {
        frequency: None,
        rows,
        differences: vec![DifferenceRow {
            model: "mtl_monkey".to_owned(),
            reference: "mtl_shuffled".to_owned(),
            level: Level::Overall,
            name: "overall".to_owned(),
            difference: Estimate::with_error(0.11, 0.04),
            detectable: Some(Detectable {
                seeds: SEEDS.len() as u64,
                unpaired: 0.16,
                paired: Some(0.13),
            }),
        }],
        regressions: Some(regressions()),
        pooling: "ratio of sums".to_owned(),
        corruptions: "14, without glass blur, in groups and overall".to_owned(),
        published: published().iter().filter_map(score_of).collect(),
        published_source: "made up for this page".to_owned(),
    }
}

fn neural() -> Neural {
    let mut rows = Vec::new();
    let mut points = Vec::new();
    for (m, (model, gain)) in [("v1", 1.0)].iter().chain(&MODELS).enumerate() {
        for seed in SEEDS {
            for (t, target) in ["recordings", "V1 predictions"].iter().enumerate() {
                let base = [0.71, 0.55, 0.68, 0.42, 0.6, 0.58][m] + 0.18 * t as f64;
                rows.push(NeuralRow {
                    model: (*model).to_owned(),
                    seed,
                    target: (*target).to_owned(),
                    correlation: base + 0.01 * noise(seed, m as u64),
                    fraction_of_ceiling: Some(base / 0.76),
                    feve: None,
                    neurons: 150,
                });
            }
            if m > 0 {
                let jitter = noise(seed * 5, m as u64);
                points.push(NeuralPoint {
                    model: (*model).to_owned(),
                    label: format!("seed {seed}"),
                    correlation: Estimate::with_error(
                        [0.55, 0.68, 0.42, 0.6, 0.58][m - 1] + 0.02 * jitter,
                        0.012,
                    ),
                    robustness: Estimate::with_error(gain + 0.03 * jitter, 0.03),
                });
            }
        }
    }
    Neural {
        rows,
        ceiling: Some(Estimate::with_error(0.76, 0.01)),
        ceiling_note: "mean of each trial's correlation with the mean of the others".to_owned(),
        points,
        points_target: "Correlation with recordings, mean over neurons".to_owned(),
        points_ceiling: Some(0.76),
        fit: Some(LineFit {
            intercept: 0.86,
            slope: 0.47,
            note: "least squares over all networks, r = 0.36, n = 15 (made up)".to_owned(),
        }),
        published_fit: None,
    }
}

fn rsa() -> Rsa {
    let size = 40;
    let matrices = [
        "v1",
        "baseline",
        "mtl_monkey",
        "mtl_shuffled",
        "mtl_oracle",
        "oracle",
    ]
    .iter()
    .enumerate()
    .map(|(m, model)| RsaMatrix {
        model: (*model).to_owned(),
        caption: if m == 0 {
            "V1 (simulated)".to_owned()
        } else {
            model_label(model)
        },
        size,
        values: (0..size * size)
            .map(|k| {
                let (i, j) = (k / size, k % size);
                let near = if i / 8 == j / 8 { 0.45 } else { 0.9 };
                let (a, b) = (i.min(j) as u64, i.max(j) as u64);
                let value = near + 0.2 * noise(a * 97 + b, m as u64);
                if i == j { 0.0 } else { value as f32 }
            })
            .collect(),
    });
    let names = texts([
        "v1",
        "baseline",
        "mtl_monkey",
        "mtl_shuffled",
        "mtl_oracle",
        "oracle",
    ]);
    let n = names.len();
    let agreement = MODELS.iter().enumerate().flat_map(|(m, (model, _))| {
        ["pearson", "spearman", "kendall tau-a"].map(|comparator| AgreementRow {
            model: (*model).to_owned(),
            layer: "conv3_1".to_owned(),
            condition: "clean".to_owned(),
            reference: "v1".to_owned(),
            comparator: comparator.to_owned(),
            value: Estimate::with_error([0.31, 0.52, 0.24, 0.44, 0.41][m], 0.03),
        })
    });
    let layers = ["clean", "fog"].into_iter().flat_map(|condition| {
        ["v1", "v1 model"].into_iter().flat_map(move |reference| {
            let rows = MODELS.iter().enumerate().flat_map(move |(m, (model, _))| {
                [
                    "conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1", "conv3_2",
                ]
                .into_iter()
                .enumerate()
                .map(move |(l, layer)| AgreementRow {
                    model: (*model).to_owned(),
                    layer: layer.to_owned(),
                    condition: condition.to_owned(),
                    reference: reference.to_owned(),
                    comparator: "pearson".to_owned(),
                    value: Estimate::with_error(
                        0.2 + 0.3 * noise(l as u64, m as u64) + 0.05 * l as f64,
                        0.03,
                    ),
                })
            });
            rows.collect::<Vec<_>>()
        })
    });
    Rsa {
        matrices: matrices.collect(),
        agreement: agreement.collect(),
        layers: layers.collect(),
        split: "conv3_1".to_owned(),
        responses: "simulated responses".to_owned(),
        layers_note: "Bars: standard error of the mean over 3 seeds.".to_owned(),
        ceiling: Some((0.71, 0.78)),
        similarity: Some(Similarity {
            values: (0..n * n)
                .map(|k| {
                    if k / n == k % n {
                        1.0
                    } else {
                        0.6 + 0.3 * noise((k / n * (k % n)) as u64, (k / n + k % n) as u64)
                    }
                })
                .collect(),
            names,
            comparator: "Spearman".to_owned(),
        }),
        dissimilarity: "correlation distance (1 − r) of the shared layers' output".to_owned(),
        order: "by photograph".to_owned(),
        images: size,
    }
}

fn reconstruction() -> Result<Reconstruction> {
    let budgets = [0.1, 0.2, 0.4, 0.7, 1.0];
    let rows: Vec<_> = MODELS.iter().map(|m| model_label(m.0)).collect();
    let mut columns = texts(["original", "corrupted"]);
    columns.extend(budgets.iter().map(|b| format!("{:.0} %", 100.0 * b)));
    let mut grids = Vec::new();
    for image in 0..2 {
        let caption = format!(
            "Image {}: reconstructions of the corrupted image.",
            image + 1
        );
        grids.push(grid(&caption, "budget", &rows, &columns, |i, j| {
            let amplitude = if j == 0 {
                0.0
            } else {
                0.5 - 0.05 * (i + j) as f64
            };
            let gap = i > 0 && j < 2;
            (!gap)
                .then(|| pattern(image + 2, amplitude, 32))
                .transpose()
        })?);
    }
    let mut measures = Vec::new();
    for (m, (model, gain)) in MODELS.iter().enumerate() {
        for budget in budgets {
            let m = m as f64;
            for (measure, value) in [
                ("feature_error", (-2.0 * budget * gain).exp()),
                ("content", 0.8 * budget * gain),
                ("noise", (0.5 - 0.06 * m) * budget),
                ("ssim", 0.9 * budget.sqrt()),
            ] {
                measures.push(MeasureRow {
                    model: (*model).to_owned(),
                    budget,
                    measure: measure.to_owned(),
                    value: Estimate::with_error(value, 0.02),
                });
            }
        }
    }
    Ok(Reconstruction {
        grids,
        layer: "conv3_1".to_owned(),
        images: 24,
        measures,
        note: "Gaussian noise of severity 3; 400 steps.".to_owned(),
        ..Reconstruction::default()
    })
}

fn saliency() -> Result<Saliency> {
    const REFERENCE: &str = "spectral residual";
    const SENSITIVITY: &str = "Jacobian energy of the shared layers, 32 Rademacher vectors";
    let rows = texts(["Image 1", "Image 2", "Image 3"]);
    let mut columns = texts(["image", "saliency"]);
    columns.extend(MODELS.iter().map(|m| model_label(m.0)));
    let caption = "Bright: sensitive (or salient). Each map is scaled to its own maximum.";
    let maps = grid(caption, "", &rows, &columns, |i, j| {
        pattern(i as u64 + 5 * u64::from(j > 0), 0.05 * j as f64, 32).map(Some)
    })?;
    let mut rows = Vec::new();
    for (k, metric) in ["CC", "partial CC", "SIM", "AUC"].iter().enumerate() {
        for (m, (model, _)) in MODELS.iter().enumerate() {
            rows.push(SaliencyRow {
                model: (*model).to_owned(),
                sensitivity: SENSITIVITY.to_owned(),
                reference: REFERENCE.to_owned(),
                metric: (*metric).to_owned(),
                value: Estimate::with_error([0.4, 0.1, 0.55, 0.7][k] + 0.03 * m as f64, 0.02),
                shuffled: Some(Estimate::with_error([0.1, 0.0, 0.45, 0.52][k], 0.02)),
                reliability: Some(0.93),
            });
        }
    }
    Ok(Saliency {
        grids: vec![maps],
        reference: REFERENCE.to_owned(),
        sensitivity: SENSITIVITY.to_owned(),
        images: 24,
        rows,
        ..Saliency::default()
    })
}
