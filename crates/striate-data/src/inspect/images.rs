//! What can be said of images.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::{Format, InspectConfig, Problems, Source, Summary, source::Holds};
use crate::{
    Error, Images, Result, RgbImage,
    array::{Array, Values},
    parquet::{ImageTable, SplitName},
    tree::{ImageTree, Listing},
};

/// One part of an image set.
#[derive(Clone, Debug, Default)]
pub struct ImageSummary {
    /// `train`, `validation`, `test`, `all`, or corruption and severity.
    pub part: String,
    /// Number of images.
    pub images: usize,
    /// The classes, in the order of their labels; empty where they have no names.
    pub class_names: Vec<String>,
    /// Images of each class that has any.
    pub class_counts: BTreeMap<u32, usize>,
    /// Images without a label.
    pub unlabelled: usize,
    /// How many images were decoded; what follows is of these.
    pub decoded: usize,
    /// Sizes (height, width) in pixels, and how many images have each.
    pub sizes: BTreeMap<(usize, usize), usize>,
    /// Images whose three channels are equal.
    pub gray: usize,
    /// Mean of each channel, 0..=1.
    pub mean: [f64; 3],
    /// Standard deviation of each channel over all pixels, 0..=1.
    pub deviation: [f64; 3],
    /// Some images, evenly spread.
    pub samples: Vec<Sample>,
}

/// An image to look at.
#[derive(Clone, Debug)]
pub struct Sample {
    /// What it is called.
    pub id: String,
    /// Its class.
    pub label: Option<u32>,
    /// Its pixels.
    pub image: RgbImage,
}

/// Numbers of a decoded image.
struct Seen {
    size: (usize, usize),
    gray: bool,
    sums: [u64; 3],
    squares: [u64; 3],
    keep: Option<RgbImage>,
}

fn look(image: RgbImage, keep: bool) -> Seen {
    let (mut sums, mut squares, mut gray) = ([0; 3], [0; 3], true);
    for p in image.pixels_u8.chunks_exact(3) {
        gray &= p[0] == p[1] && p[1] == p[2];
        for channel in 0..3 {
            let v = u64::from(p[channel]);
            sums[channel] += v;
            squares[channel] += v * v;
        }
    }
    Seen {
        size: (image.height, image.width),
        gray,
        sums,
        squares,
        keep: keep.then_some(image),
    }
}

impl ImageSummary {
    fn count(&mut self, label: Option<u32>) {
        self.images += 1;
        match label {
            Some(label) => *self.class_counts.entry(label).or_default() += 1,
            None => self.unlabelled += 1,
        }
    }

    /// Decodes an even share of `count` images, in parallel, and adds what is seen.
    fn decode(
        &mut self,
        count: usize,
        config: &InspectConfig,
        decode: impl Fn(usize) -> Result<RgbImage> + Sync,
        name: impl Fn(usize) -> (String, Option<u32>),
        problems: &mut Problems,
    ) {
        let chosen: Vec<usize> = spread(count, config.decode);
        let wanted = spread(chosen.len(), config.samples);
        // In blocks, so that no more than a block of images is in memory.
        let (mut pixels, mut sums, mut squares) = (0u64, [0u64; 3], [0u64; 3]);
        for (block, indices) in chosen.chunks(256).enumerate() {
            let seen: Vec<Result<Seen>> = indices
                .par_iter()
                .enumerate()
                .map(|(i, index)| {
                    let keep = wanted.binary_search(&(block * 256 + i)).is_ok();
                    decode(*index).map(|image| look(image, keep))
                })
                .collect();
            for (seen, index) in seen.into_iter().zip(indices) {
                let seen = match seen {
                    Ok(seen) => seen,
                    Err(error) => {
                        problems.add(error);
                        continue;
                    }
                };
                self.decoded += 1;
                *self.sizes.entry(seen.size).or_default() += 1;
                self.gray += usize::from(seen.gray);
                pixels += (seen.size.0 * seen.size.1) as u64;
                for channel in 0..3 {
                    sums[channel] += seen.sums[channel];
                    squares[channel] += seen.squares[channel];
                }
                if let Some(image) = seen.keep {
                    let (id, label) = name(*index);
                    self.samples.push(Sample { id, label, image });
                }
            }
        }
        let n = pixels.max(1) as f64;
        for channel in 0..3 {
            let mean = sums[channel] as f64 / n;
            let variance = squares[channel] as f64 / n - mean * mean;
            self.mean[channel] = mean / 255.0;
            self.deviation[channel] = variance.max(0.0).sqrt() / 255.0;
        }
    }
}

