//! The worked example, to six digits.

use super::{HEADS, TARGET, floor, near};
use crate::select::lasso_amtrl::allocation::{allocate, water_fill};
use crate::select::lasso_amtrl::relevance::{lasso_relevance, least_1_norm, least_2_norm, variance};

const FREE: [usize; 4] = [usize::MAX; 4];
const ONES: [f64; 4] = [1.0; 4];

fn norm(nu: &[f64]) -> f64 {
    nu.iter().map(|v| v.abs()).sum()
}

fn squares(nu: &[f64]) -> Vec<f64> {
    nu.iter().map(|v| v * v).collect()
}

/// Σ ν²/n over the tasks with samples: the bound for a ν that is not the best for n.
fn own(nu: &[f64], n: &[f64]) -> f64 {
    nu.iter().zip(n).filter(|(nu, _)| **nu != 0.0).map(|(nu, n)| nu * nu / n).sum()
}

#[test]
fn relevance_by_both_norms() {
    let one = least_1_norm(&HEADS, &TARGET).unwrap();
    near(&one, &[0.0, 0.0, 1.25, 0.0], 1e-12);
    let two = least_2_norm(&HEADS, &TARGET);
    near(&two, &[0.438596, 0.438596, 0.701754, 0.0], 1e-6);
    assert!((squares(&two).iter().sum::<f64>() - 0.877193).abs() < 1e-6);
    assert!((norm(&two) - 1.578947).abs() < 1e-6);
}

#[test]
fn allocations_and_their_variance() {
    let (one, two) = (least_1_norm(&HEADS, &TARGET).unwrap(), least_2_norm(&HEADS, &TARGET));
    let limits = floor(0, &FREE, &ONES);
    let n1 = water_fill(&one, 1000.0, limits).unwrap();
    let n2 = water_fill(&squares(&two), 1000.0, limits).unwrap();
    let even = water_fill(&ONES, 1000.0, limits).unwrap();
    near(&n1, &[0.0, 0.0, 1000.0, 0.0], 1e-9);
    near(&n2, &[219.298246, 219.298246, 561.403509, 0.0], 1e-6);
    near(&[own(&one, &n1), own(&two, &n2), own(&two, &even)], &[0.0015625, 0.002631579, 0.003508772], 1e-9);
    near(
        &[&n1, &n2, &even].map(|n| variance(&HEADS, &TARGET, n)),
        &[0.0015625, 0.002132435, 0.003508772],
        1e-9,
    );
    let nearly: Vec<f64> = n1.iter().map(|n| n + 1e-9).collect();
    assert!((variance(&HEADS, &TARGET, &nearly) - 0.0015625).abs() < 1e-9);
}

#[test]
fn a_floor_and_whole_numbers() {
    let (one, two) = (least_1_norm(&HEADS, &TARGET).unwrap(), least_2_norm(&HEADS, &TARGET));
    let limits = floor(50, &FREE, &ONES);
    assert_eq!(allocate(&one, 1000.0, limits).unwrap(), [50, 50, 850, 50]);
    assert_eq!(allocate(&squares(&two), 1000.0, limits).unwrap(), [209, 208, 533, 50]);
}

#[test]
fn the_lasso_as_relevance() {
    let path = lasso_relevance(&HEADS, &TARGET, &ONES, 0.1 / 1.6);
    near(&path.last().unwrap().x, &[0.0, 0.0, 1.171875, 0.0], 1e-9);
}
