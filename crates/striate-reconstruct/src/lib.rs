//! Image reconstruction under a contrast budget
