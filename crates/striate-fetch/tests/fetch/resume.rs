//! Cut connections, and what a fetch goes on from.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use striate_fetch::{Error, fetch};

use crate::support::{Place, Reply, Server, bytes, one_file, ranged};
use crate::{failure, run};

#[test]
fn a_file_comes_once_and_is_recorded() {
    let server = Server::of(bytes(200_000));
    let place = Place::new();
    let manifest = one_file(&server.url("/a"), "");
    let report = run(&manifest, &place).unwrap();
    let file = &report.files[0];
    assert!(file.fresh && !file.published_checksum);
    assert_eq!(report.bytes_loaded, 200_000);
    assert_eq!(fs::read(place.file("a.bin")).unwrap(), bytes(200_000));
    assert_eq!(place.names(), ["a.bin"]);
    // The second fetch asks nobody.
    let again = run(&manifest, &place).unwrap();
    assert_eq!((again.bytes_loaded, again.files[0].fresh), (0, false));
    assert_eq!(again.files[0].sha256, file.sha256);
    assert_eq!(server.ranges(), ["-"]);
}

#[test]
fn a_cut_connection_is_gone_on_with() {
    let server = Server::start(|request| {
        let reply = ranged(request, &bytes(100_000), "\"v1\"");
        match request.earlier {
            0 => reply.cut_after(30_000),
            1 => reply.cut_after(40_000),
            _ => reply,
        }
    });
    let place = Place::new();
    let report = run(&one_file(&server.url("/a"), ""), &place).unwrap();
    assert_eq!(fs::read(place.file("a.bin")).unwrap(), bytes(100_000));
    assert_eq!(server.ranges(), ["-", "bytes=30000-", "bytes=70000-"]);
    assert_eq!(report.bytes_loaded, 100_000);
    let requests = server.requests();
    assert_eq!(requests[1].header("if-range"), Some("\"v1\""));
    assert_eq!(place.names(), ["a.bin"]);
}

#[test]
fn a_server_without_ranges_begins_anew() {
    let server = Server::start(|request| {
        let reply = Reply::new(200, bytes(100_000)).with("ETag", "\"v1\"");
        match request.earlier {
            0 => reply.cut_after(60_000),
            _ => reply,
        }
    });
    let place = Place::new();
    let report = run(&one_file(&server.url("/a"), ""), &place).unwrap();
    assert_eq!(fs::read(place.file("a.bin")).unwrap(), bytes(100_000));
    assert_eq!(server.ranges(), ["-", "bytes=60000-"]);
    assert_eq!(report.bytes_loaded, 160_000);
}

#[test]
fn another_version_is_begun_anew() {
    // The second version is as long; a mixture would pass a check of the length. One
    // server heeds If-Range, the other does not.
    for heeds in [true, false] {
        let server = Server::start(move |request| {
            let (body, tag) = match request.earlier {
                0 => return ranged(request, &bytes(50_000), "\"v1\"").cut_after(20_000),
                _ => (vec![7; 50_000], "\"v2\""),
            };
            let mut request = request.clone();
            if !heeds {
                request.headers.remove("if-range");
            }
            ranged(&request, &body, tag)
        });
        let place = Place::new();
        run(&one_file(&server.url("/a"), ""), &place).unwrap();
        assert_eq!(fs::read(place.file("a.bin")).unwrap(), vec![7; 50_000]);
        let ranges = server.ranges();
        assert_eq!(ranges[..2], ["-", "bytes=20000-"]);
        assert_eq!(ranges.len(), if heeds { 2 } else { 3 });
    }
}

#[test]
fn without_a_validator_only_a_checksum_allows_to_go_on() {
    let sum = "checksums.md5 = \"0f26fcadae5b8ca07e8c4ba4a1bb2e0c\"";
    for (further, second) in [("", "-"), (sum, "bytes=20000-")] {
        let server = Server::start(|request| {
            let mut reply = ranged(request, &bytes(50_000), "");
            reply.headers.retain(|(name, _)| *name != "ETag");
            match request.earlier {
                0 => reply.cut_after(20_000),
                _ => reply,
            }
        });
        let place = Place::new();
        let mut config = place.config.clone();
        config.retry.attempts = 1;
        let manifest = one_file(&server.url("/a"), further);
        fetch(&manifest, &config, &mut |_| {}, &|| false).unwrap_err();
        assert_eq!(place.names(), ["a.bin.partial", "a.bin.partial.json"]);
        let ended = run(&manifest, &place);
        assert_eq!(server.ranges(), ["-", second]);
        // The checksum above is wrong on purpose.
        assert_eq!(ended.is_ok(), further.is_empty());
    }
}

