//! The pool with what is chosen from it, and everything that is counted over trials.

use super::config::Config;
use super::outcome::{Measure, Summary};
use super::source::Pool;
use lowshot_core::pca::Plane;
use lowshot_core::select::add_one_in::{Asked, fluid_mean, top_mean};
use lowshot_protocol::{Axis, Bar, Bars, Edge, Histogram, Lines, Point, Role, Scatter, Series, View};

/// Rows that are not chosen and are drawn all the same.
const DRAWN: u64 = 700;
/// Classes of quality.
const FIFTHS: [&str; 5] = ["quality: lowest fifth", "second", "middle", "fourth", "highest"];

/// The pool in the plane.
pub struct Picture {
    places: Vec<[f64; 2]>,
    fifths: Vec<u32>,
    /// Rows that are drawn whether or not they are chosen.
    drawn: Vec<bool>,
    axes: [&'static str; 2],
}

impl Picture {
    /// Places the rows of a pool.
    pub fn new(pool: &Pool) -> Picture {
        let points = pool.pool.points();
        let (rows, dims) = (points.rows(), points.dims());
        let flat = dims <= 2;
        let plane = (!flat).then(|| Plane::fit(points.values(), dims));
        let place = |row: usize| match &plane {
            Some(plane) => plane.project(points.row(row)),
            None => [0, 1].map(|d| points.row(row).get(d).map_or(0.0, |v| f64::from(*v))),
        };
        let fifth = |share: &f64| ((share * 5.0) as u32).min(4);
        // Rows keep the order of the pool, so an even selection is every so many of them.
        let part = |row: usize| row as u64 * DRAWN / rows.max(1) as u64;
        let drawn = (0..rows).map(|row| part(row) != part(row + 1));
        Picture {
            places: (0..rows).map(place).collect(),
            fifths: pool.percentile.iter().map(fifth).collect(),
            drawn: drawn.collect(),
            axes: if flat { ["x", "y"] } else { ["first principal direction", "second principal direction"] },
        }
    }

    /// The pool with the chosen rows; lines join the last choice with the options that it was preferred to.
    pub fn view(&self, chosen: &[usize], last: Option<&Asked>) -> View {
        let mut role = vec![Role::Query; self.places.len()];
        chosen.iter().for_each(|row| role[*row] = Role::Selected);
        let mut shown = self.drawn.clone();
        let options = last.map_or(&[][..], |last| &last.question.options);
        chosen.iter().chain(options).for_each(|row| shown[*row] = true);
        let mut number = vec![0u32; self.places.len()];
        let mut points = Vec::new();
        for (row, [x, y]) in self.places.iter().enumerate().filter(|(row, _)| shown[*row]) {
            number[row] = points.len() as u32;
            points.push(Point {
                x: *x,
                y: *y,
                class: Some(self.fifths[row]),
                predicted: None,
                role: role[row],
            });
        }
        let winner = last.and_then(Asked::row);
        let edges = winner.iter().flat_map(|winner| {
            options
                .iter()
                .filter(move |row| *row != winner)
                .map(|row| Edge { a: number[*winner], b: number[*row] })
        });
        View::Scatter(Scatter {
            sizes: vec![],
            x: Axis::new(self.axes[0]),
            y: Axis::new(self.axes[1]),
            edges: edges.collect(),
            points,
            classes: FIFTHS.map(str::to_owned).to_vec(),
        })
    }
}

/// One point a method: mean quality against mean distance to the chosen rows, and the way of the method there.
pub fn plane(summary: &Summary) -> View {
    let mut points = Vec::new();
    let mut edges = Vec::new();
    let path = summary.records().find(|record| !record.path.is_empty()).map(|record| &record.path);
    for [x, y] in path.into_iter().flatten() {
        if !points.is_empty() {
            edges.push(Edge { a: points.len() as u32 - 1, b: points.len() as u32 });
        }
        points.push(Point { x: *x, y: *y, class: Some(0), predicted: None, role: Role::Query });
    }
    for (class, name) in summary.names().iter().enumerate() {
        let mean = |measure| summary.interval(name, measure).map(|interval| interval.mean);
        if let (Some(x), Some(y)) = (mean(Measure::MeanCover), mean(Measure::Quality)) {
            let role = if class == 0 { Role::Selected } else { Role::Query };
            points.push(Point { x, y, class: Some(class as u32), predicted: None, role });
        }
    }
    View::Scatter(Scatter {
        sizes: vec![],
        x: Axis::new("mean distance to the nearest chosen row"),
        y: Axis::new("mean quality"),
        points,
        edges,
        classes: summary.names().to_vec(),
    })
}

/// Mean quality of every method with intervals over the trials.
pub fn quality(summary: &Summary) -> View {
    let bar = |(at, name): (usize, &String)| {
        let interval = summary.interval(name, Measure::Quality)?;
        let (value, half) = (interval.mean, interval.half_width);
        Some(Bar {
            name: name.clone(),
            value,
            interval: Some([value - half, value + half]),
            highlight: at == 0,
        })
    };
    let bars = summary.names().iter().enumerate().filter_map(bar).collect();
    View::Bars(Bars { y: Axis::new("mean quality"), bars })
}

/// Rows by how often they were an option, and answers by position.
pub fn histogram(label: &str, counts: &[usize], first: usize) -> View {
    let edges = (0..=counts.len()).map(|at| (at + first) as f64 - 0.5).collect();
    View::Histogram(Histogram {
        x: Axis::new(label),
        edges,
        counts: counts.iter().map(|c| *c as f64).collect(),
    })
}

/// The closed form of a perfect judge of quality, the best rows, and what was measured.
pub fn fluid(config: &Config, summary: &Summary) -> View {
    let most = summary.records().flat_map(|record| record.growth.last()).map(|p| p[0]).fold(0.0, f64::max);
    let shares = || (0..=40).map(move |at| most * f64::from(at) / 40.0);
    let mut measured: Vec<([f64; 2], f64)> = Vec::new();
    for record in summary.records() {
        // A first checkpoint may lie among the random rows; the last ones are those that all trials have.
        for (at, point) in record.growth.iter().rev().enumerate() {
            match measured.get_mut(at) {
                Some((sum, count)) => {
                    sum.iter_mut().zip(point).for_each(|(s, v)| *s += v);
                    *count += 1.0;
                }
                None => measured.push((*point, 1.0)),
            }
        }
    }
    let measured = measured.iter().rev().map(|([x, y], count)| [x / count, y / count]).collect();
    let series = |name: String, points: Vec<[f64; 2]>| Series::new(name, points);
    let series = vec![
        series("measured".to_owned(), measured),
        series(
            format!("perfect, {} options", config.options),
            shares().map(|t| [t, fluid_mean(config.options, t)]).collect(),
        ),
        series("best rows".to_owned(), shares().map(|t| [t, top_mean(t)]).collect()),
    ];
    let y = Axis::new("mean quality percentile of the picked rows");
    View::Lines(Lines { x: Axis::new("share of the pool chosen"), y, series })
}
