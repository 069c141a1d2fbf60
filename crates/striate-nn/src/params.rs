//! The named variables of a network. Invariant: names are unique, and their
//! order is the order of creation, so that every walk over them is the same.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use candle_core::{Device, Tensor, Var};

use crate::{Error, Result};

/// A trained variable of a layer.
#[derive(Clone, Debug)]
pub struct Param {
    var: Var,
    trainable: Arc<AtomicBool>,
}

impl Param {
    /// The value for a forward pass: part of the gradient graph if the
    /// parameter is trainable, a constant (whose gradient costs nothing) if not.
    pub fn tensor(&self) -> Tensor {
        if self.is_trainable() {
            self.var.as_tensor().clone()
        } else {
            self.var.as_detached_tensor()
        }
    }

    /// The variable itself.
    pub fn var(&self) -> &Var {
        &self.var
    }

    /// Whether gradients are computed for it.
    pub fn is_trainable(&self) -> bool {
        self.trainable.load(Ordering::Relaxed)
    }

    /// Switches its gradient on or off; a frozen parameter is not listed by
    /// [`Params::trained`].
    pub fn set_trainable(&self, trainable: bool) {
        self.trainable.store(trainable, Ordering::Relaxed);
    }
}

#[derive(Debug)]
enum Kind {
    Param(Param),
    Buffer(Var),
}

impl Kind {
    fn var(&self) -> &Var {
        match self {
            Self::Param(param) => &param.var,
            Self::Buffer(var) => var,
        }
    }
}

/// The registry of one network's parameters and buffers. A clone is another
/// handle on the same registry.
#[derive(Clone, Debug)]
pub struct Params {
    device: Device,
    entries: Arc<Mutex<Vec<(String, Kind)>>>,
}

impl Params {
    /// An empty registry whose variables will live on `device`.
    pub fn new(device: &Device) -> Self {
        Self {
            device: device.clone(),
            entries: Arc::default(),
        }
    }

    /// The scope without a prefix.
    pub fn root(&self) -> Scope {
        Scope {
            params: self.clone(),
            prefix: String::new(),
        }
    }

    /// The device of the variables.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The parameters that are trained, in order of creation; frozen ones are left out.
    pub fn trained(&self) -> Vec<(String, Var)> {
        self.lock()
            .iter()
            .filter_map(|(name, kind)| match kind {
                Kind::Param(p) if p.is_trainable() => Some((name.clone(), p.var.clone())),
                _ => None,
            })
            .collect()
    }

    /// The buffers (running statistics), in order of creation.
    pub fn buffers(&self) -> Vec<(String, Var)> {
        self.lock()
            .iter()
            .filter_map(|(name, kind)| match kind {
                Kind::Buffer(var) => Some((name.clone(), var.clone())),
                Kind::Param(_) => None,
            })
            .collect()
    }

    /// Switches training of all parameters whose name is `prefix` or begins
    /// with `prefix.`; an empty prefix means all. Returns how many there are.
    pub fn set_trainable(&self, prefix: &str, trainable: bool) -> usize {
        let mut count = 0;
        for (name, kind) in self.lock().iter() {
            if let Kind::Param(param) = kind
                && has_prefix(name, prefix)
            {
                param.set_trainable(trainable);
                count += 1;
            }
        }
        count
    }

    /// The number of elements of all parameters, trainable or not, without buffers.
    pub fn count(&self) -> usize {
        self.lock()
            .iter()
            .map(|(_, kind)| match kind {
                Kind::Param(param) => param.var.elem_count(),
                Kind::Buffer(_) => 0,
            })
            .sum()
    }

    /// A deep copy of all parameters and buffers: later training does not change it.
    ///
    /// # Errors
    ///
    /// If the device has no memory for the copy.
    pub fn state(&self) -> Result<BTreeMap<String, Tensor>> {
        self.lock()
            .iter()
            .map(|(name, kind)| Ok((name.clone(), kind.var().as_detached_tensor().copy()?)))
            .collect()
    }

    /// Restores what [`Params::state`] gave.
    ///
    /// # Errors
    ///
    /// [`Error::State`] with all missing and unexpected names and all other
    /// shapes; then nothing is changed.
    pub fn load_state(&self, state: &BTreeMap<String, Tensor>) -> Result<()> {
        let entries = self.lock();
        restore(
            "the network",
            entries
                .iter()
                .map(|(name, kind)| (name.as_str(), kind.var())),
            state,
        )
    }

