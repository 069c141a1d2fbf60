//! Control of errors over several tests. Invariant: corrected p-values keep the
//! order of the raw ones and never fall below them.

/// Holm's step-down correction: controls the family-wise error under any
/// dependence (Holm 1979).
pub fn holm(p: &[f64]) -> Vec<f64> {
    let order = ascending(p);
    let mut corrected = vec![0.0; p.len()];
    let mut running = 0.0_f64;
    for (rank, index) in order.iter().enumerate() {
        running = running.max(p[*index] * (p.len() - rank) as f64);
        corrected[*index] = running.min(1.0);
    }
    corrected
}

/// Benjamini and Hochberg's step-up correction: controls the false discovery
/// rate of tests that are independent or positively dependent (1995).
pub fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    let order = ascending(p);
    let mut corrected = vec![0.0; p.len()];
    let mut running = 1.0_f64;
    for (rank, index) in order.iter().enumerate().rev() {
        running = running.min(p[*index] * p.len() as f64 / (rank + 1) as f64);
        corrected[*index] = running;
    }
    corrected
}

fn ascending(p: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    order
}
