//! Counts by bin.

use crate::area::{Area, Request};
use crate::canvas::Canvas;
use crate::scale::Fit;
use crate::text;
use lowshot_protocol::{Axis, Histogram};

/// Most bins drawn; with more, neighbours are joined.
const MOST: usize = 160;

/// Bins that can be drawn: ascending finite borders and a finite count.
pub(crate) fn bins(histogram: &Histogram) -> Vec<([f64; 2], f64)> {
    histogram
        .edges
        .windows(2)
        .zip(&histogram.counts)
        .map(|(e, &c)| ([e[0].min(e[1]), e[0].max(e[1])], c))
        .filter(|(e, c)| e.iter().all(|v| v.is_finite()) && e[0] < e[1] && c.is_finite())
        .filter(|(e, _)| !histogram.x.log || e[0] > 0.0)
        .collect()
}

pub(crate) fn draw(canvas: &mut Canvas, histogram: &Histogram) {
    let all = bins(histogram);
    let lost = histogram.counts.len().saturating_sub(all.len());
    if lost > 0 && !all.is_empty() {
        canvas.notes.push(format!("{} without a place on the axes", text::count(lost, "bin")));
    }
    let group = all.len().div_ceil(MOST).max(1);
    let joined: Vec<([f64; 2], f64)> = all
        .chunks(group)
        .map(|part| {
            let lo = part.iter().map(|b| b.0[0]).fold(f64::INFINITY, f64::min);
            let hi = part.iter().map(|b| b.0[1]).fold(f64::NEG_INFINITY, f64::max);
            ([lo, hi], part.iter().map(|b| b.1).sum::<f64>())
        })
        .filter(|b| b.1.is_finite())
        .collect();
    if group > 1 {
        canvas.notes.push(format!("{group} bins joined in one"));
    }
    if joined.is_empty() {
        return canvas.no_data("");
    }
    let request = Request {
        x: &histogram.x,
        y: &Axis::new("count"),
        x_values: &mut joined.iter().flat_map(|b| b.0),
        y_values: &mut joined.iter().map(|b| b.1),
        fit: [Fit::Tight, Fit::Zero],
        right: 0.0,
        grid_x: false,
    };
    let Some(area) = Area::new(canvas, request) else {
        return canvas.no_data("");
    };
    let base = area.bottom - (area.bottom - area.top) * area.y.base();
    for ([lo, hi], n) in &joined {
        let (Some(a), Some(b), Some(top)) = (area.at_x(*lo), area.at_x(*hi), area.at_y(*n)) else { continue };
        let (a, b) = (a.clamp(area.left, area.right), b.clamp(area.left, area.right));
        let gap = if b - a > 4.0 { 0.5 } else { 0.0 };
        let tip = if joined.len() <= 64 {
            format!("{} to {}: {}", text::number(*lo), text::number(*hi), text::number(*n))
        } else {
            String::new()
        };
        if b > a {
            let block = [a + gap, top.min(base), b - a - 2.0 * gap, (top - base).abs()];
            canvas.rect(block, "ls-a", " fill-opacity=\".82\"", &tip);
        }
    }
    canvas.line([area.left, base.floor() + 0.5], [area.right, base.floor() + 0.5], "ls-x");
}
