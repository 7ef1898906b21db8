mod bad_input;
mod ordering;
mod properties;
mod sheet;

use super::lewis::LewisOptions;
use super::score::Scores;
use super::sensitivity::{Certified, SolveOptions};
use super::{Basis, Dense, NoWatch};
use crate::Rng;
use futures::executor::block_on;

/// The worked example: rows (1,0), (0,1), (1,1), (1,−1), (2,1).
fn five() -> Dense {
    Dense::new(vec![1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, -1.0, 2.0, 1.0], 2).unwrap()
}

/// Gaussian rows, each times a log-normal size.
fn heavy(n: usize, d: usize, seed: u64) -> Dense {
    let mut rng = Rng::new(seed);
    let mut values = Vec::new();
    for _ in 0..n {
        let size = libm::exp(rng.normal());
        values.extend((0..d).map(|_| size * rng.normal()));
    }
    Dense::new(values, d).unwrap()
}

fn exact(a: &Dense, p: f64) -> (Scores, Vec<Certified>, Dense) {
    let options = SolveOptions { iterations: 200, ..SolveOptions::default() };
    block_on(Scores::exact(a, p, options, &mut NoWatch)).unwrap()
}

fn cheap(a: &Dense, p: f64) -> Scores {
    let basis = block_on(Basis::of(a, 1e-10, &mut NoWatch)).unwrap();
    let options = LewisOptions { tolerance: 1e-12, ..LewisOptions::default() };
    block_on(Scores::cheap(&basis, p, options, &mut NoWatch)).unwrap()
}

#[track_caller]
fn all_close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= tolerance, "value {i}: {a} is not {b}, of {found:?}");
    }
}
