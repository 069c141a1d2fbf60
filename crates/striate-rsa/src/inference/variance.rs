//! Variances of evaluations out of replicates. Invariant: the corrections are
//! those of rsatoolbox 0.3.2: `n / (n - 1)` for one bootstrapped factor, the
//! dual-bootstrap formula for two (Schütt et al. 2023).

use striate_random::Seed;

use crate::inference::{
    Inference, ModelDifference, ModelEvaluation, Replicate, Resample, benjamini_hochberg, holm,
};

/// The replicates that could be used, with their numbers.
pub(super) struct Series<'a> {
    kept: Vec<(usize, Vec<Replicate>)>,
    config: &'a Inference,
    images: f64,
    subjects: f64,
}

impl<'a> Series<'a> {
    pub(super) fn new(
        kept: Vec<(usize, Vec<Replicate>)>,
        config: &'a Inference,
        images: usize,
        subjects: usize,
    ) -> Self {
        Self {
            kept,
            config,
            images: images as f64,
            subjects: subjects as f64,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    /// The corrected variance of a statistic of each replicate.
    fn variance(&self, statistic: impl Fn(&Replicate) -> f64) -> f64 {
        let of = |bootstrap: usize| {
            let values = self.kept.iter().map(|(_, r)| statistic(&r[bootstrap]));
            variance(&values.collect::<Vec<_>>())
        };
        let (images, subjects) = (
            self.images / (self.images - 1.0),
            self.subjects / (self.subjects - 1.0),
        );
        match self.config.resample {
            Resample::Images => images * of(0),
            Resample::Subjects => subjects * of(0),
            Resample::ImagesAndSubjects => {
                let [both, by_subjects, by_images] = [of(0), of(1), of(2)];
                let (s, i) = (subjects * by_subjects, images * by_images);
                let interaction = images * subjects * (both - by_subjects - by_images);
                // The estimate cannot be below either factor alone, nor above
                // the uncorrected double bootstrap.
                (s + i - interaction).max(s).max(i).min(both)
            }
        }
    }

    pub(super) fn model(
        &self,
        model: usize,
        name: &str,
        per_seed: &[f64],
        root: &Seed,
    ) -> ModelEvaluation {
        let score = mean(per_seed);
        let mut nested: Vec<f64> = self
            .kept
            .iter()
            .map(|(number, r)| {
                let seeds = &r[0].scores[model];
                let node = root.index(*number as u64).child("training seeds");
                let mut stream = node.index(model as u64).stream();
                let drawn = (0..seeds.len()).map(|_| seeds[stream.below(seeds.len())]);
                drawn.sum::<f64>() / seeds.len() as f64
            })
            .collect();
        nested.sort_by(f64::total_cmp);
        let tail = (1.0 - self.config.confidence) / 2.0;
        let with_ceiling = self.kept[0].1[0].ceiling.is_some();
        let distance = |upper: bool| {
            self.variance(|r| {
                let ceiling = r
                    .ceiling
                    .map_or(f64::NAN, |c| if upper { c.upper } else { c.lower });
                mean(&r.scores[model]) - ceiling
            })
        };
        ModelEvaluation {
            name: name.to_owned(),
            score,
            per_seed: per_seed.to_vec(),
            sampling_variance: self.variance(|r| mean(&r.scores[model])),
            seed_variance: (per_seed.len() > 1).then(|| variance(per_seed) / per_seed.len() as f64),
            low: quantile(&nested, tail),
            high: quantile(&nested, 1.0 - tail),
            ceiling_variances: with_ceiling.then(|| [distance(false), distance(true)]),
        }
    }

    pub(super) fn differences(&self, names: &[&str], scores: &[f64]) -> Vec<ModelDifference> {
        let mut out = Vec::new();
        for i in 0..names.len() {
            for j in i + 1..names.len() {
                let statistic = |r: &Replicate| mean(&r.scores[i]) - mean(&r.scores[j]);
                out.push(ModelDifference {
                    model: names[i].to_owned(),
                    minus: names[j].to_owned(),
                    difference: scores[i] - scores[j],
                    sampling_variance: self.variance(statistic),
                    p: self.p_value(statistic),
                    p_holm: 0.0,
                    p_fdr: 0.0,
                });
            }
        }
        let p: Vec<f64> = out.iter().map(|d| d.p).collect();
        for ((d, holm), fdr) in out.iter_mut().zip(holm(&p)).zip(benjamini_hochberg(&p)) {
            (d.p_holm, d.p_fdr) = (holm, fdr);
        }
        out
    }

    /// Twice the smaller share of replicates on either side of zero, mixed with
    /// one replicate so that it is never zero (rsatoolbox
    /// `bootstrap_pair_tests`); 1 if every replicate is a tie.
    fn p_value(&self, statistic: impl Fn(&Replicate) -> f64) -> f64 {
        let n = self.kept.len() as f64;
        let count = |test: fn(f64) -> bool| {
            let hits = self.kept.iter().filter(|(_, r)| test(statistic(&r[0])));
            hits.count() as f64
        };
        let (below, ties) = (count(|v| v < 0.0), count(|v| v == 0.0));
        if ties == n {
            return 1.0;
        }
        let share = below / (n - ties);
        2.0 * share.min(1.0 - share) * (n - 1.0) / n + 1.0 / n
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Sample variance (n - 1).
fn variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    squares / (values.len() as f64 - 1.0)
}

/// By linear interpolation, of sorted values.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let position = q * (sorted.len() - 1) as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (position - below as f64) * (sorted[above] - sorted[below])
}
