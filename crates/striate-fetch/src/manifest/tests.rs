use proptest::prelude::*;

use super::*;

const HEAD: &str = "name = \"x\"\ntitle = \"\"\nlicence = \"\"\ncitation = \"\"\npage = \"\"\n";

fn message(body: &str) -> String {
    let error = Manifest::parse(&format!("{HEAD}{body}"), "x.toml").unwrap_err();
    error.to_string()
}

#[test]
fn the_catalogue_is_right() {
    let all = Manifest::catalogue().unwrap();
    for (manifest, (name, _)) in all.iter().zip(CATALOGUE) {
        assert_eq!(manifest.name, *name);
        for text in [&manifest.title, &manifest.licence, &manifest.citation] {
            assert!(text.len() > 10, "{name}: {text:?}");
        }
        assert!(url::origin(&manifest.page).is_some(), "{name}");
        // What is not known is said.
        if let Source::Files(files) = &manifest.source
            && files
                .iter()
                .any(|f| f.size.is_none() || f.checksums == Checksums::default())
        {
            assert!(
                manifest.notes.as_ref().unwrap().contains("not known"),
                "{name}"
            );
        }
    }
    let names: Vec<&str> = CATALOGUE.iter().map(|(name, _)| *name).collect();
    assert!(names.is_sorted());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets");
    let files = fs::read_dir(folder).unwrap().filter(|entry| {
        let path = entry.as_ref().unwrap().path();
        path.extension().is_some_and(|e| e == "toml")
    });
    assert_eq!(files.count(), names.len(), "a manifest that is not listed");
}

#[test]
fn what_cannot_be_is_refused() {
    assert!(message("").contains("must be one of"));
    assert!(message("manual = \"\"\n[figshare]\narticle = 1").contains("must be one of"));
    let file = |rest: &str| message(&format!("[[file]]\n{rest}"));
    assert!(file("path = \"../a\"\nurl = \"https://e.org/\"").contains("cannot be the path"));
    assert!(file("path = \"a\"\nurl = \"ftp://e.org/\"").contains("no http"));
    assert!(file("path = \"a\"\nurl = \"https://e.org/\"\nsha1 = \"\"").contains("sha1"));
    let sum = "path = \"a\"\nurl = \"https://e.org/\"\nchecksums.md5 = \"ABC\"";
    assert!(file(sum).contains("32 lower-case"));
    let twice = "path = \"a\"\nurl = \"https://e.org/\"\n";
    assert!(file(&format!("{twice}[[file]]\n{twice}")).contains("twice"));
    assert!(message("[hub]\nrepository = \"a\"\nfiles = []").contains("owner/name"));
    let name = Manifest::parse(&HEAD.replace("\"x\"", "\"../x\""), "x.toml");
    assert!(name.unwrap_err().to_string().contains("a-z"));
}

#[test]
fn paths_stay_in_the_folder() {
    for path in ["a", "a/b.tar", "data/train-0.parquet", "..a/b"] {
        check_path(path).unwrap();
    }
    for path in [
        "",
        "/a",
        "..",
        "a/../../b",
        "a\\b",
        "C:a",
        "./",
        "a/",
        "a.partial",
        "a.rejected",
        "fetch-lock.json",
    ] {
        assert!(check_path(path).is_err(), "{path}");
    }
}

#[test]
fn an_unknown_name_lists_the_known() {
    let text = Manifest::load("tiny-imagnet").unwrap_err().to_string();
    assert!(text.contains("\"tiny-imagnet\"") && text.contains("tiny-imagenet-c"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    /// `PROPTEST_CASES=1000000` runs for long; a manifest that is read is right.
    #[test]
    fn damaged_manifests_are_errors(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3), 1..6),
    ) {
        let mut bytes = CATALOGUE[which.index(CATALOGUE.len())].1.as_bytes().to_vec();
        for (place, byte, kind) in changes {
            let place = place.index(bytes.len());
            match kind {
                0 => bytes[place] = byte,
                1 => bytes.insert(place, byte),
                _ => bytes.truncate(place.max(1)),
            }
        }
        if let Ok(manifest) = Manifest::parse(&String::from_utf8_lossy(&bytes), "damaged.toml")
            && let Source::Files(files) = &manifest.source
        {
            for file in files {
                prop_assert!(url::origin(&file.url).is_some());
                prop_assert!(!file.path.starts_with('/'));
                prop_assert!(file.path.split('/').all(|part| part != ".."));
            }
        }
    }
}
