//! From the names in a file to torchvision's. Invariant: two names of the file never
//! become one.

use std::collections::{BTreeMap, BTreeSet};

use crate::Error;

/// Wrappers that put a component of their own into names.
const WRAPPERS: [&str; 2] = ["module", "_orig_mod"];
/// The first weight in each naming: torchvision's, and that of the study's code.
const FIRST: [&str; 2] = ["features.0.weight", "mtl_vgg_core.v1_block.0.weight"];
/// The layers of timm's head, in torchvision's order.
const TIMM: [&str; 3] = ["pre_logits.fc1.", "pre_logits.fc2.", "head.fc."];
/// Names at most in a message that lists what is there.
const LISTED: usize = 12;

/// The names of a file, sorted out.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// torchvision's name (classifier layers at 0, 3, 6; readouts as
    /// `readout.SESSION.mu`) and the name in the file.
    pub(super) known: BTreeMap<String, String>,
    /// Names that mean nothing here.
    pub(super) unknown: Vec<String>,
    /// Number of modules in the shared block, where the file tells them apart.
    pub(super) shared_modules: Option<usize>,
    /// Whether the head has timm's names: convolutions as wide as the map, then 1x1.
    pub(super) timm: bool,
    /// Sessions that have readouts.
    pub(super) sessions: BTreeSet<String>,
}

impl Names {
    /// Sorts out the names of a file.
    ///
    /// # Errors
    ///
    /// If there is no first convolution, or more than one.
    pub(super) fn of<'a>(names: impl Iterator<Item = &'a str>) -> Result<Self, Error> {
        let cleaned: Vec<(String, &str)> =
            names.map(|name| (without_wrappers(name), name)).collect();
        let firsts = cleaned.iter().flat_map(|(name, _)| {
            FIRST.iter().enumerate().filter_map(move |(style, first)| {
                let prefix = name.strip_suffix(first)?;
                (prefix.is_empty() || prefix.ends_with('.')).then_some((prefix, style))
            })
        });
        let firsts: Vec<(&str, usize)> = firsts.collect();
        let (prefix, style) = match firsts.as_slice() {
            [only] => *only,
            _ => {
                let found = if firsts.is_empty() {
                    listed(cleaned.iter().map(|(_, name)| *name))
                } else {
                    listed(
                        firsts
                            .iter()
                            .map(|(prefix, style)| prefix_and(prefix, FIRST[*style])),
                    )
                };
                return Err(Error::Field {
                    field: "names of the tensors".to_owned(),
                    expected: format!("one {} (after any prefix), or {}", FIRST[0], FIRST[1]),
                    found,
                });
            }
        };
        let mut sorted = Self::default();
        let mut parts: Vec<(Part<'_>, &str)> = Vec::new();
        for (name, raw) in &cleaned {
            let part = name
                .strip_prefix(prefix)
                .and_then(|rest| Part::of(rest, style == 1));
            match part {
                Some(part) => parts.push((part, raw)),
                None => sorted.unknown.push((*raw).to_owned()),
            }
        }
        let shared = |part: &Part<'_>| match part {
            Part::Features(index, _) => Some(*index),
            _ => None,
        };
        if style == 1 {
            // Behind the last module with weights comes its ReLU.
            let last = parts.iter().filter_map(|(part, _)| shared(part)).max();
            sorted.shared_modules = last.map(|last| last + 2);
        }
        let heads: BTreeSet<usize> = parts
            .iter()
            .filter_map(|(part, _)| match part {
                Part::Classifier(index, _) => Some(*index),
                _ => None,
            })
            .collect();
        let heads: BTreeMap<usize, usize> = heads.into_iter().zip((0..).step_by(3)).collect();
        for (part, raw) in parts {
            let name = match part {
                Part::Features(index, rest) => format!("features.{index}.{rest}"),
                Part::Unshared(index, rest) => {
                    let before = sorted.shared_modules.unwrap_or(0);
                    format!("features.{}.{rest}", before.saturating_add(index))
                }
                Part::Classifier(index, rest) => {
                    format!("classifier.{}.{rest}", heads.get(&index).unwrap_or(&index))
                }
                Part::Timm(index, rest) => {
                    sorted.timm = true;
                    format!("classifier.{}.{rest}", 3 * index)
                }
                Part::Readout(session, rest) => {
                    sorted.sessions.insert(session.to_owned());
                    format!("readout.{session}.{rest}")
                }
            };
            if let Some(first) = sorted.known.insert(name.clone(), raw.to_owned()) {
                return Err(Error::Field {
                    field: name,
                    expected: "one tensor".to_owned(),
                    found: format!("{first} and {raw}"),
                });
            }
        }
        Ok(sorted)
    }
}

/// A name without its prefix, taken apart; the number comes before the rest.
enum Part<'a> {
    Features(usize, &'a str),
    Unshared(usize, &'a str),
    Classifier(usize, &'a str),
    Timm(usize, &'a str),
    Readout(&'a str, &'a str),
}

impl<'a> Part<'a> {
    fn of(name: &'a str, study: bool) -> Option<Self> {
        let numbered = |prefix: &str| {
            let (number, rest) = name.strip_prefix(prefix)?.split_once('.')?;
            Some((number.parse().ok()?, rest))
        };
        if study {
            if let Some((index, rest)) = numbered("mtl_vgg_core.v1_block.") {
                return Some(Self::Features(index, rest));
            }
            if let Some((index, rest)) = numbered("mtl_vgg_core.unshared_block.") {
                return Some(Self::Unshared(index, rest));
            }
            if let Some((index, rest)) = numbered("classification_readout.") {
                return Some(Self::Classifier(index, rest));
            }
            let (session, rest) = name.strip_prefix("v1_readout.")?.rsplit_once('.')?;
            return Some(Self::Readout(session, rest));
        }
        if let Some((index, rest)) = numbered("features.") {
            return Some(Self::Features(index, rest));
        }
        if let Some((index, rest)) = numbered("classifier.") {
            return Some(Self::Classifier(index, rest));
        }
        for (index, layer) in TIMM.iter().enumerate() {
            if let Some(rest) = name.strip_prefix(layer) {
                return Some(Self::Timm(index, rest));
            }
        }
        // One layer alone.
        match name.strip_prefix("classifier.")? {
            rest @ ("weight" | "bias") => Some(Self::Classifier(0, rest)),
            _ => None,
        }
    }
}

fn without_wrappers(name: &str) -> String {
    let parts: Vec<&str> = name
        .split('.')
        .filter(|part| !WRAPPERS.contains(part))
        .collect();
    parts.join(".")
}

fn prefix_and(prefix: &str, rest: &str) -> String {
    format!("{prefix}{rest}")
}

fn listed(names: impl Iterator<Item = impl AsRef<str>>) -> String {
    let mut text = String::new();
    for (i, name) in names.enumerate() {
        if i == LISTED {
            text.push_str(", ...");
            break;
        }
        if i > 0 {
            text.push_str(", ");
        }
        text.push_str(name.as_ref());
    }
    text
}
