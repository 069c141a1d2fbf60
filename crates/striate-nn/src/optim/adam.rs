//! Adam with coupled weight decay (Kingma and Ba 2015; reference 2.1).

use std::collections::BTreeMap;

use candle_core::{Device, Tensor, Var};
use serde::{Deserialize, Serialize};
use striate_kernels::{AdamStep, adam_step};

use super::Optimizer;
use crate::params::restore;
use crate::{Backend, Gradients, Result, cpu};

/// The settings of [`Adam`]; the defaults are the study's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdamConfig {
    /// The decay of the first and of the second moment.
    pub betas: (f64, f64),
    /// Added to the root of the second moment.
    pub eps: f64,
    /// The coupled weight decay.
    pub weight_decay: f64,
}

impl Default for AdamConfig {
    fn default() -> Self {
        Self {
            betas: (0.9, 0.999),
            eps: 1e-8,
            weight_decay: 5e-4,
        }
    }
}

/// With `g = gradient + weight_decay p` at step `t`:
/// `m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2;`
/// `p -= lr / (1 - b1^t) m / (sqrt(v / (1 - b2^t)) + eps)`.
#[derive(Debug)]
pub struct Adam {
    config: AdamConfig,
    entries: Vec<Entry>,
    backend: Backend,
}

#[derive(Debug)]
struct Entry {
    name: String,
    var: Var,
    first: Var,
    second: Var,
    /// Steps taken, a scalar f64 on the CPU; a variable without gradient takes none.
    steps: Var,
}

impl Entry {
    /// The step in place, by the CPU's kernel.
    fn step(&self, gradient: &Tensor, config: &AdamConfig, lr: f64, steps: f64) -> Result<()> {
        let step = AdamStep {
            learning_rate: lr,
            beta1: config.betas.0,
            beta2: config.betas.1,
            epsilon: config.eps,
            weight_decay: config.weight_decay,
            step: steps as u64,
        };
        cpu::with_gradient(&self.var, gradient, |gradient| {
            cpu::update(&self.var, |p| {
                cpu::update(&self.first, |m| {
                    cpu::update(&self.second, |v| {
                        adam_step(&step, p, gradient, m, v).map_err(cpu::failed("adam"))
                    })
                })
            })
        })?;
        Ok(())
    }
}

impl Adam {
    /// An optimiser of `vars` with zero moments.
    ///
    /// # Errors
    ///
    /// If the device has no memory for the moments.
    pub fn new(config: AdamConfig, vars: Vec<(String, Var)>) -> Result<Self> {
        let entries = vars
            .into_iter()
            .map(|(name, var)| {
                let zeros = || Var::zeros(var.shape(), var.dtype(), var.device());
                Ok(Entry {
                    first: zeros()?,
                    second: zeros()?,
                    steps: Var::new(0f64, &Device::Cpu)?,
                    name,
                    var,
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
        self.entries.iter().flat_map(|e| {
            [
                (format!("{}.first", e.name), &e.first),
                (format!("{}.second", e.name), &e.second),
                (format!("{}.steps", e.name), &e.steps),
            ]
        })
    }
}

impl Optimizer for Adam {
    fn step(&mut self, gradients: &Gradients, lr: f64) -> Result<()> {
        let AdamConfig {
            betas: (b1, b2),
            eps,
            weight_decay,
        } = self.config;
        for entry in &self.entries {
            let Some(gradient) = gradients.get(&entry.name) else {
                continue;
            };
            let steps = entry.steps.to_scalar::<f64>()? + 1.0;
            if cpu::applies(self.backend, &[&entry.var, gradient]) {
                entry.step(gradient, &self.config, lr, steps)?;
                entry.steps.set(&Tensor::new(steps, &Device::Cpu)?)?;
                continue;
            }
            let p = entry.var.as_detached_tensor();
            let g = (gradient + p.affine(weight_decay, 0.0)?)?;
            let m =
                (entry.first.as_detached_tensor().affine(b1, 0.0)? + g.affine(1.0 - b1, 0.0)?)?;
            let v = (entry.second.as_detached_tensor().affine(b2, 0.0)?
                + g.sqr()?.affine(1.0 - b2, 0.0)?)?;
            let root = v.affine((1.0 - b2.powf(steps)).recip(), 0.0)?.sqrt()?;
            let update = (m.affine(lr / (1.0 - b1.powf(steps)), 0.0)? / (root + eps)?)?;
            entry.var.set(&(p - update)?)?;
            entry.first.set(&m)?;
            entry.second.set(&v)?;
            entry.steps.set(&Tensor::new(steps, &Device::Cpu)?)?;
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
