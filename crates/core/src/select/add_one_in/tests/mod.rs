mod failures;
mod ordering;
mod properties;
mod sheet;
mod uniformity;

use super::*;
use crate::Rng;
use crate::select::{Points, QualityPool};
use futures::executor::block_on;

/// The worked example: six points with qualities.
fn six() -> QualityPool {
    let rows = vec![0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.1, 0.0, 0.1, 0.9];
    QualityPool::new(Points::new(rows, 2).unwrap(), vec![0.2, 0.9, 0.5, 0.7, 0.4, 0.8]).unwrap()
}

/// A pool of distinct points and qualities.
fn pool(rows: usize, seed: u64) -> QualityPool {
    let mut rng = Rng::new(seed).split("pool");
    let values = (0..2 * rows).map(|_| rng.uniform() as f32).collect();
    let quality = (0..rows).map(|_| rng.uniform()).collect();
    QualityPool::new(Points::new(values, 2).unwrap(), quality).unwrap()
}

fn config(budget: usize, context: usize, options: usize, initial: usize) -> AddOneInConfig {
    AddOneInConfig { budget, context, options, initial, ..Default::default() }
}

fn run<S: ChoiceScorer>(config: AddOneInConfig, rows: usize, judge: S, seed: u64) -> Chosen {
    block_on(AddOneIn::new(config).run(rows, judge, &Rng::new(seed), &mut ())).unwrap()
}

fn question(context: &[usize], options: &[usize]) -> Question {
    Question { shard: 0, step: 0, attempt: 0, context: context.to_vec(), options: options.to_vec() }
}
