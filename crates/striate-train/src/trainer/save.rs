//! Saving a run and going on with it. Invariant: what is read back is what was written,
//! or the run is refused.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use super::Trainer;
use super::state::{FORMAT, Header};
use crate::checkpoint::Checkpoint;
use crate::observer::Observer;
use crate::{Error, Result};

const NETWORK: &str = "network";
const OPTIMISER: &str = "optimiser";
const WEIGHTS: &str = "weights";
const BEST: &str = "best";

impl Trainer<'_> {
    /// Whether the policy asks for a checkpoint now.
    pub(super) fn save_is_due(&self) -> bool {
        self.store.as_ref().is_some_and(|(_, policy)| {
            let steps = policy.every_steps.filter(|steps| *steps > 0);
            let elapsed = self.clock.last_save.elapsed().as_secs_f64();
            steps.is_some_and(|steps| self.state.total_steps.is_multiple_of(steps))
                || policy.every_seconds.is_some_and(|s| elapsed >= s)
        })
    }

    /// Writes everything to `last.safetensors`, and the history beside it.
    pub(super) fn save(&mut self, observer: &mut dyn Observer) -> Result<()> {
        self.state.sums.seconds += self.lap();
        let Some((store, _)) = &self.store else {
            return Ok(());
        };
        let path = store.last();
        let mut checkpoint = Checkpoint {
            header: self.header(&path)?,
            tensors: BTreeMap::new(),
        };
        checkpoint.insert_part(NETWORK, &self.net.params().state()?);
        checkpoint.insert_part(OPTIMISER, &self.optimizer.state()?);
        checkpoint.insert_part(WEIGHTS, &self.weights.state()?);
        if let Some(best) = &self.best {
            checkpoint.insert_part(BEST, best);
        }
        store.save(&path, &checkpoint)?;
        let lines = self.state.history.to_json_lines();
        store.write(&store.history(), lines.as_bytes())?;
        self.clock.last_save = Instant::now();
        observer.on_checkpoint(&path);
        self.saved = Some(path);
        Ok(())
    }

    /// Writes the best network to `best.safetensors`.
    pub(super) fn save_best(&self) -> Result<()> {
        let (Some((store, _)), Some(best)) = (&self.store, &self.best) else {
            return Ok(());
        };
        let path = store.best();
        let mut checkpoint = Checkpoint {
            header: self.header(&path)?,
            tensors: BTreeMap::new(),
        };
        let weights: Vec<String> = self.weights.named().into_iter().map(|(n, _)| n).collect();
        let mut network = best.clone();
        network.retain(|name, _| !weights.contains(name));
        checkpoint.insert_part(NETWORK, &network);
        store.save(&path, &checkpoint)
    }

    /// Goes on from the folder's last checkpoint, if there is one.
    pub(super) fn resume(&mut self) -> Result<()> {
        let Some((store, _)) = &self.store else {
            return Ok(());
        };
        let path = store.last();
        let Some(checkpoint) = store.load(&path, self.net.params().device())? else {
            return Ok(());
        };
        let refuse = |reason: String| Error::Checkpoint {
            path: path.clone(),
            reason,
        };
        let header: Header = serde_json::from_str(&checkpoint.header)
            .map_err(|e| refuse(format!("the header does not read: {e}")))?;
        if header.format != FORMAT {
            return Err(refuse(format!(
                "format: expected {FORMAT}, found {}",
                header.format
            )));
        }
        let (own, found) = (self.identity(), header.identity);
        let differences: Vec<&str> = [
            ("configuration", own.config != found.config),
            ("seed", own.seed != found.seed),
            ("data", own.sizes != found.sizes),
            ("trained variables", own.trained != found.trained),
            ("protocol", own.protocol != found.protocol),
        ]
        .into_iter()
        .filter_map(|(name, differs)| differs.then_some(name))
        .collect();
        if !differences.is_empty() {
            return Err(refuse(format!(
                "it belongs to a run with another {}",
                differences.join(", another ")
            )));
        }
        let with_path = |error: striate_nn::Error| refuse(error.to_string());
        self.net
            .params()
            .load_state(&checkpoint.part(NETWORK))
            .map_err(with_path)?;
        self.optimizer
            .load_state(&checkpoint.part(OPTIMISER))
            .map_err(with_path)?;
        self.weights.load_state(&checkpoint.part(WEIGHTS))?;
        let best = checkpoint.part(BEST);
        self.best = (!best.is_empty()).then_some(best);
        self.state = header.state;
        self.saved = Some(path);
        Ok(())
    }

    fn header(&self, path: &Path) -> Result<String> {
        let header = Header {
            format: FORMAT,
            identity: self.identity(),
            state: self.state.clone(),
        };
        serde_json::to_string(&header).map_err(|error| Error::Checkpoint {
            path: path.to_owned(),
            reason: error.to_string(),
        })
    }
}
