//! Validation on both tasks. Invariant: evaluation mode, the same images every time.

use super::Trainer;
use crate::predict::{Inputs, predict_logits, predict_responses};
use crate::source::ResponseSource;
use crate::stopping::Scores;
use crate::{Result, measures};

impl Trainer<'_> {
    /// `accuracy` in percent; `correlation`, the mean over all neurons of all sessions.
    pub(super) fn validate(&self) -> Result<Scores> {
        let mut scores = Scores::new();
        if let Some(task) = &self.tasks.images {
            let source = task.validation;
            let inputs = Inputs::Images(source, self.seed.child("validation"));
            let logits = predict_logits(self.net, inputs, self.config.batch_size)?;
            let labels: Vec<u32> = (0..source.len()).map(|i| source.label(i)).collect();
            let accuracy = measures::accuracy(&logits, &labels, source.classes())?;
            scores.insert("accuracy".to_owned(), accuracy);
        }
        if !self.tasks.neural.is_empty() {
            let mut correlations = Vec::new();
            for task in &self.tasks.neural {
                correlations.extend(self.correlations(task.validation)?);
            }
            scores.insert("correlation".to_owned(), measures::mean(&correlations));
        }
        Ok(scores)
    }

    fn correlations(&self, source: &dyn ResponseSource) -> Result<Vec<f64>> {
        let predicted = predict_responses(
            self.net,
            source.session(),
            Inputs::Stimuli(source),
            self.config.neural_batch_size,
        )?;
        let observed: Vec<f32> = (0..source.len())
            .flat_map(|i| source.responses(i))
            .copied()
            .collect();
        measures::correlation(&predicted, &observed, source.neurons())
    }
}
