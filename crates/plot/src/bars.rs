//! Bars with intervals.

use crate::area::{half, names, vertical};
use crate::canvas::{Canvas, MARGIN, SMALL, TEXT};
use crate::scale::{Fit, Scale};
use crate::text;
use lowshot_protocol::{Bar, Bars};

/// Most bars drawn.
const MOST: usize = 80;
/// Least height of a row of horizontal bars.
const ROW: f64 = 20.0;
/// Most thickness of a bar.
const THICK: f64 = 64.0;

pub(crate) fn draw(canvas: &mut Canvas, bars: &Bars) {
    let shown: Vec<&Bar> = bars.bars.iter().take(MOST).collect();
    if bars.bars.len() > MOST {
        canvas.notes.push(format!("{MOST} of {} drawn", text::count(bars.bars.len(), "bar")));
    }
    let values = || {
        shown.iter().flat_map(|b| {
            let [lo, hi] = b.interval.unwrap_or([b.value; 2]);
            [b.value, lo, hi]
        })
    };
    if !shown.iter().any(|b| b.value.is_finite() && (!bars.y.log || b.value > 0.0)) {
        return canvas.no_data("");
    }
    let slot = (canvas.width - 60.0 - MARGIN) / shown.len().max(1) as f64;
    let upright =
        shown.len() <= 12 && shown.iter().all(|b| text::two_lines(&b.name, TEXT, slot - 8.0).is_some());
    let target =
        if upright { (canvas.height / 80.0).clamp(2.0, 6.0) } else { (canvas.width / 80.0).clamp(2.0, 6.0) };
    let Some(scale) = Scale::new(&bars.y, values(), target as usize, Fit::Zero) else {
        return canvas.no_data("");
    };
    let decimals = decimals(&shown);
    if upright {
        columns(canvas, bars, &shown, &scale, decimals)
    } else {
        rows(canvas, bars, &shown, &scale, decimals)
    }
}

/// Decimals of the value labels: the intervals' first two digits, else three digits of the largest value.
fn decimals(bars: &[&Bar]) -> usize {
    let half =
        |b: &&Bar| b.interval.map(|[lo, hi]| (hi - lo).abs() / 2.0).filter(|h| h.is_finite() && *h > 0.0);
    let finest = bars.iter().filter_map(half).fold(f64::INFINITY, f64::min);
    let largest = bars.iter().map(|b| b.value.abs()).filter(|v| v.is_finite()).fold(0.0, f64::max);
    let whole = bars.iter().all(|b| b.value.fract() == 0.0 || !b.value.is_finite());
    if finest.is_finite() {
        text::decimals(finest, 2).min(text::decimals(largest, 5))
    } else if whole {
        0
    } else {
        text::decimals(largest, 3)
    }
}

fn tip(bar: &Bar) -> String {
    let (name, value) = (text::short(&bar.name), text::number(bar.value));
    match bar.interval {
        Some([lo, hi]) => format!("{name}: {value} ({} to {})", text::number(lo), text::number(hi)),
        None => format!("{name}: {value}"),
    }
}

/// Fill of a bar: the accent marks the bars that matter; if none is marked, all are alike.
fn fill(bar: &Bar, bars: &[&Bar]) -> &'static str {
    if bar.highlight || !bars.iter().any(|b| b.highlight) { "ls-a" } else { "ls-i" }
}

fn emphasis(bar: &Bar, class: &str) -> String {
    if bar.highlight { format!("{class} ls-s") } else { class.to_owned() }
}

/// Upright bars with names below.
fn columns(canvas: &mut Canvas, bars: &Bars, shown: &[&Bar], scale: &Scale, decimals: usize) {
    let left = MARGIN + scale.label_width(SMALL) + 8.0;
    let right = canvas.width - MARGIN;
    let slot = (right - left) / shown.len() as f64;
    let lines: Vec<Vec<String>> = shown
        .iter()
        .map(|b| match text::two_lines(&b.name, TEXT, slot - 6.0) {
            Some(lines) => lines.into_iter().map(str::to_owned).collect(),
            None => vec![text::fit(&b.name, TEXT, slot - 6.0)],
        })
        .collect();
    let deep = lines.iter().map(Vec::len).max().unwrap_or(1) as f64;
    let (top, bottom) = vertical(canvas, &bars.y.label, "", false);
    let (top, bottom) = (top + 10.0, bottom - 14.0 * deep - 2.0);
    let at = |f: f64| bottom - (bottom - top) * f;
    for (v, label) in &scale.ticks {
        if let Some(f) = scale.inside(*v) {
            canvas.line([left, half(at(f))], [right, half(at(f))], "ls-g");
            canvas.text(left - 7.0, at(f) + 3.8, "ls-k ls-e", label);
        }
    }
    names(canvas, "", &bars.y.label, right, bottom, top - 10.0);
    let base = at(scale.base());
    let thick = (slot * 0.62).min(THICK);
    for (i, bar) in shown.iter().enumerate() {
        let middle = left + slot * (i as f64 + 0.5);
        for (k, line) in lines[i].iter().enumerate() {
            canvas.text(middle, bottom + 16.0 + 14.0 * k as f64, &emphasis(bar, "ls-c"), line);
        }
        let Some(end) = scale.fraction(bar.value).map(|f| at(f.clamp(0.0, 1.0))) else {
            canvas.text(middle, base - 6.0, "ls-k ls-c", "no value");
            continue;
        };
        let block = [middle - thick / 2.0, end.min(base), thick, (end - base).abs()];
        canvas.rect(block, fill(bar, shown), " rx=\"2\"", &tip(bar));
        let down = end > base + 0.01;
        let mut label = end;
        if let Some([lo, hi]) = whisker(bar, scale) {
            let (a, b) = (at(lo), at(hi));
            canvas.line([middle, a], [middle, b], "ls-w");
            for y in [a, b] {
                canvas.line([middle - 4.0, y], [middle + 4.0, y], "ls-w");
            }
            label = if down { label.max(a) } else { label.min(b) };
        }
        let y = if down { label + 14.0 } else { label - 6.0 };
        let value = text::fit(&text::value(bar.value, decimals), TEXT, slot.max(30.0));
        canvas.text(middle, y, &emphasis(bar, "ls-v ls-c ls-t"), &value);
    }
    canvas.line([left, half(base)], [right, half(base)], "ls-x");
}

