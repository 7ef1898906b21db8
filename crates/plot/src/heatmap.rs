//! A matrix as colours.

use crate::area::{names, vertical};
use crate::canvas::{Canvas, MARGIN, SMALL};
use crate::{png, text};
use lowshot_protocol::Heatmap;

/// Most cells drawn as elements; more become one embedded picture.
const CELLS: usize = 900;
/// Most rows and columns of the embedded picture.
const SIDE: usize = 160;
/// Most cells that have a tooltip.
const TIPS: usize = 256;

/// The values with their shape, thinned to what can be seen.
struct Matrix {
    rows: usize,
    columns: usize,
    values: Vec<f32>,
}

/// How values become colours: the opacity of one colour on the surface, so that it suits light and dark alike; a
/// second colour for negative values.
struct Ramp {
    lo: f32,
    hi: f32,
    both: bool,
}

impl Ramp {
    fn new(values: &[f32]) -> Option<Ramp> {
        let finite = || values.iter().copied().filter(|v| v.is_finite());
        let (lo, hi) = finite().fold((f32::INFINITY, f32::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
        if lo > hi {
            return None;
        }
        Some(if lo < 0.0 && hi > 0.0 {
            let reach = hi.max(-lo);
            Ramp { lo: -reach, hi: reach, both: true }
        } else if lo >= 0.0 && lo <= hi * 0.5 {
            Ramp { lo: 0.0, hi, both: false }
        } else {
            Ramp { lo, hi, both: false }
        })
    }

    /// CSS classes of the colour. Two signs take class colours, which are apart for everybody, where a page's accent may
    /// happen to be like the colour of the negative values.
    fn fill(&self, negative: bool) -> &'static str {
        match (self.both, negative) {
            (_, true) => "ls-f ls-1",
            (true, false) => "ls-f ls-0",
            (false, false) => "ls-a",
        }
    }

    /// Opacity from 0 to 1, and whether it is the colour of negative values; `None` for no value.
    fn at(&self, v: f32) -> Option<(f64, bool)> {
        if !v.is_finite() {
            return None;
        }
        let (v, lo, hi) = (f64::from(v), f64::from(self.lo), f64::from(self.hi));
        if self.both {
            return Some(((v.abs() / hi).min(1.0), v < 0.0));
        }
        Some((if hi > lo { ((v - lo) / (hi - lo)).clamp(0.0, 1.0) } else { 0.5 }, false))
    }
}

/// Number of rows, the last of which may be short; `None` if there are none or the columns are absurd.
pub(crate) fn rows(map: &Heatmap) -> Option<usize> {
    let sound = map.columns > 0 && !map.values.is_empty() && map.columns <= map.values.len().max(1 << 20);
    sound.then(|| map.values.len().div_ceil(map.columns))
}

/// The matrix with whole rows; what is missing in the last row has no value.
fn matrix(map: &Heatmap) -> Option<Matrix> {
    let rows = rows(map)?;
    let by = [rows.div_ceil(SIDE), map.columns.div_ceil(SIDE)];
    if rows * map.columns <= CELLS || by == [1, 1] {
        let mut values = map.values.clone();
        values.resize(rows * map.columns, f32::NAN);
        return Some(Matrix { rows, columns: map.columns, values });
    }
    let (r, c) = (rows.div_ceil(by[0]), map.columns.div_ceil(by[1]));
    let mut sums = vec![(0.0f64, 0u32); r * c];
    for (i, v) in map.values.iter().enumerate().filter(|(_, v)| v.is_finite()) {
        let cell = &mut sums[i / map.columns / by[0] * c + i % map.columns / by[1]];
        *cell = (cell.0 + f64::from(*v), cell.1 + 1);
    }
    let mean = |(sum, n): (f64, u32)| if n == 0 { f32::NAN } else { (sum / f64::from(n)) as f32 };
    Some(Matrix { rows: r, columns: c, values: sums.into_iter().map(mean).collect() })
}

pub(crate) fn draw(canvas: &mut Canvas, map: &Heatmap) {
    let Some(cells) = matrix(map) else { return canvas.no_data("") };
    let Some(ramp) = Ramp::new(&cells.values) else { return canvas.no_data("") };
    let full_rows = map.values.len().div_ceil(map.columns);
    if (cells.rows, cells.columns) != (full_rows, map.columns) {
        canvas.notes.push(format!(
            "{full_rows} × {} values, averaged to {} × {}",
            map.columns, cells.rows, cells.columns
        ));
    }
    let missing = map.values.iter().filter(|v| !v.is_finite()).count();
    if missing > 0 {
        canvas.notes.push(format!("{} without a value", text::count(missing, "cell")));
    }
    let ends = [ramp.lo, ramp.hi].map(|v| text::number(f64::from(v)));
    let bar = ends.iter().map(|e| text::width(e, SMALL)).fold(0.0, f64::max).min(70.0) + 24.0;
    let limit = canvas.width * 0.26;
    let row_labels = labels(&map.row_names, full_rows);
    let column_labels = labels(&map.column_names, map.columns);
    let left =
        MARGIN + 7.0 + row_labels.iter().map(|(_, n)| text::width(n, SMALL)).fold(0.0, f64::max).min(limit);
    let (top, mut bottom) = vertical(canvas, &map.y.label, &map.x.label, false);
    let mut right = canvas.width - MARGIN - bar;
    let widest = column_labels.iter().map(|(_, n)| text::width(n, SMALL)).fold(0.0, f64::max);
    // Cells of a square matrix are square, or up to twice as wide where that gives names room.
    let square = full_rows == map.columns;
    let longest = if full_rows <= 12 && !map.column_names.is_empty() { 2.0 } else { 1.0 };
    let pitch = |right: f64, bottom: f64| {
        let wide = right - left;
        (if square { wide.min(longest * (bottom - top)) } else { wide }) / map.columns as f64
    };
    let flat = widest + 6.0 <= pitch(right, bottom - 18.0) * stride(&column_labels, map.columns) as f64;
    bottom -= if flat { 18.0 } else { (widest.min(84.0) * 0.72 + 14.0).min((bottom - top) * 0.4) };
    bottom = bottom.max(top + 20.0);
    if square {
        right = left + (right - left).min(longest * (bottom - top));
        bottom = top + (right - left).min(bottom - top);
    }
    right = right.max(left + 20.0);
    let size = [(right - left) / cells.columns as f64, (bottom - top) / cells.rows as f64];
    if cells.values.len() <= CELLS {
        elements(canvas, map, &cells, &ramp, [left, top], size);
    } else {
        embedded(canvas, &cells, &ramp, [left, top, right - left, bottom - top]);
    }
    let every = ((13.0 * full_rows as f64 / (bottom - top)).ceil() as usize).max(1);
    for (i, name) in thinned(&row_labels, every) {
        let y = top + (bottom - top) * (*i as f64 + 0.5) / full_rows as f64;
        canvas.text(left - 6.0, y + 3.8, "ls-k ls-e", &text::fit(name, SMALL, limit));
    }
    let wide = if flat { widest + 6.0 } else { 13.0 };
    let every = ((wide / pitch(right, bottom)).ceil() as usize).max(1);
    for (i, name) in thinned(&column_labels, every) {
        let x = left + pitch(right, bottom) * (*i as f64 + 0.5);
        if flat {
            canvas.text(x, bottom + 15.0, "ls-k ls-c", name);
        } else {
            let name = text::fit(name, SMALL, 84.0);
            canvas
                .raw("<text")
                .attr("x", 0.0)
                .attr("y", 0.0)
                .class("ls-k ls-e")
                .raw(" transform=\"translate(");
            canvas
                .point([x + 4.0, bottom + 11.0])
                .raw(")rotate(-45)\">")
                .raw(&text::escape(&name))
                .raw("</text>");
        }
    }
    let below = bottom + if flat { 18.0 } else { widest.min(84.0) * 0.72 + 14.0 };
    names(canvas, &map.x.label, &map.y.label, right, below + 13.0, top);
    key(canvas, &ramp, &ends, [right + 12.0, top, bottom.min(top + 150.0)]);
}

/// Names with their index, or round indices where there are no names.
fn labels(names: &[String], n: usize) -> Vec<(usize, String)> {
    if !names.is_empty() {
        return names.iter().take(n).cloned().enumerate().collect();
    }
    let step =
        [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].into_iter().find(|s| n / s <= 8).unwrap_or(n.max(8) / 8);
    (0..n).step_by(step).map(|i| (i, i.to_string())).collect()
}

/// Distance between two labels in columns.
fn stride(labels: &[(usize, String)], n: usize) -> usize {
    labels.get(1).map_or(n, |l| l.0).max(1)
}

fn thinned(labels: &[(usize, String)], every: usize) -> impl Iterator<Item = &(usize, String)> {
    let step = every.div_ceil(labels.get(1).map_or(1, |l| l.0).max(1)).max(1);
    labels.iter().step_by(step)
}

/// One rectangle a cell, with the value inside where it fits.
fn elements(
    canvas: &mut Canvas,
    map: &Heatmap,
    cells: &Matrix,
    ramp: &Ramp,
    [left, top]: [f64; 2],
    size: [f64; 2],
) {
    let gap = if size[0] > 9.0 && size[1] > 9.0 { 0.5 } else { 0.0 };
    let largest = cells.values.iter().filter(|v| v.is_finite()).fold(0.0f32, |a, v| a.max(v.abs()));
    let whole = cells.values.iter().all(|v| !v.is_finite() || v.fract() == 0.0);
    let decimals = if whole { 0 } else { text::decimals(f64::from(largest), 2) };
    let room = |v: f32| text::width(&text::value(f64::from(v), decimals), SMALL) + 6.0 < size[0];
    let written = size[1] >= 15.0 && cells.values.iter().all(|v| !v.is_finite() || room(*v));
    let name = |names: &[String], i: usize| {
        names.get(i).filter(|n| !n.is_empty()).map(|n| text::short(n)).unwrap_or(i.to_string())
    };
    canvas.raw(if gap == 0.0 { "<g class=\"ls-crisp\">" } else { "<g>" });
    for (i, v) in cells.values.iter().enumerate() {
        let (r, c) = (i / cells.columns, i % cells.columns);
        // Borders are rounded before they become widths: neighbours must neither overlap nor leave a seam.
        let border = |start: f64, k: usize, n: usize| ((start + size[k] * n as f64) * 10.0).round() / 10.0;
        let (x, y) = (border(left, 0, c), border(top, 1, r));
        let (w, h) = (border(left, 0, c + 1) - x, border(top, 1, r + 1) - y);
        let block = [x + gap, y + gap, w - 2.0 * gap, h - 2.0 * gap];
        let tip = if cells.values.len() <= TIPS {
            let value = text::number(f64::from(*v));
            format!("{}, {}: {value}", name(&map.row_names, r), name(&map.column_names, c))
        } else {
            String::new()
        };
        let round = if gap > 0.0 { " rx=\"2\"" } else { "" };
        match ramp.at(*v) {
            Some((opacity, negative)) => {
                let mut extra = String::from(" fill-opacity=\"");
                push_hundredths(&mut extra, 0.04 + 0.96 * opacity);
                extra.push('"');
                extra.push_str(round);
                canvas.rect(block, ramp.fill(negative), &extra, &tip);
                if written {
                    // At 0.78 of the default accents both text colours have the same contrast, in light and in dark.
                    let class = if opacity > 0.78 { "ls-v ls-k ls-c ls-b" } else { "ls-v ls-c ls-k ls-fg" };
                    let value = text::value(f64::from(*v), decimals);
                    canvas.text(block[0] + block[2] / 2.0, block[1] + block[3] / 2.0 + 3.9, class, &value);
                }
            }
            None => {
                let [x, y, w, h] = block;
                canvas.line([x, y + h], [x + w, y], "ls-g");
            }
        }
    }
    canvas.raw("</g>");
}

fn push_hundredths(out: &mut String, v: f64) {
    let n = (v * 100.0).round() as u32;
    out.push_str(&if n >= 100 { "1".to_owned() } else { format!(".{n:02}") });
}

/// The whole matrix as the mask of a coloured rectangle: small, and its colours still follow the page.
fn embedded(canvas: &mut Canvas, cells: &Matrix, ramp: &Ramp, [x, y, w, h]: [f64; 4]) {
    for (negative, name) in [(false, "p"), (true, "n")] {
        if negative && !ramp.both {
            continue;
        }
        let level = |v: &f32| match ramp.at(*v) {
            Some((opacity, n)) if n == negative => (opacity * 255.0).round() as u8,
            _ => 0,
        };
        let samples: Vec<u8> = cells.values.iter().map(level).collect();
        let id = format!("{}-{name}", canvas.prefix);
        // Grey levels are opacities here, so the mask must not convert them from sRGB to linear light.
        canvas.raw("<mask id=\"").raw(&id).raw("\" color-interpolation=\"sRGB\"><image class=\"ls-crisp\"");
        canvas.attr("x", x).attr("y", y).attr("width", w).attr("height", h);
        let url = png::data_url(cells.columns, cells.rows, 1, &samples);
        canvas.raw(" preserveAspectRatio=\"none\" href=\"").raw(&url).raw("\"/></mask>");
        canvas.rect([x, y, w, h], ramp.fill(negative), &format!(" mask=\"url(#{id})\""), "");
    }
    canvas.path(&frame([x, y, w, h]), "ls-g");
}

fn frame([x, y, w, h]: [f64; 4]) -> String {
    let mut out = String::from("M");
    for (v, end) in [(x, ' '), (y, 'H'), (x + w, 'V'), (y + h, 'H'), (x, 'z')] {
        text::coordinate(&mut out, v);
        out.push(end);
    }
    out
}

/// The scale of the colours.
fn key(canvas: &mut Canvas, ramp: &Ramp, ends: &[String; 2], [x, top, bottom]: [f64; 3]) {
    let id = format!("{}-k", canvas.prefix);
    canvas.raw("<defs>");
    let stops: &[(&str, &str, &str, &str)] = if ramp.both {
        &[("", ramp.fill(false), "1", ".04"), ("n", ramp.fill(true), ".04", "1")]
    } else {
        &[("", ramp.fill(false), "1", ".04")]
    };
    for (suffix, _, from, to) in stops {
        canvas.raw(&format!(
            "<mask id=\"{id}{suffix}\" maskContentUnits=\"objectBoundingBox\" color-interpolation=\"sRGB\">\
             <linearGradient id=\"{id}g{suffix}\" x2=\"0\" y2=\"1\"><stop stop-color=\"#fff\" stop-opacity=\"{from}\"/>\
             <stop offset=\"1\" stop-color=\"#fff\" stop-opacity=\"{to}\"/></linearGradient>\
             <rect width=\"1\" height=\"1\" fill=\"url(#{id}g{suffix})\"/></mask>"
        ));
    }
    canvas.raw("</defs>");
    let part = (bottom - top) / stops.len() as f64;
    for (i, (suffix, class, ..)) in stops.iter().enumerate() {
        let block = [x, top + part * i as f64, 9.0, part];
        canvas.rect(block, class, &format!(" mask=\"url(#{id}{suffix})\""), "");
    }
    canvas.text(x + 14.0, top + 9.0, "ls-k", &text::fit(&ends[1], SMALL, 74.0));
    if ramp.both {
        canvas.text(x + 14.0, (top + bottom) / 2.0 + 4.0, "ls-k", "0");
    }
    canvas.text(x + 14.0, bottom, "ls-k", &text::fit(&ends[0], SMALL, 74.0));
}

#[cfg(test)]
mod tests {
    use super::*;
    use lowshot_protocol::Axis;

