use striate_random::Seed;
use striate_testkit::assert_close;

use super::study::{CLEAN, NEURAL, StudyRegressions, StudyRun, runs_from_csv, study_regressions};
use super::*;

const RUNS: &str = include_str!("../../tests/fixtures/fixture_mtl_runs.csv");

fn runs() -> Vec<StudyRun> {
    runs_from_csv(RUNS).unwrap()
}

fn fit(runs: &[StudyRun]) -> StudyRegressions {
    study_regressions(runs, 2_000, 1)
}

fn line(ols: &Ols, name: &str) -> Coefficient {
    ols.coefficient(name).unwrap().clone()
}

// Acceptance test 2 of analyses.md 8: the printed digits bound each tolerance.

#[test]
fn the_additive_regression_is_the_printed_one() {
    let ols = fit(&runs()).additive.unwrap();
    let b0 = line(&ols, "intercept");
    assert_close(&[b0.value, b0.standard_error], &[-77.68, 36.60], 5e-3, 0.0);
    assert_close(&[b0.p], &[0.038], 5e-4, 0.0);
    let clean = line(&ols, CLEAN);
    assert_close(
        &[clean.value, clean.standard_error],
        &[2.470, 0.580],
        5e-4,
        0.0,
    );
    assert_close(&[clean.t], &[4.26], 5e-3, 0.0);
    assert_close(&[clean.p], &[7.8e-5], 5e-7, 0.0);
    let neural = line(&ols, NEURAL);
    assert_close(
        &[neural.value, neural.standard_error],
        &[84.68, 17.25],
        5e-3,
        0.0,
    );
    assert_close(&[neural.t], &[4.91], 5e-3, 0.0);
    assert_close(&[neural.p], &[8.1e-6], 5e-8, 0.0);
    assert_close(&[ols.r2, ols.adjusted_r2], &[0.338, 0.315], 5e-4, 0.0);
    assert_close(&[ols.f, ols.log_likelihood], &[14.57, -199.92], 5e-3, 0.0);
    assert_close(&[ols.f_p], &[7.75e-6], 5e-9, 0.0);
    assert_close(&[ols.aic], &[405.8], 5e-2, 0.0);
    assert_eq!((ols.rows, ols.residual_degrees), (60, 57));
}

#[test]
fn the_published_table_is_the_refit() {
    let ols = fit(&runs()).additive.unwrap();
    for published in crate::published::REGRESSION {
        let own = line(&ols, published.name);
        // Tolerance: the printed digits.
        assert_close(
            &[own.value, own.standard_error],
            &[published.value, published.standard_error],
            5e-3,
            0.0,
        );
        assert_close(&[own.p], &[published.p], 0.0, 2e-2);
    }
}

#[test]
fn the_interaction_is_the_printed_one() {
    let fits = fit(&runs());
    let ols = fits.interaction.unwrap();
    let interaction = line(&ols, "clean:neural");
    assert_close(
        &[interaction.value, interaction.standard_error],
        &[-0.67, 11.95],
        6e-3,
        0.0,
    );
    assert_close(&[interaction.p], &[0.955], 6e-4, 0.0);
    let p = |name| line(&ols, name).p;
    assert_close(&[p(CLEAN), p(NEURAL)], &[0.78, 0.84], 6e-3, 0.0);
    assert_close(&[ols.r2, ols.f, ols.aic], &[0.338, 9.54, 407.8], 5e-3, 1e-4);
    let centred = fits.centred_interaction.unwrap();
    let b = |name: &str| line(&centred, name);
    assert_close(
        &[b(CLEAN).value, b("clean:neural").value],
        &[2.48, -0.67],
        6e-3,
        0.0,
    );
    assert_close(&[b(NEURAL).value], &[84.9], 6e-2, 0.0);
    assert_close(&[b(CLEAN).t, b(NEURAL).t], &[4.0, 4.7], 6e-2, 0.0);
    assert_close(&[b("clean:neural").t], &[-0.06], 6e-3, 0.0);
    // Centring changes the reading, not the fit.
    assert_close(&[centred.r2], &[ols.r2], 1e-10, 0.0);
}

