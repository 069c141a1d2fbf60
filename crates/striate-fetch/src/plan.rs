//! Which files a data set has, and what is expected of each.

use std::path::Path;

use crate::client::Client;
use crate::config::FetchConfig;
use crate::error::{Error, Result};
use crate::lock::{Listing, Lock, LockedFile};
use crate::manifest::{Manifest, RemoteFile, Source};
use crate::pattern::fits;
use crate::url::after_origin;
use crate::{figshare, hub};

pub(crate) const MANIFEST: &str = "the manifest";
pub(crate) const LIST: &str = "the server's list";
pub(crate) const LOCK: &str = "the lock file of an earlier fetch";

/// A file to have, and what is known of it before it comes.
pub(crate) struct Item {
    pub(crate) file: RemoteFile,
    /// Who says so what `file` says.
    pub(crate) origin: &'static str,
    /// What an earlier fetch found.
    pub(crate) locked: Option<LockedFile>,
    /// The file that is there belongs to an earlier revision.
    pub(crate) outdated: bool,
    /// Whether the token of the Hub goes with the request.
    pub(crate) of_hub: bool,
}

impl Item {
    /// The expected length, and who says so.
    pub(crate) fn size(&self) -> Option<(u64, &'static str)> {
        let known = self.file.size.map(|size| (size, self.origin));
        known.or_else(|| Some((self.locked.as_ref()?.size, LOCK)))
    }

    /// The expected SHA-256s (of the manifest and of the lock), and who says so.
    pub(crate) fn sha256(&self) -> impl Iterator<Item = (&str, &'static str)> {
        let known = self.file.checksums.sha256.as_deref();
        let locked = self.locked.as_ref().map(|locked| locked.sha256.as_str());
        let known = known.map(|sum| (sum, self.origin));
        known.into_iter().chain(locked.map(|sum| (sum, LOCK)))
    }

    /// The expected MD5, if nothing stronger is published.
    pub(crate) fn md5(&self) -> Option<(&str, &'static str)> {
        let sums = &self.file.checksums;
        let md5 = sums.md5.as_deref().filter(|_| sums.sha256.is_none());
        md5.map(|sum| (sum, self.origin))
    }

    pub(crate) fn has_checksum(&self) -> bool {
        self.md5().is_some() || self.sha256().next().is_some()
    }
}

/// The switch that keeps a source from the network, if one is on.
pub(crate) fn switch(source: &Source, config: &FetchConfig) -> Option<&'static str> {
    if config.offline {
        Some("offline mode")
    } else if config.hub_offline && matches!(source, Source::Hub(_)) {
        Some("HF_HUB_OFFLINE")
    } else {
        None
    }
}

/// The files of a data set: from the manifest, the lock file, or the server.
///
/// A list that comes from a server is put into the lock file.
pub(crate) fn items(
    manifest: &Manifest,
    config: &FetchConfig,
    client: &Client<'_>,
    lock: &mut Lock,
    folder: &Path,
) -> Result<Vec<Item>> {
    let (files, origin) = match &manifest.source {
        Source::Manual(how) => {
            return Err(Error::Manual {
                dataset: manifest.name.clone(),
                how: how.clone(),
            });
        }
        Source::Files(files) => (files.clone(), MANIFEST),
        source => (
            listed(source, manifest, config, client, lock, folder)?,
            LIST,
        ),
    };
    let fits_only = |file: &RemoteFile| config.only.as_ref().is_none_or(|p| fits(p, &file.path));
    let selected: Vec<RemoteFile> = files.iter().filter(|f| fits_only(f)).cloned().collect();
    if selected.is_empty() {
        let names: Vec<&str> = files
            .iter()
            .map(|file| file.path.as_str())
            .take(8)
            .collect();
        let more = files.len() - names.len();
        let more = (more > 0).then(|| format!(" and {more} more"));
        return Err(Error::NothingSelected {
            dataset: manifest.name.clone(),
            pattern: config.only.clone().unwrap_or_else(|| "*".to_owned()),
            files: names.join(", ") + more.as_deref().unwrap_or_default(),
        });
    }
    let item = |file: RemoteFile| {
        let locked = lock.files.get(&file.path);
        let current = locked.filter(|locked| match &file.checksums.sha256 {
            Some(sum) => *sum == locked.sha256,
            // A list's address changes with the content; a manifest's need not.
            None => origin == MANIFEST || after_origin(&file.url) == after_origin(&locked.url),
        });
        Item {
            outdated: origin == LIST && locked.is_some() && current.is_none(),
            // A manifest contradicts the lock only by mistake, which is to be told.
            locked: if origin == MANIFEST { locked } else { current }.cloned(),
            of_hub: matches!(manifest.source, Source::Hub(_)),
            file,
            origin,
        }
    };
    Ok(selected.into_iter().map(item).collect())
}

/// The files of a source that must be asked, or that was asked before.
fn listed(
    source: &Source,
    manifest: &Manifest,
    config: &FetchConfig,
    client: &Client<'_>,
    lock: &mut Lock,
    folder: &Path,
) -> Result<Vec<RemoteFile>> {
    let asked = match source {
        Source::Hub(hub) => format!(
            "Hub {} {} {}",
            hub.repository,
            hub.revision,
            hub.files.join(" ")
        ),
        Source::Figshare(figshare) => format!("figshare {}", figshare.article),
        Source::Files(_) | Source::Manual(_) => String::new(),
    };
    let known = lock.listing.as_ref().filter(|known| known.asked == asked);
    let switch = switch(source, config);
    let files = match (known, switch) {
        (Some(known), _) if !config.update || switch.is_some() => known.files.clone(),
        (_, Some(switch)) => {
            return Err(Error::Offline {
                what: format!("the list of the files of {}", manifest.name),
                folder: folder.to_owned(),
                switch,
            });
        }
        (_, None) => {
            let (revision, files) = match source {
                Source::Hub(source) => {
                    let commit = hub::commit(source, config, client, &manifest.page)?;
                    let files = hub::list(source, &commit, config, client, &manifest.page)?;
                    (Some(commit), files)
                }
                Source::Figshare(source) => (None, figshare::list(source, config, client)?),
                Source::Files(_) | Source::Manual(_) => (None, Vec::new()),
            };
            lock.revision = revision;
            lock.listing = Some(Listing {
                asked,
                files: files.clone(),
            });
            lock.save(folder)?;
            files
        }
    };
    // Another endpoint may have been set since.
    Ok(match (source, &lock.revision) {
        (Source::Hub(source), Some(commit)) => {
            let address = |path: &str| hub::address(source, commit, path, config);
            let move_file = |file: RemoteFile| RemoteFile {
                url: address(&file.path),
                ..file
            };
            files.into_iter().map(move_file).collect()
        }
        _ => files,
    })
}
