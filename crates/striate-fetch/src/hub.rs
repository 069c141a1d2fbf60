//! The Hugging Face Hub: the commit of a revision, its files, and their addresses.
//!
//! `GET /api/datasets/REPO/revision/REVISION` gives the commit, `.../tree/COMMIT` the
//! files in pages that `Link` headers connect, `/datasets/REPO/resolve/COMMIT/PATH` a
//! file, mostly by a redirect to where the bytes lie. Large files are listed with their
//! SHA-256; small ones with the id of a git blob, which is not compared.

use serde::Deserialize;

use crate::client::{Client, Request};
use crate::config::FetchConfig;
use crate::error::{Error, Result};
use crate::manifest::{Checksums, HubSource, RemoteFile, check_path};
use crate::pattern::fits;
use crate::url::{encode, origin};

#[derive(Deserialize)]
struct Revision {
    sha: String,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "type")]
    kind: String,
    path: String,
    size: Option<u64>,
    lfs: Option<LargeFile>,
}

#[derive(Deserialize)]
struct LargeFile {
    oid: String,
    size: u64,
}

/// The commit that a revision means now.
pub(crate) fn commit(
    source: &HubSource,
    config: &FetchConfig,
    client: &Client<'_>,
    page: &str,
) -> Result<String> {
    let url = format!(
        "{}/api/datasets/{}/revision/{}",
        config.hub_endpoint,
        encode(&source.repository, true),
        encode(&source.revision, false)
    );
    let what = format!("revision {} of {}", source.revision, source.repository);
    let request = request(&url, &what, config, page);
    let (bytes, _) = client.list(request)?;
    let revision: Revision = parse(&bytes, request)?;
    let commit = revision.sha;
    if commit.is_empty() || !commit.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err(protocol(request, format!("{commit:?} is no commit")));
    }
    Ok(commit)
}

/// The files of a commit that the manifest wants.
pub(crate) fn list(
    source: &HubSource,
    commit: &str,
    config: &FetchConfig,
    client: &Client<'_>,
    page: &str,
) -> Result<Vec<RemoteFile>> {
    let endpoint = &config.hub_endpoint;
    let repository = encode(&source.repository, true);
    let first = format!("{endpoint}/api/datasets/{repository}/tree/{commit}?recursive=true");
    let what = format!("list of {}", source.repository);
    let mut files = Vec::new();
    let mut next = Some(first.clone());
    while let Some(url) = next {
        let request = request(&url, &what, config, page);
        if origin(&url) != origin(&first) {
            let message = format!("the next page is elsewhere: {url}");
            return Err(protocol(request, message));
        }
        let (bytes, following) = client.list(request)?;
        let entries: Vec<Entry> = parse(&bytes, request)?;
        if following.as_ref() == Some(&url) || (entries.is_empty() && following.is_some()) {
            return Err(protocol(request, "the list has no end".to_owned()));
        }
        for entry in entries {
            let wanted = source.files.iter().any(|p| fits(p, &entry.path));
            if entry.kind != "file" || !wanted {
                continue;
            }
            check_path(&entry.path).map_err(|message| protocol(request, message))?;
            let size = entry.lfs.as_ref().map(|lfs| lfs.size).or(entry.size);
            let sha256 = entry.lfs.map(|lfs| lfs.oid).filter(|oid| oid.len() == 64);
            files.push(RemoteFile {
                url: address(source, commit, &entry.path, config),
                path: entry.path,
                size,
                checksums: Checksums { sha256, md5: None },
            });
        }
        next = following;
    }
    Ok(files)
}

/// Where a file of a commit is asked for.
pub(crate) fn address(
    source: &HubSource,
    commit: &str,
    path: &str,
    config: &FetchConfig,
) -> String {
    format!(
        "{}/datasets/{}/resolve/{commit}/{}",
        config.hub_endpoint,
        encode(&source.repository, true),
        encode(path, true)
    )
}

fn request<'a>(url: &'a str, what: &'a str, config: &'a FetchConfig, page: &'a str) -> Request<'a> {
    Request {
        url,
        what,
        token: config.token.as_ref(),
        page: Some(page),
    }
}

fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8], request: Request<'_>) -> Result<T> {
    serde_json::from_slice(bytes)
        .map_err(|e| protocol(request, format!("not an answer of the Hub: {e}")))
}

fn protocol(request: Request<'_>, message: String) -> Error {
    Error::Protocol {
        file: request.what.to_owned(),
        url: request.url.to_owned(),
        message,
    }
}
