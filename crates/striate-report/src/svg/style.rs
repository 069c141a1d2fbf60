//! Style sheets: colours as CSS variables inside a page, as plain colours with a
//! light and a dark block inside a file of its own.
//!
//! Invariant: both come from the same rules, so a figure looks the same in the
//! page and as a file.

use super::palette::{COLOURS, NEUTRAL};

/// Fonts that are there without being sent along.
const FONT: &str = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif";

/// Rules without colours.
const SHAPE: &str = "\
.s-t{font-size:11px}.s-s{font-size:10px}.s-b{font-size:11.5px;font-weight:600}\
.s-h{font-size:15px;font-weight:600}\
.s-grid,.s-axis,.s-zero{fill:none;stroke-width:1}.s-zero{stroke-width:1.25}\
.s-ref{fill:none;stroke-width:1.25;stroke-dasharray:5 3}\
.s-line{fill:none;stroke:currentColor;stroke-width:1.75;stroke-linejoin:round;stroke-linecap:round}\
.s-faint{fill:none;stroke:currentColor;stroke-width:1;stroke-opacity:.35;stroke-linejoin:round}\
.s-err{fill:none;stroke:currentColor;stroke-width:1.25}\
.s-fit{fill:none;stroke-width:1.25}\
.s-band{fill:currentColor;fill-opacity:.16;stroke:none}\
.s-mark{fill:currentColor;stroke-width:.75}\
.s-hollow{stroke:currentColor;stroke-width:1.4}\
.s-bar{fill:currentColor;fill-opacity:.82}\
.s-pale{fill:currentColor;fill-opacity:.38}\
.s-img{image-rendering:pixelated}";

/// Rules that need a neutral colour: selector, property, name of the colour.
const NEUTRAL_RULES: [(&str, &str, &str); 10] = [
    (".s-paper", "fill", "paper"),
    (".s-ink", "fill", "ink"),
    (".s-muted", "fill", "muted"),
    (".s-grid", "stroke", "grid"),
    (".s-axis", "stroke", "axis"),
    (".s-zero", "stroke", "muted"),
    (".s-ref", "stroke", "ink"),
    (".s-fit", "stroke", "muted"),
    (".s-mark", "stroke", "paper"),
    (".s-hollow", "fill", "paper"),
];

fn colour_rules(value: impl Fn(usize) -> String) -> String {
    let mut out = String::new();
    for (selector, property, name) in NEUTRAL_RULES {
        if let Some(i) = COLOURS.iter().position(|c| c.0 == name) {
            out.push_str(&format!("{selector}{{{property}:{}}}", value(i)));
        }
    }
    for (i, (name, ..)) in COLOURS.iter().enumerate().skip(NEUTRAL) {
        out.push_str(&format!(".m-{name}{{color:{}}}", value(i)));
    }
    out
}

/// The rules of figures inside a page; they use the variables of [`page_variables`].
pub(crate) fn figure_rules() -> String {
    let colours = colour_rules(|i| format!("var(--{})", COLOURS[i].0));
    format!("svg text{{font-family:{FONT}}}{SHAPE}{colours}")
}

/// The variables of a page: a light block and a dark one.
pub(crate) fn page_variables() -> String {
    let list = |pick: fn(&(&'static str, &'static str, &'static str)) -> &'static str| {
        COLOURS
            .iter()
            .map(|c| format!("--{}:{};", c.0, pick(c)))
            .collect::<String>()
    };
    format!(
        ":root{{color-scheme:light dark;{}}}@media(prefers-color-scheme:dark){{:root{{{}}}}}",
        list(|c| c.1),
        list(|c| c.2)
    )
}

/// The style block of a figure that is a file of its own.
pub(crate) fn standalone_style() -> String {
    let (light, dark) = (
        colour_rules(|i| COLOURS[i].1.to_owned()),
        colour_rules(|i| COLOURS[i].2.to_owned()),
    );
    format!("text{{font-family:{FONT}}}{SHAPE}{light}@media(prefers-color-scheme:dark){{{dark}}}")
}
