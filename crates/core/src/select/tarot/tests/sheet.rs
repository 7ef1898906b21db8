//! The worked example: five candidates and two targets in the plane.

use super::*;
use crate::optimal_transport::{CostMatrix, SinkhornConfig, exact, sinkhorn, uniform};
use crate::select::{RoundRobin, Selector};

const CANDIDATES: [f32; 10] = [2.0, 0.0, 1.0, 1.0, -1.0, 0.5, 0.0, -1.0, 3.0, 1.0];
const TARGETS: [f32; 4] = [1.5, 0.5, 2.5, 0.0];

fn published() -> WhitenConfig {
    WhitenConfig { mode: WhitenMode::Correct, ridge: Ridge::Absolute(1e-5) }
}

fn example() -> TargetPool {
    pool(&CANDIDATES, &TARGETS, 2, &published())
}

fn close(found: &[f64], right: &[f64]) {
    assert_eq!(found.len(), right.len());
    assert!(found.iter().zip(right).all(|(f, r)| (f - r).abs() < 1.5e-6), "{found:?} is not {right:?}");
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|v| f64::from(*v)).collect()
}

#[test]
fn factor_and_directions() {
    let white = block_on(whiten(&CANDIDATES, &TARGETS, 2, &published(), &Device::flex(), &mut ())).unwrap();
    close(&white.factor, &[1.305409, 0.0, 0.183694, 0.620189]);
    // Σ = LLᵀ, the ridge within.
    let l = &white.factor;
    close(&[l[0] * l[0], l[0] * l[2], l[2] * l[2] + l[3] * l[3]], &[1.704092, 0.239796, 0.418377]);
    assert!((white.ridge - 1e-5).abs() < 1e-12 && white.few_rows);
    let pool = example();
    let candidates: Vec<f32> = (0..5).flat_map(|row| pool.candidate(row).to_vec()).collect();
    close(
        &wide(&candidates),
        &[
            0.660048, -0.751223, -0.177067, 0.984199, -0.896739, 0.442560, -0.483862, -0.875145, 0.864718,
            0.502257,
        ],
    );
    close(&wide(&[pool.target(0), pool.target(1)].concat()), &[0.483862, 0.875145, 0.784128, -0.620599]);
}

#[test]
fn similarities_distances_and_neighbours() {
    let pool = example();
    let lists = block_on(pool.nearest(5, &mut ())).unwrap();
    let right = [
        [-0.338057, 0.983771],
        [0.775640, -0.749636],
        [-0.046594, -0.977810],
        [-1.000000, 0.163705],
        [0.857952, 0.366349],
    ];
    for (target, order) in [[4, 1, 2, 0, 3], [0, 4, 3, 1, 2]].iter().enumerate() {
        for (place, candidate) in order.iter().enumerate() {
            let (found, similarity) = lists.at(target, place).unwrap();
            assert_eq!(found, *candidate);
            close(&[f64::from(similarity)], &[right[*candidate][target]]);
        }
    }
    let distances = block_on(pool.distances(&[0, 1, 2, 3, 4])).unwrap();
    close(
        &wide(&distances),
        &[1.635883, 0.180162, 0.669865, 1.870634, 1.446785, 1.988874, 2.000000, 1.293287, 0.533007, 1.125745],
    );
    // The mean over both targets, from the similarities above.
    close(&pool.mean_similarities()[..2], &[0.322857, 0.013002]);
}

#[test]
fn selections_of_two_and_three() {
    let pool = example();
    let chosen = |budget| block_on(tarot(TarotConfig::default()).choose(&pool, budget, &mut ())).unwrap();
    let two = chosen(2);
    assert_eq!(sorted(&two.rows), [0, 4]);
    assert_eq!((two.layer, two.partial), (vec![1, 1], false));
    let three = chosen(3);
    assert_eq!(sorted(&three.rows), [0, 1, 4]);
    // The second layer is {1}: target 1's second choice, candidate 4, is taken already.
    assert_eq!((three.layer[2], three.target[2], three.partial), (2, 0, false));
    let turns = block_on(RoundRobin.select(&pool, 5, &Rng::new(1), &mut ())).unwrap();
    assert_eq!(turns.rows, [4, 0, 1, 3, 2]);
}

