//! Recordings from the simulated V1. Invariant: wherever these numbers are
//! shown they are called simulated.

use serde::{Deserialize, Serialize};
use striate_data::Images;
use striate_data::gray::rgb_to_gray_f32;
use striate_models::population::{Population, PopulationConfig, noise_ceiling};
use striate_random::Seed;

use super::dataset::Dataset;
use super::tensors::Tensors;
use crate::Result;
use crate::engine::{Estimate, Finished, Status, StepContext, Task};

const RESPONSES: &str = "responses.safetensors";
const INFO: &str = "info.json";

/// Shows the stimuli to the simulated V1.
#[derive(Serialize)]
pub(crate) struct Record {
    pub(crate) population: PopulationConfig,
    pub(crate) test_repeats: usize,
    pub(crate) seed: u64,
}

/// What is said of the recordings.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RecordingInfo {
    /// Number of neurons.
    pub(crate) neurons: usize,
    /// Presentations of each test stimulus.
    pub(crate) test_repeats: usize,
    /// Mean spikes per stimulus.
    pub(crate) mean_spikes: f64,
    /// Mean over neurons of the correlation that the true rates reach with the
    /// mean over repeats, from the Poisson statistics.
    pub(crate) ceiling: f64,
}

impl Task for Record {
    const KIND: &'static str = "recording";
    const VERSION: u32 = 1;

    fn estimate(&self) -> Estimate {
        Estimate {
            seconds: 3.0,
            memory_bytes: 200 << 20,
            disk_bytes: 8 << 20,
            ..Estimate::default()
        }
    }

    fn run(&self, cx: &mut StepContext<'_>) -> Result<Status> {
        let data = Dataset::open(cx.input("data")?)?;
        let seed = Seed::new(self.seed).child("recording");
        let mut population = Population::new(&self.population, &seed.child("cells"))?;
        let train_images = gray(&data.stimuli_train);
        let test_images = gray(&data.stimuli_test);
        // Rates as of natural stimuli; the test stimuli have no say in it.
        population.calibrate(&train_images)?;
        cx.progress(0.3, "rates");
        let train_rates = population.rates(&train_images)?;
        let test_rates = population.rates(&test_images)?;
        let train = population.sample(&train_rates, 1, &seed.child("training trials"))?;
        let test = population.sample(&test_rates, self.test_repeats, &seed.child("test trials"))?;
        let neurons = population.neurons();
        let (n, m) = (data.stimuli_train.count, data.stimuli_test.count);
        let mut tensors = Tensors::default();
        tensors.f32("train", &[n, neurons], &train);
        tensors.f32("test", &[m, self.test_repeats, neurons], &test);
        tensors.f32("train.rates", &[n, neurons], &train_rates);
        tensors.f32("test.rates", &[m, neurons], &test_rates);
        tensors.write(&cx.file(RESPONSES))?;
        let ceiling = noise_ceiling(&test_rates, neurons, self.test_repeats)?;
        cx.write_json(
            INFO,
            &RecordingInfo {
                neurons,
                test_repeats: self.test_repeats,
                mean_spikes: train.iter().map(|v| f64::from(*v)).sum::<f64>() / train.len() as f64,
                ceiling: ceiling.iter().sum::<f64>() / neurons as f64,
            },
        )?;
        Ok(Status::Done)
    }
}

/// The recordings of a run, in memory.
pub(crate) struct Recordings {
    /// One trial per training stimulus: `[stimuli, neurons]` spike counts.
    pub(crate) train: Vec<f32>,
    /// All trials of the test stimuli: `[stimuli, repeats, neurons]` spike counts.
    pub(crate) test: Vec<f32>,
    /// The true rates of the test stimuli, which no experiment would know.
    pub(crate) test_rates: Vec<f32>,
    pub(crate) info: RecordingInfo,
}

impl Recordings {
    /// Reads what [`Record`] wrote.
    pub(crate) fn open(step: &Finished) -> Result<Self> {
        let tensors = Tensors::read(&step.file(RESPONSES))?;
        Ok(Self {
            train: tensors.get_f32("train")?.1,
            test: tensors.get_f32("test")?.1,
            test_rates: tensors.get_f32("test.rates")?.1,
            info: step.json(INFO)?,
        })
    }

    /// Mean over repeats of the responses to the test stimuli, `[stimuli, neurons]`.
    pub(crate) fn test_means(&self) -> Vec<f32> {
        let neurons = self.info.neurons;
        let repeats = self.info.test_repeats;
        self.test
            .chunks_exact(repeats * neurons)
            .flat_map(|trials| {
                (0..neurons).map(move |n| {
                    let sum: f64 = (0..repeats)
                        .map(|r| f64::from(trials[r * neurons + n]))
                        .sum();
                    (sum / repeats as f64) as f32
                })
            })
            .collect()
    }
}

/// Gray values in `0..=1`, image by image.
pub(crate) fn gray(images: &Images) -> Vec<f32> {
    let mut out = vec![0.0; images.count * images.height * images.width];
    rgb_to_gray_f32(&images.pixels_u8, &mut out);
    out
}
