use super::*;
use crate::data::{Estimate, LineFit, Picture};

fn series(points: Vec<Point>) -> Series {
    Series {
        model: "mtl_monkey".into(),
        label: "MTL-Monkey".into(),
        look: Look::Curve,
        points,
    }
}

fn chart(points: Vec<Point>) -> XyChart {
    XyChart {
        title: "A <title> & more".into(),
        x: Axis::new("Epoch"),
        y: Axis::new("Accuracy (%)").percent(),
        series: vec![series(points)],
        references: vec![Reference::Y(0.1, "chance".into())],
        fits: vec![LineFit {
            intercept: 0.2,
            slope: 0.1,
            note: String::new(),
        }],
        ..XyChart::default()
    }
}

fn figure(body: Body) -> Figure {
    Figure {
        id: "f".into(),
        title: "Title & \"quotes\"".into(),
        caption: "a < b".into(),
        axes: "Axes".into(),
        legend: vec![Entry::new("oracle", "Oracle <1>", Sign::Curve)],
        bar: Some(colour_bar("r", (0.0, 1.0))),
        body,
        tables: vec![],
    }
}

/// Checks that tags are closed in order and no coordinate is NaN; returns how
/// often each element occurs, as `tag:count` in alphabetical order.
fn structure(svg: &str) -> String {
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    let mut open = Vec::new();
    let mut counts = std::collections::BTreeMap::<&str, usize>::new();
    for part in svg.split('<').skip(1) {
        let (tag, rest) = part.split_once('>').expect("a tag has an end");
        assert!(
            !rest.contains('"') || open.last() == Some(&"style"),
            "{part}"
        );
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
            continue;
        }
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        let name = tag.split([' ', '/']).next().unwrap();
        *counts.entry(name).or_default() += 1;
        if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
    let counts: Vec<_> = counts.iter().map(|(t, n)| format!("{t}:{n}")).collect();
    counts.join(" ")
}

const SIZE: Size = Size {
    width: 400.0,
    height: 200.0,
};

#[test]
fn a_curve_has_a_line_marks_and_error_bars() {
    let points = vec![
        Point::new(0.0, Estimate::with_error(0.5, 0.1)),
        Point::new(1.0, 0.4),
        Point::new(2.0, 0.3),
    ];
    let panel = chart(points).draw(SIZE);
    // 3 marks with tips, 1 curve; lines: 3 + 5 ticks, axis, error bar, reference, fit.
    assert_eq!(structure(&panel.body), "g:1 line:12 path:4 text:12 title:3");
    assert!(panel.body.contains("A &lt;title&gt; &amp; more"));
    assert!(
        panel
            .body
            .contains("MTL-Monkey: 0.000 → 50.0 % (40.0 % to 60.0 %)")
    );
}

#[test]
fn what_is_not_finite_is_left_out_and_leaves_a_gap() {
    let (nan, inf) = (f64::NAN, f64::INFINITY);
    let points = vec![
        Point::new(0.0, 0.5),
        Point::new(1.0, 0.4),
        Point::new(2.0, nan),
        Point::new(inf, 0.1),
        Point::new(4.0, Estimate::with_error(0.3, nan)),
        Point::new(5.0, 0.2),
    ];
    let body = chart(points).draw(SIZE).body;
    structure(&body);
    assert_eq!(
        body.matches("s-line").count(),
        2,
        "two lines around the gap"
    );
    assert_eq!(body.matches("s-mark").count(), 4);
    assert_eq!(body.matches("s-err").count(), 0);
}

#[test]
fn charts_without_data_are_still_sound() {
    structure(&chart(vec![]).draw(SIZE).body);
    structure(&BarChart::default().draw(SIZE).body);
    structure(&DotChart::default().draw(300.0).body);
    structure(&table("t", "", &[], &[], 300.0).body);
}

