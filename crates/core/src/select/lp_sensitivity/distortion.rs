//! How far kept rows are off, over the worst direction that a search finds.

use super::power::power;
use super::rows::{Dense, Rows};
use super::sample::Sample;
use crate::Rng;

/// Kept loss over full loss, at the two worst directions found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distortion {
    /// Smallest ratio.
    pub low: f64,
    /// Largest ratio.
    pub high: f64,
}

impl Distortion {
    /// The larger distance from 1: a lower bound of sup over x of |‖SAx‖_p^p / ‖Ax‖_p^p − 1|.
    #[must_use]
    pub fn worst(&self) -> f64 {
        (self.high - 1.0).max(1.0 - self.low)
    }
}

/// The kept loss Σ w|uᵀx|^p over the full loss, in direction x (basis coordinates). 1 where both are 0.
#[must_use]
pub fn ratio(u: &Dense, p: f64, sample: &Sample, x: &[f64]) -> f64 {
    let loss = |row: &[f64]| power(row.iter().zip(x).map(|(u, x)| u * x).sum(), p);
    let full: f64 = u.values().chunks_exact(x.len().max(1)).map(loss).sum();
    let kept: f64 = sample.rows.iter().zip(&sample.weights).map(|(i, w)| w * loss(u.row(*i))).sum();
    if full > 0.0 { kept / full } else { 1.0 }
}

/// Searches for the worst directions: `tries` random ones, then a local search from the best few. Random directions
/// alone hide the bad ones. Two columns need no search: half a circle is scanned.
#[must_use]
pub fn distortion(u: &Dense, p: f64, sample: &Sample, tries: usize, rng: &Rng) -> Distortion {
    let r = u.columns();
    let at = |x: &[f64]| ratio(u, p, sample, x);
    let mut rng = rng.split("directions");
    let mut starts: Vec<(f64, Vec<f64>)> = (0..tries.max(8))
        .map(|k| {
            let angle = std::f64::consts::PI * k as f64 / tries.max(8) as f64;
            let x = match r {
                2 => vec![libm::cos(angle), libm::sin(angle)],
                _ => (0..r).map(|_| rng.normal()).collect(),
            };
            (at(&x), x)
        })
        .collect();
    starts.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (few, rounds) = if r <= 2 { (1, 20) } else { (4, 30 * r.min(10)) };
    let mut search = |start: &(f64, Vec<f64>), sign: f64| {
        let (mut best, mut x) = start.clone();
        let mut step = 0.5;
        for _ in 0..rounds {
            let length = x.iter().map(|x| x * x).sum::<f64>().sqrt() / (r as f64).sqrt();
            let moved: Vec<f64> = x.iter().map(|x| x + step * length * rng.normal()).collect();
            let value = at(&moved);
            if sign * value > sign * best {
                (best, x) = (value, moved);
                step = (step * 1.5_f64).min(1.0);
            } else {
                step *= 0.85;
            }
        }
        best
    };
    let low = starts.iter().take(few).map(|s| search(s, -1.0)).fold(f64::INFINITY, f64::min);
    let high = starts.iter().rev().take(few).map(|s| search(s, 1.0)).fold(0.0, f64::max);
    Distortion { low, high }
}
