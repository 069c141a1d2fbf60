//! `striate reproduce` as a user runs it: the smoke recipe from nothing, killed,
//! interrupted, on one and two threads, and with what users get wrong.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests fail as tests do"
)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use support::place;

fn striate(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_striate"));
    command
        .current_dir(folder)
        .arg("reproduce")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The hash of the results that a finished run printed.
fn results(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(&output.stderr));
    let stdout = text(&output.stdout);
    let line = stdout.lines().find_map(|l| l.strip_prefix("results "));
    line.unwrap_or_else(|| panic!("no hash in {stdout:?}"))
        .to_owned()
}

/// Runs and expects an exit code and a message with all of `parts`.
fn fails(folder: &Path, arguments: &[&str], code: i32, parts: &[&str]) {
    let output = striate(folder, arguments).output().unwrap();
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{message}");
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
}

/// Number of steps in the store that are finished.
fn finished(out: &Path) -> usize {
    let Ok(steps) = fs::read_dir(out.join("store")) else {
        return 0;
    };
    let steps = steps.map(|step| step.unwrap().path());
    steps
        .filter(|step| step.extension().is_none() && step.join("step.json").exists())
        .count()
}

const SMOKE: [&str; 4] = ["--recipe", "smoke", "--quiet", "--out"];

fn smoke(folder: &Path, out: &str, more: &[&str]) -> Command {
    striate(folder, &[&SMOKE[..], &[out], more].concat())
}

