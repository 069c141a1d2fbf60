//! Accuracy under corruption: grids, relative scores, bootstrap, regressions
