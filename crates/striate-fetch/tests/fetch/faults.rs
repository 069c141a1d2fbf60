//! Servers that refuse, lie or are overrun, and disks that are full.

use std::fs;
use std::time::{Duration, Instant};

use striate_fetch::{Error, Fault};

use crate::support::{Place, Reply, Server, bytes, manifest, one_file, ranged};
use crate::{failure, run};

#[test]
fn a_wrong_checksum_keeps_the_file_aside() {
    let server = Server::of(bytes(10_000));
    let sha = format!("checksums.sha256 = \"{}\"", "0".repeat(64));
    let md5 = format!("checksums.md5 = \"{}\"", "0".repeat(32));
    for (further, kind, digits) in [(sha, "sha256", 64), (md5, "md5", 32)] {
        let place = Place::new();
        let text = failure(&one_file(&server.url("/a"), &further), &place);
        let expected = format!("expected {} (the manifest", "0".repeat(digits));
        assert!(text.contains(&format!("a.bin: {kind} is ")), "{text}");
        assert!(text.contains(&expected), "{text}");
        assert!(text.contains(&server.url("/a")), "{text}");
        assert!(text.contains("a.bin.rejected and not used"), "{text}");
        assert_eq!(place.names(), ["a.bin.rejected"]);
        assert_eq!(
            fs::read(place.file("a.bin.rejected")).unwrap(),
            bytes(10_000)
        );
    }
}

#[test]
fn a_right_checksum_is_noted() {
    let server = Server::of(b"abc".to_vec());
    let place = Place::new();
    let sum = "checksums.md5 = \"900150983cd24fb0d6963f7d28e17f72\"\nsize = 3";
    let report = run(&one_file(&server.url("/a"), sum), &place).unwrap();
    assert!(report.files[0].published_checksum);
}

#[test]
fn the_first_fetch_binds_the_later_ones() {
    let server = Server::start(|request| {
        let body = match request.earlier {
            0 => bytes(1_000),
            _ => vec![1; 1_000],
        };
        ranged(request, &body, "\"v\"")
    });
    let place = Place::new();
    let manifest = one_file(&server.url("/a"), "");
    run(&manifest, &place).unwrap();
    fs::remove_file(place.file("a.bin")).unwrap();
    let text = failure(&manifest, &place);
    assert!(text.contains("the lock file of an earlier fetch"), "{text}");
    assert_eq!(place.names(), ["a.bin.rejected"]);
}

#[test]
fn another_length_is_refused_before_anything_is_loaded() {
    let server = Server::of(bytes(1_000));
    let place = Place::new();
    let text = failure(&one_file(&server.url("/a"), "size = 999"), &place);
    let expected = "has 1000 bytes, expected 999 (the manifest)";
    assert!(text.contains(expected), "{text}");
    assert!(place.names().is_empty());
}

#[test]
fn a_server_that_announces_too_much_is_not_believed() {
    // It says 1000, has 600, and knows ranges of what it has.
    let server = Server::start(|request| {
        let mut reply = ranged(request, &bytes(600), "\"v1\"");
        if reply.status == 200 {
            reply.announced = Some(1_000);
        }
        reply
    });
    let place = Place::new();
    let text = failure(&one_file(&server.url("/a"), ""), &place);
    assert!(
        text.contains("announced 1000 bytes and ended after 600"),
        "{text}"
    );
    assert!(place.names().is_empty());
}

#[test]
fn a_server_that_sends_more_than_it_announced_is_found_out() {
    // The announced 600 bytes are taken; the checksum tells.
    let server = Server::start(|request| {
        let mut reply = ranged(request, &bytes(1_000), "\"v1\"");
        reply.announced = Some(600);
        reply
    });
    let place = Place::new();
    let text = failure(&one_file(&server.url("/a"), "size = 1000"), &place);
    assert!(text.contains("has 600 bytes, expected 1000"), "{text}");
    // In pieces, without an announced length.
    let server = Server::start(|_| {
        let mut reply = Reply::new(200, bytes(1_000));
        reply.chunked = true;
        reply
    });
    let text = failure(&one_file(&server.url("/a"), "size = 900"), &place);
    assert!(
        text.contains("announced 900 bytes and ended after 1000"),
        "{text}"
    );
    assert!(place.names().is_empty());
}

#[test]
fn a_body_without_any_length_needs_a_checksum() {
    let server = Server::start(|_| {
        let mut reply = Reply::new(200, b"abc");
        reply.without_length = true;
        reply
    });
    let place = Place::new();
    let text = failure(&one_file(&server.url("/a"), ""), &place);
    assert!(text.contains("states no length"), "{text}");
    let sum = "checksums.md5 = \"900150983cd24fb0d6963f7d28e17f72\"";
    run(&one_file(&server.url("/a"), sum), &place).unwrap();
}

