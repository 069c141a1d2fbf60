//! Settings that libraries read from the environment when a process starts.
//!
//! Candle computes large element-wise operations on threads of its own, and spins while
//! it waits for them. The kernels compute on rayon's threads. On few cores the two pools
//! take the cores from each other. On two cores that do other work too, a training step of
//! a narrow network takes 1.6 times the processor time that it takes without the second
//! pool; on two idle ones the same to within 5 %.
//!
//! mimalloc gives memory back to the system that nobody has used for 10 ms: in training,
//! the activations of the step before. The system clears each page before it hands it out
//! again: 7 % of the processor time of a step of VGG-19.

/// What is set where the user has not set it, and the value.
#[cfg(unix)]
const POOL: [&str; 2] = ["CANDLE_NUM_THREADS", "1"];
/// Milliseconds: longer than any step.
#[cfg(unix)]
const PURGE: [&str; 2] = ["MIMALLOC_PURGE_DELAY", "60000"];

/// With so many cores, a core for each pool is not missed, and operations on one thread
/// would be.
#[cfg(unix)]
const MANY: usize = 8;

/// Starts the process again with the settings under which training is fast, and then does
/// not return: memory is kept for a minute, and on few cores there is one pool of threads.
/// Where all are set (`MIMALLOC_PURGE_DELAY`, `CANDLE_NUM_THREADS`), or a process cannot
/// take the place of another (outside Unix: set them), it does nothing. To be called first
/// in `main`.
pub fn restart_with_fast_settings() {
    #[cfg(unix)]
    restart();
}

#[cfg(unix)]
fn restart() {
    use std::os::unix::process::CommandExt;

    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut missing = vec![PURGE];
    if cores < MANY {
        missing.push(POOL);
    }
    missing.retain(|[variable, _]| std::env::var_os(variable).is_none());
    let mut arguments = std::env::args_os();
    if let (Ok(program), Some(name)) = (std::env::current_exe(), arguments.next())
        && !missing.is_empty()
    {
        // It returns only if it fails, and then the work is done all the same, only slower.
        let _ = std::process::Command::new(program)
            .arg0(name)
            .args(arguments)
            .envs(
                missing
                    .into_iter()
                    .map(|[variable, value]| (variable, value)),
            )
            .exec();
    }
}
