//! What a data set is and where its files lie: `datasets/*.toml`.

use std::fs;
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::url;

/// The manifests that come with the crate, by name.
const CATALOGUE: &[(&str, &str)] = &[
    (
        "cadena2019",
        include_str!("../../../datasets/cadena2019.toml"),
    ),
    (
        "figshare-v1",
        include_str!("../../../datasets/figshare-v1.toml"),
    ),
    (
        "freemanziemba2013",
        include_str!("../../../datasets/freemanziemba2013.toml"),
    ),
    ("imagenet", include_str!("../../../datasets/imagenet.toml")),
    (
        "imagenet-c",
        include_str!("../../../datasets/imagenet-c.toml"),
    ),
    (
        "imagenet-val",
        include_str!("../../../datasets/imagenet-val.toml"),
    ),
    (
        "things-ventral",
        include_str!("../../../datasets/things-ventral.toml"),
    ),
    (
        "tiny-imagenet",
        include_str!("../../../datasets/tiny-imagenet.toml"),
    ),
    (
        "tiny-imagenet-c",
        include_str!("../../../datasets/tiny-imagenet-c.toml"),
    ),
    (
        "tiny-imagenet-parquet",
        include_str!("../../../datasets/tiny-imagenet-parquet.toml"),
    ),
];

/// A data set: what it is, and where its files lie.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// The name in commands, and of the folder in the cache.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// The terms under which the data may be used.
    pub licence: String,
    /// The publication to cite.
    pub citation: String,
    /// A page about the data.
    pub page: String,
    /// What a user should know, also which facts are unknown.
    pub notes: Option<String>,
    /// Whether an account with granted access is needed.
    pub gated: bool,
    /// Where the files lie.
    pub source: Source,
}

/// Where the files of a data set lie.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// Each file at its own address.
    Files(Vec<RemoteFile>),
    /// A data set repository of the Hugging Face Hub.
    Hub(HubSource),
    /// An article of figshare.
    Figshare(FigshareSource),
    /// No address for programs is known; what a person can do.
    Manual(String),
}

/// A file at an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoteFile {
    /// Where it goes, relative to the folder of the data set.
    pub path: String,
    /// Where it comes from.
    pub url: String,
    /// Its length in bytes, where known.
    pub size: Option<u64>,
    /// Its checksums, where known.
    #[serde(default)]
    pub checksums: Checksums,
}

/// The known checksums of a file, in lower-case hexadecimal digits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checksums {
    /// SHA-256.
    pub sha256: Option<String>,
    /// MD5: it finds damage, not an attacker.
    pub md5: Option<String>,
}

/// A data set repository of the Hugging Face Hub.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HubSource {
    /// `owner/name`.
    pub repository: String,
    /// A branch, tag or commit. The first fetch records the commit that it means.
    #[serde(default = "main_branch")]
    pub revision: String,
    /// Which files are wanted; `*` stands for any characters.
    pub files: Vec<String>,
}

/// An article of figshare.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FigshareSource {
    /// Its number.
    pub article: u64,
}

fn main_branch() -> String {
    "main".to_owned()
}

/// A manifest as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    title: String,
    licence: String,
    citation: String,
    page: String,
    notes: Option<String>,
    #[serde(default)]
    gated: bool,
    file: Option<Vec<RemoteFile>>,
    hub: Option<HubSource>,
    figshare: Option<FigshareSource>,
    manual: Option<String>,
}

impl Manifest {
    /// All manifests that come with the crate, by name.
    ///
    /// # Errors
    ///
    /// If one is not right, which a test excludes.
    pub fn catalogue() -> Result<Vec<Self>> {
        let parse = |(name, text): &(&str, &str)| Self::parse(text, name);
        CATALOGUE.iter().map(parse).collect()
    }

    /// The manifest of a name; or of a file, if `name` ends with `.toml`.
    ///
    /// # Errors
    ///
    /// If there is none, or it is not right.
    pub fn load(name: &str) -> Result<Self> {
        if name.ends_with(".toml") {
            let path = Path::new(name);
            let text = fs::read_to_string(path).map_err(Error::io("read", path))?;
            return Self::parse(&text, name);
        }
        match CATALOGUE.iter().find(|(known, _)| *known == name) {
            Some((_, text)) => Self::parse(text, name),
            None => {
                let known: Vec<&str> = CATALOGUE.iter().map(|(name, _)| *name).collect();
                Err(Error::UnknownDataset {
                    name: name.to_owned(),
                    known: known.join(", "),
                })
            }
        }
    }