#[test]
fn a_whole_partial_is_not_loaded_again() {
    // Stopped between the last byte and the name: the server says 416 to a range of
    // nothing, if it is asked at all.
    let server = Server::start(|request| {
        let mut reply = ranged(request, &bytes(5_000), "\"v1\"");
        if request.earlier == 0 {
            reply.chunked = true;
            reply.cut_after = Some(5_000);
        }
        reply
    });
    let place = Place::new();
    let report = run(&one_file(&server.url("/a"), ""), &place).unwrap();
    assert_eq!(report.bytes_loaded, 5_000);
    assert_eq!(server.ranges(), ["-", "bytes=5000-"]);
    assert_eq!(fs::read(place.file("a.bin")).unwrap(), bytes(5_000));
}

#[test]
fn a_partial_that_is_too_long_is_dropped() {
    let server = Server::of(bytes(5_000));
    let place = Place::new();
    let manifest = one_file(&server.url("/a"), "");
    fs::create_dir_all(place.file("")).unwrap();
    fs::write(place.file("a.bin.partial"), bytes(6_000)).unwrap();
    let version = format!(
        "{{\"url\":\"{}\",\"etag\":\"\\\"v1\\\"\",\"linked_etag\":null,\"modified\":null,\"total\":null}}",
        server.url("/a")
    );
    fs::write(place.file("a.bin.partial.json"), version).unwrap();
    run(&manifest, &place).unwrap();
    assert_eq!(server.ranges(), ["bytes=6000-", "-"]);
    assert_eq!(fs::read(place.file("a.bin")).unwrap(), bytes(5_000));
}

#[test]
fn a_stopped_fetch_goes_on_from_there() {
    let server = Server::start(|request| {
        let mut reply = ranged(request, &bytes(400_000), "\"v1\"");
        if request.earlier == 0 {
            reply.slow = Some(Duration::from_millis(2));
        }
        reply
    });
    let place = Place::new();
    let manifest = one_file(&server.url("/a"), "");
    let stop = AtomicBool::new(false);
    let seen = AtomicU64::new(0);
    let mut on_progress = |progress: &striate_fetch::Progress| {
        seen.store(progress.bytes, Ordering::Relaxed);
        if progress.bytes > 0 {
            stop.store(true, Ordering::Relaxed);
        }
    };
    let stopped = fetch(&manifest, &place.config, &mut on_progress, &|| {
        stop.load(Ordering::Relaxed)
    });
    assert!(matches!(stopped, Err(Error::Stopped)), "{stopped:?}");
    assert_eq!(place.names(), ["a.bin.partial", "a.bin.partial.json"]);
    let had = fs::metadata(place.file("a.bin.partial")).unwrap().len();
    assert!(had > 0 && had < 400_000);
    let report = run(&manifest, &place).unwrap();
    assert_eq!(report.bytes_loaded, 400_000 - had);
    assert_eq!(server.ranges()[1], format!("bytes={had}-"));
    assert_eq!(fs::read(place.file("a.bin")).unwrap(), bytes(400_000));
}

#[test]
fn a_silent_server_counts_as_cut() {
    let server = Server::start(|request| {
        let mut reply = ranged(request, &bytes(3_000), "\"v1\"");
        if request.earlier == 0 {
            reply.slow = Some(Duration::from_millis(900));
        }
        reply
    });
    let mut place = Place::new();
    place.config.idle = Duration::from_millis(300);
    run(&one_file(&server.url("/a"), ""), &place).unwrap();
    assert_eq!(server.ranges(), ["-", "bytes=1000-"]);
    assert_eq!(fs::read(place.file("a.bin")).unwrap(), bytes(3_000));
}

#[test]
fn a_connection_that_is_always_cut_is_given_up() {
    let server = Server::start(|request| {
        Reply::new(200, bytes(1_000))
            .with("ETag", format!("\"{}\"", request.earlier))
            .cut_after(600)
    });
    let place = Place::new();
    let text = failure(&one_file(&server.url("/a"), ""), &place);
    assert!(
        text.contains("announced 1000 bytes and ended after 600"),
        "{text}"
    );
    assert!(text.contains("a.bin") && text.contains(&server.url("/a")));
    assert!(!place.file("a.bin").exists());
}
