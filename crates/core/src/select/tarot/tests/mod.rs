mod properties;
mod sheet;
mod toy;

use super::*;
use crate::select::{Drawn, TargetMixture, TargetPool};
use crate::{CoreError, Rng};
use burn::tensor::Device;
use futures::executor::block_on;

/// Whitens and makes a pool.
fn pool(candidates: &[f32], targets: &[f32], dims: usize, config: &WhitenConfig) -> TargetPool {
    let device = Device::flex();
    let white = block_on(whiten(candidates, targets, dims, config, &device, &mut ())).unwrap();
    TargetPool::new(white.candidates, white.targets, dims, &device).unwrap()
}

fn mode(mode: WhitenMode) -> WhitenConfig {
    WhitenConfig { mode, ..WhitenConfig::default() }
}

fn tarot(config: TarotConfig) -> Tarot {
    Tarot::new(config).unwrap()
}

fn sorted(rows: &[usize]) -> Vec<usize> {
    let mut rows = rows.to_vec();
    rows.sort_unstable();
    rows
}

/// Transport distance of some candidates to all targets, well converged.
fn distance(pool: &TargetPool, rows: &[usize]) -> f64 {
    let config = crate::optimal_transport::SinkhornConfig::default();
    block_on(pool.transport(rows, None, &config, false, &mut ())).unwrap().cost
}

/// The sheet's generator.
fn toy(shares: &[f64], seed: u64) -> [Drawn; 2] {
    let make = TargetMixture { shares: shares.to_vec(), ..TargetMixture::default() };
    make.draw(800, 60, &Rng::new(seed)).unwrap()
}
