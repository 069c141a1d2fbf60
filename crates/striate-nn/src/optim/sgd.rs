//! Stochastic gradient descent with momentum (reference 6.3).

use std::collections::BTreeMap;

use candle_core::{Tensor, Var};
use serde::{Deserialize, Serialize};
use striate_kernels::{SgdStep, sgd_momentum_step};

use super::Optimizer;
use crate::params::restore;
use crate::{Backend, Gradients, Result, cpu};

/// The settings of [`Sgd`]; the defaults are the study's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SgdConfig {
    /// The part of the velocity that is kept.
    pub momentum: f64,
    /// The coupled weight decay.
    pub weight_decay: f64,
}

impl Default for SgdConfig {
    fn default() -> Self {
        Self {
            momentum: 0.75,
            weight_decay: 5e-4,
        }
    }
}

/// With gradient `g`, variable `p` and velocity `v`, initially 0:
/// `v = momentum v + g + weight_decay p; p -= lr v`.
#[derive(Debug)]
pub struct Sgd {
    config: SgdConfig,
    entries: Vec<Entry>,
    backend: Backend,
}

#[derive(Debug)]
struct Entry {
    name: String,
    var: Var,
    velocity: Var,
}

impl Entry {
    /// The step in place, by the CPU's kernel.
    fn step(&self, gradient: &Tensor, config: &SgdConfig, lr: f64) -> Result<()> {
        let step = SgdStep {
            learning_rate: lr as f32,
            momentum: config.momentum as f32,
            weight_decay: config.weight_decay as f32,
        };
        cpu::with_gradient(&self.var, gradient, |gradient| {
            cpu::update(&self.var, |p| {
                cpu::update(&self.velocity, |v| {
                    sgd_momentum_step(&step, p, gradient, v).map_err(cpu::failed("sgd"))
                })
            })
        })?;
        Ok(())
    }
}

impl Sgd {
    /// An optimiser of `vars` with zero velocities.
    ///
    /// # Errors
    ///
    /// If the device has no memory for the velocities.
    pub fn new(config: SgdConfig, vars: Vec<(String, Var)>) -> Result<Self> {
        let entries = vars
            .into_iter()
            .map(|(name, var)| {
                let velocity = Var::zeros(var.shape(), var.dtype(), var.device())?;
                Ok(Entry {
                    name,
                    var,
                    velocity,
                })
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            config,
            entries,
            backend: Backend::Auto,
        })
    }

    /// The same optimiser with another backend.
    #[must_use]
    pub fn with_backend(mut self, backend: Backend) -> Self {
        self.backend = backend;
        self
    }

    fn named(&self) -> impl Iterator<Item = (String, &Var)> {
        self.entries
            .iter()
            .map(|e| (format!("{}.velocity", e.name), &e.velocity))
    }
}

impl Optimizer for Sgd {
    fn step(&mut self, gradients: &Gradients, lr: f64) -> Result<()> {
        for entry in &self.entries {
            let Some(gradient) = gradients.get(&entry.name) else {
                continue;
            };
            if cpu::applies(self.backend, &[&entry.var, gradient]) {
                entry.step(gradient, &self.config, lr)?;
                continue;
            }
            let p = entry.var.as_detached_tensor();
            let v = entry.velocity.as_detached_tensor();
            let decayed = (gradient + p.affine(self.config.weight_decay, 0.0)?)?;
            let velocity = (v.affine(self.config.momentum, 0.0)? + decayed)?;
            entry.var.set(&(p - velocity.affine(lr, 0.0)?)?)?;
            entry.velocity.set(&velocity)?;
        }
        Ok(())
    }

    fn state(&self) -> Result<BTreeMap<String, Tensor>> {
        self.named()
            .map(|(name, var)| Ok((name, var.as_detached_tensor().copy()?)))
            .collect()
    }

    fn load_state(&mut self, state: &BTreeMap<String, Tensor>) -> Result<()> {
        let named: Vec<(String, &Var)> = self.named().collect();
        let vars = named.iter().map(|(name, var)| (name.as_str(), *var));
        restore("the optimiser", vars, state)
    }
}
