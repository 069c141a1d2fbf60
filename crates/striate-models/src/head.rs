//! The classification heads (training.md 3.2). Invariant: dropout only follows hidden
//! layers, never the class scores.

use candle_core::Tensor;
use striate_nn::{
    Context, Conv2d, Conv2dConfig, Dropout, DropoutConfig, Linear, LinearConfig, Scope, ops,
};
use striate_random::Seed;

use crate::{Error, Head, Plan};

/// What stands on the features of the classifier.
#[derive(Debug)]
pub(crate) struct ClassifierHead {
    layers: Layers,
    dropout: Dropout,
}

#[derive(Debug)]
enum Layers {
    Conv(Vec<Conv2d>),
    Dense(Vec<Linear>),
}

impl ClassifierHead {
    /// The head of a plan, if it has one. Layer `i` is named `i` and draws its
    /// weights from `seed / head / i`.
    pub(crate) fn new(plan: &Plan, scope: &Scope, seed: &Seed) -> Result<Option<Self>, Error> {
        let classes = plan.config().classes;
        let (hidden, dropout) = match &plan.config().head {
            Head::None => return Ok(None),
            Head::Conv { hidden, dropout } | Head::Dense { hidden, dropout } => (hidden, *dropout),
        };
        let dense = matches!(plan.config().head, Head::Dense { .. });
        let pixels = plan.head_size() * plan.head_size();
        let first = plan.head_channels() * if dense { pixels } else { 1 };
        let inputs = std::iter::once(first).chain(hidden.iter().copied());
        let outputs = hidden.iter().copied().chain(std::iter::once(classes));
        let places = inputs
            .zip(outputs)
            .enumerate()
            .map(|(i, (inputs, outputs))| {
                let name = i.to_string();
                let stream = seed.child("head").child(&name).stream();
                (inputs, outputs, scope.sub(&name), stream)
            });
        let layers = if dense {
            Layers::Dense(
                places
                    .map(|(inputs, outputs, scope, mut stream)| {
                        Linear::new(LinearConfig::new(inputs, outputs), &scope, &mut stream)
                    })
                    .collect::<Result<_, _>>()?,
            )
        } else {
            Layers::Conv(
                places
                    .map(|(inputs, outputs, scope, mut stream)| {
                        Conv2d::new(Conv2dConfig::same(inputs, outputs, 1), &scope, &mut stream)
                    })
                    .collect::<Result<_, _>>()?,
            )
        };
        let dropout = Dropout::new(DropoutConfig {
            probability: f64::from(dropout),
        })?;
        Ok(Some(Self { layers, dropout }))
    }

    /// # Shapes
    ///
    /// `[batch, h, w, channels]` to `[batch, classes]`. The dense head flattens the
    /// map in the order height, width, channel.
    pub(crate) fn forward(&self, map: &Tensor, cx: &mut Context) -> Result<Tensor, Error> {
        match &self.layers {
            Layers::Conv(layers) => {
                let mut x = map.clone();
                for (i, layer) in layers.iter().enumerate() {
                    x = layer.forward(&x, cx)?;
                    if i + 1 < layers.len() {
                        x = self.dropout.forward(&ops::relu(&x)?, cx)?;
                    }
                }
                Ok(ops::global_max_pool(&x)?)
            }
            Layers::Dense(layers) => {
                let mut x = map.flatten_from(1)?;
                for (i, layer) in layers.iter().enumerate() {
                    x = layer.forward(&x, cx)?;
                    if i + 1 < layers.len() {
                        x = self.dropout.forward(&ops::relu(&x)?, cx)?;
                    }
                }
                Ok(x)
            }
        }
    }
}