#[test]
fn a_missing_file_is_an_error_at_once() {
    let server = Server::start(|_| Reply::new(404, "not here"));
    let place = Place::new();
    let text = failure(&one_file(&server.url("/a"), ""), &place);
    let expected = format!(
        "a.bin: {} answered with status 404, expected",
        server.url("/a")
    );
    assert!(text.contains(&expected), "{text}");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn busy_servers_are_asked_again_after_the_time_they_ask_for() {
    let server = Server::start(|request| match request.earlier {
        0 => Reply::new(429, "").with("Retry-After", "1"),
        1 => Reply::new(503, ""),
        2 => Reply::new(500, ""),
        _ => ranged(request, &bytes(100), "\"v1\""),
    });
    let place = Place::new();
    let start = Instant::now();
    run(&one_file(&server.url("/a"), ""), &place).unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1));
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn it_is_given_up_in_the_end() {
    let server = Server::start(|_| Reply::new(503, ""));
    let place = Place::new();
    let text = failure(&one_file(&server.url("/a"), ""), &place);
    assert!(
        text.ends_with("failed 4 times, at last: status 503"),
        "{text}"
    );
    // A wait that is too long is told rather than kept.
    let server = Server::start(|_| Reply::new(429, "").with("RateLimit", "\"api\";r=0;t=3600"));
    let text = failure(&one_file(&server.url("/a"), ""), &place);
    assert!(text.contains("failed 1 times"), "{text}");
    assert!(text.contains("asked to wait 3600 s"), "{text}");
    assert!(place.names().is_empty());
}

#[test]
fn nobody_listening_is_told() {
    let url = Server::of(Vec::new()).url("/a");
    let place = Place::new();
    let text = failure(&one_file(&url, ""), &place);
    assert!(text.contains(&url) && text.contains("refused"), "{text}");
}

#[test]
fn redirects_are_followed_but_not_for_ever() {
    let server = Server::start(|request| match request.target.as_str() {
        "/a" => Reply::new(302, "").with("Location", "b/c?d=e"),
        "/b/c?d=e" => Reply::new(308, "").with("Location", "/f"),
        "/f" => ranged(request, &bytes(100), "\"v1\""),
        "/nowhere" => Reply::new(302, ""),
        "/file" => Reply::new(302, "").with("Location", "file:///etc/passwd"),
        _ => Reply::new(301, "").with("Location", "/loop"),
    });
    let place = Place::new();
    let text = |path| failure(&one_file(&server.url(path), ""), &place);
    assert!(text("/loop").contains("more than 10 redirects"));
    assert!(text("/nowhere").contains("redirect to nowhere"));
    assert!(text("/file").contains("file:///etc/passwd"));
    run(&one_file(&server.url("/a"), ""), &place).unwrap();
}

#[test]
fn no_http_is_an_error() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let thread = std::thread::spawn(move || {
        for stream in listener.incoming().take(4) {
            std::io::Write::write_all(&mut stream.unwrap(), b"SSH-2.0-x\r\n").unwrap();
        }
    });
    let place = Place::new();
    let text = failure(&one_file(&format!("http://{address}/a"), ""), &place);
    thread.join().unwrap();
    assert!(
        text.contains("a.bin") && text.contains("failed 4 times"),
        "{text}"
    );
}

#[test]
fn a_full_disk_leaves_nothing_under_the_name() {
    let server = Server::of(bytes(100_000));
    let place = Place::new();
    fs::create_dir_all(place.file("")).unwrap();
    // What is written there meets a full disk.
    std::os::unix::fs::symlink("/dev/full", place.file("a.bin.partial")).unwrap();
    let error = run(&one_file(&server.url("/a"), ""), &place).unwrap_err();
    assert_eq!(error.fault(), Fault::Store);
    let Error::Io {
        action,
        path,
        source,
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!((*action, path), ("write", &place.file("a.bin.partial")));
    assert_eq!(source.kind(), std::io::ErrorKind::StorageFull);
    assert!(!place.file("a.bin").exists());
}

#[test]
fn a_failure_of_one_file_lets_the_others_come() {
    let server = Server::start(|request| match request.target.as_str() {
        "/a" | "/d" => Reply::new(404, ""),
        _ => ranged(request, &bytes(1_000), "\"v1\""),
    });
    let file = |name| {
        format!(
            "[[file]]\npath = \"{name}\"\nurl = \"{}\"\n",
            server.url(&format!("/{name}"))
        )
    };
    let place = Place::new();
    let three = manifest(&["a", "b", "c"].map(file).concat());
    assert!(failure(&three, &place).contains("status 404"));
    assert_eq!(place.names(), ["b", "c"]);
    let four = manifest(&["a", "b", "c", "d"].map(file).concat());
    let text = failure(&four, &place);
    assert!(text.starts_with("2 files failed:\n"), "{text}");
    assert!(
        text.contains("\n  a: ") && text.contains("\n  d: "),
        "{text}"
    );
}
