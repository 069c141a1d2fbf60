//! The THINGS ventral stream spiking data set (Papale et al. 2025; data-formats.md 2.4).

use std::{ops::Range, path::Path};

use serde::{Deserialize, Serialize};

use super::{Recording, SessionRecording};
use crate::{
    Error, Result,
    hdf5::{Hdf5, Set},
};

/// How the file is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ThingsConfig {
    /// The channels to keep (V1: the first 512).
    pub channels: Range<usize>,
    /// Of these, only channels whose `reliab` in the file, averaged over the pairs of
    /// repeats that it holds, is at least this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_reliability: Option<f64>,
}

impl Default for ThingsConfig {
    fn default() -> Self {
        Self {
            channels: 0..512,
            min_reliability: None,
        }
    }
}

/// Names of the images that were shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThingsImages {
    /// Object class of each image.
    pub class: Vec<String>,
    /// Path of each image within THINGS.
    pub path: Vec<String>,
}

/// Reads `THINGS_normMUA.mat`: the training images once each, the repeats of the test
/// images trial by trial (or their mean, where the file has no repeats).
///
/// The order of the axes is found by their sizes, as loaders disagree about it. Training
/// images are numbered from 0; test images go on where these end, so that no number
/// means two images. The session is called after the folder (`monkeyF`).
///
/// # Errors
///
/// If the file cannot be read, a data set is missing, the sizes leave the order of the
/// axes open, there are fewer channels than asked for, or none is reliable enough.
pub fn read_things(path: &Path, config: &ThingsConfig) -> Result<SessionRecording> {
    let file = Hdf5::open(path)?;
    let (train, test) = (file.set("", "train_MUA")?, file.set("", "test_MUA")?);
    let (train_axis, channels) = channel_axis(&train, &test)?;
    let Range { start, end } = config.channels;
    if start >= end || end > channels {
        let expected = format!("a range within 0..{channels}");
        return Err(Error::argument(
            "channels",
            expected,
            format!("{start}..{end}"),
        ));
    }
    let folder = path.parent().and_then(Path::file_name);
    let session = folder.or(path.file_stem()).unwrap_or_default();
    let session = session.to_string_lossy().into_owned();
    let mut kept: Vec<usize> = config.channels.clone().collect();
    if let Some(least) = config.min_reliability {
        let found = reliability(&file.set("", "reliab")?, channels)?;
        kept.retain(|channel| found[*channel] >= least);
        if kept.is_empty() {
            let best = found[start..end].iter().copied().fold(f64::NAN, f64::max);
            let expected = format!("at most {best:.3}, the best of channels {start}..{end}");
            return Err(Error::argument("min_reliability", expected, least));
        }
    }
    let neurons = kept.len();
    let ids: Vec<String> = kept.iter().map(usize::to_string).collect();
    let make = |images: Vec<u32>, responses: Vec<f32>| {
        Recording::new(session.clone(), neurons, images, responses)?.with_neuron_ids(ids.clone())
    };
    let images = train.len() / channels;
    let responses = images_first(&train.f32()?, train_axis, channels, &kept);
    let first_test = images as u32;
    let trained = make((0..first_test).collect(), responses)?;
    let tested = test.len() / channels;
    let tests = if file.has("", "test_MUA_reps") {
        let reps = file.set("", "test_MUA_reps")?;
        let (order, repeats) = three_axes(&reps, channels, tested)?;
        let values = reps.f32()?;
        let strides = [reps.shape[1] * reps.shape[2], reps.shape[2], 1];
        let [of_channel, of_image, of_repeat] = order.map(|axis| strides[axis]);
        let (mut shown, mut responses) = (Vec::new(), Vec::new());
        for image in 0..tested {
            for repeat in 0..repeats {
                let at = image * of_image + repeat * of_repeat;
                let trial = kept.iter().map(|c| values[at + c * of_channel]);
                let trial: Vec<f32> = trial.collect();
                // Not every image was shown equally often.
                if trial.iter().any(|r| !r.is_nan()) {
                    shown.push(first_test + image as u32);
                    responses.extend(trial);
                }
            }
        }
        make(shown, responses)?
    } else {
        let (test_axis, _) = channel_axis(&test, &train)?;
        let shown = (0..tested as u32).map(|i| first_test + i).collect();
        make(
            shown,
            images_first(&test.f32()?, test_axis, channels, &kept),
        )?
    };
    Ok(SessionRecording {
        train: trained,
        test: tests,
    })
}

