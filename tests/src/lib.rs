//! Striate's tests.
