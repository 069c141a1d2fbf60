//! Two pools of threads on few cores.
//!
//! Candle computes large element-wise operations on threads of its own, and spins while
//! it waits for them. The kernels compute on rayon's threads. On few cores the two pools
//! take the cores from each other. On two cores that do other work too, a training step of
//! a narrow network takes 1.6 times the processor time that it takes without the second
//! pool; on two idle ones the same to within 5 %.

/// The variable that candle reads.
const VARIABLE: &str = "CANDLE_NUM_THREADS";

/// With so many cores, a core for each pool is not missed, and operations on one thread
/// would be.
const MANY: usize = 8;

/// On few cores, starts the process again with `CANDLE_NUM_THREADS=1`, and then does not
/// return. It does nothing where the variable is set, and where a process cannot take the
/// place of another (outside Unix: set the variable). To be called first in `main`.
pub fn restart_with_one_pool() {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if cores < MANY && std::env::var_os(VARIABLE).is_none() {
        restart();
    }
}

#[cfg(unix)]
fn restart() {
    use std::os::unix::process::CommandExt;

    let mut arguments = std::env::args_os();
    let (Ok(program), Some(name)) = (std::env::current_exe(), arguments.next()) else {
        return;
    };
    // It returns only if it fails, and then the work is done all the same, only slower.
    let _ = std::process::Command::new(program)
        .arg0(name)
        .args(arguments)
        .env(VARIABLE, "1")
        .exec();
}

#[cfg(not(unix))]
fn restart() {}
