//! Kendall's tau in O(n log n). Invariant: all counts are exact integers.

/// One variable: dense ranks, and the order that sorts them.
pub(crate) struct Ranked {
    dense: Vec<u32>,
    order: Vec<u32>,
    weights: Vec<u64>,
    /// Pairs tied in this variable.
    ties: u64,
    /// All pairs.
    pairs: u64,
    tie_correction: bool,
}

impl Ranked {
    pub(super) fn new(values: &[f64], order: &[u32], weights: &[f64]) -> Self {
        let weights: Vec<u64> = weights.iter().map(|w| *w as u64).collect();
        let mut dense = vec![0; values.len()];
        let (mut rank, mut ties) = (0, 0);
        for group in order.chunk_by(|a, b| values[*a as usize] == values[*b as usize]) {
            let weight: u64 = group.iter().map(|i| weights[*i as usize]).sum();
            ties += choose_two(weight);
            for index in group {
                dense[*index as usize] = rank;
            }
            rank += 1;
        }
        Self {
            dense,
            order: order.to_vec(),
            pairs: choose_two(weights.iter().sum()),
            weights,
            ties,
            tie_correction: false,
        }
    }

    pub(super) fn with_tie_correction(mut self, tie_correction: bool) -> Self {
        self.tie_correction = tie_correction;
        self
    }

    pub(super) fn is_constant(&self) -> bool {
        self.ties == self.pairs
    }

    /// tau-a = (C - D) / all pairs; tau-b divides by the geometric mean of the
    /// pairs untied in each variable (Kendall 1945; counting by Knight 1966).
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
        let mut tree = Fenwick::new(self.dense.len());
        let (mut discordant, mut joint, mut seen) = (0, 0, 0);
        let mut group_buffer: Vec<u32> = Vec::new();
        let tied = |a: &u32, b: &u32| self.dense[*a as usize] == self.dense[*b as usize];
        for group in self.order.chunk_by(tied) {
            let group = if group.len() > 1 {
                group_buffer.clear();
                group_buffer.extend_from_slice(group);
                group_buffer.sort_unstable_by_key(|i| other.dense[*i as usize]);
                group_buffer.as_slice()
            } else {
                group
            };
            // Within a group only copies and joint ties meet: no discordance,
            // so all are counted before any is entered.
            for index in group {
                let (rank, weight) = (other.dense[*index as usize], self.weights[*index as usize]);
                discordant += weight * (seen - tree.sum_up_to(rank));
            }
            let same = |a: &u32, b: &u32| other.dense[*a as usize] == other.dense[*b as usize];
            for run in group.chunk_by(same) {
                let weight: u64 = run.iter().map(|i| self.weights[*i as usize]).sum();
                joint += choose_two(weight);
                tree.add(other.dense[run[0] as usize], weight);
                seen += weight;
            }
        }
        (discordant, joint)
    }
}

fn choose_two(n: u64) -> u64 {
    n * n.saturating_sub(1) / 2
}

/// Prefix sums under insertion.
struct Fenwick(Vec<u64>);

impl Fenwick {
    fn new(ranks: usize) -> Self {
        Self(vec![0; ranks + 1])
    }

    fn add(&mut self, rank: u32, weight: u64) {
        let mut i = rank as usize + 1;
        while i < self.0.len() {
            self.0[i] += weight;
            i += i & i.wrapping_neg();
        }
    }

    /// Weight of ranks up to and with `rank`.
    fn sum_up_to(&self, rank: u32) -> u64 {
        let (mut i, mut sum) = (rank as usize + 1, 0);
        while i > 0 {
            sum += self.0[i];
            i &= i - 1;
        }
        sum
    }
}
