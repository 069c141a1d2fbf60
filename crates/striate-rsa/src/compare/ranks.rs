//! Ranks of weighted values. Invariant: a value of weight w takes part like w
//! equal values, so ranks agree with those of the sample written out.
//!
//! Matrices are sorted once; a sample then finds its ranks by counting, with two
//! passes over its own entries and no sorting.

/// Dense ranks: equal values share one, and ranks have no gaps.
#[derive(Clone, Debug)]
pub(crate) struct Dense {
    pub(crate) ranks: Vec<u32>,
    /// One more than the largest rank.
    pub(crate) levels: usize,
}

impl Dense {
    pub(crate) fn of(values: &[f64]) -> Self {
        let mut order: Vec<u32> = (0..values.len() as u32).collect();
        order.sort_unstable_by(|a, b| values[*a as usize].total_cmp(&values[*b as usize]));
        let mut ranks = vec![0; values.len()];
        let mut levels = 0;
        for group in order.chunk_by(|a, b| values[*a as usize] == values[*b as usize]) {
            for index in group {
                ranks[*index as usize] = levels as u32;
            }
            levels += 1;
        }
        Self { ranks, levels }
    }

    /// The weight at each rank.
    pub(super) fn level_weights(&self, weights: &[f64]) -> Vec<f64> {
        let mut levels = vec![0.0; self.levels];
        for (rank, weight) in self.ranks.iter().zip(weights) {
            levels[*rank as usize] += weight;
        }
        levels
    }
}

/// Mean ranks from 1, ties sharing theirs.
pub(crate) fn mid_ranks(dense: &Dense, weights: &[f64]) -> Vec<f64> {
    let mut levels = dense.level_weights(weights);
    let mut below = 0.0;
    for level in &mut levels {
        let weight = *level;
        *level = below + 0.5 * (weight + 1.0);
        below += weight;
    }
    let ranks = dense.ranks.iter().map(|rank| levels[*rank as usize]);
    ranks.collect()
}
