//! What a picture shows, in words.

use crate::scatter::class_name;
use crate::text::{count, number, short};
use crate::{heatmap, histogram, image, marks};
use lowshot_protocol::{
    Axis, Bars, Graph, Heatmap, Histogram, Image, Lines, Point, Role, Table, Tokens, View,
};

/// Most curves, bars or classes that are described one by one.
const MOST: usize = 10;

/// The kind of a picture, for want of a title.
pub(crate) fn kind(view: &View) -> &'static str {
    match view {
        View::Lines(_) => "Line chart",
        View::Scatter(_) => "Scatter plot",
        View::Bars(_) => "Bar chart",
        View::Heatmap(_) => "Heat map",
        View::Histogram(_) => "Histogram",
        View::Image(_) => "Picture",
        View::Tokens(_) => "Text with weights",
        View::Table(_) => "Table",
        View::Graph(_) => "Graph",
    }
}

pub(crate) fn summary(view: &View) -> String {
    let body = match view {
        View::Lines(v) => lines(v),
        View::Scatter(v) => {
            format!("{}. {}", axes(&v.x, &v.y), points(&v.points, v.edges.len(), &v.classes, "point"))
        }
        View::Bars(v) => bars(v),
        View::Heatmap(v) => heatmap(v),
        View::Histogram(v) => histogram(v),
        View::Image(v) => image(v),
        View::Tokens(v) => tokens(v),
        View::Table(v) => table(v),
        View::Graph(v) => graph(v),
    };
    format!("{}: {body}", kind(view))
}

fn axes(x: &Axis, y: &Axis) -> String {
    let name = |a: &Axis, instead: &str| {
        let name = if a.label.trim().is_empty() { instead.to_owned() } else { short(a.label.trim()) };
        if a.log { format!("{name} (logarithmic)") } else { name }
    };
    format!("{} over {}", name(y, "y"), name(x, "x"))
}

fn more(n: usize, one: &str) -> String {
    if n > MOST { format!(" And {} more.", count(n - MOST, one)) } else { String::new() }
}

fn named(name: &str, instead: &str, i: usize) -> String {
    if name.trim().is_empty() { format!("{instead} {}", i + 1) } else { short(name.trim()) }
}

