//! Recordings: of the simulated V1, or from disk. Invariant: wherever numbers of the
//! simulation are shown they are called simulated.

use serde::{Deserialize, Serialize};
use striate_data::Images;
use striate_data::gray::rgb_to_gray_f32;
use striate_data::recording::Recording;
use striate_models::population::{Population, PopulationConfig};
use striate_random::Seed;

use super::dataset::Dataset;
use super::files::RecordingFiles;
use super::network::SESSION;
use super::tensors::{TensorFile, Tensors};
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

/// Reads the responses to the stimuli from disk.
#[derive(Serialize)]
pub(crate) struct Import {
    pub(crate) recordings: RecordingFiles,
}

/// What is said of the recordings.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RecordingInfo {
    /// Whether no animal was recorded.
    pub(crate) simulated: bool,
    /// Names of the sessions and numbers of their neurons.
    pub(crate) sessions: Vec<(String, usize)>,
    /// Number of training and test trials, over sessions.
    pub(crate) trials: [usize; 2],
    /// Fewest and most presentations of a test stimulus in a session.
    pub(crate) test_repeats: (usize, usize),
    /// Number of test stimuli.
    pub(crate) stimuli_test: usize,
    /// Mean training response: spikes per stimulus, or what the file has.
    pub(crate) mean_response: f64,
    /// Responses that are missing, training and test.
    pub(crate) missing: usize,
}

impl RecordingInfo {
    /// Number of neurons of all sessions.
    pub(crate) fn neurons(&self) -> usize {
        self.sessions.iter().map(|(_, neurons)| neurons).sum()
    }

    /// What they are called.
    pub(crate) fn title(&self) -> &'static str {
        if self.simulated {
            "simulated recordings"
        } else {
            "recordings"
        }
    }
}

impl Task for Record {
    const KIND: &'static str = "recording";
    const VERSION: u32 = 2;

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
        let stimuli = 0..data.stimuli_test.count as u32;
        let session = SessionTrials {
            name: SESSION.to_owned(),
            neurons: population.neurons(),
            train: Trials {
                stimuli: (0..data.stimuli_train.count as u32).collect(),
                responses: train,
            },
            test: Trials {
                stimuli: stimuli
                    .flat_map(|i| std::iter::repeat_n(i, self.test_repeats))
                    .collect(),
                responses: test,
            },
        };
        let count = data.stimuli_test.count;
        write(cx, &[session], Some(&test_rates), count)
    }
}

impl Task for Import {
    const KIND: &'static str = "recording-files";
    const VERSION: u32 = 1;

    fn estimate(&self) -> Estimate {
        Estimate {
            seconds: 3.0,
            memory_bytes: 400 << 20,
            disk_bytes: 32 << 20,
            ..Estimate::default()
        }
    }

    fn run(&self, cx: &mut StepContext<'_>) -> Result<Status> {
        let read = self.recordings.read()?;
        // Every image of a trial is among the ids, as those are made of the trials.
        let trials = |recording: Recording, ids: &[u32]| Trials {
            stimuli: recording
                .image_of_trial
                .iter()
                .map(|id| ids.binary_search(id).unwrap_or_else(|place| place) as u32)
                .collect(),
            responses: recording.responses,
        };
        let (train_ids, test_ids) = (read.train_ids, read.test_ids);
        let sessions: Vec<SessionTrials> = read
            .sessions
            .into_iter()
            .map(|session| SessionTrials {
                name: session.name,
                neurons: session.train.neurons,
                train: trials(session.train, &train_ids),
                test: trials(session.test, &test_ids),
            })
            .collect();
        write(cx, &sessions, None, test_ids.len())
    }
}

/// Trials in the order of presentation.
pub(crate) struct Trials {
    /// The stimulus of each, its place among the stimuli of the data step.
    pub(crate) stimuli: Vec<u32>,
    /// `[trials, neurons]`; NaN where a neuron was not recorded.
    pub(crate) responses: Vec<f32>,
}