#[test]
fn bars_start_at_the_origin_in_both_directions() {
    let bar = |value: f64| {
        Some(Bar {
            value: value.into(),
            published: Some(Estimate::with_error(1.1, 0.02)),
        })
    };
    let chart = BarChart {
        origin: 1.0,
        y: Axis::new("%").percent().range(0.5, 1.5),
        groups: vec!["up".into(), "down".into(), "none".into()],
        series: vec![BarSeries {
            model: "oracle".into(),
            label: "Oracle".into(),
            bars: vec![bar(1.25), bar(0.75), None],
            pale: false,
        }],
        ..BarChart::default()
    };
    let body = chart.draw(SIZE).body;
    structure(&body);
    let heights: Vec<f64> = body
        .split("<rect ")
        .skip(1)
        .map(|r| {
            let from = r.split("height=\"").nth(1).unwrap();
            from.split('"').next().unwrap().parse().unwrap()
        })
        .collect();
    assert_eq!(heights.len(), 2);
    assert!(
        (heights[0] - heights[1]).abs() < 0.011,
        "rounding to 0.01 px"
    );
    assert_eq!(body.matches("s-hollow").count(), 2);
}

#[test]
fn a_file_of_its_own_has_words_style_and_paper() {
    let panel = chart(vec![Point::new(0.0, 0.5)]).draw(SMALL);
    let svg = figure(Body::Panels(vec![panel.clone(), panel]))
        .standalone()
        .unwrap();
    structure(&svg);
    assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
    assert!(svg.contains("<title id=\"title\">Title &amp; &quot;quotes&quot;</title>"));
    assert!(svg.contains("<desc id=\"desc\">a &lt; b</desc>"));
    assert!(svg.contains("prefers-color-scheme:dark"));
    assert!(!svg.contains("var("));
    assert_eq!(svg.matches("http").count(), 1, "the name space only");
}

#[test]
fn matrices_and_grids_carry_their_pictures() {
    let panel = matrix("m", "d", 2, &[0.0, 1.0, 1.0, f32::NAN], (0.0, 1.0)).unwrap();
    assert_eq!(structure(&panel.body), "image:1 text:1");
    assert!(matrix("m", "d", 2, &[0.0; 3], (0.0, 1.0)).is_err());
    let grid = PictureGrid {
        caption: "g".into(),
        column_title: "budget".into(),
        columns: vec!["10 %".into(), "20 %".into()],
        rows: vec!["<a>".into()],
        pictures: vec![Some(Picture::new(1, 1, 1, vec![9]).unwrap()), None],
    };
    let html = grid_html(&grid).unwrap().into_string();
    assert!(html.contains("alt=\"&lt;a&gt;, 10 %\""), "{html}");
    let svg = figure(Body::Grid(grid)).standalone().unwrap();
    structure(&svg);
    assert_eq!(svg.matches("data:image/png;base64,").count(), 1);
}

#[test]
fn an_axis_of_names_shows_as_many_as_fit() {
    let names: Vec<String> = (1..=16).map(|i| format!("layer{i}")).collect();
    let points = (0..16).map(|i| Point::new(f64::from(i), 0.1 * f64::from(i)));
    let chart = XyChart {
        x: Axis::new("Layer").names(names),
        references: vec![Reference::X(8.0, "last shared".into())],
        fits: Vec::new(),
        ..chart(points.collect())
    };
    let wide = chart.draw(Size {
        width: WIDE,
        height: 300.0,
    });
    // Eight labels at most: every second.
    let labelled = |body: &str, name: &str| body.contains(&format!(">{name}<"));
    assert!(labelled(&wide.body, "layer1") && labelled(&wide.body, "layer3"));
    assert!(!labelled(&wide.body, "layer2"));
    // The tip of a mark names its layer.
    assert!(
        wide.body.contains("MTL-Monkey: layer2 → 10.0 %"),
        "{}",
        wide.body
    );
    let small = chart.draw(SMALL);
    assert!(labelled(&small.body, "layer1") && !labelled(&small.body, "layer3"));
}
