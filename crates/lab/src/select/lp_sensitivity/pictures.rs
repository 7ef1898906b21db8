//! What a run shows.

use super::config::Config;
use super::data::Table;
use super::scoring::Scored;
use super::trials::{Outcome, Record};
use crate::Context;
use lowshot_core::pca::Plane;
use lowshot_core::select::lp_sensitivity::bounds::{Problem, bounds};
use lowshot_core::select::lp_sensitivity::{Basis, Dense, Rows, Score, power};
use lowshot_protocol::{Axis, Bar, Bars, Lines, Point, Role, Scatter, Series, View};

/// Rows of a picture; more cannot be told apart.
const DRAWN: usize = 2000;
/// Rows that a ratio is measured over; of a larger matrix, so many rows spread over it.
const RATIO_ROWS: usize = 20_000;
/// Smallest excess on a logarithmic axis.
const LEAST: f64 = 1e-8;

/// Rows that are drawn: all, or some spread over the matrix.
fn spread(n: usize, limit: usize) -> impl Iterator<Item = usize> {
    let stride = n.div_ceil(limit).max(1);
    (0..n).step_by(stride)
}

/// Places of rows in the plane: of a polynomial number and target, else along the two longest directions.
struct Places {
    plane: Option<Plane>,
    columns: usize,
}

impl Places {
    fn new(table: &Table) -> Places {
        let columns = table.columns();
        if table.polynomial && columns > 2 && table.has_target() || columns == 2 {
            return Places { plane: None, columns };
        }
        let mut rows = Vec::new();
        let mut row = vec![0.0; columns];
        for i in spread(table.rows(), DRAWN) {
            table.read(i, &mut row);
            rows.extend(row.iter().map(|x| *x as f32));
        }
        Places { plane: Some(Plane::fit(&rows, columns)), columns }
    }

    fn of(&self, row: &[f64], polynomial: bool) -> [f64; 2] {
        match &self.plane {
            Some(plane) => plane.project(&row.iter().map(|x| *x as f32).collect::<Vec<_>>()),
            None => [row[usize::from(polynomial)], row[self.columns - 1]],
        }
    }

    fn axes(&self, polynomial: bool) -> [Axis; 2] {
        match (&self.plane, polynomial) {
            (Some(_), _) => ["first principal direction", "second principal direction"],
            (None, true) => ["t", "target"],
            (None, false) => ["first column", "last column"],
        }
        .map(Axis::new)
    }
}

/// The rows before anything is known of them.
pub fn first_cloud(table: &Table, cx: &Context) {
    cloud(table, &[], &[], cx);
}

/// The rows with their scores as areas, the kept ones ringed.
pub fn cloud(table: &Table, scores: &[f64], kept: &[usize], cx: &Context) {
    let places = Places::new(table);
    let n = table.rows();
    let mut is_kept = vec![false; n];
    kept.iter().for_each(|i| is_kept[*i] = true);
    let drawn = spread(n, DRAWN).filter(|i| !is_kept[*i]).chain(kept.iter().copied().take(DRAWN));
    let positive = scores.iter().filter(|s| **s > 0.0).count().max(1) as f64;
    let mean = scores.iter().sum::<f64>() / positive;
    let mut row = vec![0.0; table.columns()];
    let (mut points, mut sizes) = (Vec::new(), Vec::new());
    for i in drawn {
        table.read(i, &mut row);
        let [x, y] = places.of(&row, table.polynomial);
        let role = if is_kept[i] { Role::Selected } else { Role::Query };
        points.push(Point { x, y, class: None, predicted: None, role });
        if mean > 0.0 {
            sizes.push((scores.get(i).copied().unwrap_or(0.0) / mean) as f32);
        }
    }
    let [x, y] = places.axes(table.polynomial);
    let view = Scatter { x, y, points, edges: vec![], classes: vec![], sizes };
    cx.view("points", View::Scatter(view));
}