#[test]
fn the_same_results_for_any_number_of_threads_and_however_often_killed() {
    let folder = place("smoke");
    let reference = results(&smoke(&folder, "two", &["--threads", "2"]).output().unwrap());
    for part in [
        "report.html",
        "results/robustness.csv",
        "results/robustness.parquet",
        "results/score_differences.csv",
        "results/regressions.parquet",
        "results/published_values.csv",
    ] {
        assert!(folder.join("two").join(part).exists(), "{part}");
    }
    // Five networks of one seed: the page says what is missing for each analysis.
    let page = fs::read_to_string(folder.join("two/report.html")).unwrap();
    for part in [
        "a regression needs at least 6 runs, found 5",
        "needs at least 2 seeds, found 1",
        "1 of 2 needed",
        "one seed gives no interval; at least 2 are needed",
        "the responses are those of a simulated V1 here, of macaque V1 there",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let one = smoke(&folder, "one", &["--threads", "1"]).output().unwrap();
    assert_eq!(results(&one), reference);

    // Killed while the 4th, 9th, ... step runs, each time at another point of it. On a
    // busy machine a run may be done before its kill; the first ones never are.
    let out = folder.join("killed");
    let mut kills = 0;
    for (count, after) in [(3, 0), (8, 60), (12, 25), (16, 110), (22, 45)] {
        let mut child = smoke(&folder, "killed", &[]).spawn().unwrap();
        let start = Instant::now();
        while finished(&out) < count && child.try_wait().unwrap().is_none() {
            assert!(
                start.elapsed() < Duration::from_secs(120),
                "the run stands still"
            );
            std::thread::sleep(Duration::from_millis(2));
        }
        std::thread::sleep(Duration::from_millis(after));
        kills += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        let message = text(&output.stderr);
        assert!(finished(&out) >= count, "steps are lost: {message}");
    }
    assert!(kills >= 2, "killed {kills} times only");
    let resumed = smoke(&folder, "killed", &[]).output().unwrap();
    assert_eq!(results(&resumed), reference);

    // All steps are there: another run computes nothing and says the same.
    let start = Instant::now();
    assert_eq!(
        results(&smoke(&folder, "two", &[]).output().unwrap()),
        reference
    );
    let again = start.elapsed();
    assert!(
        again < Duration::from_secs(20),
        "took {again:?} without a step to run"
    );
}

#[test]
fn representations_are_matched_to_those_of_pixels() {
    // Pixel-similarity regularisation: random projections of the pixels hold those images
    // alike that the pixels do, and the shared layers are to do so as well.
    let folder = place("pixel_similarity");
    let smoke = Path::new(env!("CARGO_MANIFEST_DIR")).join("../striate-run/recipes/smoke.toml");
    let recipe = fs::read_to_string(smoke).unwrap();
    let cycler = "cycler = { kind = \"mtl\"";
    assert_eq!(recipe.matches(cycler).count(), 1);
    let loss = format!("neural_loss = \"similarity\"\n{cycler}");
    fs::write(folder.join("own.toml"), recipe.replace(cycler, &loss)).unwrap();
    let own = ["--recipe", "own.toml", "--quiet", "--out", "run"];
    let models = ["--models", "baseline,mtl_monkey,mtl_pixels"];
    let mut run = striate(&folder, &[&own[..], &models[..]].concat());
    results(&run.output().unwrap());
    let table = |name: &str| fs::read_to_string(folder.join("run/results").join(name)).unwrap();
    assert!(table("scores.csv").contains("mtl_pixels,overall"));
    let neural = table("neural.csv");
    assert!(neural.contains("mtl_pixels,1,"), "{neural}");
    // Without a readout in training, no response is predicted from it.
    assert!(!neural.contains("its own targets"), "{neural}");
}

#[cfg(unix)]
#[test]
fn an_interrupt_stops_with_its_own_code_and_the_run_goes_on() {
    let folder = place("interrupt");
    let mut child = smoke(&folder, "run", &[]).spawn().unwrap();
    let start = Instant::now();
    while finished(&folder.join("run")) < 2 {
        assert!(
            start.elapsed() < Duration::from_secs(120),
            "the run stands still"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
    let kill = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let kept = finished(&folder.join("run"));
    assert!(kept >= 2);
    let plan = smoke(&folder, "run", &["--dry-run"]).output().unwrap();
    let marked = text(&plan.stdout).matches(" finished").count();
    assert_eq!(marked, kept, "the plan does not show what is kept");
}

#[test]
fn a_damaged_store_names_the_file_and_loses_nothing() {
    let folder = place("damaged");
    let models = ["--models", "baseline"];
    let reference = results(&smoke(&folder, "run", &models).output().unwrap());
    let store = folder.join("run/store");
    let step = |kind: &str| {
        let mut steps = fs::read_dir(&store).unwrap().map(|s| s.unwrap().path());
        let name = |p: &PathBuf| p.file_name().unwrap().to_string_lossy().into_owned();
        steps.find(|s| name(s).starts_with(kind)).unwrap()
    };
    let whole = finished(&folder.join("run"));

    // A file cut short, a flipped byte, a broken record, a file that went missing.
    let matrices = step("rsa").join("matrices.safetensors");
    let good = fs::read(&matrices).unwrap();
    let broken = [
        (matrices.clone(), good[..200].to_vec(), "bytes instead of"),
        (
            matrices.clone(),
            good.iter()
                .enumerate()
                .map(|(i, b)| if i == good.len() - 3 { b ^ 1 } else { *b })
                .collect(),
            "its bytes have changed",
        ),
        (
            step("benchmark").join("step.json"),
            b"{".to_vec(),
            "step.json",
        ),
    ];
    for (file, bytes, message) in &broken {
        let good = fs::read(file).unwrap();
        fs::write(file, bytes).unwrap();
        let place = file
            .strip_prefix(&folder)
            .unwrap()
            .to_string_lossy()
            .into_owned();
        let arguments = [&SMOKE[..], &["run"], &models].concat();
        fails(
            &folder,
            &arguments,
            4,
            &["damaged run store", &place, message, "remove its folder"],
        );
        fs::write(file, good).unwrap();
    }
    fs::remove_file(&matrices).unwrap();
    fails(
        &folder,
        &[&SMOKE[..], &["run"], &models].concat(),
        4,
        &["matrices.safetensors"],
    );
    assert_eq!(finished(&folder.join("run")), whole, "steps were lost");

    // The advice works: without the folder, that step alone is computed again.
    fs::remove_dir_all(step("rsa")).unwrap();
    assert_eq!(
        results(&smoke(&folder, "run", &models).output().unwrap()),
        reference
    );
}

#[test]
fn wrong_recipes_and_arguments_are_named() {
    let folder = place("wrong");
    let recipe = include_str!("../../striate-run/recipes/smoke.toml");
    let run = |name: &str, from: &str, to: &str, parts: &[&str]| {
        assert!(recipe.contains(from), "{from}");
        fs::write(folder.join(name), recipe.replacen(from, to, 1)).unwrap();
        let arguments = ["--recipe", name, "--out", "out"];
        fails(&folder, &arguments, 3, &[&[name], parts].concat());
    };
    run(
        "key.toml",
        "seeds = [1]",
        "sedes = [1]",
        &["line", "`sedes`", "`seeds`"],
    );
    run(
        "type.toml",
        "classes = 8",
        "classes = \"8\"",
        &["line", "invalid type"],
    );
    run(
        "layer.toml",
        "split = \"conv3_1\"",
        "split = \"conv9_1\"",
        &["split", "conv3_2", "conv9_1"],
    );
    run("width.toml", "blocks = [[8]", "blocks = [[0]", &["width"]);
    run(
        "size.toml",
        "input_size = 32",
        "input_size = 30",
        &["input_size", "30"],
    );
    run(
        "model.toml",
        "\"mtl_shuffled\"",
        "\"mtl_shufled\"",
        &["mtl_shufled", "mtl_shuffled"],
    );
    run(
        "classes.toml",
        "classes = 8",
        "classes = 800",
        &["classes", "800"],
    );

    fails(
        &folder,
        &["--recipe", "nope"],
        3,
        &["nope", "smoke", "mini"],
    );
    fails(
        &folder,
        &["--models", "resnet"],
        2,
        &["resnet", "mtl_monkey"],
    );
    fs::write(folder.join("file"), "").unwrap();
    fails(
        &folder,
        &[&SMOKE[..], &["file/run"]].concat(),
        4,
        &["file/run", "could not create"],
    );
    assert!(!folder.join("out").exists(), "something ran");
}

/// A limit on the size of files stands for a disk that fills up.
#[cfg(unix)]
#[test]
fn a_write_that_fails_keeps_what_was_finished() {
    let folder = place("full");
    let striate = env!("CARGO_BIN_EXE_striate");
    let script = format!(
        "trap '' XFSZ; ulimit -f 60; exec '{striate}' reproduce --recipe smoke --quiet --out run"
    );
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(&folder)
        .output()
        .unwrap();
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{message}");
    assert!(message.contains("could not write run/store/"), "{message}");
    let steps = fs::read_dir(folder.join("run/store")).unwrap();
    for step in steps.map(|s| s.unwrap().path()) {
        let partial = step.extension().is_some_and(|e| e == "partial");
        assert!(
            step.is_file() || partial || step.join("step.json").exists(),
            "{step:?}"
        );
    }
    let whole = smoke(&folder, "run", &["--models", "baseline"])
        .output()
        .unwrap();
    results(&whole);
}

#[test]
fn every_control_is_trained_and_the_best_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let controls = "mtl_shuffled,mtl_gaussian,mtl_shuffled_within,mtl_pixels,mtl_random,\
                    mtl_gabor,mtl_scrambled,baseline_lowpass";
    let models = format!("baseline,mtl_monkey,mtl_recorded,{controls}");
    let more = ["--models", models.as_str()];
    let output = smoke(folder.path(), "runs", &more).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let out = folder.path().join("runs");
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("more robust than the best of 9 controls"));
    assert!(page.contains("one seed gives no interval, so this decides nothing"));
    assert!(page.contains("Seed 1: behind a blur of"));
    assert!(page.contains("Baseline, low-pass sees all images"));
    // Eleven networks are enough for a line, one seed is too few to take its effect out.
    let fits = fs::read_to_string(out.join("results/regressions.csv")).unwrap();
    assert!(
        fits.contains("\nneural prediction,clean + neural,neural,"),
        "{fits}"
    );
    assert!(fits.contains("\nagreement with V1,clean + agreement,agreement,"));
    assert!(page.contains("needs at least 2 seeds, found 1"));
    for analysis in ["robustness", "rsa", "saliency"] {
        assert!(out.join(format!("report-{analysis}.html")).exists());
    }
    assert!(out.join("results/score_frequency.csv").exists());
    let table = fs::read_to_string(out.join("results/scores.csv")).unwrap();
    assert!(table.contains("\nbaseline_blurred,overall"));
    for model in models.split(',') {
        assert!(table.contains(&format!("\n{model},overall")), "{model}");
    }
}
