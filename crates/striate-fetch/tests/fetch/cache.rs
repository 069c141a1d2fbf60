//! What is in the cache: found, checked, damaged, shared.

use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use striate_fetch::{Error, Progress, fetch};

use crate::support::{Place, Server, bytes, manifest, one_file, ranged};
use crate::{failure, run};

fn many(server: &Server, n: usize) -> striate_fetch::Manifest {
    let file = |i| {
        let url = server.url(&format!("/{i}"));
        format!("[[file]]\npath = \"d/f{i}\"\nurl = \"{url}\"\nsize = 20000\n")
    };
    manifest(&(0..n).map(file).collect::<String>())
}

#[test]
fn files_come_at_the_same_time_and_progress_is_told() {
    static NOW: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let server = Server::start(|request| {
        let now = NOW.fetch_add(1, Ordering::SeqCst) + 1;
        MOST.fetch_max(now, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(60));
        NOW.fetch_sub(1, Ordering::SeqCst);
        ranged(request, &bytes(20_000), "\"v1\"")
    });
    let mut place = Place::new();
    place.config.connections = 3;
    let told = Mutex::new(Vec::new());
    let mut on_progress = |progress: &Progress| told.lock().unwrap().push(*progress);
    let report = fetch(&many(&server, 9), &place.config, &mut on_progress, &|| {
        false
    })
    .unwrap();
    assert_eq!(report.files.len(), 9);
    assert!(report.files[8].path.ends_with("x/d/f8"));
    assert_eq!(MOST.load(Ordering::SeqCst), 3);
    let told = told.into_inner().unwrap();
    assert!(told.iter().all(|p| p.bytes_total == Some(180_000)));
    assert!(told.is_sorted_by_key(|p| p.files));
    let last = told.last().unwrap();
    assert_eq!(
        (last.files, last.bytes, last.bytes_loaded),
        (9, 180_000, 180_000)
    );
}

#[test]
fn only_what_fits_a_pattern_comes() {
    let server = Server::of(bytes(20_000));
    let mut place = Place::new();
    place.config.only = Some("*f1".to_owned());
    run(&many(&server, 3), &place).unwrap();
    assert_eq!(place.names(), ["d/f1"]);
    place.config.only = Some("*.tar".to_owned());
    let text = failure(&many(&server, 3), &place);
    assert!(
        text.contains("\"*.tar\"; there are d/f0, d/f1, d/f2"),
        "{text}"
    );
}

#[test]
fn without_the_network_the_cache_is_enough_or_the_error_says_what_is_missing() {
    let server = Server::of(bytes(20_000));
    let mut place = Place::new();
    place.config.only = Some("*f0".to_owned());
    run(&many(&server, 2), &place).unwrap();
    place.config.offline = true;
    let asked = server.requests().len();
    run(&many(&server, 2), &place).unwrap();
    place.config.only = None;
    let text = failure(&many(&server, 2), &place);
    assert!(text.contains("d/f1 is not in "), "{text}");
    assert!(text.contains("switched off (offline mode)"), "{text}");
    assert_eq!(server.requests().len(), asked);
}

#[test]
fn files_put_there_by_hand_are_taken_if_they_are_right() {
    let server = Server::of(b"abc".to_vec());
    let sum = "checksums.md5 = \"900150983cd24fb0d6963f7d28e17f72\"";
    let manifest = one_file(&server.url("/a"), sum);
    let place = Place::new();
    fs::create_dir_all(place.file("")).unwrap();
    fs::write(place.file("a.bin"), b"abc").unwrap();
    let report = run(&manifest, &place).unwrap();
    assert!(!report.files[0].fresh && report.files[0].published_checksum);
    assert!(server.requests().is_empty());
    // A wrong one is set aside, and the next fetch loads it.
    let place = Place::new();
    fs::create_dir_all(place.file("")).unwrap();
    fs::write(place.file("a.bin"), b"abd").unwrap();
    assert!(failure(&manifest, &place).contains("md5 is "));
    assert_eq!(place.names(), ["a.bin.rejected"]);
    run(&manifest, &place).unwrap();
}

#[test]
fn damage_is_found_by_length_or_when_asked() {
    let server = Server::of(bytes(1_000));
    let manifest = one_file(&server.url("/a"), "");
    let mut place = Place::new();
    run(&manifest, &place).unwrap();
    fs::write(place.file("a.bin"), bytes(999)).unwrap();
    let text = failure(&manifest, &place);
    assert!(
        text.contains("999 bytes, expected 1000 (the lock file"),
        "{text}"
    );
    assert_eq!(place.names(), ["a.bin.rejected"]);
    run(&manifest, &place).unwrap();
    // As long, but not the same.
    fs::write(place.file("a.bin"), vec![0; 1_000]).unwrap();
    run(&manifest, &place).unwrap();
    place.config.verify = true;
    assert!(failure(&manifest, &place).contains("sha256 is "));
}

#[test]
fn two_processes_do_not_write_the_same_folder() {
    let server = Server::of(bytes(10));
    let place = Place::new();
    let manifest = one_file(&server.url("/a"), "");
    fs::create_dir_all(place.file("")).unwrap();
    let other = fs::File::create(place.file(".busy")).unwrap();
    other.lock().unwrap();
    assert!(failure(&manifest, &place).contains("another process is fetching into"));
    drop(other);
    run(&manifest, &place).unwrap();
}

#[test]
fn a_damaged_lock_file_is_told() {
    let server = Server::of(bytes(10));
    let place = Place::new();
    fs::create_dir_all(place.file("")).unwrap();
    fs::write(place.file("fetch-lock.json"), "{").unwrap();
    let error = run(&one_file(&server.url("/a"), ""), &place).unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
}
