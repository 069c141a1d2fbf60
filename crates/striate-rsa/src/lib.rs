//! Representational similarity analysis
