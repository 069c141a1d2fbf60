//! Layers of the same kind without training.

use candle_core::Tensor;
use striate_nn::{Context, ReadoutConfig, init};
use striate_random::Seed;

use crate::{Error, MultiTaskNet, VggConfig, part};

/// Passes over the images for the running statistics: with a momentum of 0.1 the initial
/// ones keep a weight of 0.9^60, 0.2 %.
const PASSES: usize = 60;

/// The network of `config` without head, with fresh weights: its batch norms know the
/// statistics of `batches`, and the neurons of `session` have random places and normally
/// distributed weights over channels.
///
/// # Shapes
///
/// Each batch `[images, size, size, 1 or 3]`, of at least two images; they are taken in
/// turn, sixty times in all.
///
/// # Errors
///
/// If there is no batch, one has another shape, or there are no neurons.
pub fn random_network(
    config: &VggConfig,
    session: &str,
    neurons: usize,
    batches: &[Tensor],
    seed: &Seed,
) -> Result<MultiTaskNet, Error> {
    let seed = seed.child("random network");
    let Some(first) = batches.first() else {
        return Err(Error::Shape {
            what: "batches",
            expected: "at least one".to_owned(),
            found: "none".to_owned(),
        });
    };
    let config = VggConfig {
        readout: ReadoutConfig::study(),
        ..config.headless()
    };
    let mut net = MultiTaskNet::new(&config, first.device(), &seed)?;
    net.add_readout(session, &vec![1.0; neurons], &seed)?;
    let channels = net.plan().shared_channels();
    let mut stream = seed.child("features").stream();
    let deviation = 1.0 / (channels as f64).sqrt();
    let features = init::normal((channels, neurons), deviation, &mut stream, first.device())?;
    let mut state = net.params().state()?;
    state.insert(format!("{}.{session}.features", part::READOUT), features);
    net.params().load_state(&state)?;
    for batch in batches.iter().cycle().take(PASSES) {
        net.features(batch, &mut Context::train(seed.child("pass").stream()))?;
    }
    Ok(net)
}
