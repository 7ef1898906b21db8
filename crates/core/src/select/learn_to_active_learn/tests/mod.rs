//! Checks against the published definitions, worked numbers and plain enumerations.

#![allow(clippy::approx_constant, reason = "a tabled loss of 0.5236 is not a sixth of π")]

mod games;
mod properties;
mod sheet;
mod training;

use super::*;

/// Thresholds on four points, six queries, three classes θ = c·z.
fn thresholds() -> (Problem, Family) {
    let problem = Problem::thresholds(4, 6).unwrap();
    let family = Family::scaled_hypotheses(&problem, &[0.9, 0.5, 0.25]).unwrap();
    (problem, family)
}

/// Best of three arms, six queries, classes ρ = 6, 20, 60.
fn arms() -> (Problem, Family) {
    let problem = Problem::best_arm(3, 6).unwrap();
    let family = Family::arms(&problem, &[6.0, 20.0, 60.0]).unwrap();
    (problem, family)
}

fn solved<'a>(
    problem: &'a Problem,
    states: &'a States,
    instances: &[Vec<f64>],
    offsets: Vec<f64>,
    steps: usize,
) -> MinMax<'a> {
    let mut minmax = MinMax::new(ExactGame::new(problem, states, instances).unwrap(), offsets).unwrap();
    for _ in 0..steps {
        minmax.step();
    }
    minmax
}

#[track_caller]
fn near(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= tolerance, "{found:?} is not {expected:?} to {tolerance}");
    }
}
