//! Kendall's tau in O(n log n). Invariant: all counts are exact integers.

use crate::compare::ranks::Dense;

/// One variable: its dense ranks and weights.
pub(crate) struct Ranked {
    dense: Vec<u32>,
    levels: usize,
    weights: Vec<u32>,
    /// Pairs tied in this variable.
    ties: u64,
    /// All pairs.
    pairs: u64,
    tie_correction: bool,
}

impl Ranked {
    pub(super) fn new(dense: &Dense, weights: &[f64], tie_correction: bool) -> Self {
        let levels = dense.level_weights(weights);
        // Levels that a sample left empty go, which keeps the tree small.
        let mut next = 0;
        let compact: Vec<u32> = levels
            .iter()
            .map(|w| {
                let rank = next;
                next += u32::from(*w > 0.0);
                rank
            })
            .collect();
        Self {
            dense: dense.ranks.iter().map(|r| compact[*r as usize]).collect(),
            levels: next as usize,
            weights: weights.iter().map(|w| *w as u32).collect(),
            ties: levels.iter().map(|w| choose_two(*w as u64)).sum(),
            pairs: choose_two(weights.iter().sum::<f64>() as u64),
            tie_correction,
        }
    }

    pub(super) fn is_constant(&self) -> bool {
        self.ties == self.pairs
    }

    /// tau-a = (C - D) / all pairs; tau-b divides by the geometric mean of the
    /// pairs untied in each variable (Kendall 1945; counting as Knight 1966).
    pub(super) fn tau(&self, other: &Self) -> f64 {
        let (discordant, joint) = self.discordant(other);
        // all = C + D + ties in either
        let untied = self.pairs + joint - self.ties - other.ties;
        let score = untied as f64 - 2.0 * discordant as f64;
        if self.tie_correction {
            let (a, b) = (self.pairs - self.ties, other.pairs - other.ties);
            score / (a as f64).sqrt() / (b as f64).sqrt()
        } else {
            score / self.pairs as f64
        }
    }

    /// Discordant pairs, and pairs tied in both variables.
    fn discordant(&self, other: &Self) -> (u64, u64) {
        // Counting sort by this variable: (level of the other, weight).
        let mut ends = vec![0_usize; self.levels + 1];
        for rank in &self.dense {
            ends[*rank as usize + 1] += 1;
        }
        for level in 0..self.levels {
            ends[level + 1] += ends[level];
        }
        let mut next = ends.clone();
        let mut sorted = vec![(0_u32, 0_u32); self.dense.len()];
        for (index, rank) in self.dense.iter().enumerate() {
            let place = &mut next[*rank as usize];
            sorted[*place] = (other.dense[index], self.weights[index]);
            *place += 1;
        }
        let mut tree = Fenwick::new(other.levels);
        let (mut discordant, mut joint, mut seen) = (0, 0, 0);
        for level in 0..self.levels {
            let group = &mut sorted[ends[level]..ends[level + 1]];
            group.sort_unstable();
            // Within a group nothing is discordant, so all are counted before
            // any is entered.
            for (rank, weight) in &*group {
                let above = seen - tree.sum_up_to(*rank);
                discordant += u64::from(*weight) * u64::from(above);
            }
            for run in group.chunk_by(|a, b| a.0 == b.0) {
                let weight: u32 = run.iter().map(|(_, w)| w).sum();
                joint += choose_two(u64::from(weight));
                tree.add(run[0].0, weight);
                seen += weight;
            }
        }
        (discordant, joint)
    }
}

fn choose_two(n: u64) -> u64 {
    n * n.saturating_sub(1) / 2
}

/// Prefix sums under insertion. Entries of a matrix, copies included, number
/// less than 2^32.
struct Fenwick(Vec<u32>);

impl Fenwick {
    fn new(levels: usize) -> Self {
        Self(vec![0; levels + 1])
    }

    fn add(&mut self, rank: u32, weight: u32) {
        let mut i = rank as usize + 1;
        while i < self.0.len() {
            self.0[i] += weight;
            i += i & i.wrapping_neg();
        }
    }

    /// Weight of ranks up to and with `rank`.
    fn sum_up_to(&self, rank: u32) -> u32 {
        let (mut i, mut sum) = (rank as usize + 1, 0);
        while i > 0 {
            sum += self.0[i];
            i &= i - 1;
        }
        sum
    }
}