    /// Restores only the variables whose name is `prefix` or begins with
    /// `prefix.`; other names in `state` are ignored.
    ///
    /// # Errors
    ///
    /// [`Error::State`] if the state lacks one of them or its shape differs;
    /// then nothing is changed.
    pub fn load_state_of(&self, prefix: &str, state: &BTreeMap<String, Tensor>) -> Result<()> {
        let entries = self.lock();
        let part: BTreeMap<String, Tensor> = state
            .iter()
            .filter(|(name, _)| has_prefix(name, prefix))
            .map(|(name, tensor)| (name.clone(), tensor.clone()))
            .collect();
        restore(
            "the network",
            entries
                .iter()
                .filter(|(name, _)| has_prefix(name, prefix))
                .map(|(name, kind)| (name.as_str(), kind.var())),
            &part,
        )
    }

    fn insert(&self, name: String, kind: Kind) -> Result<()> {
        let mut entries = self.lock();
        if entries.iter().any(|(taken, _)| *taken == name) {
            return Err(Error::Duplicate(name));
        }
        entries.push((name, kind));
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(String, Kind)>> {
        // A panic elsewhere cannot leave the list half-written: pushing is its only change.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn has_prefix(name: &str, prefix: &str) -> bool {
    prefix.is_empty()
        || name
            .strip_prefix(prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Sets each variable from the state, after checking that all names and shapes agree.
pub(crate) fn restore<'a>(
    place: &'static str,
    vars: impl Iterator<Item = (&'a str, &'a Var)>,
    state: &BTreeMap<String, Tensor>,
) -> Result<()> {
    let vars: BTreeMap<&str, &Var> = vars.collect();
    let missing: Vec<String> = vars
        .keys()
        .filter(|name| !state.contains_key(**name))
        .map(|name| (*name).to_owned())
        .collect();
    let unexpected: Vec<String> = state
        .keys()
        .filter(|name| !vars.contains_key(name.as_str()))
        .cloned()
        .collect();
    let shapes: Vec<String> = state
        .iter()
        .filter_map(|(name, tensor)| {
            let var = vars.get(name.as_str())?;
            (var.dims() != tensor.dims()).then(|| {
                format!(
                    "{name}: expected {:?}, found {:?}",
                    var.dims(),
                    tensor.dims()
                )
            })
        })
        .collect();
    if !(missing.is_empty() && unexpected.is_empty() && shapes.is_empty()) {
        return Err(Error::State {
            place,
            missing,
            unexpected,
            shapes,
        });
    }
    for (name, var) in vars {
        if let Some(tensor) = state.get(name) {
            // The copy keeps a state that shares storage with the variable usable.
            let source = tensor
                .detach()
                .to_device(var.device())?
                .to_dtype(var.dtype())?
                .copy()?;
            var.set(&source)?;
        }
    }
    Ok(())
}

/// A name prefix in a [`Params`]: where a layer creates its variables.
#[derive(Clone, Debug)]
pub struct Scope {
    params: Params,
    prefix: String,
}

impl Scope {
    /// The scope `<self>.<name>`.
    #[must_use]
    pub fn sub(&self, name: &str) -> Self {
        Self {
            params: self.params.clone(),
            prefix: self.full(name),
        }
    }

    /// The prefix, for error messages; `network` for the root.
    pub fn name(&self) -> &str {
        if self.prefix.is_empty() {
            "network"
        } else {
            &self.prefix
        }
    }

    /// The device of the variables.
    pub fn device(&self) -> &Device {
        &self.params.device
    }

    /// Creates the parameter `<self>.<name>` with a copy of `init`.
    ///
    /// # Errors
    ///
    /// [`Error::Duplicate`] if the name is taken.
    pub fn param(&self, name: &str, init: &Tensor) -> Result<Param> {
        let param = Param {
            var: self.var(init)?,
            trainable: Arc::new(AtomicBool::new(true)),
        };
        self.params
            .insert(self.full(name), Kind::Param(param.clone()))?;
        Ok(param)
    }

    /// Creates the buffer `<self>.<name>` (saved, never trained) with a copy of `init`.
    ///
    /// # Errors
    ///
    /// [`Error::Duplicate`] if the name is taken.
    pub fn buffer(&self, name: &str, init: &Tensor) -> Result<Var> {
        let var = self.var(init)?;
        self.params
            .insert(self.full(name), Kind::Buffer(var.clone()))?;
        Ok(var)
    }

    fn var(&self, init: &Tensor) -> Result<Var> {
        let init = init.detach().to_device(self.device())?.contiguous()?;
        Ok(Var::from_tensor(&init.copy()?)?)
    }

    fn full(&self, name: &str) -> String {
        if self.prefix.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.prefix)
        }
    }
}

#[cfg(test)]
mod tests;
