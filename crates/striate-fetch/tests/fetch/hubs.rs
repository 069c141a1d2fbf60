//! Lists and files of the Hub and of figshare.

use std::fs;

use striate_fetch::{Error, Fault, Lock, Manifest, Token};

use crate::support::hub::{Access, COMMIT, Hub, Stored};
use crate::support::{Place, Reply, Server, bytes, manifest, ranged};
use crate::{failure, run};

/// SHA-256 of `bytes(70_000)` and of `bytes(5)`.
fn sum_of(n: usize) -> String {
    // Not computed by the code under test's own path: a fetch of the same bytes with
    // the wrong sum fails in `a_wrong_sum_of_the_list_is_found`.
    let server = Server::of(bytes(n));
    let place = Place::new();
    let file = format!("[[file]]\npath = \"a\"\nurl = \"{}\"", server.url("/a"));
    run(&manifest(&file), &place).unwrap().files[0]
        .sha256
        .clone()
}

fn files() -> Vec<Stored> {
    let large = |path, n| Stored {
        path,
        body: bytes(n),
        sha256: Some(sum_of(n)),
    };
    vec![
        Stored {
            path: "README.md",
            body: b"not wanted".to_vec(),
            sha256: None,
        },
        large("data/train-0.parquet", 70_000),
        large("data/valid-0.parquet", 5),
        Stored {
            path: "data/small names.txt",
            body: b"a\nb\n".to_vec(),
            sha256: None,
        },
    ]
}

fn repository() -> Manifest {
    manifest("[hub]\nrepository = \"o/r\"\nfiles = [\"data/*\"]")
}

fn place_at(hub: &Hub, token: Option<&str>) -> Place {
    let mut place = Place::new();
    place.config.hub_endpoint = hub.hub.url("");
    place.config.token = token.and_then(Token::new);
    place
}

#[test]
fn a_repository_comes_whole() {
    let hub = Hub::start(files(), Access::All);
    let place = place_at(&hub, None);
    let report = run(&repository(), &place).unwrap();
    assert_eq!(report.revision.as_deref(), Some(COMMIT));
    let names = [
        "data/small names.txt",
        "data/train-0.parquet",
        "data/valid-0.parquet",
    ];
    assert_eq!(place.names(), names);
    assert_eq!(fs::read(place.file(names[1])).unwrap(), bytes(70_000));
    assert_eq!(fs::read(place.file(names[0])).unwrap(), b"a\nb\n");
    let published: Vec<bool> = report.files.iter().map(|f| f.published_checksum).collect();
    assert_eq!(published, [true, true, false]);
    // Another fetch needs neither the list nor the files; nor does one without network.
    let asked = hub.hub.requests().len();
    run(&repository(), &place).unwrap();
    assert_eq!(hub.hub.requests().len(), asked);
    // Folders and pages: four entries and a folder, two a page.
    let lists = hub.hub.requests();
    let lists = lists.iter().filter(|r| r.target.contains("/tree/"));
    assert_eq!(lists.count(), 3);
}

#[test]
fn the_token_goes_to_the_hub_alone() {
    let hub = Hub::start(files(), Access::Token("hf_secret"));
    let place = place_at(&hub, Some("hf_secret"));
    run(&repository(), &place).unwrap();
    for request in hub.hub.requests() {
        assert_eq!(request.header("authorization"), Some("Bearer hf_secret"));
    }
    assert!(!hub.store.requests().is_empty());
    for request in hub.store.requests() {
        assert_eq!(request.header("authorization"), None);
    }
    // Nor does it go into the cache.
    let lock = fs::read_to_string(place.file("fetch-lock.json")).unwrap();
    assert!(!lock.contains("secret"), "{lock}");
}

#[test]
fn gated_data_says_what_to_do() {
    let hub = Hub::start(files(), Access::Token("hf_right"));
    let place = place_at(&hub, None);
    let text = failure(&repository(), &place);
    assert!(
        text.contains("is gated (status 401: Access to dataset o/r"),
        "{text}"
    );
    assert!(
        text.contains("ask for access at https://hub.example/x"),
        "{text}"
    );
    assert!(
        text.contains("/settings/tokens, and set HF_TOKEN"),
        "{text}"
    );
    let place = place_at(&hub, Some("hf_secret"));
    let text = failure(&repository(), &place);
    assert!(
        text.contains("status 403") && text.contains("the token was refused"),
        "{text}"
    );
    assert_eq!(
        run(&repository(), &place).unwrap_err().fault(),
        Fault::Input
    );
}

#[test]
fn a_wrong_sum_of_the_list_is_found() {
    let mut files = files();
    files[1].sha256 = Some("0".repeat(64));
    let hub = Hub::start(files, Access::All);
    let place = place_at(&hub, None);
    let text = failure(&repository(), &place);
    assert!(text.contains("data/train-0.parquet: sha256 is "), "{text}");
    assert!(text.contains("(the server's list"), "{text}");
    assert!(place.file("data/train-0.parquet.rejected").exists());
    assert!(place.file("data/valid-0.parquet").exists());
}

