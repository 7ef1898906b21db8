//! What holds for all pools.

use super::*;
use crate::Rng;
use crate::linalg::{invert, multiply};
use crate::select::{MeanSimilarity, RoundRobin, Selector};
use proptest::prelude::*;

fn normal(n: usize, rng: &mut Rng) -> Vec<f32> {
    (0..n).map(|_| rng.normal() as f32).collect()
}

/// Random rows whose columns have different lengths.
fn rows(n: usize, dims: usize, seed: u64) -> Vec<f32> {
    let mut rng = Rng::new(seed);
    let mut data = normal(n * dims, &mut rng);
    data.iter_mut().enumerate().for_each(|(at, v)| *v = *v * (1 + at % dims) as f32 + 0.5);
    data
}

fn similarity(pool: &TargetPool, candidate: usize, target: usize) -> f64 {
    crate::select::cosine(pool.candidate(candidate), pool.target(target))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// s = zᵀΣ⁻¹t / √(zᵀΣ⁻¹z · tᵀΣ⁻¹t), without any factor.
    #[test]
    fn similarity_has_a_closed_form(seed in 0u64..1000, dims in 1usize..6) {
        let (n, m) = (8 * dims, 4 * dims);
        let (candidates, targets) = (rows(n, dims, seed), rows(m, dims, seed + 1));
        let pool = pool(&candidates, &targets, dims, &WhitenConfig { ridge: Ridge::Absolute(1e-5), ..Default::default() });
        let all: Vec<f64> = candidates.iter().chain(&targets).map(|v| f64::from(*v)).collect();
        let count = (n + m) as f64;
        let mean: Vec<f64> = (0..dims).map(|d| all.iter().skip(d).step_by(dims).sum::<f64>() / count).collect();
        let centred: Vec<f64> = all.iter().enumerate().map(|(at, v)| v - mean[at % dims]).collect();
        let mut sigma = vec![0.0; dims * dims];
        for row in centred.chunks_exact(dims) {
            for at in 0..dims * dims {
                sigma[at] += row[at / dims] * row[at % dims] / count;
            }
        }
        (0..dims).for_each(|d| sigma[d * dims + d] += 1e-5);
        let inverse = invert(&sigma, dims).unwrap();
        let form = |a: usize, b: usize| {
            let mut half = vec![0.0; dims];
            multiply(&centred[a * dims..(a + 1) * dims], &inverse, dims, dims, &mut half);
            half.iter().zip(&centred[b * dims..]).map(|(x, y)| x * y).sum::<f64>()
        };
        for (a, b) in [(0, 0), (1, 2), (n - 1, m - 1)] {
            let right = form(a, n + b) / (form(a, a) * form(n + b, n + b)).sqrt();
            let found = similarity(&pool, a, b);
            prop_assert!((found - right).abs() < 1e-5, "{found} {right}");
            let d = pool.distance(a, b);
            prop_assert!((0.0..=2.0).contains(&d) && (d * d - (2.0 - 2.0 * found)).abs() < 1e-5);
        }
    }

    #[test]
    fn without_a_ridge_any_invertible_map_leaves_similarity_alone(seed in 0u64..1000) {
        let dims = 4;
        let (candidates, targets) = (rows(30, dims, seed), rows(12, dims, seed + 1));
        let mut map = normal(dims * dims, &mut Rng::new(seed));
        (0..dims).for_each(|d| map[d * dims + d] += 4.0);
        let mapped = |data: &[f32]| -> Vec<f32> {
            data.chunks_exact(dims)
                .flat_map(|row| (0..dims).map(|c| (0..dims).map(|r| row[r] * map[r * dims + c]).sum::<f32>()).collect::<Vec<_>>())
                .collect()
        };
        let config = WhitenConfig { ridge: Ridge::Absolute(0.0), ..Default::default() };
        let one = pool(&candidates, &targets, dims, &config);
        let two = pool(&mapped(&candidates), &mapped(&targets), dims, &config);
        for candidate in 0..30 {
            for target in 0..12 {
                let (a, b) = (similarity(&one, candidate, target), similarity(&two, candidate, target));
                prop_assert!((a - b).abs() < 1e-4, "{a} {b}");
            }
        }
    }

    #[test]
    fn selections_have_their_size_and_grow_layer_by_layer(
        seed in 0u64..1000, n in 1usize..40, m in 1usize..12, small in 1usize..40, more in 0usize..40,
    ) {
        let pool = pool(&rows(n, 3, seed), &rows(m, 3, seed + 1), 3, &WhitenConfig::default());
        let small = small.min(n);
        let large = (small + more).min(n);
        for tie in [TieRule::SmallestPotential, TieRule::LargestPotential, TieRule::NearestTarget] {
            let tarot = tarot(TarotConfig { tie, ..TarotConfig::default() });
            let one = block_on(tarot.choose(&pool, small, &mut ())).unwrap();
            let two = block_on(tarot.choose(&pool, large, &mut ())).unwrap();
            let mut distinct = sorted(&one.rows);
            distinct.dedup();
            prop_assert_eq!((distinct.len(), one.layer.len(), one.target.len()), (small, small, small));
            let last = *one.layer.last().unwrap();
            for (row, layer) in one.rows.iter().zip(&one.layer) {
                prop_assert!((one.partial && *layer == last) || two.rows.contains(row));
            }
            let both = block_on(tarot.choose_sizes(&pool, &[large, small], &mut ())).unwrap();
            prop_assert_eq!(both, vec![two, one], "sizes together are sizes one by one");
            let all = block_on(tarot.choose(&pool, n, &mut ())).unwrap();
            prop_assert_eq!(sorted(&all.rows), (0..n).collect::<Vec<_>>());
        }
        let turns = block_on(RoundRobin.select(&pool, n, &Rng::new(1), &mut ())).unwrap();
        prop_assert_eq!(sorted(&turns.rows), (0..n).collect::<Vec<_>>());
    }

    #[test]
    fn one_target_takes_the_most_similar(seed in 0u64..1000, n in 2usize..30, budget in 1usize..30) {
        let pool = pool(&rows(n, 3, seed), &rows(1, 3, seed + 1), 3, &WhitenConfig::default());
        let budget = budget.min(n);
        let ours = block_on(tarot(TarotConfig::default()).choose(&pool, budget, &mut ())).unwrap();
        for selector in [block_on(MeanSimilarity.select(&pool, budget, &Rng::new(1), &mut ())),
                         block_on(RoundRobin.select(&pool, budget, &Rng::new(1), &mut ()))] {
            prop_assert_eq!(sorted(&ours.rows), sorted(&selector.unwrap().rows));
        }
    }

    #[test]
    fn the_estimate_does_not_depend_on_the_order_of_candidates(seed in 0u64..1000) {
        let (n, dims) = (50, 3);
        let (candidates, targets) = (rows(n, dims, seed), rows(12, dims, seed + 1));
        let mut order: Vec<usize> = (0..n).collect();
        Rng::new(seed).shuffle(&mut order);
        let shuffled: Vec<f32> = order.iter().flat_map(|row| candidates[row * dims..(row + 1) * dims].to_vec()).collect();
        let config = TarotConfig { folds: 4, patience: 2, ..TarotConfig::default() };
        let find = |candidates: &[f32]| {
            let pool = pool(candidates, &targets, dims, &WhitenConfig::default());
            block_on(tarot(config).estimate(&pool, &Rng::new(seed), &mut ())).unwrap()
        };
        let (one, two) = (find(&candidates), find(&shuffled));
        let back: Vec<usize> = two.rows.iter().map(|row| order[*row]).collect();
        prop_assert_eq!(sorted(&one.rows), sorted(&back));
        prop_assert!(one.ratio(n) > 0.0 && one.ratio(n) <= 1.0);
    }
}

