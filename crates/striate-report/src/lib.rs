//! Figures, result tables and the self-contained HTML report
