//! The study, end to end. Invariant: the report is written from finished steps
//! alone, so it is the same for one run and for one that was interrupted.

use std::path::PathBuf;

use candle_core::Device;
use striate_nn::DeviceKind;
use striate_train::StopFlag;

use crate::engine::{
    Machine, Outcome, Plan, Progress, RunStore, StepState, Summary, clock, run, states,
};
use crate::study::{Study, report};
use crate::{Error, Recipe, Result};

/// How to run, as opposed to what.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the run store, the results and the report are.
    pub out: PathBuf,
    /// Where to compute.
    pub device: DeviceKind,
    /// Threads; all cores if `None`. Results do not depend on it.
    pub threads: Option<usize>,
    /// Print the plan and stop.
    pub dry_run: bool,
    /// No progress.
    pub quiet: bool,
    /// Raised from outside to stop the run.
    pub stop: StopFlag,
}

/// Reproduces the study as the recipe says, and writes the report.
///
/// # Errors
///
/// A recipe that is not right, a store that cannot be used, or the first error of
/// a step; all steps finished until then are kept.
pub fn reproduce(recipe: &Recipe, options: &Options) -> Result<Outcome> {
    on_device(recipe, options, |device| {
        on_this_machine(recipe, options, device)
    })
}

/// Checks the recipe, then works with the threads and on the device of the options.
pub(crate) fn on_device<R: Send>(
    recipe: &Recipe,
    options: &Options,
    work: impl FnOnce(&Device) -> Result<R> + Send,
) -> Result<R> {
    recipe.check().map_err(|problem| Error::Recipe {
        name: recipe.name.clone(),
        problem,
    })?;
    let mut pool = rayon::ThreadPoolBuilder::new();
    if let Some(threads) = options.threads {
        pool = pool.num_threads(threads);
    }
    let pool = pool.build().map_err(|e| Error::Threads {
        problem: e.to_string(),
    })?;
    let device = open_device(options.device);
    pool.install(|| work(&device))
}

/// The device to compute on; says on standard error why it is the CPU where another
/// was asked for.
pub fn open_device(kind: DeviceKind) -> Device {
    let (device, message) = striate_nn::device(kind);
    if let Some(message) = message {
        eprintln!("{message}");
    }
    device
}

fn on_this_machine(recipe: &Recipe, options: &Options, device: &Device) -> Result<Outcome> {
    let study = Study::new(recipe)?;
    let machine = Machine::probe();
    if options.dry_run {
        print!("{}", plan_text(&study.plan, &machine, options));
        return Ok(Outcome::Finished);
    }
    let store = RunStore::open(&options.out)?;
    let mut progress = Progress::new(options.quiet);
    let summary = run(
        &study.plan,
        &store,
        &machine,
        device,
        &options.stop,
        &mut progress,
    )?;
    if summary.outcome == Outcome::Interrupted {
        say_interrupted(&mut progress, &summary, study.plan.len());
        return Ok(Outcome::Interrupted);
    }
    let hash = report::write(recipe, &study, &summary, &machine, device, &options.out)?;
    println!("results {hash}");
    println!("report  {}", options.out.join("report.html").display());
    progress.line(&format!("done in {}", clock(summary.seconds)));
    Ok(Outcome::Finished)
}

/// Says that a run was interrupted, and how far it came.
pub(crate) fn say_interrupted(progress: &mut Progress, summary: &Summary, steps: usize) {
    progress.line(&format!(
        "interrupted after {}; {} of {steps} steps are finished, the same command goes on",
        clock(summary.seconds),
        summary.results.len(),
    ));
}

/// The plan with its estimates, as text.
pub(crate) fn plan_text(plan: &Plan, machine: &Machine, options: &Options) -> String {
    let rows = states(plan, &options.out.join("store"), machine);
    let mut text = String::new();
    let (mut seconds, mut memory, mut disk) = (0.0, 0u64, 0u64);
    for row in &rows {
        let state = match row.state {
            StepState::Finished => "finished",
            StepState::Begun => "begun",
            StepState::Missing => "",
        };
        text.push_str(&format!(
            "{:<58} {:>14} {:>7} MB {:>7} kB  {state}\n",
            row.name,
            clock(row.seconds),
            row.memory_bytes >> 20,
            row.disk_bytes >> 10,
        ));
        if row.state != StepState::Finished {
            seconds += row.seconds;
            memory = memory.max(row.memory_bytes);
            disk += row.disk_bytes;
        }
    }
    text.push_str(&format!(
        "{} steps; about {} to go on {} threads of {} ({:.0} GFLOP/s measured), \
         {} MB of memory, {} MB of disk\n",
        rows.len(),
        clock(seconds),
        machine.threads,
        machine.processor,
        machine.gflops,
        memory >> 20,
        (disk >> 20) + 1,
    ));
    text
}