fn extremes(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let (lo, hi) = values
        .filter(|v| v.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
    (lo <= hi).then_some((lo, hi))
}

fn lines(v: &Lines) -> String {
    if v.series.iter().all(|s| s.points.iter().all(|p| p.iter().any(|c| !c.is_finite()))) {
        return format!("{}, no data.", axes(&v.x, &v.y));
    }
    let mut out = format!("{}, {}.", axes(&v.x, &v.y), count(v.series.len(), "curve"));
    for (i, s) in v.series.iter().enumerate().take(MOST) {
        let finite: Vec<&[f64; 2]> = s.points.iter().filter(|p| p.iter().all(|c| c.is_finite())).collect();
        let name = named(&s.name, "curve", i);
        let (Some(first), Some(last)) = (finite.first(), finite.last()) else {
            out.push_str(&format!(" {name}: no data."));
            continue;
        };
        let by = |a: &&&[f64; 2], b: &&&[f64; 2]| a[1].total_cmp(&b[1]);
        let at = |p: Option<&&[f64; 2]>| {
            p.map_or(String::new(), |p| format!("{} at {}", number(p[1]), number(p[0])))
        };
        out.push_str(&format!(
            " {name}: {}, from {} at {} to {} at {}, lowest {}, highest {}.",
            count(finite.len(), "point"),
            number(first[1]),
            number(first[0]),
            number(last[1]),
            number(last[0]),
            at(finite.iter().min_by(by)),
            at(finite.iter().max_by(by)),
        ));
        if let Some(([x, _], [low, high])) = s
            .points
            .iter()
            .zip(&s.band)
            .rfind(|(p, band)| p[0].is_finite() && band.iter().all(|c| c.is_finite()))
        {
            let (low, high) = (number(*low), number(*high));
            out.push_str(&format!(" Its interval at {}: {low} to {high}.", number(*x)));
        }
    }
    out + &more(v.series.len(), "curve")
}

fn points(points: &[Point], edges: usize, classes: &[String], one: &str) -> String {
    if points.is_empty() {
        return "No data.".into();
    }
    let mut out = count(points.len(), one);
    let of = |role| points.iter().filter(|p| p.role == role).count();
    let roles: Vec<String> =
        [(Role::Support, "labelled"), (Role::Prototype, "prototypes"), (Role::Selected, "chosen")]
            .into_iter()
            .filter(|(role, _)| of(*role) > 0)
            .map(|(role, name)| format!("{} {name}", of(role)))
            .collect();
    if !roles.is_empty() {
        out.push_str(&format!(", of which {}", roles.join(", ")));
    }
    if edges > 0 {
        out.push_str(&format!(", {}", count(edges, "edge")));
    }
    out.push('.');
    let mut counts = std::collections::BTreeMap::<u32, usize>::new();
    points
        .iter()
        .filter(|p| p.role != Role::Prototype)
        .filter_map(|p| p.class)
        .for_each(|c| *counts.entry(c).or_default() += 1);
    if !counts.is_empty() {
        let each: Vec<String> = counts
            .iter()
            .take(MOST)
            .map(|(c, n)| format!("{} {n}", short(&class_name(classes, *c))))
            .collect();
        out.push_str(&format!(" {}: {}.", count(counts.len(), "class"), each.join(", ")));
    }
    let known = |p: &&Point| p.role != Role::Support && p.class.is_some() && p.predicted.is_some();
    let judged = points.iter().filter(known).count();
    if judged > 0 {
        let wrong = points.iter().filter(known).filter(|p| marks::wrong(p)).count();
        let share = 100.0 * (judged - wrong) as f64 / judged as f64;
        out.push_str(&format!(
            " {} of {judged} predictions right ({} %).",
            judged - wrong,
            number((share * 10.0).round() / 10.0)
        ));
    }
    out
}

fn bars(v: &Bars) -> String {
    let name = if v.y.label.trim().is_empty() { "values".into() } else { short(v.y.label.trim()) };
    if v.bars.iter().all(|b| !b.value.is_finite()) {
        return format!("{name}, no data.");
    }
    let mut out = format!("{name}, {}.", count(v.bars.len(), "bar"));
    for (i, bar) in v.bars.iter().enumerate().take(MOST) {
        out.push_str(&format!(" {} {}", named(&bar.name, "bar", i), number(bar.value)));
        if let Some([lo, hi]) = bar.interval {
            out.push_str(&format!(" ({} to {})", number(lo), number(hi)));
        }
        out.push(if i + 1 == v.bars.len().min(MOST) { '.' } else { ';' });
    }
    out + &more(v.bars.len(), "bar")
}

fn heatmap(v: &Heatmap) -> String {
    let range = extremes(v.values.iter().map(|x| f64::from(*x)));
    let (Some((lo, hi)), Some(rows)) = (range, heatmap::rows(v)) else {
        return format!("{}, no data.", axes(&v.x, &v.y));
    };
    let place = |value: f64| {
        let at = v.values.iter().position(|x| f64::from(*x) == value).unwrap_or(0);
        let name = |names: &[String], i: usize| names.get(i).map_or(i.to_string(), |n| short(n));
        format!(
            "row {}, column {}",
            name(&v.row_names, at / v.columns),
            name(&v.column_names, at % v.columns)
        )
    };
    format!(
        "{}, {} and {}. Lowest {} at {}, highest {} at {}.",
        axes(&v.x, &v.y),
        count(rows, "row"),
        count(v.columns, "column"),
        number(lo),
        place(lo),
        number(hi),
        place(hi)
    )
}

fn histogram(v: &Histogram) -> String {
    let bins = histogram::bins(v);
    let name = if v.x.label.trim().is_empty() { "values".into() } else { short(v.x.label.trim()) };
    let (Some((lo, hi)), Some(most)) =
        (extremes(bins.iter().flat_map(|b| b.0)), bins.iter().max_by(|a, b| a.1.total_cmp(&b.1)))
    else {
        return format!("{name}, no data.");
    };
    format!(
        "{name}, {} from {} to {}, {} in all. Most, {}, from {} to {}.",
        count(bins.len(), "bin"),
        number(lo),
        number(hi),
        number(bins.iter().map(|b| b.1).sum()),
        number(most.1),
        number(most.0[0]),
        number(most.0[1])
    )
}

fn image(v: &Image) -> String {
    match image::channels(v) {
        Ok(channels) => format!(
            "{} × {} pixels, {}, {}.",
            v.width,
            v.height,
            if channels == 3 { "coloured" } else { "grey" },
            count(v.overlays.len(), "overlay")
        ),
        Err(why) => format!("no data: {why}."),
    }
}

fn tokens(v: &Tokens) -> String {
    if v.tokens.is_empty() {
        return "no data.".into();
    }
    let mut out = format!("{}.", count(v.tokens.len(), "token"));
    let mut top: Vec<usize> = Vec::new();
    for _ in 0..5 {
        let rest = (0..v.tokens.len()).filter(|i| !top.contains(i));
        let weighted = rest.filter(|&i| v.tokens[i].weight.is_finite() && v.tokens[i].weight != 0.0);
        let size = |i: usize| v.tokens[i].weight.abs();
        match weighted.reduce(|best, i| if size(i) > size(best) { i } else { best }) {
            Some(i) => top.push(i),
            None => break,
        }
    }
    if !top.is_empty() {
        let name =
            |&i: &usize| format!("“{}” {}", short(v.tokens[i].text.trim()), number(v.tokens[i].weight));
        out.push_str(&format!(" Strongest: {}.", top.iter().map(name).collect::<Vec<_>>().join(", ")));
    }
    out
}

fn table(v: &Table) -> String {
    let columns: Vec<String> = v.columns.iter().take(MOST).map(|c| short(c)).collect();
    let title = if v.title.is_empty() { String::new() } else { format!("{}, ", short(&v.title)) };
    format!(
        "{title}{} of {}: {}.",
        count(v.rows.len(), "row"),
        count(v.columns.len(), "column"),
        columns.join(", ")
    )
}

fn graph(v: &Graph) -> String {
    points(&v.nodes, v.edges.len(), &v.classes, "node")
}
