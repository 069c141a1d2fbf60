//! NumPy mode against the pixels of the Python package.

mod support;

use std::collections::BTreeMap;

use striate_corruptions::{Corruptor, ImageRef, Random, Table};
use striate_testkit::Golden;
use support::Parity;

#[test]
fn pixels_equal_the_python_package() {
    let mut rows = BTreeMap::new();
    support::compare(|_, corruption, _, actual, expected| {
        rows.entry(corruption)
            .or_insert_with(Parity::default)
            .add(actual, expected);
    })
    .unwrap();
    assert_eq!(rows.len(), 19);
    for (corruption, p) in rows {
        // All but a handful of values are equal where this was written; the
        // share allows for another last bit of the platform's exp, log and
        // sine, which can move a truncation by one level.
        let share = p.different as f64 / p.values as f64;
        assert!(
            p.largest <= 1 && share <= 1e-4,
            "{corruption}: {} of {} differ, largest {}, {} by more than 2",
            p.different,
            p.values,
            p.largest,
            p.beyond_two
        );
    }
}

#[test]
fn the_readme_table_is_current() {
    let text = include_str!("../README.md");
    let [_, found, _] = support::readme(text).unwrap();
    // Elsewhere another last bit of exp, log or sine may move a few values.
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        assert_eq!(
            found,
            support::table().unwrap(),
            "run `cargo xtask golden corruptions`"
        );
    } else {
        assert_eq!(found.lines().count(), 2 + 19);
    }
}

/// The parts in which the small-image generators differ from the package.
#[test]
fn small_tables_equal_their_generators() {
    let golden = Golden::open("corruptions/small");
    let seed = golden.u32("seed")[0];
    let bytes = |name: &str| -> (Vec<usize>, Vec<u8>) {
        let (shape, values) = golden.f64(name);
        (shape, values.into_iter().map(|v| v as u8).collect())
    };
    let mut compared = 0;
    let mut failures = Vec::new();
    for name in golden.names() {
        let parts: Vec<&str> = name.split('/').collect();
        let [table, corruption, severity] = parts[..] else {
            continue;
        };
        let (shape, pixels) = bytes(&format!("{table}/input"));
        let image = ImageRef::new(&pixels, shape[0], shape[1], shape[2]).unwrap();
        let (_, expected) = bytes(&name);
        let mut out = vec![0; pixels.len()];
        Corruptor::new(table.parse::<Table>().unwrap())
            .corrupt(
                image,
                corruption.parse().unwrap(),
                severity.parse().unwrap(),
                &mut Random::numpy(seed),
                &mut out,
            )
            .unwrap();
        let mut parity = Parity::default();
        parity.add(&out, &expected);
        compared += 1;
        // A level of difference before the final JPEG can cross a rounding there.
        let limit = if table == "cifar-c" { 1 } else { 4 };
        if parity.largest > limit || parity.different * 500 > parity.values {
            failures.push(format!(
                "{name}: {} of {} differ, largest {}",
                parity.different, parity.values, parity.largest
            ));
        }
    }
    assert_eq!(compared, 22);
    assert!(failures.is_empty(), "{failures:#?}");
}