/// The trials of one session.
pub(crate) struct SessionTrials {
    pub(crate) name: String,
    pub(crate) neurons: usize,
    pub(crate) train: Trials,
    pub(crate) test: Trials,
}

/// The recordings of a run, in memory.
pub(crate) struct Recordings {
    /// In the order of their names, which is that of a network's readouts.
    pub(crate) sessions: Vec<SessionTrials>,
    /// The true rates of the test stimuli, `[stimuli, neurons]`, which only a simulation
    /// knows.
    pub(crate) test_rates: Option<Vec<f32>>,
    pub(crate) info: RecordingInfo,
}

/// The responses of neurons that were recorded at each of some test stimuli.
pub(crate) struct CompleteResponses {
    /// Means over repeats, `[stimuli, neurons]`.
    pub(crate) means: Vec<f32>,
    /// Number of neurons.
    pub(crate) neurons: usize,
    /// One presentation of every stimulus each, `[stimuli, neurons]`, for as many
    /// presentations as all stimuli had.
    pub(crate) repeats: Vec<Vec<f32>>,
}

fn write(
    cx: &mut StepContext<'_>,
    sessions: &[SessionTrials],
    test_rates: Option<&[f32]>,
    stimuli_test: usize,
) -> Result<Status> {
    let mut tensors = Tensors::default();
    let (mut sum, mut count, mut missing) = (0.0, 0, 0);
    let mut repeats = (usize::MAX, 0);
    for (i, session) in sessions.iter().enumerate() {
        for (part, trials) in [("train", &session.train), ("test", &session.test)] {
            let shape = [trials.stimuli.len(), session.neurons];
            tensors.f32(&format!("{i}.{part}"), &shape, &trials.responses);
            tensors.u32(&format!("{i}.{part}.stimuli"), &trials.stimuli);
            missing += trials.responses.iter().filter(|r| r.is_nan()).count();
        }
        for response in session.train.responses.iter().filter(|r| !r.is_nan()) {
            sum += f64::from(*response);
            count += 1;
        }
        for trials in session.test.of_stimuli(stimuli_test) {
            if !trials.is_empty() {
                repeats = (repeats.0.min(trials.len()), repeats.1.max(trials.len()));
            }
        }
    }
    let neurons = sessions.iter().map(|s| s.neurons).sum();
    if let Some(rates) = test_rates {
        tensors.f32("test.rates", &[stimuli_test, neurons], rates);
    }
    tensors.write(&cx.file(RESPONSES))?;
    let total = |part: fn(&SessionTrials) -> &Trials| -> usize {
        sessions.iter().map(|s| part(s).stimuli.len()).sum()
    };
    cx.write_json(
        INFO,
        &RecordingInfo {
            simulated: test_rates.is_some(),
            sessions: sessions
                .iter()
                .map(|s| (s.name.clone(), s.neurons))
                .collect(),
            trials: [total(|s| &s.train), total(|s| &s.test)],
            test_repeats: repeats,
            stimuli_test,
            mean_response: sum / f64::from(count.max(1)),
            missing,
        },
    )?;
    Ok(Status::Done)
}

impl Trials {
    /// The trials of each of `count` stimuli, in order.
    pub(crate) fn of_stimuli(&self, count: usize) -> Vec<Vec<usize>> {
        let mut trials = vec![Vec::new(); count];
        for (trial, stimulus) in self.stimuli.iter().enumerate() {
            if let Some(list) = trials.get_mut(*stimulus as usize) {
                list.push(trial);
            }
        }
        trials
    }
}

impl Recordings {
    /// Reads what [`Record`] or [`Import`] wrote.
    pub(crate) fn open(step: &Finished) -> Result<Self> {
        let tensors = TensorFile::read(&step.file(RESPONSES))?;
        let info: RecordingInfo = step.json(INFO)?;
        let trials = |name: String| -> Result<Trials> {
            Ok(Trials {
                stimuli: tensors.get_u32(&format!("{name}.stimuli"))?,
                responses: tensors.get_f32(&name)?.1,
            })
        };
        let sessions = info
            .sessions
            .iter()
            .enumerate()
            .map(|(i, (name, neurons))| {
                Ok(SessionTrials {
                    name: name.clone(),
                    neurons: *neurons,
                    train: trials(format!("{i}.train"))?,
                    test: trials(format!("{i}.test"))?,
                })
            })
            .collect::<Result<_>>()?;
        let test_rates = match info.simulated {
            true => Some(tensors.get_f32("test.rates")?.1),
            false => None,
        };
        Ok(Self {
            sessions,
            test_rates,
            info,
        })
    }