#[test]
fn cut_files_of_the_store_are_gone_on_with() {
    let sum = sum_of(70_000);
    let store = Server::start(|request| {
        // The store's own tag changes with its signed address; the Hub's does not.
        let tag = format!("\"{}\"", request.earlier);
        let reply = ranged(request, &bytes(70_000), &tag);
        match request.earlier {
            0 => reply.cut_after(30_000),
            _ => reply,
        }
    });
    let there = store.url("/f?X-Sig=secret");
    let hub = Server::start(move |request| match request.target.split('/').nth(1) {
        Some("api") if request.target.contains("revision") => {
            Reply::new(200, format!("{{\"sha\":\"{COMMIT}\"}}"))
        }
        Some("api") => {
            let file = "{\"type\":\"file\",\"oid\":\"0\",\"size\":70000,\"path\":\"data/f\"}";
            Reply::new(200, format!("[{file}]"))
        }
        _ => Reply::new(302, "")
            .with("Location", there.as_str())
            .with("X-Linked-Etag", format!("\"{sum}\"")),
    });
    let mut place = Place::new();
    place.config.hub_endpoint = hub.url("");
    run(&repository(), &place).unwrap();
    assert_eq!(store.ranges(), ["-", "bytes=30000-"]);
    assert_eq!(fs::read(place.file("data/f")).unwrap(), bytes(70_000));
}

#[test]
fn paths_that_leave_the_folder_are_refused() {
    let hub = Server::start(|request| {
        if request.target.contains("revision") {
            return Reply::new(200, format!("{{\"sha\":\"{COMMIT}\"}}"));
        }
        let path = "data/../../../evil";
        Reply::new(
            200,
            format!("[{{\"type\":\"file\",\"size\":1,\"path\":\"{path}\"}}]"),
        )
    });
    let mut place = Place::new();
    place.config.hub_endpoint = hub.url("");
    let text = failure(&repository(), &place);
    assert!(text.contains("cannot be the path of a file"), "{text}");
}

#[test]
fn answers_that_are_not_the_hubs_are_told() {
    let hub = Server::start(|_| Reply::new(200, "<html>captive portal</html>"));
    let mut place = Place::new();
    place.config.hub_endpoint = hub.url("");
    let text = failure(&repository(), &place);
    assert!(text.contains("not an answer of the Hub"), "{text}");
    let hub = Hub::start(files(), Access::All);
    let place = place_at(&hub, None);
    let nope = "[hub]\nrepository = \"o/r\"\nrevision = \"nope\"\nfiles = [\"*\"]";
    let text = failure(&manifest(nope), &place);
    assert!(text.contains("status 404: Invalid rev id: nope"), "{text}");
}

#[test]
fn a_new_revision_replaces_what_changed_when_asked() {
    let hub = |commit: &'static str, body: &'static [u8]| {
        Server::start(move |request| match request.target.as_str() {
            t if t.contains("revision") => Reply::new(200, format!("{{\"sha\":\"{commit}\"}}")),
            t if t.contains("tree") => {
                let file = "{\"type\":\"file\",\"size\":3,\"path\":\"data/f\"}";
                Reply::new(200, format!("[{file}]"))
            }
            _ => ranged(request, body, "\"v\""),
        })
    };
    let old = hub("aaaa", b"old");
    let mut place = Place::new();
    place.config.hub_endpoint = old.url("");
    run(&repository(), &place).unwrap();
    let new = hub("bbbb", b"new");
    place.config.hub_endpoint = new.url("");
    // The commit stays unless a newer one is asked for.
    run(&repository(), &place).unwrap();
    assert_eq!(fs::read(place.file("data/f")).unwrap(), b"old");
    place.config.update = true;
    let report = run(&repository(), &place).unwrap();
    assert_eq!(report.revision.as_deref(), Some("bbbb"));
    assert_eq!(fs::read(place.file("data/f")).unwrap(), b"new");
}

#[test]
fn the_hub_alone_can_be_switched_off() {
    let hub = Hub::start(files(), Access::All);
    let mut place = place_at(&hub, None);
    place.config.hub_offline = true;
    let text = failure(&repository(), &place);
    assert!(text.contains("(HF_HUB_OFFLINE)"), "{text}");
    assert!(hub.hub.requests().is_empty());
}

#[test]
fn an_article_of_figshare_comes_whole() {
    let store = Server::of(b"abc".to_vec());
    let files: Vec<String> = (0..101)
        .map(|i| {
            format!(
                "{{\"id\":{i},\"name\":\"f{i}.csv\",\"size\":3,\"download_url\":\"{}\",\
                \"computed_md5\":\"900150983cd24fb0d6963f7d28e17f72\",\"is_link_only\":false}}",
                store.url(&format!("/files/{i}"))
            )
        })
        .collect();
    let api = Server::start(move |request| {
        let (path, query) = request.target.split_once('?').unwrap();
        assert_eq!(path, "/articles/7/files");
        let page = if query.starts_with("page=1&") {
            &files[..100]
        } else {
            &files[100..]
        };
        Reply::new(200, format!("[{}]", page.join(",")))
    });
    let mut place = Place::new();
    place.config.figshare_endpoint = api.url("");
    let article = manifest("[figshare]\narticle = 7");
    let report = run(&article, &place).unwrap();
    assert_eq!(report.files.len(), 101);
    assert!(report.files.iter().all(|f| f.published_checksum && f.fresh));
    assert_eq!(Lock::load(&place.file("")).unwrap().files.len(), 101);
}

#[test]
fn what_only_people_can_get_is_said() {
    let text = failure(&manifest("manual = \"ask the authors\""), &Place::new());
    assert_eq!(text, "x cannot be fetched by a program: ask the authors");
    let shipped = Manifest::load("freemanziemba2013").unwrap();
    assert!(matches!(
        run(&shipped, &Place::new()),
        Err(Error::Manual { .. })
    ));
}