/// Lying bars with names at the left, or above where there is little width.
fn rows(canvas: &mut Canvas, bars: &Bars, shown: &[&Bar], scale: &Scale, decimals: usize) {
    let widest = shown.iter().map(|b| text::width(&b.name, TEXT) * 1.06).fold(0.0, f64::max);
    let above = widest > canvas.width * 0.36;
    let left = if above { MARGIN } else { MARGIN + widest + 10.0 };
    let value_width = shown
        .iter()
        .map(|b| text::width(&text::value(b.value, decimals), TEXT) * 1.06)
        .fold(0.0, f64::max)
        .min(canvas.width * 0.3);
    let right = canvas.width - MARGIN - value_width - 8.0;
    let least = if above { ROW + 16.0 } else { ROW };
    let (top, bottom) = vertical(canvas, &bars.y.label, "", true);
    let needed = least * shown.len() as f64;
    // Rows that nobody can read would be worse than a taller picture.
    canvas.height += (needed - (bottom - top)).max(0.0);
    let (top, bottom) = vertical(canvas, &bars.y.label, "", true);
    let bottom = bottom.min(top + if above { 52.0 } else { 44.0 } * shown.len() as f64);
    let at = |f: f64| left + (right - left) * f;
    for (v, label) in &scale.ticks {
        if let Some(f) = scale.inside(*v) {
            canvas.line([half(at(f)), top], [half(at(f)), bottom], "ls-g");
            canvas.text(at(f), bottom + 15.0, "ls-k ls-c", label);
        }
    }
    names(canvas, "", &bars.y.label, right, bottom, top);
    let base = at(scale.base());
    let slot = (bottom - top) / shown.len() as f64;
    let thick = ((slot - if above { 16.0 } else { 0.0 }) * 0.66).min(26.0);
    for (i, bar) in shown.iter().enumerate() {
        let start = top + slot * i as f64;
        let middle = if above { start + 16.0 + (slot - 16.0) / 2.0 } else { start + slot / 2.0 };
        if above {
            let name = text::fit(&bar.name, TEXT * 1.06, canvas.width - 2.0 * MARGIN);
            canvas.text(MARGIN, middle - thick / 2.0 - 5.0, &emphasis(bar, "ls-t"), &name);
        } else {
            canvas.text(left - 8.0, middle + 4.2, &emphasis(bar, "ls-e"), &bar.name);
        }
        let Some(end) = scale.fraction(bar.value).map(|f| at(f.clamp(0.0, 1.0))) else {
            canvas.text(base + 6.0, middle + 4.0, "ls-k", "no value");
            continue;
        };
        let block = [end.min(base), middle - thick / 2.0, (end - base).abs(), thick];
        canvas.rect(block, fill(bar, shown), " rx=\"2\"", &tip(bar));
        let mut label = end.max(base);
        if let Some([lo, hi]) = whisker(bar, scale) {
            let (a, b) = (at(lo), at(hi));
            canvas.line([a, middle], [b, middle], "ls-w");
            for x in [a, b] {
                canvas.line([x, middle - 4.0], [x, middle + 4.0], "ls-w");
            }
            label = label.max(b);
        }
        let value = text::value(bar.value, decimals);
        canvas.text(label + 7.0, middle + 4.2, &emphasis(bar, "ls-v ls-t"), &value);
    }
    // Names above their bars begin at the same edge; a line there would cut through them.
    if !above || base > left {
        canvas.line([half(base), top], [half(base), bottom], "ls-x");
    }
}

/// Ends of an interval on the axis.
fn whisker(bar: &Bar, scale: &Scale) -> Option<[f64; 2]> {
    let [lo, hi] = bar.interval?;
    let end = |v: f64| scale.fraction(v).map(|f| f.clamp(0.0, 1.0));
    // On a logarithmic axis an interval may reach to zero or below: then to the start of the axis.
    let low = if lo.is_finite() { end(lo).unwrap_or(0.0) } else { return None };
    let high = end(hi)?;
    Some([low.min(high), low.max(high)])
}
