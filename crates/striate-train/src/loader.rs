//! Batches, prepared ahead in the background. Invariant: which images a batch holds and
//! how they are augmented depends on seed, epoch and batch number alone; the result
//! is the same for any number of threads and wherever a run was resumed.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, sync_channel};

use rayon::prelude::*;
use striate_random::{Seed, Stream};

use crate::cycler::{Task, Turn};
use crate::error::SourceError;
use crate::source::{ImageSource, ResponseSource};
use crate::{Error, Result};

/// Batches that wait for the trainer at most.
const AHEAD: usize = 3;

/// What a batch is compared with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Target {
    /// One class per image.
    Labels(Vec<u32>),
    /// One row of responses per image.
    Responses(Vec<f32>),
}

/// One loaded batch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Batch {
    pub(crate) pixels: Vec<f32>,
    pub(crate) shape: [usize; 4],
    pub(crate) target: Target,
}

/// What an epoch reads from.
pub(crate) struct EpochSources<'a> {
    pub(crate) images: Option<&'a dyn ImageSource>,
    pub(crate) neural: Vec<&'a dyn ResponseSource>,
    pub(crate) batch_size: usize,
    pub(crate) neural_batch_size: usize,
    pub(crate) seed: Seed,
    pub(crate) epoch: usize,
}

impl EpochSources<'_> {
    /// Lets `consume` take the batches of these turns, in order, while a background
    /// thread prepares the next ones.
    pub(crate) fn with_batches<R>(
        &self,
        turns: &[Turn],
        consume: impl FnOnce(Receiver<Result<Batch>>) -> R,
    ) -> R {
        std::thread::scope(|scope| {
            let (send, receive) = sync_channel(AHEAD);
            scope.spawn(move || {
                let mut orders = Orders::default();
                for turn in turns {
                    // The receiver is gone when the trainer has stopped early.
                    if send.send(self.load(turn, &mut orders)).is_err() {
                        return;
                    }
                }
            });
            consume(receive)
        })
    }

    fn load(&self, turn: &Turn, orders: &mut Orders) -> Result<Batch> {
        match turn.task {
            Task::Images => {
                let source = self.images.ok_or(Error::Loader)?;
                let (first, indices) =
                    self.indices(turn, "images", source.len(), self.batch_size, orders);
                let seed = self.seed.child("augment").index(self.epoch as u64);
                let pixels = load_all(
                    "the training images",
                    source.shape(),
                    &indices,
                    |place, index, out| {
                        let mut stream = seed.index((first + place) as u64).stream();
                        source.load(index, &mut stream, out)
                    },
                )?;
                let labels = indices.iter().map(|i| source.label(*i)).collect();
                Ok(batch(
                    pixels,
                    source.shape(),
                    &indices,
                    Target::Labels(labels),
                ))
            }
            Task::Neural(session) => {
                let source = *self.neural.get(session).ok_or(Error::Loader)?;
                let name = format!("session {}", source.session());
                let size = self.neural_batch_size;
                let (_, indices) = self.indices(turn, &name, source.len(), size, orders);
                let pixels = load_all(&name, source.shape(), &indices, |_, index, out| {
                    source.load(index, out)
                })?;
                let responses = indices
                    .iter()
                    .flat_map(|i| source.responses(*i))
                    .copied()
                    .collect();
                Ok(batch(
                    pixels,
                    source.shape(),
                    &indices,
                    Target::Responses(responses),
                ))
            }
        }
    }

    /// The running number of the first item within its stream, and the items.
    fn indices(
        &self,
        turn: &Turn,
        name: &str,
        len: usize,
        size: usize,
        orders: &mut Orders,
    ) -> (usize, Vec<usize>) {
        let batches = len.div_ceil(size).max(1);
        let (pass, place) = (turn.batch / batches, turn.batch % batches);
        let entry = orders.0.entry(turn.task).or_default();
        if entry.as_ref().is_none_or(|(known, _)| *known != pass) {
            let seed = self.seed.child("order").child(name);
            let mut stream = seed.index(self.epoch as u64).index(pass as u64).stream();
            *entry = Some((pass, stream.permutation(len)));
        }
        let start = place * size;
        let indices = entry.as_ref().map_or(Vec::new(), |(_, order)| {
            order[start..(start + size).min(len)].to_vec()
        });
        (pass * len + start, indices)
    }
}

/// The present order of each stream, with its pass.
#[derive(Default)]
struct Orders(BTreeMap<Task, Option<(usize, Vec<usize>)>>);

fn batch(pixels: Vec<f32>, [h, w, c]: [usize; 3], indices: &[usize], target: Target) -> Batch {
    Batch {
        pixels,
        shape: [indices.len(), h, w, c],
        target,
    }
}

/// Loads items side by side; `load` gets the place in the batch and the index.
pub(crate) fn load_all(
    of: &str,
    shape: [usize; 3],
    indices: &[usize],
    load: impl Fn(usize, usize, &mut [f32]) -> Result<(), SourceError> + Sync,
) -> Result<Vec<f32>> {
    let each: usize = shape.iter().product();
    let mut pixels = vec![0f32; indices.len() * each];
    pixels
        .par_chunks_mut(each.max(1))
        .zip(indices)
        .enumerate()
        .try_for_each(|(place, (out, index))| -> Result<()> {
            load(place, *index, out).map_err(|source| Error::Source {
                of: of.to_owned(),
                index: *index,
                source,
            })
        })?;
    Ok(pixels)
}

/// The stream with which an image is loaded for evaluation: always the same, so that
/// scores of different epochs see the same images.
pub(crate) fn evaluation_stream(seed: &Seed, index: usize) -> Stream {
    seed.child("evaluate").index(index as u64).stream()
}
