//! The `striate` command.
//!
//! Exit codes: 0 done, 1 the work failed (`corrupt`: all but the files listed is
//! done), 2 wrong usage, 3 a recipe or an input is not right, 4 the run store or
//! the output folder is damaged, in use or cannot be written, 130 interrupted
//! (the same command goes on where it stopped).

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod apply;
mod attack;
mod convert;
mod corrupt;
mod data;
mod display;
mod doctor;
mod explain;
mod failure;
#[cfg(feature = "fetch")]
mod fetch;
mod input;
mod interrupt;
mod real_data;
mod reproduce;
mod rsa;
mod saliency;
mod score;
mod sensitivity;
mod table;
mod train;

/// Keeps freed blocks: a training step allocates and frees the same large tensors
/// again and again, which costs page faults otherwise.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(
    name = "striate",
    version,
    about = "Train, test and explain image classifiers that are co-trained on recordings from the visual cortex"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Reproduce the study: train, score and explain the models, and write the report.
    Reproduce(reproduce::Arguments),
    /// Train one network of a recipe, and write it to a file.
    Train(train::Arguments),
    /// Measure a trained network's accuracy on clean and corrupted images and under attack.
    Evaluate(apply::Evaluate),
    /// Write a trained network's class scores and responses for a set of images.
    Predict(apply::Predict),
    /// Convert a network from PyTorch, or to it.
    Convert(convert::Arguments),
    /// Corrupt an image, or a tree of images, as the ImageNet-C benchmark does.
    Corrupt(corrupt::Arguments),
    /// Describe this machine and measure the kernels on it.
    Doctor(doctor::Arguments),
    /// Score predictions on corrupted images, of any framework.
    Score(score::Arguments),
    /// Compare representations by their dissimilarity matrices.
    Rsa(rsa::Arguments),
    /// Map where a trained network is sensitive in a set of images.
    Sensitivity(sensitivity::Arguments),
    /// Compare maps over images with saliency maps.
    Saliency(saliency::Arguments),
    /// Say how a result row came about.
    Explain(explain::Arguments),
    /// Look at image sets and recordings, and convert them.
    Data(data::Arguments),
    /// Fetch a public data set: resumable, checked, into a shared cache.
    #[cfg(feature = "fetch")]
    Fetch(fetch::Arguments),
}

fn main() -> ExitCode {
    striate_run::restart_with_one_pool();
    let result = match Arguments::parse().command {
        Command::Reproduce(arguments) => reproduce::run(&arguments),
        Command::Train(arguments) => train::run(&arguments),
        Command::Evaluate(arguments) => apply::evaluate(&arguments),
        Command::Predict(arguments) => apply::predict(&arguments),
        Command::Convert(arguments) => convert::run(&arguments),
        Command::Corrupt(arguments) => Ok(corrupt::run(&arguments)),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Score(arguments) => Ok(score::run(&arguments)),
        Command::Rsa(arguments) => Ok(rsa::run(&arguments)),
        Command::Sensitivity(arguments) => sensitivity::run(&arguments),
        Command::Saliency(arguments) => Ok(saliency::run(&arguments)),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Data(arguments) => return data::run(&arguments),
        #[cfg(feature = "fetch")]
        Command::Fetch(arguments) => Ok(fetch::run(&arguments)),
    };
    match result {
        Ok(code) => code,
        Err(error) => failure::report(&error),
    }
}