#[test]
fn seed_effects_explain_most() {
    let fits = fit(&runs());
    let ols = fits.seed_effects.unwrap();
    assert_close(&[line(&ols, NEURAL).value], &[83.0], 6e-2, 0.0);
    assert_close(&[line(&ols, NEURAL).t], &[10.4], 6e-2, 0.0);
    assert_close(&[line(&ols, CLEAN).value], &[2.35], 6e-3, 0.0);
    assert_close(&[line(&ols, CLEAN).t], &[8.5], 6e-2, 0.0);
    assert_close(&[ols.r2], &[0.87], 6e-3, 0.0);
    let runs = runs();
    let seeds: Vec<u64> = runs.iter().map(|r| r.seed).collect();
    let y: Vec<f64> = runs.iter().map(|r| r.robustness_percent).collect();
    let alone = Ols::fit(&Design::new(60).with_levels("seed", &seeds).unwrap(), &y).unwrap();
    assert_close(&[alone.r2], &[0.56], 6e-3, 0.0);
}

#[test]
fn leverage_is_as_stated() {
    let without = |drop: &[&str]| {
        let kept: Vec<StudyRun> = runs()
            .into_iter()
            .filter(|r| !drop.contains(&r.condition.as_str()))
            .collect();
        fit(&kept)
    };
    let one = line(&without(&["-15"]).additive.unwrap(), NEURAL);
    assert_close(&[one.value, one.t], &[95.6, 3.2], 6e-2, 0.0);
    let two = line(&without(&["-15", "-10"]).additive.unwrap(), NEURAL);
    assert_close(&[two.value, two.t], &[119.7, 3.0], 6e-2, 0.0);
    let means = without(&["-15"]).condition_means.unwrap();
    assert_eq!(means.rows, 11);
    assert_close(&[line(&means, NEURAL).t], &[1.2], 6e-2, 0.0);
}

#[test]
fn correlations_are_as_stated() {
    let c = fit(&runs()).correlations.unwrap();
    assert_close(
        &[
            c.robustness_neural,
            c.robustness_clean,
            c.neural_clean,
            c.partial_given_clean,
        ],
        &[0.358, 0.242, -0.461, 0.545],
        6e-4,
        0.0,
    );
    assert_close(&[c.condition_means.unwrap()], &[0.82], 6e-3, 0.0);
    let runs = runs();
    let x: Vec<f64> = runs.iter().map(|r| r.neural_correlation).collect();
    let y: Vec<f64> = runs.iter().map(|r| r.robustness_percent).collect();
    let simple = Ols::fit(&Design::new(60).with(NEURAL, &x).unwrap(), &y).unwrap();
    let values = simple
        .coefficients
        .iter()
        .map(|c| c.value)
        .collect::<Vec<_>>();
    assert_close(&values, &[67.0, 50.8], 6e-2, 0.0);
}

#[test]
fn the_cluster_bootstrap_is_near_the_estimate_and_repeats() {
    let fits = fit(&runs());
    let clusters = fits.cluster_bootstrap.as_ref().unwrap();
    let (name, neural) = &clusters[2];
    assert_eq!(name, NEURAL);
    let estimate = line(fits.additive.as_ref().unwrap(), NEURAL).value;
    assert!(
        neural.low < estimate && estimate < neural.high,
        "{neural:?}"
    );
    assert!(neural.low > 0.0, "{neural:?}");
    assert_eq!(fits.cluster_bootstrap, fit(&runs()).cluster_bootstrap);
}

