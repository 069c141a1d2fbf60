use super::{Canvas, Marker, model_class, number, sequential, standalone_style, text_width};

#[test]
fn numbers_are_short_and_finite() {
    assert_eq!(number(1.0), "1");
    assert_eq!(number(-0.001), "0");
    assert_eq!(number(12.345), "12.35");
    assert_eq!(number(100.0), "100");
    assert_eq!(number(f64::NAN), "0");
    assert_eq!(number(f64::INFINITY), "0");
}

#[test]
fn text_and_attributes_are_escaped() {
    let mut canvas = Canvas::new();
    canvas.text(1.0, 2.5, "s-t", "end", "<b> & \"c\"\u{7}");
    assert_eq!(
        canvas.finish(),
        "<text x=\"1\" y=\"2.5\" class=\"s-t\" text-anchor=\"end\">&lt;b&gt; &amp; &quot;c&quot; </text>"
    );
}

#[test]
fn what_is_open_is_closed() {
    let mut canvas = Canvas::new();
    canvas.open("g", &[("class", "a\"b".into())]);
    Marker::Circle.draw(&mut canvas, (1.0, 2.0), 3.0, true, "tip");
    assert_eq!(
        canvas.finish(),
        "<g class=\"a&quot;b\"><circle cx=\"1\" cy=\"2\" r=\"3\" class=\"s-hollow\"><title>tip</title></circle></g>"
    );
}

#[test]
fn models_keep_their_colour_and_others_get_one() {
    assert_eq!(model_class("mtl_monkey"), "m-mtl_monkey");
    assert_eq!(model_class("ink"), model_class("ink"));
    assert!(model_class("ink").starts_with("m-other"));
    let style = standalone_style();
    for model in [
        "baseline",
        "mtl_monkey",
        "mtl_shuffled",
        "mtl_oracle",
        "oracle",
    ] {
        assert_eq!(
            style.matches(&format!(".{}{{", model_class(model))).count(),
            2
        );
    }
    assert!(
        !style.contains("var("),
        "a file of its own has no variables"
    );
}

#[test]
fn the_colour_map_is_clipped_and_grows_lighter() {
    assert_eq!(sequential(-1.0), [68, 1, 84]);
    assert_eq!(sequential(2.0), [253, 231, 37]);
    assert_eq!(sequential(f64::NAN), [128; 3]);
    let light = |v: f64| {
        let [r, g, b] = sequential(v).map(f64::from);
        0.2126 * r + 0.7152 * g + 0.0722 * b
    };
    for i in 0..100 {
        assert!(light(f64::from(i) / 100.0) < light(f64::from(i + 1) / 100.0));
    }
}

#[test]
fn wider_text_is_estimated_wider() {
    assert!(text_width("mm", 10.0) > text_width("ii", 10.0));
    assert!(text_width("ii", 20.0) > text_width("ii", 10.0));
}