#[test]
fn duplicates_across_pool_and_targets_have_distance_zero() {
    let candidates = rows(20, 5, 1);
    let targets = [&candidates[5..10], &rows(4, 5, 2)[..]].concat();
    let pool = pool(&candidates, &targets, 5, &WhitenConfig::default());
    assert_eq!(pool.distance(1, 0), 0.0);
    assert_eq!(block_on(pool.distances(&[1])).unwrap()[0], 0.0);
}

/// Large pools are whitened and compared on the device; small ones on the host. Both see the same.
#[test]
fn the_device_and_the_host_agree() {
    let (n, m, dims) = (4000, 270, 64);
    let (candidates, targets) = (rows(n, dims, 3), rows(m, dims, 4));
    let device = Device::flex();
    let large = TargetPool::new(candidates.clone(), targets.clone(), dims, &device).unwrap();
    let small = TargetPool::new(candidates[..40 * dims].to_vec(), targets.clone(), dims, &device).unwrap();
    let rows_of = [3, 39, 0];
    let (a, b) = (block_on(large.distances(&rows_of)).unwrap(), block_on(small.distances(&rows_of)).unwrap());
    assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-5));
    let lists = block_on(large.nearest(7, &mut ())).unwrap();
    for target in [0, 100, 269] {
        let mut right: Vec<(f64, usize)> = (0..n).map(|row| (similarity(&large, row, target), row)).collect();
        right.sort_by(|a, b| b.0.total_cmp(&a.0));
        for ((row, found), (right, _)) in lists.of(target).zip(&right) {
            assert!(
                (f64::from(found) - right).abs() < 1e-5
                    && (similarity(&large, row, target) - right).abs() < 1e-5
            );
        }
    }
}

