//! The study: its steps, and the report that is made of them.

mod benchmark;
mod cost;
mod dataset;
mod fit;
mod network;
mod neural;
mod reconstruction;
mod record;
pub(crate) mod report;
mod saliency;
mod similarity;
mod steps;
mod targets;
mod tensors;
mod train;
mod training;

pub(crate) use steps::Study;
