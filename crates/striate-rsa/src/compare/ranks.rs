//! Ranks of weighted values. Invariant: a value of weight w takes part like w
//! equal values, so ranks agree with those of the sample written out.

/// Mean ranks from 1, ties sharing theirs; `order` sorts the values.
pub(crate) fn mid_ranks(values: &[f64], order: &[u32], weights: &[f64]) -> Vec<f64> {
    let mut ranks = vec![0.0; values.len()];
    let mut below = 0.0;
    for group in order.chunk_by(|a, b| values[*a as usize] == values[*b as usize]) {
        let weight: f64 = group.iter().map(|i| weights[*i as usize]).sum();
        for index in group {
            ranks[*index as usize] = below + 0.5 * (weight + 1.0);
        }
        below += weight;
    }
    ranks
}
