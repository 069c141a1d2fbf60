//! Fetches from a server on this machine that speaks HTTP and the Hub's protocol.
//!
//! No real server is asked: what is tested is the protocol as it is documented.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests: a failure here fails the test"
)]

mod cache;
mod faults;
mod hubs;
mod resume;
mod support;

use striate_fetch::{FetchReport, Manifest, Result, fetch};
use support::Place;

/// Fetches without progress and stop.
fn run(manifest: &Manifest, place: &Place) -> Result<FetchReport> {
    fetch(manifest, &place.config, &mut |_| {}, &|| false)
}

/// The message of a fetch that must fail.
fn failure(manifest: &Manifest, place: &Place) -> String {
    let error = run(manifest, place).unwrap_err();
    // No secret of a signed address or a token in any message.
    let text = format!("{error} {error:?}");
    assert!(!text.contains("secret"), "{text}");
    error.to_string()
}
