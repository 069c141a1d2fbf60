//! Where each score stands in the vector of statistics. Invariant: the vector is
//! model-major, and each model has its corruptions, its groups and its overall
//! score, in this order.

use crate::bootstrap::Means;
use crate::corruptions::Group;
use crate::grid::{AccuracyGrid, Run};
use crate::power::{Detectable, Detector};
use crate::score::counting::Moments;
use crate::score::{
    CorruptionScore, Difference, Estimate, GroupScore, RobustnessScore, ScoreConfig,
    SeedUncertainty,
};
use crate::summary::{BootstrapSummary, Interval};
use crate::{Error, Result, special};

pub(crate) struct Layout<'a> {
    grid: &'a AccuracyGrid,
    config: &'a ScoreConfig,
    pub(super) baseline: usize,
    groups: Vec<(Group, Vec<usize>)>,
    overall: Vec<usize>,
}

/// The scores of all runs, and what differences between them can be seen.
pub(super) struct Runs {
    /// Per model and run: the seed, and the statistics.
    scores: Vec<Vec<(u64, Vec<f64>)>>,
    detector: Detector,
}

impl Runs {
    /// What the seeds of two models could have shown in one statistic.
    fn detectable(&self, model: usize, minus: usize, offset: usize) -> Option<Detectable> {
        let of = |model: usize| -> Vec<(u64, f64)> {
            let runs = self.scores[model].iter();
            runs.map(|(seed, all)| (*seed, all[offset])).collect()
        };
        self.detector.difference(&of(model), &of(minus))
    }
}

impl<'a> Layout<'a> {
    pub(crate) fn new(grid: &'a AccuracyGrid, config: &'a ScoreConfig) -> Result<Self> {
        let baseline = grid.model_index(&config.baseline)?;
        let overall = config
            .overall
            .names(grid.corruptions())
            .iter()
            .map(|name| grid.corruption_index(name))
            .collect::<Result<Vec<_>>>()?;
        if overall.is_empty() {
            return Err(Error::Empty {
                what: "corruption for the overall score",
            });
        }
        let groups = Group::ALL
            .into_iter()
            .map(|group| {
                let members = config.grouping.members(group).iter();
                let held = members.filter_map(|m| grid.corruption_index(m).ok());
                (group, held.collect::<Vec<_>>())
            })
            .filter(|(_, members)| !members.is_empty())
            .collect();
        Ok(Self {
            grid,
            config,
            baseline,
            groups,
            overall,
        })
    }

    pub(super) fn selected(&self) -> Vec<String> {
        let names = self.grid.corruptions();
        self.overall.iter().map(|c| names[*c].clone()).collect()
    }

    /// Statistics per model.
    fn width(&self) -> usize {
        self.grid.corruptions().len() + self.groups.len() + 1
    }

    /// All scores of all models, given mean accuracies.
    pub(super) fn statistics(&self, means: &Means) -> Vec<f64> {
        let baseline = means.cells(self.baseline);
        let mut out = Vec::with_capacity(self.width() * self.grid.models().len());
        for model in 0..self.grid.models().len() {
            self.relative(means.cells(model), baseline, &mut out);
        }
        out
    }

    /// Appends the scores of one model, or of one run of it, given accuracies by cell.
    fn relative(&self, own: &[f64], baseline: &[f64], out: &mut Vec<f64>) {
        let (start, severities) = (out.len(), self.grid.severities().len());
        let cells = own.chunks_exact(severities);
        for (own, base) in cells.zip(baseline.chunks_exact(severities)) {
            out.push(self.config.pooling.score(own, base));
        }
        let means: Vec<f64> = self
            .averages()
            .map(|members| mean(members.iter().map(|c| out[start + c]), members.len()))
            .collect();
        out.extend(means);
    }

    /// The scores of every run of every model, relative to the baseline's mean over
    /// its runs: what the runs of the baseline itself differ by is in them, too.
    pub(super) fn of_runs(&self, means: &Means) -> Result<Runs> {
        let runs = self.grid.all_runs();
        let baseline = means.cells(self.baseline);
        let scores = runs.iter().map(|runs| {
            let of_run = |run: &Run| {
                let own: Vec<f64> = run.accuracies().collect();
                let mut scores = Vec::with_capacity(self.width());
                self.relative(&own, baseline, &mut scores);
                (run.seed, scores)
            };
            runs.iter().map(of_run).collect()
        });
        Ok(Runs {
            scores: scores.collect(),
            detector: Detector::new(runs.iter().map(Vec::len))?,
        })
    }

    /// The overall score of each model.
    pub(crate) fn overall(&self, means: &Means) -> Vec<f64> {
        let all = self.statistics(means);
        let last = all.chunks_exact(self.width()).map(|own| own[own.len() - 1]);
        last.collect()
    }

    /// The members behind each averaged statistic: the groups, then all.
    fn averages(&self) -> impl Iterator<Item = &[usize]> {
        let groups = self.groups.iter().map(|(_, members)| members.as_slice());
        groups.chain([self.overall.as_slice()])
    }

    /// A baseline accuracy of zero shows in a score that is not finite.
    pub(super) fn check_finite(&self, point: &[f64]) -> Result<()> {
        let names = self.grid.corruptions();
        match (0..point.len()).find(|i| !point[*i].is_finite()) {
            None => Ok(()),
            // The first such value is a corruption's: averages come after it.
            Some(index) => Err(Error::ZeroReference {
                model: self.config.baseline.clone(),
                place: names[index % self.width()].clone(),
            }),
        }
    }