#[test]
fn whitening_on_the_device_is_that_of_the_host() {
    let dims = 96;
    let mut candidates = rows(15_000, dims, 5);
    candidates.iter_mut().for_each(|v| *v *= 1e-12);
    let targets = candidates[..20 * dims].to_vec();
    for whiten_mode in [WhitenMode::Correct, WhitenMode::OfficialCode] {
        let config = mode(whiten_mode);
        let white = block_on(whiten(&candidates, &targets, dims, &config, &Device::flex(), &mut ())).unwrap();
        // The factor is that of the covariance; solve one row by hand.
        let mean: Vec<f64> = (0..dims)
            .map(|d| {
                let all = candidates.iter().skip(d).step_by(dims).chain(targets.iter().skip(d).step_by(dims));
                all.map(|v| f64::from(*v)).sum::<f64>() / 15_020.0
            })
            .collect();
        let y: Vec<f64> = white.candidates[..dims].iter().map(|v| f64::from(*v)).collect();
        let l = |a: usize, b: usize| white.factor[a * dims + b];
        for d in [0, 40, 95] {
            let back: f64 = match whiten_mode {
                WhitenMode::OfficialCode => (0..dims).map(|k| y[k] * l(k, d)).sum(),
                _ => (0..dims).map(|k| l(d, k) * y[k]).sum(),
            };
            let z = f64::from(candidates[d]) - mean[d];
            assert!((back - z).abs() < 2e-3 * z.abs().max(1e-12), "{back} {z}");
        }
    }
}

#[test]
fn what_cannot_be_done_is_named() {
    let device = Device::flex();
    let whiten_error = |candidates: &[f32], config: &WhitenConfig| -> CoreError {
        block_on(whiten(candidates, &[1.0, 2.0], 2, config, &device, &mut ())).unwrap_err()
    };
    let says = |error: CoreError, text: &str| assert!(error.to_string().contains(text), "{error}");
    let config = WhitenConfig::default();
    says(whiten_error(&[], &config), "candidates");
    says(whiten_error(&[1.0, 2.0, 3.0], &config), "candidates");
    says(whiten_error(&[1.0, f32::NAN], &config), "NaN");
    says(whiten_error(&[1.0, 2.0, 1.0, 2.0], &config), "constant");
    let bare = WhitenConfig { ridge: Ridge::Absolute(0.0), ..config };
    says(whiten_error(&[2.0, 2.0, 3.0, 2.0], &bare), "singular");
    says(whiten_error(&[2.0, 1.0], &WhitenConfig { ridge: Ridge::Relative(-1.0), ..config }), "ridge");
    // One constant column is held by the ridge, and says nothing.
    let half = block_on(whiten(&[2.0, 2.0, 3.0, 2.0], &[1.0, 2.0], 2, &config, &device, &mut ())).unwrap();
    assert!(half.candidates.iter().skip(1).step_by(2).all(|v| *v == 0.0));
    let pool = pool(&rows(9, 2, 1), &rows(4, 2, 2), 2, &config);
    let ours = tarot(TarotConfig::default());
    for budget in [0, 10] {
        says(block_on(ours.choose(&pool, budget, &mut ())).unwrap_err(), "budget");
        says(block_on(MeanSimilarity.select(&pool, budget, &Rng::new(1), &mut ())).unwrap_err(), "budget");
        says(block_on(RoundRobin.select(&pool, budget, &Rng::new(1), &mut ())).unwrap_err(), "budget");
    }
    says(block_on(ours.estimate(&pool, &Rng::new(1), &mut ())).unwrap_err(), "folds");
    let strict = tarot(TarotConfig { folds: 2, threshold: 1.0, ..TarotConfig::default() });
    says(block_on(strict.estimate(&pool, &Rng::new(1), &mut ())).unwrap_err(), "threshold");
    for (config, field) in [
        (TarotConfig { epsilon: 0.0, ..TarotConfig::default() }, "epsilon"),
        (TarotConfig { folds: 1, ..TarotConfig::default() }, "folds"),
        (TarotConfig { threshold: f64::NAN, ..TarotConfig::default() }, "threshold"),
        (TarotConfig { patience: 0, ..TarotConfig::default() }, "patience"),
        (TarotConfig { layers: 0, ..TarotConfig::default() }, "layers"),
    ] {
        says(Tarot::new(config).unwrap_err(), field);
    }
}

/// A row at the mean has no direction: it is √2 away from everything, and is chosen last.
#[test]
fn a_row_without_direction_is_far_from_everything() {
    let device = Device::flex();
    let pool = TargetPool::new(vec![0.0, 0.0, 1.0, 0.1], vec![1.0, 0.0, 0.0, 0.0], 2, &device).unwrap();
    let found = block_on(pool.distances(&[0, 1])).unwrap();
    assert!((found[0] - 2f32.sqrt()).abs() < 1e-6 && (found[3] - 2f32.sqrt()).abs() < 1e-6);
    let chosen = block_on(tarot(TarotConfig::default()).choose(&pool, 1, &mut ())).unwrap();
    assert_eq!(chosen.rows, [1]);
}
