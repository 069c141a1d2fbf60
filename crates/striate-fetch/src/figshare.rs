//! The files of an article of figshare: `GET /articles/NUMBER/files`, in pages.

use serde::Deserialize;

use crate::client::{Client, Request};
use crate::config::FetchConfig;
use crate::error::{Error, Result};
use crate::manifest::{Checksums, FigshareSource, RemoteFile, check_path};
use crate::url::origin;

const PAGE: usize = 100;
/// An article has a few hundred files at most.
const MAX_PAGES: usize = 100;

#[derive(Deserialize)]
struct Entry {
    name: String,
    size: Option<u64>,
    download_url: String,
    computed_md5: Option<String>,
    supplied_md5: Option<String>,
}

/// The files of an article.
pub(crate) fn list(
    source: &FigshareSource,
    config: &FetchConfig,
    client: &Client<'_>,
) -> Result<Vec<RemoteFile>> {
    let what = format!("list of figshare article {}", source.article);
    let mut files = Vec::new();
    for page in 1..=MAX_PAGES {
        let url = format!(
            "{}/articles/{}/files?page={page}&page_size={PAGE}",
            config.figshare_endpoint, source.article
        );
        let request = Request {
            url: &url,
            what: &what,
            token: None,
            page: None,
        };
        let protocol = |message: String| Error::Protocol {
            file: what.clone(),
            url: url.clone(),
            message,
        };
        let (bytes, _) = client.list(request)?;
        let entries: Vec<Entry> = serde_json::from_slice(&bytes)
            .map_err(|e| protocol(format!("not an answer of figshare: {e}")))?;
        let last = entries.len() < PAGE;
        for entry in entries {
            check_path(&entry.name).map_err(protocol)?;
            if origin(&entry.download_url).is_none() {
                let message = format!("{}: no address {:?}", entry.name, entry.download_url);
                return Err(protocol(message));
            }
            let md5 = [entry.computed_md5, entry.supplied_md5];
            files.push(RemoteFile {
                path: entry.name,
                url: entry.download_url,
                size: entry.size,
                checksums: Checksums {
                    sha256: None,
                    md5: md5.into_iter().flatten().find(|sum| sum.len() == 32),
                },
            });
        }
        if last {
            break;
        }
    }
    Ok(files)
}