    /// Counting variance of every statistic.
    pub(super) fn counting_variances(&self) -> Vec<f64> {
        let moments: Vec<Moments> = self
            .grid
            .all_runs()
            .iter()
            .map(|r| Moments::of(r))
            .collect();
        let mut out = Vec::new();
        for model in 0..moments.len() {
            let start = out.len();
            for c in 0..self.grid.corruptions().len() {
                out.push(if model == self.baseline {
                    0.0
                } else {
                    let severities = self.grid.severities().len();
                    let cells = c * severities..(c + 1) * severities;
                    moments[model].ratio_variance(
                        &moments[self.baseline],
                        cells,
                        self.config.pooling,
                    )
                });
            }
            let means: Vec<f64> = self
                .averages()
                .map(|members| {
                    let k = members.len();
                    mean(members.iter().map(|c| out[start + c]), k) / k as f64
                })
                .collect();
            out.extend(means);
        }
        out
    }

    pub(super) fn score(
        &self,
        model: usize,
        point: &[f64],
        replicates: &[Vec<f64>],
        variances: &[f64],
        runs: &Runs,
    ) -> RobustnessScore {
        let start = model * self.width();
        let counts = (self.seeds(model), self.seeds(self.baseline));
        let estimate = |offset: usize| Estimate {
            value: point[start + offset],
            seeds: if model == self.baseline {
                SeedUncertainty::ByDefinition
            } else {
                self.uncertainty(&replicates[start + offset], counts)
            },
            images: self.interval(point[start + offset], variances[start + offset]),
            detectable: (model != self.baseline)
                .then(|| runs.detectable(model, self.baseline, offset))
                .flatten(),
        };
        let (corruptions, groups, overall) = self.entries(estimate);
        RobustnessScore {
            model: self.grid.models()[model].clone(),
            seeds: self.grid.all_runs()[model].iter().map(|r| r.seed).collect(),
            corruptions,
            groups,
            overall,
        }
    }

    pub(super) fn difference(
        &self,
        model: usize,
        minus: usize,
        point: &[f64],
        replicates: &[Vec<f64>],
        runs: &Runs,
    ) -> Difference {
        let (a, b) = (model * self.width(), minus * self.width());
        let fewer = self.seeds(model).min(self.seeds(minus));
        let variances = self.difference_variances(model, minus);
        let estimate = |offset: usize| {
            let value = point[a + offset] - point[b + offset];
            let pairs = replicates[a + offset].iter().zip(&replicates[b + offset]);
            let joint: Vec<f64> = pairs.map(|(x, y)| x - y).collect();
            Estimate {
                value,
                seeds: self.uncertainty(&joint, (fewer, self.seeds(self.baseline))),
                images: self.interval(value, variances[offset]),
                detectable: runs.detectable(model, minus, offset),
            }
        };
        let (corruptions, groups, overall) = self.entries(estimate);
        Difference {
            model: self.grid.models()[model].clone(),
            minus: self.grid.models()[minus].clone(),
            corruptions,
            groups,
            overall,
        }
    }

    /// As for a score, with the baseline's counting error shared by both.
    fn difference_variances(&self, model: usize, minus: usize) -> Vec<f64> {
        let runs = self.grid.all_runs();
        let [m, o, b] = [model, minus, self.baseline].map(|i| Moments::of(&runs[i]));
        let severities = self.grid.severities().len();
        let mut out: Vec<f64> = (0..self.grid.corruptions().len())
            .map(|c| {
                let cells = c * severities..(c + 1) * severities;
                m.difference_variance(&o, &b, cells, self.config.pooling)
            })
            .collect();
        let means: Vec<f64> = self
            .averages()
            .map(|members| {
                let k = members.len();
                mean(members.iter().map(|c| out[*c]), k) / k as f64
            })
            .collect();
        out.extend(means);
        out
    }

    fn entries(
        &self,
        estimate: impl Fn(usize) -> Estimate,
    ) -> (Vec<CorruptionScore>, Vec<GroupScore>, Estimate) {
        let names = self.grid.corruptions();
        let corruptions: Vec<CorruptionScore> = names
            .iter()
            .enumerate()
            .map(|(c, name)| CorruptionScore {
                corruption: name.clone(),
                estimate: estimate(c),
            })
            .collect();
        let groups = self.groups.iter().enumerate().map(|(g, (group, members))| {
            let errors: Option<Vec<f64>> = members
                .iter()
                .map(|c| {
                    let seeds = corruptions[*c].estimate.seeds;
                    seeds.bootstrap().map(|b| b.standard_error.powi(2))
                })
                .collect();
            GroupScore {
                group: *group,
                members: members.iter().map(|c| names[*c].clone()).collect(),
                estimate: estimate(names.len() + g),
                rms_error: errors.map(|e| mean(e.iter().copied(), e.len()).sqrt()),
            }
        });
        let groups = groups.collect();
        (corruptions, groups, estimate(self.width() - 1))
    }

    fn seeds(&self, model: usize) -> usize {
        self.grid.all_runs()[model].len()
    }

    fn uncertainty(
        &self,
        replicates: &[f64],
        (model, baseline): (usize, usize),
    ) -> SeedUncertainty {
        let confidence = self.config.bootstrap.confidence;
        let summary = (model > 1 && baseline > 1)
            .then(|| BootstrapSummary::of(replicates, confidence))
            .flatten();
        summary.map_or(
            SeedUncertainty::TooFewSeeds { model, baseline },
            SeedUncertainty::Bootstrap,
        )
    }

    fn interval(&self, value: f64, variance: f64) -> Interval {
        let standard_error = variance.sqrt();
        let z = special::normal_quantile(0.5 + self.config.bootstrap.confidence / 2.0);
        Interval {
            standard_error,
            low: value - z * standard_error,
            high: value + z * standard_error,
        }
    }
}

fn mean(values: impl Iterator<Item = f64>, count: usize) -> f64 {
    values.sum::<f64>() / count as f64
}