/// The fit on all rows and on each selection, along the feature that moves the prediction most.
pub fn fit(table: &Table, outcome: &Outcome, cx: &Context) {
    let Some(full) = &outcome.full else {
        let y = Axis::new("prediction");
        return cx.view("fit", View::Lines(Lines { x: Axis::new("feature"), y, series: vec![] }));
    };
    let width = table.width();
    let mut row = vec![0.0; table.columns()];
    let mut mean = vec![0.0; width];
    let (mut low, mut high) = (vec![f64::INFINITY; width], vec![f64::NEG_INFINITY; width]);
    let mut count = 0.0;
    for i in spread(table.rows(), DRAWN) {
        table.read(i, &mut row);
        count += 1.0;
        for (k, x) in row.iter().take(width).enumerate() {
            mean[k] += x;
            low[k] = low[k].min(*x);
            high[k] = high[k].max(*x);
        }
    }
    mean.iter_mut().for_each(|x| *x /= f64::max(count, 1.0));
    let reach = |k: usize| (high[k] - low[k]) * full.coefficients[k].abs();
    let along = (0..width).fold(0, |best, k| if reach(k) > reach(best) { k } else { best });
    let polynomial = |c: &[f64], t: f64| c.iter().rev().fold(0.0, |sum, c| sum * t + c);
    // Straight lines differ by less than their own width; what differs is what they add to the fit on all rows.
    let difference = |c: &[f64], x: f64| {
        let more = |k: usize| c[k] - full.coefficients[k];
        (0..width).map(|k| more(k) * mean[k]).sum::<f64>() + more(along) * (x - mean[along])
    };
    let steps = if table.polynomial { 60 } else { 1 };
    let curve = |coefficients: &[f64]| {
        let at = |step: usize| {
            let share = step as f64 / steps as f64;
            if table.polynomial {
                let t = 2.0 * share - 1.0;
                return [t, polynomial(coefficients, t)];
            }
            let x = low[along] + share * (high[along] - low[along]);
            [x, difference(coefficients, x)]
        };
        (0..=steps).map(at).collect::<Vec<_>>()
    };
    let kept = outcome.scores.iter().zip(&outcome.fits);
    let kept = kept.filter_map(|(s, fit)| Some(Series::new(s.name(), curve(&fit.as_ref()?.coefficients))));
    let series = [Series::new("all rows", curve(&full.coefficients))].into_iter().chain(kept).collect();
    let (x, y) = if table.polynomial {
        ("t".to_owned(), "prediction")
    } else {
        let x = format!("column {} (others at their mean)", along + 1);
        (x, "prediction, less that of the fit on all rows")
    };
    cx.view("fit", View::Lines(Lines { x: Axis::new(&x), y: Axis::new(y), series }));
}

/// Kept loss over full loss, over the directions of a plane: all directions where there are two columns.
pub fn ratio(config: &Config, basis: &Basis<'_>, outcome: &Outcome, cx: &Context) {
    let n = basis.rows();
    let rank = basis.rank();
    if rank < 2 {
        return;
    }
    let rows: Vec<usize> = spread(n, RATIO_ROWS).collect();
    let stride = n as f64 / rows.len() as f64;
    let Ok(u) = Dense::gather(basis, &rows, &vec![1.0; rows.len()]) else { return };
    let steps = if n > 2000 { 36 } else { 90 };
    let direction = |step: usize| {
        let angle = std::f64::consts::PI * step as f64 / steps as f64;
        let mut x = vec![0.0; rank];
        (x[0], x[1]) = (angle.cos(), angle.sin());
        x
    };
    let loss = |u: &Dense, weights: &[f64], x: &[f64]| -> f64 {
        let rows = u.values().chunks_exact(rank).enumerate();
        let term = |(i, row): (usize, &[f64])| {
            let value = row.iter().zip(x).map(|(u, x)| u * x).sum();
            weights.get(i).copied().unwrap_or(1.0) * power(value, config.p)
        };
        rows.map(term).sum()
    };
    let full: Vec<f64> = (0..=steps).map(|step| stride * loss(&u, &[], &direction(step))).collect();
    let mut series = Vec::new();
    for (score, sample) in outcome.scores.iter().zip(&outcome.samples) {
        let Ok(kept) = Dense::gather(basis, &sample.rows, &vec![1.0; sample.rows.len()]) else { continue };
        let at = |(step, full): (usize, &f64)| {
            let share = loss(&kept, &sample.weights, &direction(step)) / full;
            [180.0 * step as f64 / steps as f64, if share.is_finite() { share } else { 1.0 }]
        };
        series.push(Series::new(score.name(), full.iter().enumerate().map(at).collect()));
    }
    let y = Axis::new("kept loss / full loss");
    cx.view("ratio", View::Lines(Lines { x: Axis::new("direction of x (degrees)"), y, series }));
}

