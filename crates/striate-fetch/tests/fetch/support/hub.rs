//! The Hub's protocol: commits, lists in pages, files by redirects.

use super::{Reply, Request, Server, ranged};

pub const COMMIT: &str = "5a77092c28e51558c5586e9c5eb71a7e17a5e43f";

/// A data set repository `o/r` on a server of its own, with its large files elsewhere.
pub struct Hub {
    pub hub: Server,
    /// Where large files lie: another origin.
    pub store: Server,
}

/// A file of the repository.
#[derive(Clone)]
pub struct Stored {
    pub path: &'static str,
    pub body: Vec<u8>,
    /// The SHA-256, for files that are not in git itself.
    pub sha256: Option<String>,
}

/// Who may read the repository.
#[derive(Clone, Copy, PartialEq)]
pub enum Access {
    All,
    /// Who has this token.
    Token(&'static str),
}

impl Hub {
    pub fn start(files: Vec<Stored>, access: Access) -> Self {
        let stored = files.clone();
        let store = Server::start(move |request| {
            let name = request.target.split('?').next().unwrap();
            let file = stored.iter().find(|f| name == format!("/repos/{}", f.path));
            match file {
                Some(file) => ranged(request, &file.body, "\"store-tag\""),
                None => Reply::new(404, ""),
            }
        });
        let address = store.url("");
        let hub = Server::start(move |request| answer(request, &files, access, &address));
        Self { hub, store }
    }
}

fn answer(request: &Request, files: &[Stored], access: Access, store: &str) -> Reply {
    let (path, query) = request
        .target
        .split_once('?')
        .unwrap_or((&request.target, ""));
    let error = |status, code: &str, message: &str| {
        Reply::new(status, format!("{{\"error\":\"{message}\"}}"))
            .with("X-Error-Code", code)
            .with("X-Error-Message", message)
    };
    if let Access::Token(token) = access {
        match request.header("authorization") {
            None => {
                let message = "Access to dataset o/r is restricted. You must have access to it \
                    and be authenticated to access it. Please log in.";
                return error(401, "GatedRepo", message);
            }
            Some(sent) if sent != format!("Bearer {token}") => {
                let message = "Access to dataset o/r is restricted and you are not in the \
                    authorized list. Visit the page to ask for access.";
                return error(403, "GatedRepo", message);
            }
            Some(_) => {}
        }
    }
    if let Some(revision) = path.strip_prefix("/api/datasets/o/r/revision/") {
        return match revision {
            "main" => Reply::new(200, format!("{{\"id\":\"o/r\",\"sha\":\"{COMMIT}\"}}")),
            _ => error(404, "RevisionNotFound", "Invalid rev id: nope"),
        };
    }
    if path == format!("/api/datasets/o/r/tree/{COMMIT}") {
        return page(request, query, files);
    }
    let is_called = |file: &&Stored, name: &str| file.path.replace(' ', "%20") == name;
    let name = path.strip_prefix(&format!("/datasets/o/r/resolve/{COMMIT}/"));
    if let Some(file) = name.and_then(|n| files.iter().find(|f| is_called(f, n))) {
        return match &file.sha256 {
            // A large file: elsewhere, with an address that is signed and absolute.
            Some(sum) => Reply::new(302, "Found. Redirecting")
                .with(
                    "Location",
                    format!("{store}/repos/{}?X-Sig=secret", file.path),
                )
                .with("X-Repo-Commit", COMMIT)
                .with("X-Linked-Size", file.body.len().to_string())
                .with("X-Linked-Etag", format!("\"{sum}\"")),
            // A small one: another path of the same server.
            None => Reply::new(307, "")
                .with(
                    "Location",
                    format!(
                        "/api/resolve-cache/datasets/o/r/{}",
                        file.path.replace(' ', "%20")
                    ),
                )
                .with("X-Repo-Commit", COMMIT),
        };
    }
    let name = path.strip_prefix("/api/resolve-cache/datasets/o/r/");
    match name.and_then(|n| files.iter().find(|f| is_called(f, n))) {
        Some(file) => ranged(request, &file.body, "\"git-blob\""),
        None => error(404, "EntryNotFound", "Entry not found"),
    }
}

/// Two entries a page, folders among them.
fn page(request: &Request, query: &str, files: &[Stored]) -> Reply {
    assert!(query.contains("recursive=true"), "{query}");
    let cursor = query
        .split('&')
        .find_map(|part| part.strip_prefix("cursor="));
    let start: usize = cursor.map_or(0, |text| text.parse().unwrap());
    let mut entries =
        vec!["{\"type\":\"directory\",\"oid\":\"0\",\"size\":0,\"path\":\"data\"}".to_owned()];
    for file in files {
        let size = file.body.len();
        let large = file.sha256.as_ref().map_or(String::new(), |sum| {
            format!(",\"lfs\":{{\"oid\":\"{sum}\",\"size\":{size},\"pointerSize\":134}}")
        });
        entries.push(format!(
            "{{\"type\":\"file\",\"oid\":\"0\",\"size\":{size}{large},\"path\":\"{}\"}}",
            file.path
        ));
    }
    let end = (start + 2).min(entries.len());
    let reply = Reply::new(200, format!("[{}]", entries[start..end].join(",")));
    if end == entries.len() {
        return reply;
    }
    let host = request.header("host").unwrap();
    let path = request.target.split('?').next().unwrap();
    let next = format!("<http://{host}{path}?recursive=true&cursor={end}>; rel=\"next\"");
    reply.with("Link", next)
}