    #[test]
    fn large_matrices_are_averaged_and_short_rows_filled() {
        let map = |columns, values| Heatmap {
            x: Axis::default(),
            y: Axis::default(),
            columns,
            values,
            row_names: vec![],
            column_names: vec![],
        };
        let m = matrix(&map(400, vec![2.0; 400 * 10])).unwrap();
        assert_eq!((m.rows, m.columns), (10, 134));
        assert!(m.values.iter().all(|v| *v == 2.0));
        let m = matrix(&map(3, vec![1.0; 4])).unwrap();
        assert_eq!((m.rows, m.columns, m.values[3], m.values[4].is_nan()), (2, 3, 1.0, true));
        assert!(matrix(&map(0, vec![1.0])).is_none() && matrix(&map(usize::MAX, vec![1.0])).is_none());
    }

    #[test]
    fn the_ramp_starts_at_zero_where_that_is_near_and_is_symmetric_for_both_signs() {
        let at = |values: &[f32], v| Ramp::new(values).unwrap().at(v);
        assert_eq!(at(&[1.0, 4.0], 1.0), Some((0.25, false)));
        assert_eq!(at(&[9.0, 10.0], 9.0), Some((0.0, false)));
        assert_eq!(at(&[-1.0, 4.0], -1.0), Some((0.25, true)));
        assert_eq!(at(&[3.0, 3.0], f32::NAN), None);
        assert!(Ramp::new(&[f32::NAN]).is_none());
    }
}
