//! Elements, attributes and text, written one after the other.
//!
//! Invariant: what was opened is closed in the opposite order; [`Canvas::finish`]
//! closes what is left.

/// An attribute's value.
pub(crate) enum Value<'a> {
    Number(f64),
    Text(&'a str),
}

impl From<f64> for Value<'_> {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(value)
    }
}

/// Name and value of an attribute.
pub(crate) type Attribute<'a> = (&'a str, Value<'a>);

/// SVG under construction.
#[derive(Default)]
pub(crate) struct Canvas {
    out: String,
    open: Vec<&'static str>,
}

impl Canvas {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// An element without content.
    pub(crate) fn element(&mut self, tag: &'static str, attributes: &[Attribute<'_>]) {
        self.tag(tag, attributes);
        self.out.push_str("/>");
    }

    /// An element that shows `tip` when pointed at, and is read out by it.
    pub(crate) fn element_with_tip(
        &mut self,
        tag: &'static str,
        attributes: &[Attribute<'_>],
        tip: &str,
    ) {
        self.open(tag, attributes);
        self.words("title", tip);
        self.close();
    }

    /// Opens an element; [`Canvas::close`] ends it.
    pub(crate) fn open(&mut self, tag: &'static str, attributes: &[Attribute<'_>]) {
        self.tag(tag, attributes);
        self.out.push('>');
        self.open.push(tag);
    }

    /// Closes the element that was opened last.
    pub(crate) fn close(&mut self) {
        if let Some(tag) = self.open.pop() {
            self.out.push_str("</");
            self.out.push_str(tag);
            self.out.push('>');
        }
    }

    /// An element that holds text.
    pub(crate) fn words(&mut self, tag: &'static str, text: &str) {
        self.open(tag, &[]);
        escape(&mut self.out, text);
        self.close();
    }

    /// A line of text; `anchor` is `start`, `middle` or `end`.
    pub(crate) fn text(&mut self, x: f64, y: f64, class: &str, anchor: &str, text: &str) {
        self.open(
            "text",
            &[
                ("x", x.into()),
                ("y", y.into()),
                ("class", class.into()),
                ("text-anchor", anchor.into()),
            ],
        );
        escape(&mut self.out, text);
        self.close();
    }

    /// A straight line.
    pub(crate) fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        self.element(
            "line",
            &[
                ("x1", from.0.into()),
                ("y1", from.1.into()),
                ("x2", to.0.into()),
                ("y2", to.1.into()),
                ("class", class.into()),
            ],
        );
    }

    /// Text inside the element that is open.
    pub(crate) fn escaped(&mut self, text: &str) {
        escape(&mut self.out, text);
    }

    /// Ready-made SVG of another canvas.
    pub(crate) fn raw(&mut self, svg: &str) {
        self.out.push_str(svg);
    }

    /// Closes what is open and returns the text.
    pub(crate) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.out
    }

    fn tag(&mut self, tag: &str, attributes: &[Attribute<'_>]) {
        self.out.push('<');
        self.out.push_str(tag);
        for (name, value) in attributes {
            self.out.push(' ');
            self.out.push_str(name);
            self.out.push_str("=\"");
            match value {
                Value::Number(n) => self.out.push_str(&number(*n)),
                Value::Text(text) => escape(&mut self.out, text),
            }
            self.out.push('"');
        }
    }
}

/// A coordinate with at most two decimals; what is not finite becomes 0 (callers
/// leave such points out before they get here).
pub(crate) fn number(value: f64) -> String {
    let value = if value.is_finite() { value } else { 0.0 };
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0" } else { text }.to_owned()
}

fn escape(out: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // XML 1.0 has no place for other control characters.
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
}

/// Width of a text in a common sans-serif font, estimated from its letters: good
/// to about a tenth, enough to keep labels apart.
pub(crate) fn text_width(text: &str, size_px: f64) -> f64 {
    let width = |c: char| match c {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' => 0.27,
        'f' | 't' | 'r' | ' ' | '(' | ')' | '-' | '/' => 0.36,
        'm' | 'w' | 'M' | 'W' | '%' | '@' => 0.88,
        'A'..='Z' => 0.67,
        _ => 0.56,
    };
    text.chars().map(width).sum::<f64>() * size_px
}
