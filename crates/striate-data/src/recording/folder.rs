//! Many sessions in one folder or archive: the pickles of the Sinz lab, and their
//! public copy as text (data-formats.md 2.1, 2.2). Invariant: sessions come in the order
//! of their files' names, and no two have the same name.

use std::collections::BTreeMap;

use super::{
    Recording, SessionConfig, SessionRecording,
    csv::{Csv, nested_list},
};
use crate::{Error, Result, pickle::Pickle, tree::FileTree};

/// The one file that the study's loader leaves out (training.md 1.2).
const LEFT_OUT: &str = "CSRF19_V4_3653663964522.pickle";

/// Names of the session pickles: `[...]neuronal_data/<name>.pickle`, or pickles at the top.
pub fn session_pickles(files: &FileTree) -> Vec<&str> {
    let (mut within, mut top) = (Vec::new(), Vec::new());
    for name in files.under("") {
        let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
        if !(file.ends_with(".pickle") || file.ends_with(".pkl")) || file == LEFT_OUT {
            continue;
        }
        if folder.rsplit('/').next() == Some("neuronal_data") {
            within.push(name);
        } else if folder.is_empty() {
            top.push(name);
        }
    }
    if within.is_empty() { top } else { within }
}

/// Reads all session pickles of a folder or archive.
///
/// # Errors
///
/// If there is none, one cannot be read, or two are the same session.
pub fn read_sessions(files: &FileTree, config: &SessionConfig) -> Result<Vec<SessionRecording>> {
    let names = session_pickles(files);
    if names.is_empty() {
        return Err(Error::format(
            files.place(),
            "session pickles in neuronal_data/",
            "none",
        ));
    }
    let mut sessions = Vec::with_capacity(names.len());
    let mut file_of = BTreeMap::new();
    for name in names {
        let place = format!("{}, file {name}", files.place());
        let pickle = Pickle::from_bytes(files.read(name)?, &place)?;
        let session = SessionRecording::from_pickle(&pickle, config)?;
        let id = session.train.session.clone();
        if let Some(first) = file_of.insert(id.clone(), name) {
            let found = format!("{id} again, as in {first}");
            return Err(Error::format(place, "a session of its own", found));
        }
        sessions.push(session);
    }
    Ok(sessions)
}

/// Names of the text files: `[...]{train,test}/<session>/responses.csv`, by part.
fn response_files(files: &FileTree) -> BTreeMap<&str, Vec<(&str, &str)>> {
    let mut found = BTreeMap::<&str, Vec<(&str, &str)>>::new();
    for name in files.under("") {
        let mut parts = name.rsplit('/');
        if parts.next() == Some("responses.csv")
            && let (Some(session), Some(part @ ("train" | "test"))) = (parts.next(), parts.next())
        {
            found.entry(part).or_default().push((session, name));
        }
    }
    found
}

/// Whether there are sessions as text.
pub fn has_public_sessions(files: &FileTree) -> bool {
    response_files(files).contains_key("train")
}

/// Reads all sessions of the public copy (figshare article 23056805). Image ids are
/// those of the file; the split of images counts from 0 there.
///
/// # Errors
///
/// If there is none, a file cannot be read, a session is there twice, or its test part
/// has other neurons. A session without test part has none of its trials.
pub fn read_public_sessions(
    files: &FileTree,
    config: &SessionConfig,
) -> Result<Vec<SessionRecording>> {
    let mut by_part = response_files(files);
    let (train, test) = (by_part.remove("train"), by_part.remove("test"));
    let Some(train) = train else {
        return Err(Error::format(
            files.place(),
            "files train/<session>/responses.csv",
            "none",
        ));
    };
    let mut test: BTreeMap<&str, &str> = test.unwrap_or_default().into_iter().collect();
    let mut sessions: Vec<SessionRecording> = Vec::with_capacity(train.len());
    for (session, name) in train {
        if sessions.iter().any(|s| s.train.session == session) {
            let place = format!("{}, file {name}", files.place());
            return Err(Error::format(place, "each session once", session));
        }
        let train = read_responses(files, name, session, config)?;
        let test = match test.remove(session) {
            None => Recording::new(session, train.neurons, Vec::new(), Vec::new())?,
            Some(name) => {
                let test = read_responses(files, name, session, config)?;
                if test.neurons != train.neurons {
                    return Err(Error::format(
                        format!("{}, file {name}", files.place()),
                        format!("{} neurons, as in training", train.neurons),
                        test.neurons.to_string(),
                    ));
                }
                test
            }
        };
        sessions.push(SessionRecording { train, test });
    }
    if let Some((session, name)) = test.first_key_value() {
        let place = format!("{}, file {name}", files.place());
        let expected = format!("a training part of session {session}");
        return Err(Error::format(place, expected, "none"));
    }
    Ok(sessions)
}

fn read_responses(
    files: &FileTree,
    name: &str,
    session: &str,
    config: &SessionConfig,
) -> Result<Recording> {
    let text = files.read_text(name)?;
    let place = format!("{}, file {name}", files.place());
    let mut csv = Csv::new(&text, &place)?;
    let (id, list) = (csv.column("image_id")?, csv.column("responses")?);
    let (mut image_of_trial, mut responses) = (Vec::new(), Vec::new());
    let mut neurons = 0;
    while let Some(row) = csv.next_row()? {
        image_of_trial.push(row.number::<u32>(id, "image_id")?);
        let place = format!("{}, column responses", row.place);
        let (found, values) = nested_list(row.field(list, "responses")?, &place)?;
        let bins = values.len() / found;
        if image_of_trial.len() == 1 {
            neurons = found;
        }
        if found != neurons || bins < config.time_bins || config.time_bins == 0 {
            return Err(Error::format(
                place,
                format!(
                    "{neurons} neurons x at least {} time bins",
                    config.time_bins
                ),
                format!("{found} x {bins}"),
            ));
        }
        let sums = values.chunks_exact(bins);
        responses.extend(sums.map(|bins| bins[..config.time_bins].iter().sum::<f32>()));
    }
    if neurons == 0 {
        return Err(Error::format(place, "at least one trial", "none"));
    }
    Recording::new(session, neurons, image_of_trial, responses)
}