/// Sums of scores, and the sizes that theory predicts.
pub fn bars(config: &Config, table: &Table, scored: &Scored, size: f64, cx: &Context) {
    let scores = &scored.scores;
    let d = scores.rank as f64;
    let bar = |name: &str, value: f64, highlight: bool| Bar {
        name: name.to_owned(),
        value,
        interval: None,
        highlight,
    };
    let mut total = bar("sensitivities", scored.total, true);
    if scored.total_error > 0.0 {
        let half = 1.96 * scored.total_error;
        total.interval = Some([(scored.total - half).max(0.0), scored.total + half]);
    }
    let root: f64 = scores.of(Score::RootLeverage).iter().sum();
    let sums = vec![
        total,
        bar("Lewis weights = rank", scores.lewis.weights.iter().sum(), false),
        bar("rank^(p/2)", d.powf(0.5 * config.p), false),
        bar("root leverage", root, false),
    ];
    let log = |label: &str| Axis { label: label.to_owned(), log: true, range: None };
    cx.view("sums", View::Bars(Bars { y: log("sum of the scores"), bars: sums }));
    let problem = Problem {
        p: config.p,
        n: table.rows(),
        d: scores.rank,
        total: scored.total,
        epsilon: config.epsilon,
    };
    let mut sizes: Vec<Bar> = bounds(&problem).iter().map(|b| bar(b.scheme, b.rows, false)).collect();
    sizes.push(bar(&format!("this run ({})", config.score.name()), size, true));
    let y = log("rows, up to constants and logarithms");
    cx.view("sizes", View::Bars(Bars { y, bars: sizes }));
}

/// Median excess over the size, with the range of the middle 80 % of the trials.
pub fn excess<'a>(
    outcome: &Outcome,
    records: impl Iterator<Item = &'a Record>,
    regression: bool,
    cx: &Context,
) {
    let records: Vec<&Record> = records.collect();
    let column = |at: usize| -> Vec<f64> {
        let mut values: Vec<f64> = records.iter().filter_map(|r| r.excess.get(at).copied()).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let sizes = outcome.sizes.len();
    let series = outcome.scores.iter().enumerate().map(|(s, score)| {
        let (mut points, mut band) = (Vec::new(), Vec::new());
        for (k, size) in outcome.sizes.iter().enumerate() {
            let values = column(s * sizes + k);
            if values.is_empty() {
                continue;
            }
            let quantile = |q: f64| values[((values.len() - 1) as f64 * q).round() as usize].max(LEAST);
            points.push([*size, quantile(0.5)]);
            band.push([quantile(0.1), quantile(0.9)]);
        }
        Series { band, ..Series::new(score.name(), points) }
    });
    let label = if regression { "excess cost of the fit" } else { "worst distortion found" };
    let y = Axis { label: label.to_owned(), log: true, range: None };
    let x = Axis { label: "expected rows".to_owned(), log: true, range: None };
    cx.view("excess", View::Lines(Lines { x, y, series: series.collect() }));
}
