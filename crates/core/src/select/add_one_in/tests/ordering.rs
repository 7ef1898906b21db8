//! The toy table of the sheet, within its spread, and who wins on which axis.

use super::*;
use crate::select::{Distance, DiverseQuality, FarthestPoint, Random, Selection, Selector, TopQuality};

const SEEDS: u64 = 40;

/// Mean quality, cluster entropy, mean and largest distance to the nearest chosen point.
type Scores = [f64; 4];

fn measure(toy: &ToyPool, rows: &[usize]) -> Scores {
    let pool = &toy.pool;
    let quality = rows.iter().map(|row| pool.quality()[*row]).sum::<f64>() / rows.len() as f64;
    let mut counts = [0.0f64; 12];
    rows.iter().for_each(|row| counts[toy.clusters[*row] as usize] += 1.0 / rows.len() as f64);
    let entropy = counts.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum();
    let cover: Vec<f64> = (0..pool.rows())
        .map(|u| {
            let distances = rows.iter().map(|row| pool.points().distance(Distance::Euclidean, u, *row));
            distances.fold(f64::INFINITY, f64::min)
        })
        .collect();
    let mean = cover.iter().sum::<f64>() / cover.len() as f64;
    [quality, entropy, mean, cover.iter().copied().fold(0.0, f64::max)]
}

fn mean(select: impl Fn(&ToyPool, &Rng) -> Vec<usize>) -> Scores {
    let mut sum = [0.0; 4];
    for seed in 0..SEEDS {
        let rng = Rng::new(7).at(seed);
        let toy = toy_pool(&rng).unwrap();
        let scores = measure(&toy, &select(&toy, &rng));
        sum.iter_mut().zip(scores).for_each(|(s, v)| *s += v / SEEDS as f64);
    }
    sum
}

fn rows(selection: Result<Selection, crate::CoreError>) -> Vec<usize> {
    selection.unwrap().rows
}

fn ours(a: usize, b: usize, lambda: (f64, f64), bias: f64) -> Scores {
    mean(|toy, rng| {
        let judge = ValueScorer::new(&toy.pool, lambda.0, lambda.1, Distance::Euclidean).unwrap();
        let judge = NoisyScorer::new(judge, 0.0, bias, 0.0, rng).unwrap();
        let method = AddOneIn::new(config(100, a, b, a));
        block_on(method.run(toy.pool.rows(), judge, rng, &mut ())).unwrap().selection.rows
    })
}

#[test]
fn the_toy_table_comes_out_within_its_spread() {
    let random =
        mean(|toy, rng| rows(block_on(Random.select(&toy.pool.rows(), 100, &rng.split("uniform"), &mut ()))));
    let top = mean(|toy, rng| rows(block_on(TopQuality.select(&toy.pool, 100, rng, &mut ()))));
    let deita = mean(|toy, rng| {
        let method = DiverseQuality { distance: Distance::Euclidean, least: 0.02 };
        rows(block_on(method.select(&toy.pool, 100, rng, &mut ())))
    });
    let k_center = mean(|toy, rng| {
        rows(block_on(FarthestPoint::default().select(toy.pool.points(), 100, rng, &mut ())))
    });
    let quality = ours(10, 10, (1.0, 0.0), 0.0);
    let diversity = ours(10, 10, (0.0, 1.0), 0.0);
    let both = ours(10, 10, (1.0, 1.0), 0.0);
    let (narrow, wide) = (ours(10, 3, (1.0, 1.0), 0.0), ours(10, 30, (1.0, 1.0), 0.0));
    let long = ours(30, 10, (1.0, 1.0), 0.0);
    let biased = ours(10, 10, (1.0, 1.0), 0.5);
    // The generator of the published numbers is described in words only. Sizes, spread and noise of ours were fitted to
    // the whole table, the rows of the method included: the levels agree partly by construction, and only the
    // differences between the rows are evidence. Tolerances are about three standard errors of 20 seeds there and 40
    // here, of quality, entropy and mean distance. The largest distance hangs on a single point and is compared in
    // order only, below.
    let spread = [0.05, 0.16, 0.005];
    for (name, found, expected) in [
        ("random", random, [0.494, 1.905, 0.0335]),
        ("diversity only", diversity, [0.499, 2.215, 0.0321]),
        ("both", both, [0.690, 2.088, 0.0320]),
        ("b = 3", narrow, [0.621, 2.024, 0.0320]),
        ("b = 30", wide, [0.734, 2.134, 0.0330]),
        ("a = 30", long, [0.693, 2.024, 0.0316]),
        ("position bias", biased, [0.604, 2.069, 0.0312]),
    ] {
        for (at, spread) in spread.into_iter().enumerate() {
            assert!((found[at] - expected[at]).abs() < spread, "{name}: {found:?} {expected:?}");
        }
    }
    // Selections by quality follow the clusters, whose luck varies most.
    for (name, found, expected) in [
        ("top", top, [0.878, 1.625]),
        ("deita", deita, [0.859, 1.811]),
        ("quality only", quality, [0.772, 1.727]),
    ] {
        assert!((found[0] - expected[0]).abs() < 0.05, "{name}: {found:?}");
        assert!((found[1] - expected[1]).abs() < 0.25, "{name}: {found:?}");
    }

    // Between the extremes on both axes, never better than either specialist.
    assert!(random[0] < both[0] && both[0] < quality[0] && quality[0] < top[0]);
    assert!(top[1] < quality[1] && quality[1] < both[1] && both[1] < diversity[1]);
    for found in [random, deita, quality, diversity, both, narrow, wide, long, biased] {
        assert!(found[0] < top[0], "more quality than the best rows: {found:?}");
        assert!(found[3] > k_center[3], "better covered than by k-center: {found:?} {k_center:?}");
    }
    assert!(diversity[3] < both[3] && both[3] < random[3] && random[3] < top[3]);
    assert!(narrow[0] < both[0] && both[0] < wide[0], "b is the quality dial");
    // A position bias of one half about halves the gain in quality.
    let share = (biased[0] - random[0]) / (both[0] - random[0]);
    assert!((0.4..0.75).contains(&share), "{share}");
}
