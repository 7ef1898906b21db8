//! Curves.

use crate::area::{Area, Request};
use crate::canvas::{Canvas, Entry, MARGIN, TEXT};
use crate::marks::{self, Mark};
use crate::scale::Fit;
use crate::{text, thin};
use lowshot_protocol::{Lines, Series};

/// Most curves drawn; more cannot be told apart.
const MOST: usize = 24;
/// Points of all curves together.
const POINTS: usize = 9000;
/// Height of a direct label.
const LINE: f64 = 15.0;

pub(crate) fn draw(canvas: &mut Canvas, lines: &Lines) {
    let series: Vec<&Series> = lines.series.iter().take(MOST).collect();
    if lines.series.len() > MOST {
        canvas.notes.push(format!("{MOST} of {} drawn", text::count(lines.series.len(), "curve")));
    }
    let lost = |log: bool, k: usize| {
        let bad = |p: &&[f64; 2]| !p[k].is_finite() || (log && p[k] <= 0.0);
        series.iter().map(|s| s.points.iter().filter(bad).count()).sum::<usize>()
    };
    let lost = lost(lines.x.log, 0).max(lost(lines.y.log, 1));
    if lost > 0 {
        canvas.notes.push(format!("{} without a place on the axes", text::count(lost, "point")));
    }
    let many = series.len() > 1;
    let named =
        series.len() > 1 || series.first().is_some_and(|s| !s.name.is_empty() && s.name != lines.y.label);
    // Names beside the ends of the curves save looking to and fro; without the width for it there is a legend.
    let beside = many && series.len() <= 8 && canvas.width >= 440.0;
    let limit = canvas.width * 0.28;
    let mut right = 0.0;
    if beside {
        let widest = series.iter().map(|s| text::width(&s.name, TEXT)).fold(0.0, f64::max);
        right = widest.min(limit) + 18.0;
    } else if named {
        let entries: Vec<Entry> = series
            .iter()
            .enumerate()
            .map(|(i, s)| Entry { mark: Mark::Line(i, many), name: s.name.clone() })
            .collect();
        canvas.legend(&entries);
    }
    let drawable = |p: &&[f64; 2]| {
        p.iter().all(|v| v.is_finite()) && (!lines.x.log || p[0] > 0.0) && (!lines.y.log || p[1] > 0.0)
    };
    let points = || series.iter().flat_map(|s| s.points.iter()).filter(drawable);
    let log = lines.y.log;
    let bands = series.iter().flat_map(|s| s.band.iter().flatten().copied());
    let bands = bands.filter(|v| v.is_finite() && (!log || *v > 0.0));
    let request = Request {
        x: &lines.x,
        y: &lines.y,
        x_values: &mut points().map(|p| p[0]),
        y_values: &mut points().map(|p| p[1]).chain(bands),
        fit: [Fit::Tight, Fit::Nice],
        right,
        grid_x: false,
    };
    let Some(area) = Area::new(canvas, request).filter(|_| points().next().is_some()) else {
        return canvas.no_data("");
    };
    clip(canvas, &area);
    let budget = (POINTS / series.len().max(1)).min((area.right - area.left) as usize * 2);
    for (i, s) in series.iter().enumerate().rev() {
        band(canvas, s, i, &area, budget);
    }
    let mut ends = Vec::new();
    for (i, s) in series.iter().enumerate().rev() {
        let colour = marks::colour(Some(i as u32));
        let placed = place(s, &area);
        let mut data = String::new();
        let mut dots = String::new();
        for run in placed.split(Option::is_none) {
            let run: Vec<[f64; 2]> = run.iter().flatten().copied().collect();
            match run.as_slice() {
                [] => {}
                [alone] => marks::shape(&mut dots, Some(0), *alone, 2.2),
                run => curve(&mut data, &thin::curve(run, budget)),
            }
        }
        canvas.raw("<g").class(&colour).raw(">");
        if !data.is_empty() {
            canvas.path(&data, "ls-l");
        }
        let visible: Vec<[f64; 2]> =
            placed.iter().flatten().filter(|p| on_sheet(**p, &area)).copied().collect();
        for at in spots(&visible, i, series.len()) {
            marks::shape(&mut dots, Some(i as u32), at, 3.4);
        }
        if !dots.is_empty() {
            canvas.path(&dots, "ls-f ls-o");
        }
        canvas.raw("</g>");
        if let Some(end) = visible.last() {
            ends.push((i, *end));
        }
    }
    canvas.raw("</g>");
    if beside {
        labels(canvas, &area, &series, ends, limit);
    }
}

