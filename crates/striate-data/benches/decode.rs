//! Decoding images to RGB: ours, and Pillow and torchvision in the same run.
//!
//! `cargo xtask bench data --against-peer [--tar tiny-imagenet.tar] [--save]`. The
//! decoders take turns, round by round, so that what else the machine does meets them
//! alike; the fastest round of each counts. Printed are tables of images per second.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Instant,
};

use rayon::prelude::*;
use striate_data::{decode_rgb, parquet::ImageTable, tree::FileTree};

const ROUNDS: usize = 7;
const THREADS: [usize; 2] = [1, 2];
const PEERS: [&str; 2] = ["pillow", "torchvision"];

/// Images of a tar are taken up to this number.
const MAX_IMAGES: usize = 4000;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (mut python, mut tar) = (None, None);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--python" => python = arguments.next().map(PathBuf::from),
            "--tar" => tar = arguments.next().map(PathBuf::from),
            // `cargo bench` adds --bench.
            _ => {}
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let photos = root.join("datasets/mini/photos.parquet");
    let records = ImageTable::open(&photos)?.records;
    let images: Vec<Vec<u8>> = records.into_iter().map(|r| r.bytes).collect();
    measure(
        "photographs of about 240 x 320",
        &images,
        &photos,
        python.as_deref(),
        &root,
    )?;
    if let Some(tar) = tar {
        let tree = FileTree::open(&tar)?;
        let names: Vec<&str> = tree.under("").filter(|n| n.ends_with(".JPEG")).collect();
        let names = &names[..names.len().min(MAX_IMAGES)];
        let images = names.iter().map(|name| tree.read(name));
        let images = images.collect::<std::result::Result<Vec<_>, _>>()?;
        let name = tar.file_name().unwrap_or_default().to_string_lossy();
        measure(&name, &images, &tar, python.as_deref(), &root)?;
    }
    Ok(())
}

fn measure(
    name: &str,
    images: &[Vec<u8>],
    file: &Path,
    python: Option<&Path>,
    root: &Path,
) -> Result<()> {
    let bytes: usize = images.iter().map(Vec::len).sum();
    let mut peer = python
        .map(|p| Peer::start(p, root, file, images.len()))
        .transpose()?;
    let mut ours = [f64::INFINITY; THREADS.len()];
    let mut theirs = [[f64::INFINITY; THREADS.len()]; PEERS.len()];
    for _ in 0..ROUNDS {
        for (i, threads) in THREADS.into_iter().enumerate() {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()?;
            let start = Instant::now();
            let decoded: usize = pool.install(|| {
                let one = |bytes: &Vec<u8>| decode_rgb(bytes, name).map(|i| i.pixels_u8.len());
                images
                    .par_iter()
                    .map(one)
                    .sum::<std::result::Result<usize, _>>()
            })?;
            ours[i] = ours[i].min(start.elapsed().as_secs_f64());
            assert!(decoded > 0);
            if let Some(peer) = &mut peer {
                for (best, decoder) in theirs.iter_mut().zip(PEERS) {
                    best[i] = best[i].min(peer.decode(decoder, threads)?);
                }
            }
        }
    }
    if let Some(peer) = &peer {
        println!("{}", peer.versions);
    }
    let columns = THREADS.map(|threads| format!(" images/s, threads: {threads} |"));
    println!(
        "\n| {name}: {} images, {:.1} MB |{}\n|---|{}",
        images.len(),
        bytes as f64 / 1e6,
        columns.concat(),
        "---:|".repeat(THREADS.len())
    );
    let own = match cfg!(feature = "turbojpeg") {
        true => "striate, feature turbojpeg",
        false => "striate",
    };
    print(images.len(), own, ours);
    if peer.is_some() {
        for (times, decoder) in theirs.into_iter().zip(PEERS) {
            print(images.len(), decoder, times);
        }
    }
    println!();
    Ok(())
}

fn print(images: usize, name: &str, seconds: [f64; THREADS.len()]) {
    let rates = seconds.map(|seconds| format!(" {:.0} |", images as f64 / seconds));
    println!("| {name} |{}", rates.concat());
}

/// The Python process: it reads "decoder threads", and answers with seconds.
struct Peer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// The machine and the versions of the decoders.
    versions: String,
}

impl Peer {
    fn start(python: &Path, root: &Path, file: &Path, images: usize) -> Result<Self> {
        let mut child = Command::new(python)
            .arg(root.join("benches/peers/data.py"))
            .arg(file)
            .arg(images.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take().ok_or("no way to talk to the peer")?;
        let output = child.stdout.take().ok_or("no way to hear the peer")?;
        let mut peer = Self {
            child,
            input,
            output: BufReader::new(output),
            versions: String::new(),
        };
        peer.versions = peer.line()?.trim().to_owned();
        Ok(peer)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            return Err("the peer ended early".into());
        }
        Ok(line)
    }

    fn decode(&mut self, decoder: &str, threads: usize) -> Result<f64> {
        writeln!(self.input, "{decoder} {threads}")?;
        Ok(self.line()?.trim().parse()?)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // An end of input would do as well; a peer that hangs must not hang us.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
