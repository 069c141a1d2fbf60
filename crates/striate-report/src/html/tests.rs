use super::{pages, sections};
use crate::data::*;

fn html(data: &ReportData) -> String {
    all(data).pop().unwrap().1
}

fn all(data: &ReportData) -> Vec<(String, String)> {
    let (sections, tables) = (sections(data).unwrap(), crate::tables(data).unwrap());
    pages(data, &sections, &tables).unwrap()
}

#[test]
fn each_analysis_that_was_run_has_a_page_of_its_own() {
    let data = ReportData {
        title: "A study".into(),
        scores: Some(Scores {
            frequency: Some(FrequencySplit {
                low: vec!["fog".into()],
                high: vec!["gaussian_noise".into()],
                rows: vec![FrequencyRow {
                    model: "mtl_monkey".into(),
                    low: 0.9,
                    high: 1.3,
                    difference: Estimate::with_interval(0.4, 0.1, 0.7),
                    correlation: Some(0.5),
                }],
            }),
            ..Scores::default()
        }),
        ..ReportData::default()
    };
    let all = all(&data);
    let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["report-robustness.html", "report.html"]);
    let (own, whole) = (&all[0].1, &all[1].1);
    for page in [own, whole] {
        assert!(
            page.contains("40.0<br><small>[10.0, 70.0]</small>"),
            "{page}"
        );
        assert!(page.contains("High: Gaussian noise"));
    }
    assert!(own.contains("href=\"report.html\"") && own.contains("A study"));
    assert!(whole.contains("href=\"report-robustness.html\""));
    assert!(!whole.contains("report-rsa.html"));
    // One analysis alone is its own page already.
    let one = ReportData {
        sections: vec!["robustness".into()],
        ..data
    };
    assert_eq!(super::tests::all(&one).len(), 1);
}

#[test]
fn an_analysis_that_was_not_run_is_named_with_its_reason() {
    let mut data = ReportData::default();
    data.not_run
        .insert("rsa".into(), "The budget ran out <here>.".into());
    let page = html(&data);
    assert_eq!(page.matches("Not run.").count(), 9);
    assert!(page.contains("The budget ran out &lt;here&gt;."));
    assert!(page.contains("This analysis is not part of the recipe."));
}

#[test]
fn one_seed_means_no_error_bars_and_the_page_says_why() {
    let data = ReportData {
        uncertainty: Uncertainty {
            seeds: 1,
            interval: String::new(),
        },
        scores: Some(Scores {
            rows: vec![ScoreRow {
                model: "mtl_monkey".into(),
                level: Level::Overall,
                name: "overall".into(),
                score: 1.2.into(),
            }],
            ..Scores::default()
        }),
        ..ReportData::default()
    };
    let page = html(&data);
    assert!(page.contains("One seed was run, so there are no error bars"));
    assert!(page.contains("No error bars: they need at least two seeds."));
    assert!(page.contains("Undecided") && !page.contains("Supported"));
    assert!(!page.contains("class=\"s-err\""));
}

#[test]
fn text_is_escaped() {
    let data = ReportData {
        title: "<script>alert(1)</script>".into(),
        protocol: vec![("a&b".into(), "<c>".into())],
        ..ReportData::default()
    };
    let page = html(&data);
    assert!(!page.contains("<script"));
    assert!(page.contains("a&amp;b") && page.contains("&lt;c&gt;"));
}

#[test]
fn verdicts_follow_the_intervals() {
    let finding = |low: f64, high: f64| {
        let data = ReportData {
            scores: Some(Scores {
                differences: vec![DifferenceRow {
                    model: "mtl_monkey".into(),
                    reference: "mtl_shuffled".into(),
                    level: Level::Overall,
                    name: "overall".into(),
                    difference: Estimate::with_interval(0.5 * (low + high), low, high),
                    detectable: None,
                }],
                ..Scores::default()
            }),
            ..ReportData::default()
        };
        crate::findings(&data)[0].verdict
    };
    assert_eq!(finding(0.01, 0.2), Verdict::Supported);
    assert_eq!(finding(-0.2, -0.01), Verdict::Contradicted);
    assert_eq!(finding(-0.1, 0.2), Verdict::Undecided);
}

#[test]
fn scores_are_counted_against_published_ones() {
    let score = |name: &str, value: Estimate| ScoreRow {
        model: "oracle".into(),
        level: Level::Corruption,
        name: name.into(),
        score: value,
    };
    let published = |name: &str, score: f64| PublishedScore {
        model: "oracle".into(),
        level: Level::Corruption,
        name: name.into(),
        score,
        error: Some(0.03),
    };
    let scores = Scores {
        rows: vec![
            score("gaussian_noise", Estimate::with_interval(1.2, 1.1, 1.3)),
            score("motion_blur", Estimate::with_interval(0.9, 0.8, 0.95)),
            score("fog", 1.5.into()),
            score("glass_blur", 1.5.into()),
        ],
        published: vec![
            published("gaussian_noise", 1.196),
            published("motion_blur", 1.078),
            published("fog", 1.231),
        ],
        ..Scores::default()
    };
    let counts = super::comparison::counts(&scores, "oracle");
    let expected = super::comparison::Counts {
        compared: 3,
        same_side: 2,
        with_interval: 2,
        inside: 1,
    };
    assert_eq!(counts, expected);
    assert!(super::comparison::comparison(&Scores::default()).is_none());
}