#[test]
fn too_few_runs_are_counted_and_not_fitted() {
    let too_few = |analysis, unit, needed, found| Error::TooFew {
        analysis,
        unit,
        needed,
        found,
    };
    // One seed of five conditions: a run less than the two for each of three columns.
    let one_seed: Vec<StudyRun> = runs().into_iter().filter(|r| r.seed == 0).take(5).collect();
    assert_eq!(one_seed.len(), 5);
    let fits = fit(&one_seed);
    assert_eq!(fits.additive, Err(too_few("a regression", "runs", 6, 5)));
    let interaction = too_few("a regression with an interaction", "runs", 8, 5);
    assert_eq!(fits.interaction, Err(interaction));
    let seeds = too_few("a regression with effects of the seeds", "seeds", 2, 1);
    assert_eq!(fits.seed_effects, Err(seeds));
    let means = too_few("a regression over means of conditions", "conditions", 6, 5);
    assert_eq!(fits.condition_means, Err(means));
    let bootstrap = too_few("a bootstrap over conditions", "runs", 6, 5);
    assert_eq!(fits.cluster_bootstrap, Err(bootstrap));
    let partial = too_few("a partial correlation", "runs", 6, 5);
    assert_eq!(fits.correlations, Err(partial));
    assert_eq!(
        fits.additive.unwrap_err().to_string(),
        "a regression needs at least 6 runs, found 5"
    );
    // Three conditions of five seeds: enough runs, too few conditions.
    let three: Vec<StudyRun> = runs().into_iter().take(15).collect();
    let fits = fit(&three);
    assert_eq!(fits.seed_effects.unwrap().rows, 15);
    let bootstrap = too_few("a bootstrap over conditions", "conditions", 5, 3);
    assert_eq!(fits.cluster_bootstrap, Err(bootstrap));
    let means = too_few("a correlation of means", "conditions", 4, 3);
    assert_eq!(fits.correlations.unwrap().condition_means, Err(means));
    // A predictor that does not vary is named.
    let constant = runs().into_iter().map(|run| StudyRun {
        clean_percent: 50.0,
        ..run
    });
    let fits = fit(&constant.collect::<Vec<_>>());
    let column = CLEAN.to_owned();
    assert_eq!(fits.additive, Err(Error::Collinear { column }));
    assert!(fits.correlations.is_err());
}

#[test]
fn bad_columns_are_named() {
    let x = [1.0, 2.0, 3.0, 4.0, 5.0];
    let twice: Vec<f64> = x.iter().map(|v| 2.0 * v + 1.0).collect();
    let design = Design::new(5)
        .with("a", &x)
        .unwrap()
        .with("b", &twice)
        .unwrap();
    let error = Ols::fit(&design, &x).unwrap_err();
    assert_eq!(
        error,
        Error::Collinear {
            column: "b".to_owned()
        }
    );
    assert!(Design::new(5).with("c", &[1.0]).is_err());
    assert!(Design::new(1).with("c", &[f64::NAN]).is_err());
    assert!(Design::new(5).with_interaction("a", "b").is_err());
    assert!(matches!(
        Ols::fit(&Design::new(1), &[1.0]),
        Err(Error::TooFew { .. })
    ));
    assert!(runs_from_csv("h\n1,2,x,4,5\n").is_err());
}

#[test]
fn coefficients_are_recovered_with_honest_errors() {
    // 400 fits of known coefficients: the t statistics have the spread of
    // Student's t with 27 degrees of freedom (SD 1.039); the spread over 400 is
    // known to 3.6 %, tolerance three times that.
    let root = Seed::new(4);
    let mut errors = Vec::new();
    for repeat in 0..400 {
        let mut s = root.index(repeat).stream();
        let x: Vec<f64> = (0..30).map(|_| s.normal()).collect();
        let z: Vec<f64> = x.iter().map(|v| 0.7 * v + s.normal()).collect();
        let y: Vec<f64> = x
            .iter()
            .zip(&z)
            .map(|(x, z)| 1.0 + 2.0 * x - 3.0 * z + s.normal())
            .collect();
        let design = Design::new(30)
            .with("x", &x)
            .unwrap()
            .with("z", &z)
            .unwrap();
        let ols = Ols::fit(&design, &y).unwrap();
        let x = line(&ols, "x");
        errors.push((x.value - 2.0) / x.standard_error);
    }
    let (mean, sd) = crate::mean_sd(&errors);
    assert!(mean.abs() < 0.2, "{mean}");
    assert_close(&[sd], &[1.039], 0.0, 0.11);
}