#[test]
fn transport_exact_and_entropic() {
    let pool = example();
    let costs =
        |rows: &[usize]| CostMatrix::new(block_on(pool.distances(rows)).unwrap(), rows.len(), 2).unwrap();
    let entropic = SinkhornConfig { epsilon: 0.05, tolerance: 1e-5, max_iterations: 20_000 };
    for (rows, right, primal, dual) in [
        (&[0, 4][..], 0.356585, None, None),
        (&[0, 1], 0.425014, Some(0.425014), Some(0.459671)),
        (&[0, 1, 4], 0.559801, Some(0.559802), Some(0.582906)),
    ] {
        let n = rows.len();
        let best = exact(&costs(rows), &uniform(n), &uniform(2)).unwrap();
        close(&[best.cost], &[right]);
        let found = sinkhorn(costs(rows), &uniform(n), &uniform(2), &entropic).unwrap();
        assert!(found.converged);
        for (found, right) in [(found.cost, primal), (found.dual, dual)] {
            if let Some(right) = right {
                assert!((found - right).abs() < 1e-5, "{found} is not {right}");
            }
        }
    }
}

/// What the official code computes is no whitening: the covariance of its rows is far from the identity.
#[test]
fn only_correct_whitening_has_the_identity_as_covariance() {
    let dims = 6;
    let rng = Rng::new(5);
    let mix: Vec<f64> = {
        let mut rng = rng.split("mix");
        (0..dims * dims).map(|_| rng.normal()).collect()
    };
    let draw = |n: usize, name: &str| -> Vec<f32> {
        let mut rng = rng.split(name);
        (0..n)
            .flat_map(|_| {
                let z: Vec<f64> = (0..dims).map(|at| rng.normal() * (1 + 3 * at) as f64).collect();
                (0..dims)
                    .map(|at| (0..dims).map(|k| z[k] * mix[k * dims + at]).sum::<f64>() as f32 + 7.0)
                    .collect::<Vec<f32>>()
            })
            .collect()
    };
    // 50 rows for each column.
    let (candidates, targets) = (draw(280, "candidates"), draw(40, "targets"));
    let config = |mode| WhitenConfig { mode, ridge: Ridge::Absolute(1e-5) };
    let off = |whiten_mode: WhitenMode| {
        let white =
            block_on(whiten(&candidates, &targets, dims, &config(whiten_mode), &Device::flex(), &mut ()))
                .unwrap();
        let rows: Vec<f64> = white.candidates.iter().chain(&white.targets).map(|v| f64::from(*v)).collect();
        let entry = |a: usize, b: usize| {
            rows.chunks_exact(dims).map(|row| row[a] * row[b]).sum::<f64>() / 320.0
                - f64::from(u8::from(a == b))
        };
        (0..dims * dims).map(|at| entry(at / dims, at % dims).abs()).fold(0.0, f64::max)
    };
    assert!(off(WhitenMode::Correct) < 1e-3, "{}", off(WhitenMode::Correct));
    assert!(off(WhitenMode::OfficialCode) > 1.0);
    assert!(off(WhitenMode::None) > 1.0);
}

#[test]
fn the_official_code_multiplies_by_the_inverse_without_transposing() {
    let config = |mode| WhitenConfig { mode, ridge: Ridge::Absolute(1e-5) };
    let of =
        |mode| block_on(whiten(&CANDIDATES, &TARGETS, 2, &config(mode), &Device::flex(), &mut ())).unwrap();
    let white = of(WhitenMode::OfficialCode);
    // y·L = z for each centred row z, with L from the worked example.
    let mean = [1.285714, 0.285714];
    for (y, z) in white.candidates.chunks_exact(2).zip(CANDIDATES.chunks_exact(2)) {
        let (y, z) = (wide(y), wide(z));
        assert!((y[0] * 1.305409 + y[1] * 0.183694 - (z[0] - mean[0])).abs() < 1e-5);
        assert!((y[1] * 0.620189 - (z[1] - mean[1])).abs() < 1e-5);
    }
    // Without whitening rows are centred, and nothing else but scaled.
    let plain = of(WhitenMode::None);
    let ratio = f64::from(plain.candidates[0]) / (2.0 - mean[0]);
    for (y, z) in plain.candidates.iter().zip(CANDIDATES).skip(1).step_by(2) {
        assert!((f64::from(*y) - ratio * (f64::from(z) - mean[1])).abs() < 1e-5);
    }
}

#[test]
fn weights_follow_the_targets_or_the_potentials() {
    let pool = example();
    // Target 0 has candidate 4 nearest, target 1 candidate 0.
    assert_eq!(nearest_target_counts(&pool, &[3, 4, 0]), [0.0, 1.0, 1.0]);
    assert_eq!(potential_weights(&[-1.0, 0.0, 1.0]), [2.0, 1.0, 0.0]);
    assert_eq!(potential_weights(&[0.3, 0.3]), [1.0, 1.0]);
    // 7 · (1, 2, 3) / 6 = 1.17, 2.33, 3.5.
    assert_eq!(repetitions(&[1.0, 2.0, 3.0], 7), [1, 2, 4]);
    assert_eq!(repetitions(&[1.0, 1.0, 1.0], 5), [2, 2, 1]);
    assert_eq!(repetitions(&[0.0, -1.0], 5), [0, 0]);
}
