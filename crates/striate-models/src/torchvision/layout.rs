//! Which tensor of torchvision's is which of ours. Invariant: turning a tensor there and
//! back gives the same bits.

use candle_core::Tensor;

use crate::{Error, Head, Plan, part};

/// How the layouts differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The same in both.
    Same,
    /// `[out, in, rows, columns]` there, `[out, rows, columns, in]` here.
    Kernel,
    /// `[out, channels * rows * columns]` there, `[out, rows * columns * channels]` here.
    Dense { channels: usize, size: usize },
    /// `[1, a, 1, b]` there, `[a, b]` here.
    Readout,
}

/// One tensor of both.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Its name here.
    pub(super) ours: String,
    /// Its name there.
    pub(super) theirs: String,
    /// Its shape there.
    pub(super) shape: Vec<usize>,
    pub(super) kind: Kind,
}

impl Entry {
    fn new(ours: String, theirs: String, shape: &[usize], kind: Kind) -> Self {
        Self {
            ours,
            theirs,
            shape: shape.to_vec(),
            kind,
        }
    }

    /// From torchvision's layout to ours.
    pub(super) fn to_ours(&self, tensor: &Tensor) -> Result<Tensor, Error> {
        let out = tensor.dims().first().copied().unwrap_or(0);
        Ok(match self.kind {
            Kind::Same => tensor.clone(),
            Kind::Kernel => tensor.permute((0, 2, 3, 1))?.contiguous()?,
            Kind::Dense { channels, size } => tensor
                .reshape((out, channels, size, size))?
                .permute((0, 2, 3, 1))?
                .contiguous()?
                .reshape((out, size * size * channels))?,
            Kind::Readout => tensor.squeeze(2)?.squeeze(0)?,
        })
    }

    /// From our layout to torchvision's.
    pub(super) fn to_theirs(&self, tensor: &Tensor) -> Result<Tensor, Error> {
        let out = tensor.dims().first().copied().unwrap_or(0);
        Ok(match self.kind {
            Kind::Same => tensor.clone(),
            Kind::Kernel => tensor.permute((0, 3, 1, 2))?.contiguous()?,
            Kind::Dense { channels, size } => tensor
                .reshape((out, size, size, channels))?
                .permute((0, 3, 1, 2))?
                .contiguous()?
                .reshape((out, channels * size * size))?,
            Kind::Readout => tensor.unsqueeze(1)?.unsqueeze(0)?,
        })
    }
}

/// Every tensor of trunk and head, in the order of the layers.
pub(super) fn layout(plan: &Plan) -> Vec<Entry> {
    let config = plan.config();
    let mut entries = Vec::new();
    let mut index = 0;
    for (i, layer) in plan.layers().iter().enumerate() {
        let part = if i < plan.shared().len() {
            part::SHARED
        } else {
            part::UNSHARED
        };
        let (name, out) = (layer.name, layer.outputs);
        let conv = |what| {
            (
                format!("{part}.{name}.conv.{what}"),
                format!("features.{index}.{what}"),
            )
        };
        let (ours, theirs) = conv("weight");
        entries.push(Entry::new(
            ours,
            theirs,
            &[out, layer.inputs, 3, 3],
            Kind::Kernel,
        ));
        let (ours, theirs) = conv("bias");
        entries.push(Entry::new(ours, theirs, &[out], Kind::Same));
        if config.batch_norm {
            for what in ["weight", "bias", "running_mean", "running_var"] {
                let ours = format!("{part}.{name}.bn.{what}");
                let theirs = format!("features.{}.{what}", index + 1);
                entries.push(Entry::new(ours, theirs, &[out], Kind::Same));
            }
        }
        index += 2 + usize::from(config.batch_norm) + usize::from(layer.pool);
    }
    let (hidden, dense) = match &config.head {
        Head::None => return entries,
        Head::Conv { hidden, .. } => (hidden, false),
        Head::Dense { hidden, .. } => (hidden, true),
    };
    let (channels, size) = (plan.head_channels(), plan.head_size());
    let mut inputs = if dense {
        channels * size * size
    } else {
        channels
    };
    for (i, out) in hidden.iter().chain([&config.classes]).enumerate() {
        let name = |what| {
            (
                format!("{}.{i}.{what}", part::HEAD),
                format!("classifier.{}.{what}", 3 * i),
            )
        };
        let (shape, kind) = match (dense, i) {
            (false, _) => (vec![*out, inputs, 1, 1], Kind::Kernel),
            (true, 0) => (vec![*out, inputs], Kind::Dense { channels, size }),
            (true, _) => (vec![*out, inputs], Kind::Same),
        };
        let (ours, theirs) = name("weight");
        entries.push(Entry::new(ours, theirs, &shape, kind));
        let (ours, theirs) = name("bias");
        entries.push(Entry::new(ours, theirs, &[*out], Kind::Same));
        inputs = *out;
    }
    entries
}

/// The tensors of a session's readout.
pub(super) fn readout(plan: &Plan, session: &str, neurons: usize) -> Vec<Entry> {
    let channels = plan.shared_channels();
    let entry = |what: &str, shape: &[usize], kind| {
        let ours = format!("{}.{session}.{what}", part::READOUT);
        Entry::new(ours.clone(), ours, shape, kind)
    };
    vec![
        entry("mu", &[1, neurons, 1, 2], Kind::Readout),
        entry("sigma", &[1, neurons, 1, 2], Kind::Readout),
        entry("features", &[1, channels, 1, neurons], Kind::Readout),
        entry("bias", &[neurons], Kind::Same),
    ]
}
