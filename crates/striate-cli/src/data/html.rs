//! A summary as a self-contained page. Invariant: it loads nothing from elsewhere.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use striate_data::inspect::{ImageSummary, RecordingSummary, Summary};
use striate_report::png_data_uri;

use super::{reliability::Neuron, text::facts};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;\
padding:0 1rem;color:#222;background:#fff}h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2rem}\
table{border-collapse:collapse}td,th{padding:.2rem .8rem .2rem 0;text-align:left;vertical-align:top;\
border-bottom:1px solid #ddd}td.n{text-align:right;font-variant-numeric:tabular-nums}\
figure{display:inline-block;margin:0 .6rem .6rem 0}figure img{width:96px;height:96px;\
object-fit:contain;image-rendering:pixelated;background:#eee}figcaption{font-size:.75rem;\
max-width:96px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}svg{max-width:100%}";

/// Neurons at each end of the list.
const SHOWN: usize = 5;

/// Bars of a histogram.
const BARS: usize = 40;

/// The page.
///
/// # Errors
///
/// If a sample image cannot be encoded.
pub fn page(
    name: &str,
    summary: &Summary,
    neurons: &[Neuron],
) -> Result<String, striate_report::Error> {
    let mut images = Vec::new();
    for part in summary.images.iter().filter(|p| !p.samples.is_empty()) {
        images.push(html! {
            h2 { "Images, " (part.part) }
            (samples(part)?)
            (class_bars(part))
        });
    }
    let recordings = summary.recordings.iter().enumerate().map(|(index, part)| {
        let of_part: Vec<&Neuron> = neurons.iter().filter(|n| n.part == index).collect();
        html! {
            h2 { "Session " (part.recording.session) ", " (part.part) }
            (histogram(part))
            @if of_part.is_empty() {
                p { "No image comes twice here, so nothing can be said of reliability." }
            } @else {
                (reliable(&of_part))
            }
        }
    });
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width,initial-scale=1";
                title { (name) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (name) }
                p { (summary.format) }
                table {
                    @for (title, value) in facts(summary, neurons) {
                        tr { th scope="row" { (title) } td { (value) } }
                    }
                }
                h2 { "Problems" }
                @if summary.problems.count == 0 {
                    p { "None found." }
                } @else {
                    p { (summary.problems.count) " found; the first:" }
                    ul { @for problem in &summary.problems.first { li { (problem) } } }
                }
                @for part in &images { (part) }
                @for part in recordings { (part) }
            }
        }
    };
    Ok(page.into_string())
}

fn samples(part: &ImageSummary) -> Result<Markup, striate_report::Error> {
    let mut figures = Vec::new();
    for sample in &part.samples {
        let image = &sample.image;
        let uri = png_data_uri(&image.pixels_u8, image.width, image.height, 3)?;
        let class = sample.label.map(|label| {
            let name = part.class_names.get(label as usize);
            name.map_or_else(|| label.to_string(), Clone::clone)
        });
        let class = class.unwrap_or_else(|| "no label".to_string());
        figures.push(html! {
            figure { img src=(uri) alt=(sample.id) title=(sample.id); figcaption { (class) } }
        });
    }
    Ok(html! { @for figure in &figures { (figure) } })
}

fn class_bars(part: &ImageSummary) -> Markup {
    let counts: Vec<usize> = part.class_counts.values().copied().collect();
    if counts.len() < 2 {
        return html! {};
    }
    let label = format!("Images of each of {} classes, in their order", counts.len());
    bars(
        &counts,
        &label,
        &["first class".into(), "last class".into()],
    )
}

fn histogram(part: &RecordingSummary) -> Markup {
    let (low, high) = part.range;
    let width = high - low;
    let mut counts = vec![0; BARS];
    for response in part.recording.responses.iter().filter(|r| !r.is_nan()) {
        let place = if width > 0.0 {
            ((response - low) / width * BARS as f32) as usize
        } else {
            0
        };
        counts[place.min(BARS - 1)] += 1;
    }
    bars(
        &counts,
        "Responses",
        &[format!("{low:.3}"), format!("{high:.3}")],
    )
}

/// Bars with the largest count at the top, and what the axis' ends mean.
fn bars(counts: &[usize], label: &str, ends: &[String; 2]) -> Markup {
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let step = 640.0 / counts.len() as f64;
    html! {
        svg viewBox="0 0 660 150" width="660" height="150" role="img" aria-label=(label) {
            text x="10" y="12" font-size="12" { (label) "; highest bar: " (most) }
            @for (i, count) in counts.iter().enumerate() {
                @let height = 100.0 * *count as f64 / most as f64;
                rect x=(format!("{:.2}", 10.0 + i as f64 * step)) y=(format!("{:.2}", 125.0 - height))
                    width=(format!("{:.2}", step * 0.9)) height=(format!("{height:.2}")) fill="#4477aa" {}
            }
            line x1="10" x2="650" y1="125" y2="125" stroke="#222" {}
            text x="10" y="142" font-size="12" { (ends[0]) }
            text x="650" y="142" font-size="12" text-anchor="end" { (ends[1]) }
        }
    }
}

/// The most and the least reliable neurons; the list is sorted.
fn reliable(neurons: &[&Neuron]) -> Markup {
    let row = |neuron: &&Neuron| {
        html! {
            tr {
                td { (neuron.id) }
                td.n { (format!("{:.3}", neuron.mean)) }
                td.n { (format!("{:.3}", neuron.explainable)) }
                td.n { (format!("{:.3}", neuron.oracle)) }
            }
        }
    };
    let least = neurons
        .len()
        .saturating_sub(SHOWN)
        .max(SHOWN.min(neurons.len()));
    html! {
        table {
            tr {
                th { "neuron" } th { "mean response" } th { "explainable variance" }
                th { "oracle correlation" }
            }
            tr { td colspan="4" { "most reliable" } }
            @for neuron in neurons.iter().take(SHOWN) { (row(neuron)) }
            @if least < neurons.len() {
                tr { td colspan="4" { "least reliable" } }
                @for neuron in &neurons[least..] { (row(neuron)) }
            }
        }
    }
}
