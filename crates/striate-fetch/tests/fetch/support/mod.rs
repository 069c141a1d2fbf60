//! A small HTTP/1.1 server on 127.0.0.1, with the faults that real ones have.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests: a failure here fails the test"
)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use striate_fetch::{FetchConfig, Manifest};

pub mod hub;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    /// Path and query.
    pub target: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    /// How many requests for this target came before.
    pub earlier: usize,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// What is sent back.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// Says another length than the body's.
    pub announced: Option<usize>,
    /// Says no length, and ends by closing.
    pub without_length: bool,
    pub chunked: bool,
    /// Closes after so many bytes of the body.
    pub cut_after: Option<usize>,
    /// Waits so long after each 1000 bytes of the body.
    pub slow: Option<Duration>,
}

impl Reply {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
            announced: None,
            without_length: false,
            chunked: false,
            cut_after: None,
            slow: None,
        }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn cut_after(mut self, bytes: usize) -> Self {
        self.cut_after = Some(bytes);
        self
    }
}

/// Answers as a server that knows ranges and tags.
pub fn ranged(request: &Request, body: &[u8], etag: &str) -> Reply {
    let whole = || {
        Reply::new(200, body)
            .with("ETag", etag)
            .with("Accept-Ranges", "bytes")
    };
    let same = request.header("if-range").is_none_or(|tag| tag == etag);
    let Some(range) = request.header("range").filter(|_| same) else {
        return whole();
    };
    let start = range
        .strip_prefix("bytes=")
        .and_then(|r| r.strip_suffix('-'));
    let start: usize = start.unwrap().parse().unwrap();
    let total = body.len();
    if start >= total {
        return Reply::new(416, "").with("Content-Range", format!("bytes */{total}"));
    }
    Reply::new(206, &body[start..]).with("ETag", etag).with(
        "Content-Range",
        format!("bytes {start}-{}/{total}", total - 1),
    )
}

type Handler = dyn Fn(&Request) -> Reply + Send + Sync;

/// A server; it stops when dropped.
pub struct Server {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    requests: Arc<Mutex<Vec<Request>>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub fn start(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let handler: Arc<Handler> = Arc::new(handler);
        let (flag, log) = (Arc::clone(&stop), Arc::clone(&requests));
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if flag.load(Ordering::Relaxed) {
                    break;
                }
                let (handler, log) = (Arc::clone(&handler), Arc::clone(&log));
                // A client that goes away is no fault of the server.
                thread::spawn(move || serve(&stream.unwrap(), &*handler, &log));
            }
        });
        Self {
            address,
            stop,
            requests,
            thread: Some(thread),
        }
    }

    /// Serves one body under every path, with ranges and a tag.
    pub fn of(body: Vec<u8>) -> Self {
        Self::start(move |request| ranged(request, &body, "\"v1\""))
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// The `Range` of each request, or `-`.
    pub fn ranges(&self) -> Vec<String> {
        let range = |r: &Request| r.header("range").unwrap_or("-").to_owned();
        self.requests().iter().map(range).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the listener.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

fn serve(stream: &TcpStream, handler: &Handler, log: &Mutex<Vec<Request>>) -> Option<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    stream
        .set_write_timeout(Some(Duration::from_secs(5)))
        .ok()?;
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next()?.ok()?;
    let mut words = first.split(' ');
    assert_eq!(words.next(), Some("GET"));
    let target = words.next()?.to_owned();
    let mut headers = BTreeMap::new();
    for line in lines {
        let line = line.ok()?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let request = {
        let mut log = log.lock().unwrap();
        let request = Request {
            earlier: log.iter().filter(|r| r.target == target).count(),
            target,
            headers,
        };
        log.push(request.clone());
        request
    };
    answer(stream, handler(&request)).ok()
}

fn answer(mut stream: &TcpStream, reply: Reply) -> std::io::Result<()> {
    let mut head = format!("HTTP/1.1 {} x\r\nConnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        head += &format!("{name}: {value}\r\n");
    }
    if reply.chunked {
        head += "Transfer-Encoding: chunked\r\n";
    } else if !reply.without_length {
        let length = reply.announced.unwrap_or(reply.body.len());
        head += &format!("Content-Length: {length}\r\n");
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    let end = reply
        .cut_after
        .unwrap_or(reply.body.len())
        .min(reply.body.len());
    for piece in reply.body[..end].chunks(1000) {
        if reply.chunked {
            stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes())?;
        }
        stream.write_all(piece)?;
        if reply.chunked {
            stream.write_all(b"\r\n")?;
        }
        if let Some(wait) = reply.slow {
            thread::sleep(wait);
        }
    }
    if reply.chunked && reply.cut_after.is_none() {
        stream.write_all(b"0\r\n\r\n")?;
    }
    Ok(())
}

/// Bytes that do not repeat soon.
pub fn bytes(n: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..n).map(|_| next()).collect()
}

/// A place for a cache, and a configuration that waits little.
pub struct Place {
    pub folder: tempfile::TempDir,
    pub config: FetchConfig,
}

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = FetchConfig::new(folder.path().to_owned());
        config.retry.attempts = 4;
        config.retry.first_wait = Duration::from_millis(5);
        config.retry.longest_wait = Duration::from_secs(1);
        config.idle = Duration::from_secs(2);
        Self { folder, config }
    }

    /// A file of the data set `x`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join("x").join(name)
    }

    /// All files of the data set `x` but those of the fetch itself.
    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut folders = vec![self.folder.path().join("x")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    names.push(self.short(&path));
                }
            }
        }
        names.retain(|name| name != ".busy" && name != "fetch-lock.json");
        names.sort();
        names
    }

    fn short(&self, path: &Path) -> String {
        let root = self.folder.path().join("x");
        path.strip_prefix(root)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    }
}

/// A manifest named `x` with a source.
pub fn manifest(source: &str) -> Manifest {
    let head = "name = \"x\"\ntitle = \"t\"\nlicence = \"l\"\ncitation = \"c\"\n\
        page = \"https://hub.example/x\"\n";
    Manifest::parse(&format!("{head}{source}"), "x").unwrap()
}

/// A manifest of one file `a.bin`, with further lines.
pub fn one_file(url: &str, further: &str) -> Manifest {
    manifest(&format!(
        "[[file]]\npath = \"a.bin\"\nurl = \"{url}\"\n{further}"
    ))
}
