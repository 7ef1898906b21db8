//! What people see of a trial: where samples went, and the Lasso path.

use lowshot_core::lasso::LassoPoint;
use lowshot_protocol::{Axis, Bar, Bars, Lines, Series, View};

/// Most bars; of more tasks those with the most samples.
const BARS: usize = 40;
/// Most curves of a path.
const CURVES: usize = 8;

/// Samples of each task; a mark where the true relevance of least 1-norm would put them.
pub fn allocation(names: &[String], counts: &[usize], truth: &[f64], budget: f64) -> View {
    let mut order: Vec<usize> = (0..names.len()).collect();
    if names.len() > BARS {
        order.sort_by(|a, b| counts[*b].cmp(&counts[*a]).then(a.cmp(b)));
        order.truncate(BARS);
        order.sort_unstable();
    }
    let norm: f64 = truth.iter().map(|nu| nu.abs()).sum();
    let mut bars = Vec::with_capacity(order.len());
    for t in order {
        let nu = truth.get(t).map_or(0.0, |nu| nu.abs());
        let best = if nu > 0.0 { budget * nu / norm } else { 0.0 };
        bars.push(Bar {
            name: names[t].clone(),
            value: counts[t] as f64,
            interval: (nu > 0.0).then_some([best, best]),
            highlight: nu > 0.0,
        });
    }
    View::Bars(Bars { y: Axis::new("samples"), bars })
}

/// Relevance against the weight of the Lasso, of the tasks with the largest.
pub fn path(names: &[String], path: &[LassoPoint]) -> View {
    let mut largest = vec![0.0_f64; names.len()];
    for point in path {
        for (largest, nu) in largest.iter_mut().zip(&point.x) {
            *largest = largest.max(nu.abs());
        }
    }
    let mut order: Vec<usize> = (0..names.len()).filter(|t| largest[*t] > 0.0).collect();
    order.sort_by(|a, b| largest[*b].total_cmp(&largest[*a]).then(a.cmp(b)));
    order.truncate(CURVES);
    order.sort_unstable();
    let top = path.first().map_or(1.0, |point| point.lambda);
    let curve = |t: usize| {
        let points = path.iter().rev().map(|point| [point.lambda / top, point.x[t]]);
        Series::new(names[t].clone(), points.collect())
    };
    let x = Axis { log: true, ..Axis::new("weight of the Lasso (share of the largest)") };
    View::Lines(Lines { x, y: Axis::new("relevance ν"), series: order.into_iter().map(curve).collect() })
}