    /// Mean over repeats of the responses to the test stimuli, `[stimuli, neurons]`,
    /// session after session; NaN where there is none.
    pub(crate) fn test_means(&self) -> Vec<f32> {
        let (count, neurons) = (self.info.stimuli_test, self.info.neurons());
        let mut means = vec![f32::NAN; count * neurons];
        let mut first = 0;
        for session in &self.sessions {
            for (stimulus, trials) in session.test.of_stimuli(count).iter().enumerate() {
                for neuron in 0..session.neurons {
                    let (mut sum, mut present) = (0.0, 0);
                    for trial in trials {
                        let response = session.test.responses[trial * session.neurons + neuron];
                        if !response.is_nan() {
                            sum += f64::from(response);
                            present += 1;
                        }
                    }
                    if present > 0 {
                        let mean = (sum / f64::from(present)) as f32;
                        means[stimulus * neurons + first + neuron] = mean;
                    }
                }
            }
            first += session.neurons;
        }
        means
    }

    /// The neurons that were recorded at all of the first `count` test stimuli.
    pub(crate) fn complete(&self, count: usize) -> CompleteResponses {
        let neurons = self.info.neurons();
        let means = &self.test_means()[..count * neurons];
        let kept = complete_columns(means, neurons);
        let select = |values: &[f32], kept: &[usize]| -> Vec<f32> {
            let rows = values.chunks_exact(neurons.max(1));
            rows.flat_map(|row| kept.iter().map(|n| row[*n])).collect()
        };
        let presentations: Vec<Vec<f32>> = (0..self.info.test_repeats.0)
            .map(|repeat| self.presentation(repeat, count))
            .collect();
        let mut in_all = kept.clone();
        for values in &presentations {
            let here = complete_columns(values, neurons);
            in_all.retain(|n| here.binary_search(n).is_ok());
        }
        CompleteResponses {
            means: select(means, &kept),
            neurons: kept.len(),
            repeats: match in_all.is_empty() {
                true => Vec::new(),
                false => presentations.iter().map(|v| select(v, &in_all)).collect(),
            },
        }
    }

    /// The responses to one presentation of each of the first `count` test stimuli,
    /// `[count, neurons]`.
    fn presentation(&self, repeat: usize, count: usize) -> Vec<f32> {
        let neurons = self.info.neurons();
        let mut values = vec![f32::NAN; count * neurons];
        let mut first = 0;
        for session in &self.sessions {
            for (stimulus, trials) in session.test.of_stimuli(count).iter().enumerate() {
                if let Some(trial) = trials.get(repeat) {
                    let start = trial * session.neurons;
                    let to = stimulus * neurons + first;
                    values[to..to + session.neurons]
                        .copy_from_slice(&session.test.responses[start..start + session.neurons]);
                }
            }
            first += session.neurons;
        }
        values
    }
}

fn complete_columns(values: &[f32], columns: usize) -> Vec<usize> {
    let complete = |column: &usize| {
        let mut values = values.iter().skip(*column).step_by(columns.max(1));
        values.all(|v| !v.is_nan())
    };
    (0..columns).filter(complete).collect()
}

/// Gray values in `0..=1`, image by image.
pub(crate) fn gray(images: &Images) -> Vec<f32> {
    if images.channels != 3 {
        let pixels = images.pixels_u8.iter();
        return pixels.map(|v| f32::from(*v) / 255.0).collect();
    }
    let mut out = vec![0.0; images.count * images.height * images.width];
    rgb_to_gray_f32(&images.pixels_u8, &mut out);
    out
}