/// Draws the band of a curve: its upper ends, and back along its lower ones. Ends without a place are left out.
fn band(canvas: &mut Canvas, series: &Series, i: usize, area: &Area, budget: usize) {
    let edge = |k: usize| -> Vec<[f64; 2]> {
        let pairs =
            series.points.iter().zip(&series.band).filter(|(p, b)| p[0].is_finite() && b[k].is_finite());
        let placed = pairs.filter_map(|(p, b)| Some([area.at_x(p[0])?, area.at_y(b[k])?]));
        thin::curve(&placed.collect::<Vec<_>>(), budget / 2)
    };
    let (upper, mut outline) = (edge(1), edge(0));
    if upper.len() < 2 || outline.is_empty() {
        return;
    }
    outline.reverse();
    let outline = [upper, outline].concat();
    let mut data = String::new();
    curve(&mut data, &outline);
    data.push('z');
    let colour = marks::colour(Some(i as u32));
    canvas.raw("<path d=\"").raw(&data).raw("\" fill-opacity=\".13\"");
    canvas.class(&format!("ls-f {colour}")).raw("/>");
}

/// Opens a group that is clipped to the area, with some space for marks at its edges.
fn clip(canvas: &mut Canvas, area: &Area) {
    let id = canvas.prefix.clone();
    canvas.raw("<clipPath id=\"").raw(&id).raw("-c\">");
    let [w, h] = [area.right - area.left, area.bottom - area.top];
    canvas.rect([area.left - 5.0, area.top - 5.0, w + 10.0, h + 10.0], "", "", "");
    canvas.raw("</clipPath><g clip-path=\"url(#").raw(&id).raw("-c)\">");
}

fn on_sheet([x, y]: [f64; 2], area: &Area) -> bool {
    (area.left - 0.1..=area.right + 0.1).contains(&x) && (area.top - 0.1..=area.bottom + 0.1).contains(&y)
}

/// Positions of a series; `None` where the curve is broken.
fn place(series: &Series, area: &Area) -> Vec<Option<[f64; 2]>> {
    series.points.iter().map(|p| Some([area.at_x(p[0])?, area.at_y(p[1])?])).collect()
}

/// Appends a polyline, without points that fall on the one before.
fn curve(data: &mut String, points: &[[f64; 2]]) {
    let mut last = [f64::NAN; 2];
    for (i, p) in points.iter().enumerate() {
        let here = p.map(|v| (v * 10.0).round());
        if here == last {
            continue;
        }
        last = here;
        data.push(if i == 0 { 'M' } else { ' ' });
        text::coordinate(data, p[0]);
        data.push(' ');
        text::coordinate(data, p[1]);
    }
}

/// Where a curve carries its mark: at each of few points, else at its end and a few places that differ by curve.
fn spots(points: &[[f64; 2]], index: usize, curves: usize) -> Vec<[f64; 2]> {
    let n = points.len();
    if n <= 12 {
        return points.to_vec();
    }
    if curves == 1 {
        return points.last().copied().into_iter().collect();
    }
    let shift = (index % 4) as f64 / 4.0;
    let inner = (0..3).filter_map(|k| points.get(((k as f64 + 0.4 + shift) / 4.0 * n as f64) as usize));
    inner.chain(points.last()).copied().collect()
}

/// Writes the names beside the ends of the curves, moved apart where they would touch.
fn labels(
    canvas: &mut Canvas,
    area: &Area,
    series: &[&Series],
    mut ends: Vec<(usize, [f64; 2])>,
    limit: f64,
) {
    ends.sort_unstable_by(|a, b| a.1[1].total_cmp(&b.1[1]).then(a.0.cmp(&b.0)));
    let mut at: Vec<f64> = ends.iter().map(|(_, p)| p[1]).collect();
    // Downwards, then upwards from the lower edge: each label at least a line below the one above.
    for i in 1..at.len() {
        at[i] = at[i].max(at[i - 1] + LINE);
    }
    let mut floor = area.bottom.max(area.top + LINE * at.len() as f64);
    for y in at.iter_mut().rev() {
        *y = y.min(floor);
        floor = *y - LINE;
    }
    for ((i, [x, y]), label) in ends.into_iter().zip(at) {
        let start = area.right + 12.0;
        let far = start - x > 16.0;
        if far || (label - y).abs() > 4.0 {
            canvas.line([x + 5.0, y], [start - 3.0, label], "ls-y");
        }
        let name = text::fit(&series[i].name, TEXT, limit.min(canvas.width - MARGIN - start));
        canvas.text(start, label + 4.0, "", &name);
    }
}
