//! Striate development commands.
fn main() {}
