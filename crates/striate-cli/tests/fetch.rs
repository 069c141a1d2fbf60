//! `striate fetch` as a user runs it, against a server on this machine.

#![cfg(feature = "fetch")]
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use support::place;

mod support;

const CONTENT: &[u8] = b"sixteen bytes...";
/// Of [`CONTENT`], by sha256sum.
const SHA256: &str = "0f1442166d84cb72f5a6f29b63c4e82469086e7d5ebae3082c53050b5c8eb9ae";

fn striate(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_striate"))
        .current_dir(folder)
        .env("STRIATE_CACHE", folder.join("cache"))
        .env_remove("HF_HUB_OFFLINE")
        .arg("fetch")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Answers every request with [`CONTENT`]; gives its address.
fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let request = lines.next().unwrap().unwrap();
            while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
            let length = CONTENT.len();
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).unwrap();
            if !request.starts_with("HEAD") {
                stream.write_all(CONTENT).unwrap();
            }
        }
    });
    format!("http://{address}/data.bin")
}

fn manifest(folder: &Path, url: &str, sha256: &str) -> String {
    let path = folder.join("own.toml");
    let text = format!(
        "name = \"own\"\ntitle = \"A test\"\nlicence = \"CC0\"\ncitation = \"nobody\"\n\
         page = \"https://example.org\"\n\n[[file]]\npath = \"data.bin\"\nurl = \"{url}\"\n\
         size = {}\nchecksums.sha256 = \"{sha256}\"\n",
        CONTENT.len()
    );
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn known_data_sets_are_listed() {
    let folder = place("fetch-list");
    let output = striate(&folder, &["--list"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let found = text(&output.stdout);
    for name in [
        "tiny-imagenet",
        "imagenet-c",
        "cadena2019",
        "things-ventral",
    ] {
        assert!(
            found.lines().any(|l| l.starts_with(name)),
            "{name}: {found}"
        );
    }
}

#[test]
fn a_file_comes_once_and_is_there_offline() {
    let folder = place("fetch-once");
    let own = manifest(&folder, &server(), SHA256);
    let output = striate(&folder, &[&own]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let path = text(&output.stdout).trim_end().to_owned();
    assert_eq!(fs::read(&path).unwrap(), CONTENT);
    let said = text(&output.stderr);
    assert!(
        said.contains("licence: CC0") && said.contains("1 loaded now"),
        "{said}"
    );
    let again = striate(&folder, &[&own, "--offline"]);
    assert!(again.status.success(), "{}", text(&again.stderr));
    assert_eq!(text(&again.stdout).trim_end(), path);
    assert!(text(&again.stderr).contains("0 loaded now"));
}

#[test]
fn a_wrong_checksum_is_an_error_and_leaves_no_file() {
    let folder = place("fetch-wrong");
    let own = manifest(&folder, &server(), &"0".repeat(64));
    let output = striate(&folder, &[&own]);
    assert!(!output.status.success());
    let said = text(&output.stderr);
    assert!(said.contains("data.bin") && said.contains(SHA256), "{said}");
    assert!(!folder.join("cache/own/data.bin").exists());
}

#[test]
fn an_unknown_name_is_an_error_that_lists_the_known() {
    let folder = place("fetch-unknown");
    let output = striate(&folder, &["tiny-imagnet"]);
    assert_eq!(output.status.code(), Some(3));
    let said = text(&output.stderr);
    assert!(
        said.contains("tiny-imagnet") && said.contains("tiny-imagenet"),
        "{said}"
    );
}
