//! The checks of the method's sheet, its invariants, and the sheet's table.

mod annotation;
mod properties;
mod sheet;
mod table;

use burn::tensor::Device;
use futures::executor::block_on;

use super::*;
use crate::Rng;
use crate::select::{Embeddings, Selection, Selector, SimilarityGraph};

fn embeddings(data: Vec<f32>, dims: usize) -> Embeddings {
    let rows = data.len() / dims;
    Embeddings::new(data, rows, dims, &Device::flex()).unwrap()
}

fn normal(rows: usize, dims: usize, seed: u64) -> Vec<f32> {
    let mut rng = Rng::new(seed).split("rows");
    (0..rows * dims).map(|_| rng.normal() as f32).collect()
}

fn graph(data: Vec<f32>, dims: usize, degree: usize) -> SimilarityGraph {
    block_on(SimilarityGraph::build(&embeddings(data, dims), degree)).unwrap()
}

/// Unit vectors at 0°, 10°, 25°, 80°, 95°, 120° with two successors each: the sheet's example.
fn six() -> SimilarityGraph {
    let angles = [0.0f64, 10.0, 25.0, 80.0, 95.0, 120.0];
    let data = angles.iter().flat_map(|a| [a.to_radians().cos() as f32, a.to_radians().sin() as f32]);
    graph(data.collect(), 2, 2)
}

fn select(config: IdealConfig, graph: &SimilarityGraph, budget: usize, seed: u64) -> Selection {
    let ideal = Ideal::new(config).unwrap();
    block_on(ideal.select(graph, budget, &Rng::new(seed), &mut ())).unwrap()
}

/// Rows reachable from `set` over the edges for which `live` says so.
fn reach(t: &Transitions, set: &[usize], live: impl Fn(usize) -> bool) -> usize {
    let mut seen = vec![false; t.rows()];
    let mut stack: Vec<usize> = set.to_vec();
    while let Some(row) = stack.pop() {
        if std::mem::replace(&mut seen[row], true) {
            continue;
        }
        for (place, (to, _)) in t.successors(row).enumerate() {
            if live(row * t.degree() + place) {
                stack.push(to);
            }
        }
    }
    seen.iter().filter(|seen| **seen).count()
}

/// Influence by the sum over all sets of live edges, for at most 12 edges or so.
fn exact(t: &Transitions, set: &[usize]) -> f64 {
    let probability: Vec<f64> = (0..t.rows()).flat_map(|row| t.successors(row).map(|(_, p)| p)).collect();
    let edges = probability.len();
    assert!(edges <= 24, "2^{edges} sets of edges");
    (0..1u32 << edges)
        .map(|world| {
            let weight: f64 = (0..edges)
                .map(|e| if world >> e & 1 == 1 { probability[e] } else { 1.0 - probability[e] })
                .product();
            weight * reach(t, set, |edge| world >> edge & 1 == 1) as f64
        })
        .sum()
}

/// All sets of `size` rows out of `rows`.
fn subsets(rows: usize, size: usize) -> Vec<Vec<usize>> {
    (0..1u32 << rows)
        .filter(|bits| bits.count_ones() as usize == size)
        .map(|bits| (0..rows).filter(|row| bits >> row & 1 == 1).collect())
        .collect()
}
