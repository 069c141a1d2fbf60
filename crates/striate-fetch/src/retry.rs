//! How often something is tried again, and how long it waits before.

use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// Trying again after a cut connection, a 429 or a 5xx.
#[derive(Clone, Debug, PartialEq)]
pub struct RetryConfig {
    /// Attempts in a row that bring nothing new, before it is given up.
    pub attempts: u32,
    /// The wait before the second attempt; each further one is twice as long.
    pub first_wait: Duration,
    /// The longest wait. A server that asks for a longer one gets no further attempt.
    pub longest_wait: Duration,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self {
            attempts: 6,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(120),
        }
    }
}

/// One series of attempts.
pub(crate) struct Attempts<'a> {
    config: &'a RetryConfig,
    failed: u32,
}

impl<'a> Attempts<'a> {
    pub(crate) fn new(config: &'a RetryConfig) -> Self {
        Self { config, failed: 0 }
    }

    /// What came before the failure counts as success.
    pub(crate) fn reset(&mut self) {
        self.failed = 0;
    }

    /// Counts a failure, and waits if another attempt is allowed.
    ///
    /// # Errors
    ///
    /// `give_up` of the number of failures, or `Stopped`.
    pub(crate) fn wait(
        &mut self,
        asked: Option<Duration>,
        stop: &(dyn Fn() -> bool + Sync),
        give_up: impl FnOnce(u32) -> Error,
    ) -> Result<()> {
        self.failed += 1;
        let longest = self.config.longest_wait;
        if self.failed >= self.config.attempts || asked.is_some_and(|asked| asked > longest) {
            return Err(give_up(self.failed));
        }
        let doubled = self.config.first_wait * 2_u32.saturating_pow(self.failed - 1);
        pause(asked.unwrap_or(doubled).min(longest), stop)
    }
}

/// Sleeps, but not on when asked to stop.
fn pause(time: Duration, stop: &(dyn Fn() -> bool + Sync)) -> Result<()> {
    let end = Instant::now() + time;
    loop {
        if stop() {
            return Err(Error::Stopped);
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        std::thread::sleep(left.min(Duration::from_millis(50)));
    }
}
