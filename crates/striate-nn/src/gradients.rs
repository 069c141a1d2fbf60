//! Sums of gradients over several backward passes. Invariant: a variable that
//! no loss depended on has no gradient, which is not the same as a zero one.

use candle_core::{Tensor, Var};

use crate::{Backend, Result, cpu};

/// The summed gradients of a list of variables, in its order.
#[derive(Debug)]
pub struct Gradients {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    name: String,
    var: Var,
    sum: Option<Tensor>,
}

/// A gradient that may be changed in place: one that is not contiguous can be a
/// view of a tensor that others use.
fn owned(gradient: Tensor) -> Result<Tensor> {
    if gradient.is_contiguous() {
        Ok(gradient)
    } else {
        Ok(gradient.contiguous()?)
    }
}

impl Gradients {
    /// No gradients yet, for these variables.
    pub fn new(vars: &[(String, Var)]) -> Self {
        Self {
            entries: vars
                .iter()
                .map(|(name, var)| Entry {
                    name: name.clone(),
                    var: var.clone(),
                    sum: None,
                })
                .collect(),
        }
    }

    /// Runs the backward pass of a scalar loss and adds its gradients.
    ///
    /// # Errors
    ///
    /// If an operation has no gradient.
    pub fn add(&mut self, loss: &Tensor) -> Result<()> {
        let variables = self.entries.iter().map(|entry| entry.var.id());
        let (store, mut kept) = cpu::collect(variables, || loss.backward());
        let mut store = store?;
        for entry in &mut self.entries {
            let parts = [store.remove(&entry.var), kept.remove(&entry.var.id())];
            for gradient in parts.into_iter().flatten() {
                // Detached, or the sum would keep the whole graph in memory.
                let gradient = gradient.detach();
                match &entry.sum {
                    Some(sum) if cpu::applies(Backend::Auto, &[sum, &gradient]) => {
                        cpu::accumulate(sum, &gradient)?;
                    }
                    Some(sum) => entry.sum = Some((sum + gradient)?),
                    None => entry.sum = Some(owned(gradient)?),
                }
            }
        }
        Ok(())
    }

    /// Forgets all gradients.
    pub fn clear(&mut self) {
        for entry in &mut self.entries {
            entry.sum = None;
        }
    }

    /// The gradient of the variable with that name, if a loss depended on it.
    /// The next [`Gradients::add`] may change the tensor in place.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.entries
            .iter()
            .find(|entry| entry.name == name)
            .and_then(|entry| entry.sum.as_ref())
    }

    /// The Euclidean norm over all gradients.
    ///
    /// # Errors
    ///
    /// If a gradient cannot be read from its device.
    pub fn norm(&self) -> Result<f64> {
        let mut sum = 0.0;
        for gradient in self.entries.iter().filter_map(|entry| entry.sum.as_ref()) {
            let values = gradient.flatten_all()?.to_vec1::<f32>()?;
            sum += values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>();
        }
        Ok(sum.sqrt())
    }
}
