mod bad_input;
mod fit;
mod ordering;
mod properties;
mod sheet;

use super::allocation::Limits;
use super::{LinearWorld, Moments, TaskSource};
use crate::Rng;

/// The worked example: heads (1,0), (0,1), (0.8,0.8), (−0.5,0.5) and the target (1,1).
const HEADS: [f64; 8] = [1.0, 0.0, 0.0, 1.0, 0.8, 0.8, -0.5, 0.5];
const TARGET: [f64; 2] = [1.0, 1.0];

fn normal(count: usize, rng: &mut Rng) -> Vec<f64> {
    (0..count).map(|_| rng.normal()).collect()
}

fn near(found: &[f64], wanted: &[f64], tolerance: f64) {
    assert_eq!(found.len(), wanted.len());
    for (a, b) in found.iter().zip(wanted) {
        assert!((a - b).abs() <= tolerance, "{found:?}, wanted {wanted:?}");
    }
}

/// No limit but a floor.
fn floor<'a>(floor: usize, caps: &'a [usize], costs: &'a [f64]) -> Limits<'a> {
    Limits { floor, caps, costs }
}

fn each(world: &mut LinearWorld, dims: usize, count: usize) -> Moments {
    let mut moments = Moments::new(world.tasks(), dims);
    for t in 0..world.tasks() {
        world.draw(t, count, &mut moments);
    }
    moments
}