#[test]
fn a_page_of_one_analysis_has_only_that() {
    let row = |model: &str| ScoreRow {
        model: model.into(),
        level: Level::Overall,
        name: "overall".into(),
        score: Estimate::with_interval(1.2, 1.1, 1.3),
    };
    let data = ReportData {
        sections: vec!["robustness".into()],
        scores: Some(Scores {
            rows: vec![row("mtl_monkey"), row("my_net")],
            ..Scores::default()
        }),
        ..ReportData::default()
    };
    let page = html(&data);
    assert!(page.contains("Robustness relative to Baseline"));
    assert!(page.contains("My net / Baseline"));
    for absent in [
        "Not run.",
        "What is simulated",
        "Supported",
        "recipe",
        "Saliency",
    ] {
        assert!(!page.contains(absent), "{absent}");
    }
}

#[test]
fn attacks_have_a_figure_and_a_table_over_seeds() {
    let row = |seed, attack: &str, epsilon, accuracy| AttackRow {
        model: "mtl_monkey".into(),
        seed,
        attack: attack.into(),
        epsilon,
        accuracy,
        images: 100,
        median_distance: (attack == "boundary" && epsilon > 0.0).then_some(0.25 + accuracy),
        ..AttackRow::default()
    };
    let data = ReportData {
        attacks: Some(Attacks {
            rows: vec![
                row(1, "pgd-linf", 0.0, 0.75),
                row(1, "pgd-linf", 2.0 / 255.0, 0.5),
                row(1, "boundary", 0.5, 0.25),
                row(1, "boundary", 1.0, 0.25),
                row(2, "pgd-linf", 0.0, 0.85),
                row(2, "pgd-linf", 2.0 / 255.0, 0.6),
                row(2, "boundary", 0.5, 0.35),
                row(2, "boundary", 1.0, 0.35),
            ],
            note: "Ten steps.".into(),
        }),
        uncertainty: Uncertainty {
            seeds: 2,
            interval: String::new(),
        },
        ..ReportData::default()
    };
    let page = html(&data);
    for part in [
        "id=\"attack_accuracy\"",
        "Ten steps.",
        // Means over seeds, and their standard errors.
        "pgd-linf, as they are</th><td>80.0<br><small>[75.0, 85.0]</small>",
        "pgd-linf, 2 levels</th><td>55.0<br><small>[50.0, 60.0]</small>",
        "boundary, median distance</th><td>0.550<br><small>[0.500, 0.600]</small>",
        "results/attacks.csv",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let tables = crate::tables(&data).unwrap();
    let table = tables.iter().find(|t| t.name() == "attacks").unwrap();
    let csv = table.to_csv();
    assert!(
        csv.contains("mtl_monkey,1,boundary,0.5,0.25,100,0.5,,"),
        "{csv}"
    );
}

#[test]
fn a_difference_stands_beside_what_the_seeds_could_have_shown() {
    let row = |level, name: &str, detectable| DifferenceRow {
        model: "mtl_monkey".into(),
        reference: "mtl_shuffled".into(),
        level,
        name: name.into(),
        difference: Estimate::with_interval(0.05, -0.1, 0.2),
        detectable,
    };
    let data = |detectable| ReportData {
        scores: Some(Scores {
            differences: vec![
                row(Level::Overall, "overall", detectable),
                row(Level::Group, "noise", detectable),
            ],
            ..Scores::default()
        }),
        ..ReportData::default()
    };
    let three = data(Some(Detectable {
        seeds: 3,
        unpaired: 0.253,
        paired: Some(0.31),
    }));
    let page = html(&three);
    for part in [
        "MTL-Monkey − MTL-Shuffled</th><td>5.0<br><small>[−10.0, 20.0]</small></td>\
         <td>3</td><td>25.3</td><td>31.0</td>",
        "3 seeds could have shown a difference of 25.3 points",
        "href=\"results/score_differences.csv\"",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let tables = crate::tables(&three).unwrap();
    let table = tables.iter().find(|t| t.name() == "score_differences");
    let csv = table.unwrap().to_csv();
    assert!(csv.contains("group,noise,0.05,-0.1,0.2,3"), "{csv}");
    assert!(csv.contains(",0.253,0.31\n"), "{csv}");
    // With one seed the page says what is missing.
    let page = html(&data(None));
    assert!(page.contains("<td>1 of 2 needed</td><td>unknown</td>"));
    assert!(!page.contains("could have shown a difference"));
}

#[test]
fn regressions_stand_with_those_that_could_not_be_fitted() {
    let fit = |name: &str, missing: Option<&str>| RegressionFit {
        predictor: "neural prediction".into(),
        fit: name.into(),
        rows: if missing.is_some() { 0 } else { 60 },
        residual_degrees: missing.is_none().then_some(57),
        r2: missing.is_none().then_some(0.338),
        terms: missing.map_or_else(
            || {
                vec![RegressionTerm {
                    name: "neural".into(),
                    value: Estimate::with_interval(84.68, 50.1, 119.2),
                    standard_error: Some(17.25),
                    t: Some(4.91),
                    p: Some(8.1e-6),
                }]
            },
            |_| Vec::new(),
        ),
        missing: missing.map(String::from),
    };
    let data = ReportData {
        scores: Some(Scores {
            regressions: Some(Regressions {
                note: "A row is a network.".into(),
                fits: vec![
                    fit("clean + neural", None),
                    fit("seeds", Some("needs at least 2 seeds, found 1")),
                ],
            }),
            ..Scores::default()
        }),
        ..ReportData::default()
    };
    let page = html(&data);
    for part in [
        "<td>84.68<br><small>[50.10, 119.20]</small></td><td>17.25</td><td>4.91</td>\
         <td>&lt; 0.001</td><td>60</td><td>0.34</td>",
        "<b>Not fitted: </b>seeds (neural prediction): needs at least 2 seeds, found 1.",
        "A row is a network.",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let tables = crate::tables(&data).unwrap();
    let csv = tables.iter().find(|t| t.name() == "regressions").unwrap();
    let csv = csv.to_csv();
    assert!(csv.contains(",84.68,50.1,119.2,17.25,4.91,"), "{csv}");
    assert!(csv.contains("\"needs at least 2 seeds, found 1\""), "{csv}");
}

#[test]
fn each_published_value_has_a_verdict_and_its_protocol() {
    let value = |name: &str, level, own: Option<Estimate>, differs: &[&str]| PublishedValue {
        quantity: "robustness".into(),
        model: "mtl_monkey".into(),
        level: Some(level),
        name: name.into(),
        published: Some(1.14),
        error: Some(0.04),
        published_protocol: "five seeds, March 2021".into(),
        own,
        own_protocol: "three seeds".into(),
        differs: differs.iter().map(|d| (*d).to_owned()).collect(),
    };
    let inside = Some(Estimate::with_interval(1.1, 1.0, 1.2));
    let outside = Some(Estimate::with_interval(1.3, 1.2, 1.4));
    let standing =
        |own, differs: &[&str]| value("overall", Level::Overall, own, differs).standing();
    assert_eq!(standing(inside, &[]), Standing::Inside);
    assert_eq!(standing(outside, &[]), Standing::Outside);
    let reasons = |standing| match standing {
        Standing::NotComparable(reasons) => reasons,
        found => panic!("{found:?}"),
    };
    assert_eq!(
        reasons(standing(inside, &["other images"])),
        ["other images"]
    );
    assert!(reasons(standing(Some(1.1.into()), &[]))[0].starts_with("one seed"));
    assert!(reasons(standing(None, &[]))[0].starts_with("it was not measured"));

    let score = |model: &str, name: &str| ScoreRow {
        model: model.into(),
        level: Level::Corruption,
        name: name.into(),
        score: Estimate::with_interval(1.1, 1.0, 1.2),
    };
    let data = ReportData {
        published: vec![
            value(
                "overall",
                Level::Overall,
                outside,
                &["other images", "a simulated V1"],
            ),
            value("noise", Level::Group, outside, &[]),
            value("fog", Level::Corruption, inside, &[]),
            PublishedValue {
                quantity: "representational similarity".into(),
                differs: vec!["no such analysis is in the paper".into()],
                ..PublishedValue::default()
            },
        ],
        scores: Some(Scores {
            rows: vec![score("mtl_monkey", "fog")],
            published: vec![PublishedScore {
                model: "mtl_monkey".into(),
                level: Level::Corruption,
                name: "fog".into(),
                score: 1.14,
                error: Some(0.04),
            }],
            ..Scores::default()
        }),
        ..ReportData::default()
    };
    let page = html(&data);
    for part in [
        "Robustness, MTL-Monkey, overall</th><td>1.300<br><small>[1.200, 1.400]</small></td>\
         <td>1.140<br><small>± 0.040</small></td><td>below</td><td>not comparable (1, 2)</td>",
        "<td>below</td><td>outside</td>",
        "<li>other images</li><li>a simulated V1</li>",
        "Representational similarity</th><td>–</td><td>none</td><td>–</td>\
         <td>not comparable (3)</td>",
        "Published: five seeds, March 2021. Here: three seeds.",
        // The score of a single corruption has its verdict in the table of scores.
        "<td>114.0<br><small>± 4.0, inside</small></td>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let tables = crate::tables(&data).unwrap();
    let table = tables.iter().find(|t| t.name() == "published_values");
    let csv = table.unwrap().to_csv();
    assert!(
        csv.contains("below,not comparable,other images; a simulated V1,"),
        "{csv}"
    );
    assert!(csv.contains("inside,inside,,"), "{csv}");
}