/// `wanted` of `count` places, evenly spread, rising; all of them where there are fewer.
fn spread(count: usize, wanted: usize) -> Vec<usize> {
    if count <= wanted {
        return (0..count).collect();
    }
    (0..wanted).map(|i| i * count / wanted).collect()
}

pub(super) fn add(source: &Source, config: &InspectConfig, summary: &mut Summary) -> Result<()> {
    match &source.holds {
        Holds::Images(tree) => add_tree(tree, source.format(), config, summary),
        Holds::Shards(parts) => {
            for (part, shards) in parts {
                let mut found = ImageSummary {
                    part: part.clone(),
                    ..ImageSummary::default()
                };
                let mut share = config.clone();
                share.decode = config.decode.div_ceil(shards.len());
                share.samples = config.samples.div_ceil(shards.len());
                // One shard after the other: a table's bytes are all in memory.
                for shard in shards {
                    let mut of_shard = ImageSummary::default();
                    match ImageTable::open(shard) {
                        Ok(table) => add_table(&mut of_shard, table, &share, &mut summary.problems),
                        Err(error) => summary.problems.add(error),
                    }
                    found.merge(of_shard);
                }
                summary.images.push(found);
            }
            Ok(())
        }
        Holds::Arrays(arrays) => {
            if let Some(images) = arrays.get("images") {
                let place = format!("{}, array images", source.path().display());
                let found = of_array(images, arrays.get("labels"), &place, config, summary);
                match found {
                    Ok(found) => summary.images.push(found),
                    Err(error) if source.format() == Format::ImageArrays => return Err(error),
                    Err(error) => summary.problems.add(error),
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

impl ImageSummary {
    fn merge(&mut self, other: Self) {
        let weight = |s: &Self| {
            let pixels = s.sizes.iter().map(|((h, w), n)| h * w * n);
            pixels.sum::<usize>() as f64
        };
        let (a, b) = (weight(self), weight(&other));
        for channel in 0..3 {
            // Through the mean square: means and squares add, deviations do not.
            let square = |s: &Self| s.deviation[channel].powi(2) + s.mean[channel].powi(2);
            let both = |x: f64, y: f64| (x * a + y * b) / (a + b).max(1.0);
            let square = both(square(self), square(&other));
            self.mean[channel] = both(self.mean[channel], other.mean[channel]);
            self.deviation[channel] = (square - self.mean[channel].powi(2)).max(0.0).sqrt();
        }
        self.images += other.images;
        self.unlabelled += other.unlabelled;
        self.decoded += other.decoded;
        self.gray += other.gray;
        for (label, count) in other.class_counts {
            *self.class_counts.entry(label).or_default() += count;
        }
        for (size, count) in other.sizes {
            *self.sizes.entry(size).or_default() += count;
        }
        if self.class_names.is_empty() {
            self.class_names = other.class_names;
        }
        self.samples.extend(other.samples);
    }
}

fn add_tree(
    tree: &ImageTree,
    format: Format,
    config: &InspectConfig,
    summary: &mut Summary,
) -> Result<()> {
    if format == Format::CorruptionTree {
        let mut share = config.clone();
        let corruptions = tree.corruptions();
        share.decode = config.decode.div_ceil(corruptions.len() * 5);
        share.samples = 1;
        for corruption in &corruptions {
            for severity in 1..=5 {
                let part = format!("{corruption} {severity}");
                add_listing(part, tree.corrupted(corruption, severity), &share, summary);
            }
        }
        return Ok(());
    }
    let parts = tree.parts();
    if parts.is_empty() {
        let listing = tree.whole()?;
        add_listing("all".to_string(), Ok(listing), config, summary);
    }
    for part in parts {
        let name = part.aliases()[0].to_string();
        match tree.split(part) {
            // TinyImageNet's test images have no labels: that is no problem.
            Err(_) if part == SplitName::Test => summary.images.push(ImageSummary {
                part: name,
                images: tree.images_in(part),
                unlabelled: tree.images_in(part),
                ..ImageSummary::default()
            }),
            listing => add_listing(name, listing, config, summary),
        }
    }
    Ok(())
}

fn add_listing(
    part: String,
    listing: Result<Listing<'_>>,
    config: &InspectConfig,
    summary: &mut Summary,
) {
    let listing = match listing {
        Ok(listing) => listing,
        Err(error) => {
            summary.problems.add(error);
            return;
        }
    };
    let mut found = ImageSummary {
        part,
        class_names: listing.class_names.clone(),
        ..ImageSummary::default()
    };
    for (_, label) in &listing.samples {
        found.count(Some(*label));
    }
    found.decode(
        listing.samples.len(),
        config,
        |index| listing.decode(index),
        |index| {
            let (name, label) = &listing.samples[index];
            (name.clone(), Some(*label))
        },
        &mut summary.problems,
    );
    summary.images.push(found);
}

fn add_table(
    found: &mut ImageSummary,
    table: ImageTable,
    config: &InspectConfig,
    problems: &mut Problems,
) {
    for record in &table.records {
        found.count(record.label);
    }
    let records = &table.records;
    found.decode(
        records.len(),
        config,
        |index| records[index].decode(),
        |index| {
            let record = &records[index];
            let name = record.path.clone().unwrap_or_else(|| index.to_string());
            (name, record.label)
        },
        problems,
    );
    found.class_names = table.class_names;
}

/// `[n, h, w]`, `[n, h, w, 3]` or `[n, 3, h, w]` (data-formats.md 2.7).
pub(super) fn to_images(array: &Array, place: &str) -> Result<Images> {
    let Values::U8(pixels) = &array.values else {
        return Err(Error::format(place, "pixels of uint8", array.values.kind()));
    };
    match array.shape[..] {
        [n, h, w] => Images::new(n, h, w, 1, pixels.clone()),
        [n, h, w, 3] => Images::new(n, h, w, 3, pixels.clone()),
        [n, 1, h, w] => Images::new(n, h, w, 1, pixels.clone()),
        [n, 3, h, w] => {
            let mut interleaved = Vec::with_capacity(pixels.len());
            for image in pixels.chunks_exact((3 * h * w).max(1)) {
                for i in 0..h * w {
                    interleaved.extend([0, 1, 2].map(|channel| image[channel * h * w + i]));
                }
            }
            Images::new(n, h, w, 3, interleaved)
        }
        _ => Err(Error::format(
            place,
            "[n, height, width], [n, height, width, 3] or [n, 3, height, width]",
            format!("{:?}", array.shape),
        )),
    }
}

fn of_array(
    array: &Array,
    labels: Option<&Array>,
    place: &str,
    config: &InspectConfig,
    summary: &mut Summary,
) -> Result<ImageSummary> {
    let images = to_images(array, place)?;
    let labels = labels.map(|l| l.to_ids("array labels")).transpose()?;
    if let Some(labels) = &labels
        && labels.len() != images.count
    {
        let expected = format!("{} labels, one for each image", images.count);
        return Err(Error::format(place, expected, labels.len().to_string()));
    }
    let label = |index: usize| labels.as_ref().map(|labels| labels[index]);
    let mut found = ImageSummary {
        part: "all".to_string(),
        ..ImageSummary::default()
    };
    (0..images.count).for_each(|index| found.count(label(index)));
    let decode = |index: usize| {
        let pixels = images.get(index);
        Ok(RgbImage {
            height: images.height,
            width: images.width,
            pixels_u8: match images.channels {
                1 => pixels.iter().flat_map(|v| [*v; 3]).collect(),
                _ => pixels.to_vec(),
            },
        })
    };
    let name = |index: usize| (index.to_string(), label(index));
    found.decode(images.count, config, decode, name, &mut summary.problems);
    Ok(found)
}