    /// Reads a manifest; `place` names it in errors.
    ///
    /// # Errors
    ///
    /// If it is no TOML of the right form, or what it says cannot be.
    pub fn parse(text: &str, place: &str) -> Result<Self> {
        let wrong = |message: String| Error::Manifest {
            place: place.to_owned(),
            message,
        };
        let written: Written = toml::from_str(text).map_err(|e| wrong(e.to_string()))?;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if written.name.is_empty() || !written.name.chars().all(plain) {
            return Err(wrong(format!(
                "name {:?} must be of a-z, 0-9 and -",
                written.name
            )));
        }
        let mut sources = [
            written.file.map(Source::Files),
            written.hub.map(Source::Hub),
            written.figshare.map(Source::Figshare),
            written.manual.map(Source::Manual),
        ]
        .into_iter()
        .flatten();
        let (Some(source), None) = (sources.next(), sources.next()) else {
            return Err(wrong(
                "there must be one of [[file]], [hub], [figshare] and manual".to_owned(),
            ));
        };
        check_source(&source).map_err(wrong)?;
        Ok(Self {
            name: written.name,
            title: written.title,
            licence: written.licence,
            citation: written.citation,
            page: written.page,
            notes: written.notes,
            gated: written.gated,
            source,
        })
    }

    /// The bytes of all files, where the manifest knows them.
    pub fn size(&self) -> Option<u64> {
        match &self.source {
            Source::Files(files) => files.iter().map(|file| file.size).sum(),
            _ => None,
        }
    }
}

fn check_source(source: &Source) -> std::result::Result<(), String> {
    match source {
        Source::Files(files) => {
            for (i, file) in files.iter().enumerate() {
                check_path(&file.path)?;
                if files[..i].iter().any(|other| other.path == file.path) {
                    return Err(format!("{}: stands there twice", file.path));
                }
                if url::origin(&file.url).is_none() {
                    return Err(format!("{}: no http or https address", file.url));
                }
                check_sum("sha256", file.checksums.sha256.as_deref(), 64)?;
                check_sum("md5", file.checksums.md5.as_deref(), 32)?;
            }
            Ok(())
        }
        Source::Hub(hub) => {
            let parts: Vec<&str> = hub.repository.split('/').collect();
            if parts.len() != 2 || parts.iter().any(|p| p.is_empty() || p.starts_with('.')) {
                return Err(format!("repository {:?} is not owner/name", hub.repository));
            }
            Ok(())
        }
        Source::Figshare(_) | Source::Manual(_) => Ok(()),
    }
}

fn check_sum(kind: &str, sum: Option<&str>, digits: usize) -> std::result::Result<(), String> {
    let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    match sum {
        Some(sum) if sum.len() != digits || !sum.chars().all(hex) => Err(format!(
            "{kind} {sum:?} is not {digits} lower-case hexadecimal digits"
        )),
        _ => Ok(()),
    }
}

/// A path of a manifest or of a server's list must stay in the folder of the data set,
/// and must not be one of the names that this crate uses there.
pub(crate) fn check_path(path: &str) -> std::result::Result<(), String> {
    let parts = || Path::new(path).components();
    let normal = parts().all(|part| matches!(part, Component::Normal(_)));
    // Backslashes and colons mean something on Windows.
    let plain = !path.contains(['\\', ':', '\0']) && !path.ends_with('/');
    let ours = path == crate::lock::LOCK_NAME
        || [".partial", ".partial.json", ".rejected", ".busy", ".tmp"]
            .iter()
            .any(|end| path.ends_with(end));
    if !path.is_empty() && normal && plain && !ours {
        Ok(())
    } else {
        Err(format!(
            "{path:?} cannot be the path of a file in the cache"
        ))
    }
}

#[cfg(test)]
mod tests;