/// Which axis of `set` are the channels: the one whose length `other` has too.
fn channel_axis(set: &Set, other: &Set) -> Result<(usize, usize)> {
    let wrong = |found: String| {
        let expected = "two axes, one of them (the channels) as long as one of the other part";
        Error::format(&set.place, expected, found)
    };
    let ([a, b], [c, d]) = (&set.shape[..], &other.shape[..]) else {
        return Err(wrong(format!("{:?} and {:?}", set.shape, other.shape)));
    };
    match ([c, d].contains(&a), [c, d].contains(&b)) {
        (true, false) if *a > 0 => Ok((0, *a)),
        (false, true) if *b > 0 => Ok((1, *b)),
        _ => Err(wrong(format!("{:?} and {:?}", set.shape, other.shape))),
    }
}

/// The mean of each channel's values, over whichever axis is not the channels'; NaN, which
/// is below every bound, where it has none.
fn reliability(set: &Set, channels: usize) -> Result<Vec<f64>> {
    let values = set.f32()?;
    let (pairs, by_channel) = match set.shape[..] {
        [count] | [count, 1] if count == channels => (1, true),
        [1, count] if count == channels => (1, true),
        [count, pairs] if count == channels && pairs != channels => (pairs, true),
        [pairs, count] if count == channels && pairs != channels => (pairs, false),
        _ => {
            let expected = format!("{channels} channels, and another number of pairs");
            let found = format!("{:?}", set.shape);
            return Err(Error::format(&set.place, expected, found));
        }
    };
    let mean = |channel: usize| {
        let all = (0..pairs).map(|pair| match by_channel {
            true => values[channel * pairs + pair],
            false => values[pair * channels + channel],
        });
        let known: Vec<f64> = all.filter(|v| !v.is_nan()).map(f64::from).collect();
        known.iter().sum::<f64>() / known.len() as f64
    };
    Ok((0..channels).map(mean).collect())
}

/// `[images, kept channels]`.
fn images_first(values: &[f32], axis: usize, channels: usize, kept: &[usize]) -> Vec<f32> {
    let images = values.len() / channels;
    let at = |image: usize, channel: usize| match axis {
        0 => values[channel * images + image],
        _ => values[image * channels + channel],
    };
    (0..images)
        .flat_map(|image| kept.iter().map(move |channel| (image, *channel)))
        .map(|(image, channel)| at(image, channel))
        .collect()
}

/// The axes of channels, images and repeats, and the number of repeats.
fn three_axes(set: &Set, channels: usize, images: usize) -> Result<([usize; 3], usize)> {
    let orders = [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ];
    let mut fitting = orders.into_iter().filter(|[c, i, _]| {
        set.shape.len() == 3 && set.shape[*c] == channels && set.shape[*i] == images
    });
    match (fitting.next(), fitting.next()) {
        (Some(order), None) => Ok((order, set.shape[order[2]])),
        _ => Err(Error::format(
            &set.place,
            format!("{channels} channels, {images} images and another number of repeats"),
            format!("{:?}", set.shape),
        )),
    }
}

/// Reads `things_imgs.mat`: what the training (or test) images are.
///
/// # Errors
///
/// If the file cannot be read or its texts are damaged.
pub fn read_things_images(path: &Path, test: bool) -> Result<ThingsImages> {
    let file = Hdf5::open(path)?;
    let group = if test { "test_imgs" } else { "train_imgs" };
    let class = file.set(group, "class")?.text()?;
    let set = file.set(group, "things_path")?;
    let path = set.text()?;
    if path.len() != class.len() {
        let expected = format!("{} paths, one for each class", class.len());
        return Err(Error::format(set.place, expected, path.len().to_string()));
    }
    Ok(ThingsImages { class, path })
}
