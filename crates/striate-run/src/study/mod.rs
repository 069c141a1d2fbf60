//! The study: its steps, and the report that is made of them.

pub(crate) mod attacks;
pub(crate) mod benchmark;
pub(crate) mod blur;
pub(crate) mod controls;
mod cost;
mod cross;
pub(crate) mod dataset;
mod files;
mod fit;
mod layers;
pub(crate) mod network;
mod neural;
mod reconstruction;
mod record;
pub(crate) mod report;
mod saliency;
pub(crate) mod sensitivity;
mod similarity;
mod steps;
mod targets;
mod tensors;
pub(crate) mod train;
mod training;

pub(crate) use steps::Study;
