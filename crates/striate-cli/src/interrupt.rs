//! Ctrl-C and the termination signal: the first asks the run to stop, a second
//! does not wait for it.

use striate_run::StopFlag;

/// A flag that the first signal raises. To be called once.
pub fn flag() -> StopFlag {
    let stop = StopFlag::new();
    let flag = stop.clone();
    let handler = ctrlc::set_handler(move || {
        if flag.is_raised() {
            // A second signal does not wait for the step to save itself; the
            // last checkpoint stands.
            std::process::exit(i32::from(crate::failure::INTERRUPTED));
        }
        flag.raise();
        eprintln!("stopping; the same command goes on from here (again to stop at once)");
    });
    if let Err(error) = handler {
        eprintln!("striate: Ctrl-C will stop at once, since no handler could be set: {error}");
    }
    stop
}
