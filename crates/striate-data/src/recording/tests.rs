use proptest::prelude::*;

use super::*;
use crate::{
    split::neural_split,
    testing::{shared, temporary},
};

fn small() -> Recording {
    let nan = f32::NAN;
    let responses = vec![1.0, 10.0, 2.0, nan, 3.0, 30.0, 5.0, nan];
    Recording::new("s1", 2, vec![7, 3, 7, 3], responses).unwrap()
}

#[test]
fn repeats_are_counted_and_averaged() {
    let recording = small();
    assert_eq!(recording.repeat_of_trial, [0, 0, 1, 1]);
    let mean = recording.repeat_mean();
    assert_eq!(mean.image_ids, [3, 7]);
    assert_eq!(mean.repeats, [2, 0, 2, 2]);
    assert_eq!(mean.mean[0], 3.5);
    assert!(mean.mean[1].is_nan());
    assert_eq!(mean.mean[2..], [2.0, 20.0]);
    assert_eq!(recording.neuron_mean(), [2.75, 20.0]);
    assert_eq!(recording.missing(), 2);
}

#[test]
fn a_trial_belongs_where_its_image_belongs() {
    let parts = neural_split(10, 0.8, 1000).unwrap();
    let (train, validation) = small().split(&parts).unwrap();
    assert_eq!(train.trials() + validation.trials(), 4);
    for image in &train.image_of_trial {
        assert!(parts.train.contains(&(*image as usize)));
    }
    let error = small()
        .split(&neural_split(5, 0.8, 0).unwrap())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "image of session s1, trial 0: expected an id in the training or the validation part, found 7"
    );
}

#[test]
fn what_does_not_fit_is_refused() {
    let error = Recording::new("s", 2, vec![1], vec![1.0])
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "responses of session s: expected 1 trials x 2 neurons, found 1 values"
    );
    let error = Recording::new("s", 2, vec![1], vec![1.0, f32::INFINITY]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "response of session s, trial 0, neuron 1: expected a finite number, or NaN for none, found inf"
    );
    assert!(
        small()
            .with_neuron_ids(vec!["a".into(), "a".into()])
            .is_err()
    );
}

#[test]
fn the_sample_session_is_read() {
    let Some(path) = shared("sample_csrf.pickle") else {
        return;
    };
    let session = SessionRecording::open(&path, &SessionConfig::default()).unwrap();
    assert_eq!(session.train.session, "3631896544452");
    assert_eq!((session.train.trials(), session.train.neurons), (20, 5));
    assert_eq!(session.test.image_of_trial[..6], [20, 20, 20, 20, 21, 21]);
    assert_eq!(session.test.repeat_of_trial[..6], [0, 1, 2, 3, 0, 1]);
    // numpy: d["training_responses"][:, :12].sum(1).T
    let expected = SAMPLE_SESSION;
    assert_eq!(session.train.trial(0), expected[0]);
    assert_eq!(session.train.trial(19), expected[1]);
    let error = SessionRecording::open(&path, &SessionConfig { time_bins: 13 }).unwrap_err();
    let error = error.to_string();
    assert!(
        error.ends_with(
            "key training_responses: expected responses [neurons, at least 13 time bins, 20 \
             trials] or [20 trials, neurons], as there are 20 image ids, found [5, 12, 20]"
        ),
        "{error}"
    );
}

#[test]
fn the_sample_of_cadena_is_read() {
    let Some(path) = shared("sample_cadena.pkl") else {
        return;
    };
    let config = CadenaConfig {
        crop_px: 2,
        ..CadenaConfig::default()
    };
    let cadena = Cadena::open(&path, &config).unwrap();
    assert_eq!(
        (cadena.height, cadena.width, cadena.images.len()),
        (10, 10, 1000)
    );
    assert_eq!(cadena.image_types[4..6], ["original", "conv1"]);
    assert_eq!(cadena.train.neuron_ids, ["0-0", "1-1", "2-2"]);
    assert_eq!(cadena.test.image_ids(), [8, 9]);
    assert_eq!(cadena.train.image_ids(), [0, 1, 2, 3, 4, 5, 6, 7]);
    // The second unit was shown each image twice, the others four times.
    let mean = cadena.train.repeat_mean();
    assert_eq!(mean.repeats[..3], [4, 2, 4]);
    // numpy: numpy.nanmean(d["responses"], 0)[0], and d["images"][0, 2, 2]
    striate_testkit::assert_close(&mean.mean[..3], &SAMPLE_CADENA[..3], 1e-6, 0.0);
    striate_testkit::assert_close(&cadena.images[..1], &SAMPLE_CADENA[3..], 0.0, 1e-6);
    assert!(
        Cadena::open(&path, &CadenaConfig::default()).is_err(),
        "30 px of 14 are too many"
    );
}

fn same(a: &Recording, b: &Recording) {
    assert_eq!(format!("{a:?}"), format!("{b:?}"));
}

#[test]
fn a_store_keeps_everything() {
    let folder = temporary("recording");
    let recording = small()
        .with_neuron_ids(vec!["u9".into(), "\u{fc} 1".into()])
        .unwrap();
    let (npz, parquet) = (folder.join("r.npz"), folder.join("r.parquet"));
    recording.write_npz(&npz).unwrap();
    recording.write_parquet(&parquet).unwrap();
    same(&Recording::read_npz(&npz).unwrap(), &recording);
    same(&Recording::read_parquet(&parquet).unwrap(), &recording);
    let left = std::fs::read_dir(&folder).unwrap().count();
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(left, 2, "something half-written is left");
    let error = recording
        .write_npz(&folder.join("none/r.npz"))
        .unwrap_err()
        .to_string();
    assert!(error.contains("none/r.npz: "), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn any_recording_comes_back_from_parquet(
        neurons in 1usize..13,
        trials in prop::collection::vec(0u32..5, 0..20),
        seed in 0u64..100,
    ) {
        let mut stream = striate_random::Seed::new(seed).stream();
        let responses = (0..neurons * trials.len())
            .map(|_| if stream.chance(0.2) { f32::NAN } else { stream.normal() as f32 })
            .collect();
        let recording = Recording::new("s", neurons, trials, responses).unwrap();
        let bytes = recording.parquet_bytes().unwrap();
        let table = crate::parquet::Table::new(bytes::Bytes::from(bytes), "memory".into()).unwrap();
        prop_assert_eq!(table.rows(), recording.trials());
        same(&Recording::from_table(&table, "x").unwrap(), &recording);
    }
}

/// Made with NumPy from the sample files.
const SAMPLE_SESSION: [[f32; 5]; 2] =
    [[11.0, 13.0, 7.0, 9.0, 15.0], [18.0, 16.0, 11.0, 17.0, 11.0]];
const SAMPLE_CADENA: [f64; 4] = [1.0, 2.5, 1.5, 225.18812561035156];
