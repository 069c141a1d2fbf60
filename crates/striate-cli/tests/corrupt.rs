//! `striate corrupt`, as a user meets it: the real binary, its files, its texts
//! and its exit codes.

#![expect(clippy::unwrap_used, reason = "a test's helpers may fail it")]

mod png;
mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use png::png;
use striate_testkit::files_below;
use support::place;

fn striate() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_striate"));
    command.arg("corrupt");
    command
}

/// Runs `striate corrupt IN OUT ...`.
fn corrupt(input: &Path, output: &Path, options: &str) -> Output {
    striate()
        .args([input, output])
        .args(options.split_whitespace())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The run ends with this code, and says one thing, in one line.
#[track_caller]
fn fails(run: &Output, code: i32, part: &str) {
    let error = text(&run.stderr);
    assert_eq!(run.status.code(), Some(code), "{error}");
    assert!(error.contains(part), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(error.starts_with("striate: "), "{error}");
}

#[track_caller]
fn succeeds(run: &Output) {
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
}

/// Two classes with `count` images each.
fn tree(folder: &Path, count: usize) {
    for class in ["cat", "dog"] {
        fs::create_dir_all(folder.join(class)).unwrap();
        for i in 0..count {
            let bytes = png(32, 40, 8, i * 17 + class.len());
            fs::write(folder.join(class).join(format!("{i}.png")), bytes).unwrap();
        }
    }
}

#[test]
fn a_tree_gets_the_published_layout_and_a_manifest() {
    let place = place("layout");
    let (input, output) = (place.join("in"), place.join("out"));
    tree(&input, 2);
    fs::write(input.join("words.txt"), "not an image").unwrap();
    let run = corrupt(&input, &output, "");
    succeeds(&run);
    assert!(text(&run.stdout).starts_with("done: 4 of 4 images"));
    let files = files_below(&output);
    // 15 corruptions, 5 severities, 4 images; the manifest; nothing else.
    assert_eq!(files.len(), 15 * 5 * 4 + 1);
    assert!(output.join("glass_blur/5/dog/1.png").is_file());
    let manifest = fs::read_to_string(output.join("manifest.jsonl")).unwrap();
    let lines: Vec<&str> = manifest.lines().collect();
    assert_eq!(lines.len(), 5);
    assert!(lines[0].contains("\"table\":\"imagecorruptions\""));
    assert!(lines[0].contains("\"contrast/5\":\"scale 0.05\""));
    assert!(lines[1].contains("\"source\":\"cat/0.png\"") && lines[1].contains("fog/3/cat/0.png"));
}

#[test]
fn one_image_and_each_option() {
    let place = place("options");
    let input = place.join("one.png");
    fs::write(&input, png(32, 40, 8, 3)).unwrap();
    let run = |name: &str, options: &str| {
        let output = place.join(name);
        succeeds(&corrupt(&input, &output, options));
        files_below(&output)
    };
    let small = "--corruption fog,gaussian_noise --severity 2,5";
    let plain = run("plain", small);
    let names: Vec<String> = plain
        .keys()
        .map(|p| p.to_string_lossy().replace('\\', "/"))
        .collect();
    assert_eq!(
        names,
        [
            "fog/2/one.png",
            "fog/5/one.png",
            "gaussian_noise/2/one.png",
            "gaussian_noise/5/one.png",
            "manifest.jsonl"
        ]
    );
    assert_eq!(
        plain,
        run(
            "order",
            "--corruption gaussian_noise,fog,fog --severity 5,2"
        )
    );
    assert_eq!(
        plain,
        run("threads", &format!("{small} --threads 1 --quiet"))
    );
    for (name, option) in [
        ("seed", "--seed 1"),
        ("table", "--table tiny-imagenet-c"),
        ("numpy", "--rng numpy"),
    ] {
        let other = run(name, &format!("{small} {option}"));
        assert_eq!(plain.len(), other.len());
        for (path, bytes) in &plain {
            assert_ne!(bytes, &other[path], "{name} {}", path.display());
        }
    }
    let jpeg = run("jpeg", &format!("{small} --format jpeg:90"));
    assert!(jpeg[Path::new("fog/2/one.JPEG")].starts_with(&[0xff, 0xd8, 0xff]));
    assert_eq!(run("extra", "--corruption extra").len(), 4 * 5 + 1);
    assert_eq!(run("all", "--corruption all --severity 1").len(), 19 + 1);
    assert_eq!(
        run("study", "--corruption study --severity 1").len(),
        14 + 1
    );
}

#[cfg(unix)]
#[test]
fn killed_and_resumed_gives_the_same_bytes() {
    let place = place("kill");
    let (input, whole, parts) = (place.join("in"), place.join("whole"), place.join("parts"));
    // So many that a test which gets little of the processor still comes in time.
    tree(&input, 100);
    let images = 200;
    let options = "--corruption common --severity all";
    succeeds(&corrupt(&input, &whole, options));
    // A line that the kill has cut does not count.
    let finished = |folder: &Path| {
        fs::read_to_string(folder.join("manifest.jsonl"))
            .map_or(0, |text| text.matches('\n').count().saturating_sub(1))
    };
    // Killed without a chance to tidy up, three times, each time further on.
    let mut before = 0;
    for _ in 0..3 {
        // On a busy machine, too, the one who looks comes before the one who works.
        let mut child = Command::new("nice")
            .args(["-n", "19", env!("CARGO_BIN_EXE_striate"), "corrupt"])
            .args([&input, &parts])
            .args(options.split_whitespace())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let start = Instant::now();
        while finished(&parts) <= before && start.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let now = finished(&parts);
        assert!(now > before && now < images, "{before}, then {now}");
        before = now;
    }
    let run = corrupt(&input, &parts, options);
    succeeds(&run);
    let kept = format!("{images} of {images} images ({before} of them by earlier runs)");
    assert!(text(&run.stdout).contains(&kept), "{}", text(&run.stdout));
    assert!(files_below(&whole) == files_below(&parts), "other bytes");
    // Nothing is left to do, and nothing changes.
    let again = corrupt(&input, &parts, options);
    assert!(text(&again.stdout).contains("0 results made now"));
    assert!(files_below(&whole) == files_below(&parts), "other bytes");
    // A result that was damaged or lost is made again.
    fs::write(parts.join("fog/1/cat/3.png"), "x").unwrap();
    fs::remove_file(parts.join("snow/2/dog/4.png")).unwrap();
    succeeds(&corrupt(&input, &parts, options));
    assert!(files_below(&whole) == files_below(&parts), "other bytes");
}

#[cfg(unix)]
#[test]
fn an_interrupt_says_so_and_the_same_command_goes_on() {
    let place = place("interrupt");
    let (input, whole, parts) = (place.join("in"), place.join("whole"), place.join("parts"));
    tree(&input, 20);
    let child = striate()
        .args([&input, &parts])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    let manifest = parts.join("manifest.jsonl");
    while fs::read_to_string(&manifest).map_or(0, |t| t.lines().count()) < 3
        && start.elapsed() < Duration::from_secs(60)
    {
        std::thread::sleep(Duration::from_millis(1));
    }
    let signalled = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(signalled.success());
    let run = child.wait_with_output().unwrap();
    assert_eq!(run.status.code(), Some(130), "{}", text(&run.stderr));
    assert!(text(&run.stderr).contains("the same command goes on"));
    assert!(text(&run.stdout).starts_with("stopped: "));
    succeeds(&corrupt(&input, &parts, ""));
    succeeds(&corrupt(&input, &whole, ""));
    assert!(files_below(&whole) == files_below(&parts), "other bytes");
}

#[test]
fn bad_files_are_listed_at_the_end_and_the_rest_is_done() {
    let place = place("bad");
    let (input, output) = (place.join("in"), place.join("out"));
    tree(&input, 1);
    let good = png(64, 64, 8, 1);
    fs::write(input.join("cat/cut.png"), &good[..good.len() / 2]).unwrap();
    fs::write(input.join("cat/deep.png"), png(32, 32, 16, 1)).unwrap();
    fs::write(input.join("cat/empty.png"), "").unwrap();
    fs::write(input.join("cat/old.gif"), "GIF89a").unwrap();
    fs::write(input.join("dog/small.png"), png(15, 64, 8, 1)).unwrap();
    fs::write(input.join("dog/text.jpg"), "no image").unwrap();
    // A JPEG whose frame header announces four components.
    let cmyk = [
        0xff, 0xd8, 0xff, 0xe0, 0, 4, 0, 0, 0xff, 0xc0, 0, 20, 8, 0, 32, 0, 32, 4, 0, 0, 0, 0,
    ];
    fs::write(input.join("dog/ink.jpg"), cmyk).unwrap();
    let options = "--corruption fog --severity 1";
    let run = corrupt(&input, &output, options);
    assert_eq!(run.status.code(), Some(1));
    assert!(text(&run.stdout).starts_with("done: 2 of 9 images"));
    let error = text(&run.stderr);
    let lines: Vec<&str> = error.lines().collect();
    assert_eq!(lines.len(), 8, "{error}");
    assert_eq!(lines[0], "striate: 7 files could not be used:");
    for (line, (file, reason)) in lines[1..].iter().zip([
        ("cut.png", ""),
        ("deep.png", "expected 8 bits per channel"),
        ("empty.png", "neither PNG nor JPEG"),
        ("old.gif", "expected PNG or JPEG"),
        ("ink.jpg", "CMYK image: expected gray or RGB"),
        ("small.png", "15x64 px: expected at least 16x16"),
        ("text.jpg", "neither PNG nor JPEG"),
    ]) {
        assert!(line.contains(file) && line.contains(reason), "{error}");
    }
    assert_eq!(files_below(&output).len(), 3);
    // A file that is mended is done by the next run.
    fs::write(input.join("cat/cut.png"), &good).unwrap();
    let run = corrupt(&input, &output, options);
    assert!(text(&run.stdout).starts_with("done: 3 of 9 images (2 of them"));
}

#[test]
fn wrong_names_and_numbers_are_refused_before_anything_is_written() {
    let place = place("usage");
    let (input, output) = (place.join("in"), place.join("out"));
    tree(&input, 1);
    for (options, part) in [
        (
            "--corruption blur",
            "unknown corruption \"blur\": expected one of gaussian_noise",
        ),
        ("--corruption fog,", "unknown corruption \"\""),
        ("--severity 0", "severity 0: expected 1 to 5"),
        ("--severity 6", "severity 6: expected 1 to 5"),
        ("--severity strong", "severity strong: expected 1 to 5"),
        (
            "--table imagenet",
            "expected imagecorruptions, tiny-imagenet-c or cifar-c",
        ),
        ("--rng pcg", "expected counter or numpy"),
        ("--format webp", "expected png, or jpeg:Q"),
        ("--format jpeg:0", "Q from 1 to 100"),
        ("--format jpeg:101", "Q from 1 to 100"),
        ("--seed=-1", "--seed"),
        ("--threads 0", "--threads"),
    ] {
        let run = corrupt(&input, &output, options);
        assert_eq!(run.status.code(), Some(2), "{options}");
        let error = text(&run.stderr);
        assert!(error.contains(part), "{options}: {error}");
    }
    fails(
        &corrupt(&input, &output, "--rng numpy --seed 4294967296"),
        3,
        "NumPy seed 4294967296: expected below 2^32",
    );
    assert!(!output.exists());
}

#[test]
fn wrong_folders_are_one_clear_error_each() {
    let place = place("folders");
    let (input, output) = (place.join("in"), place.join("out"));
    tree(&input, 1);
    let options = "--corruption fog --severity 1";
    fails(&corrupt(&place.join("none"), &output, options), 3, "none: ");
    fs::create_dir(place.join("empty")).unwrap();
    fails(
        &corrupt(&place.join("empty"), &output, options),
        3,
        "empty: no PNG or JPEG image",
    );
    for inside in [input.clone(), input.join("new/deep")] {
        fails(
            &corrupt(&input, &inside, options),
            3,
            "lies inside the input",
        );
    }
    assert!(!input.join("new").exists());
    fs::write(place.join("file"), "").unwrap();
    fails(
        &corrupt(&input, &place.join("file"), options),
        4,
        "file: is not a folder",
    );
    fails(
        &corrupt(&input, &place.join("file/out"), options),
        4,
        "create ",
    );
    // The published data set, or anything else that another program made.
    fs::create_dir_all(place.join("foreign/fog/1")).unwrap();
    fails(
        &corrupt(&input, &place.join("foreign"), options),
        4,
        "no manifest of the run",
    );
    assert!(!output.exists());
}

#[test]
fn a_manifest_of_another_run_or_a_damaged_one_is_refused() {
    let place = place("manifest");
    let (input, output) = (place.join("in"), place.join("out"));
    tree(&input, 2);
    let options = "--corruption fog --severity 1";
    succeeds(&corrupt(&input, &output, options));
    let before = files_below(&output);
    for other in [
        "--corruption fog --severity 2",
        "--corruption fog --severity 1 --seed 9",
        "--corruption fog --severity 1 --rng numpy",
        "--corruption fog --severity 1 --table cifar-c",
        "--corruption fog --severity 1 --format jpeg:85",
    ] {
        fails(
            &corrupt(&input, &output, other),
            4,
            "made with another configuration",
        );
    }
    assert!(files_below(&output) == before, "changed");
    let path = output.join("manifest.jsonl");
    let whole = fs::read_to_string(&path).unwrap();
    let second = whole.match_indices('\n').next().unwrap().0 + 1;
    for (damaged, line) in [
        ("{}\n".to_owned() + &whole, "line 1"),
        ("no manifest".to_owned(), "line 1"),
        (
            whole[..second].to_owned() + "{\"source\":1}\n" + &whole[second..],
            "line 2",
        ),
    ] {
        fs::write(&path, &damaged).unwrap();
        fails(&corrupt(&input, &output, options), 4, line);
        assert_eq!(fs::read_to_string(&path).unwrap(), damaged);
    }
    fs::write(&path, [0xff, b'\n']).unwrap();
    fails(&corrupt(&input, &output, options), 4, "line 1");
    // A last line that was cut short is what a kill leaves: that image is made again.
    fs::write(&path, &whole[..whole.len() - 30]).unwrap();
    let run = corrupt(&input, &output, options);
    succeeds(&run);
    assert!(text(&run.stdout).contains("4 of 4 images (3 of them by earlier runs)"));
    assert!(files_below(&output) == before, "changed");
}

#[cfg(unix)]
#[test]
fn links_are_followed_but_not_in_circles() {
    use std::os::unix::fs::symlink;
    let place = place("links");
    let (input, output) = (place.join("in"), place.join("out"));
    tree(&place.join("elsewhere"), 1);
    fs::create_dir(&input).unwrap();
    symlink(place.join("elsewhere/cat"), input.join("cat")).unwrap();
    symlink(&input, input.join("circle")).unwrap();
    symlink("nowhere", input.join("lost.png")).unwrap();
    let run = corrupt(&input, &output, "--corruption fog --severity 1");
    assert_eq!(run.status.code(), Some(1));
    assert!(output.join("fog/1/cat/0.png").is_file());
    let error = text(&run.stderr);
    assert!(
        error.contains("circle: link to a folder that it lies in"),
        "{error}"
    );
    assert!(error.contains("lost.png: No such file"), "{error}");
    assert_eq!(error.lines().count(), 3, "{error}");
}

#[test]
fn two_runs_do_not_share_a_folder() {
    let place = place("shared");
    let (input, output) = (place.join("in"), place.join("out"));
    tree(&input, 40);
    let mut first = striate()
        .args([&input, &output])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while !output.join("manifest.jsonl").exists() && start.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(1));
    }
    fails(&corrupt(&input, &output, ""), 4, "another run is using it");
    first.kill().unwrap();
    first.wait().unwrap();
}
