//! What holds for every matrix.

use super::super::lewis::LewisWeights;
use super::super::regression::{FitOptions, fit, loss};
use super::super::sample::Probabilities;
use super::super::score::root_leverage;
use super::super::sensitivity::{SensitivitySolver, SolveOptions};
use super::super::{Basis, Dense, NoWatch, Rows, power};
use super::{all_close, cheap, exact, heavy};
use crate::Rng;
use crate::linalg::{RowQr, dot, multiply};
use futures::executor::block_on;
use proptest::prelude::*;

const EXPONENTS: [f64; 8] = [1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0];

fn leverage_of(rows: &[f64], d: usize) -> Vec<f64> {
    let mut qr = RowQr::new(d);
    qr.push(rows);
    let (map, r) = qr.whitening(1e-12);
    let mut u = vec![0.0; rows.len() / d * r];
    multiply(rows, &map, d, r, &mut u);
    u.chunks_exact(r).map(|u| dot(u, u)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn scores_do_not_depend_on_the_coordinates(seed in 0u64..1000, which in 0usize..EXPONENTS.len()) {
        let (p, d) = (EXPONENTS[which], 3);
        let a = heavy(25, d, seed);
        let mut rng = Rng::new(seed + 1);
        let map: Vec<f64> = (0..d * d).map(|i| rng.normal() + if i % 4 == 0 { 3.0 } else { 0.0 }).collect();
        let mut turned = vec![0.0; a.values().len()];
        multiply(a.values(), &map, d, d, &mut turned);
        let turned = Dense::new(turned, d).unwrap();
        let ((one, ..), (two, ..)) = (exact(&a, p), exact(&turned, p));
        for (x, y) in [(&one.leverage, &two.leverage), (&one.lewis.weights, &two.lewis.weights),
                       (&one.sensitivity, &two.sensitivity)] {
            for (x, y) in x.iter().zip(y) {
                prop_assert!((x - y).abs() <= 1e-6 * x.max(1e-3), "p = {}: {} {}", p, x, y);
            }
        }
    }

    #[test]
    fn sensitivities_lie_between_what_lewis_weights_and_root_leverage_allow(
        seed in 0u64..1000, which in 0usize..EXPONENTS.len(), d in 1usize..5,
    ) {
        let p = EXPONENTS[which];
        let (scores, solved, _) = exact(&heavy(30, d, seed), p);
        let root = root_leverage(&scores.leverage, p);
        for (i, one) in solved.iter().enumerate() {
            let [low, high] = LewisWeights::sandwich(scores.lewis.weights[i], scores.rank, p);
            let slack = |x: f64| x * 1e-7 + 1e-9;
            prop_assert!(one.upper <= one.value * (1.0 + 1e-5), "p = {}: {:?}", p, one);
            prop_assert!(low <= one.value + slack(low), "p = {}, row {}: {} {:?}", p, i, low, one);
            prop_assert!(one.value <= high + slack(high), "p = {}, row {}: {:?} {}", p, i, one, high);
            prop_assert!(one.value <= root[i] + slack(root[i]));
            if p == 2.0 {
                for other in [scores.leverage[i], scores.lewis.weights[i], root[i]] {
                    prop_assert!((one.value - other).abs() < 1e-9);
                }
            }
        }
        for sum in [scores.lewis.weights.iter().sum::<f64>(), scores.leverage.iter().sum()] {
            prop_assert!((sum - d as f64).abs() < 1e-8, "{}", sum);
        }
        let total: f64 = scores.sensitivity.iter().sum();
        let worst = (d as f64).powf(0.5 * p);
        prop_assert!(total >= worst.min(d as f64) - 1e-5 && total <= worst.max(d as f64) + 1e-5);
    }

    #[test]
    fn no_direction_exceeds_a_sensitivity(seed in 0u64..1000, which in 0usize..EXPONENTS.len()) {
        let (p, d) = (EXPONENTS[which], 3);
        let a = heavy(20, d, seed);
        let (scores, ..) = exact(&a, p);
        let mut rng = Rng::new(seed + 7);
        for _ in 0..10_000 {
            let x: Vec<f64> = (0..d).map(|_| rng.normal()).collect();
            let losses: Vec<f64> = a.values().chunks_exact(d).map(|r| power(dot(r, &x), p)).collect();
            let sum: f64 = losses.iter().sum();
            for (share, s) in losses.iter().zip(&scores.sensitivity) {
                prop_assert!(share / sum <= s * (1.0 + 1e-6), "p = {}: {} exceeds {}", p, share / sum, s);
            }
        }
    }

    #[test]
    fn lewis_weights_are_their_own_leverage_scores(seed in 0u64..1000, p in 1.0f64..10.0, d in 1usize..5) {
        let a = heavy(40, d, seed);
        let w = cheap(&a, p).lewis.weights;
        let rows: Vec<f64> = a.values().chunks_exact(d).zip(&w)
            .flat_map(|(row, w)| row.iter().map(move |x| x * w.powf(0.5 - 1.0 / p))).collect();
        for (w, tau) in w.iter().zip(leverage_of(&rows, d)) {
            prop_assert!((w - tau).abs() < 1e-10, "p = {}: {} {}", p, w, tau);
        }
    }

    #[test]
    fn steps_of_a_fit_never_increase_what_they_minimise(seed in 0u64..1000, which in 0usize..EXPONENTS.len()) {
        let p = EXPONENTS[which];
        let a = heavy(60, 4, seed);
        let found = block_on(fit(&a, &[], p, 1e-10, FitOptions::default(), &mut NoWatch)).unwrap();
        // A smoothing that stays where it is, too.
        let fixed = FitOptions { smoothing: 1e-3, smoothing_floor: 1e-3, ..FitOptions::default() };
        let steady = block_on(fit(&a, &[], p, 1e-10, fixed, &mut NoWatch)).unwrap();
        for [before, after] in found.descent.iter().chain(&steady.descent) {
            prop_assert!(*after <= before * (1.0 + 1e-9), "p = {}: {} to {}", p, before, after);
        }
        prop_assert!((loss(&a, &[], &found.coefficients, p) / found.loss - 1.0).abs() < 1e-9);
    }

    #[test]
    fn steps_of_a_sensitivity_never_increase_what_they_minimise(seed in 0u64..1000, which in 0usize..EXPONENTS.len()) {
        let p = EXPONENTS[which];
        let a = heavy(30, 3, seed);
        let (scores, _, u) = exact(&a, p);
        let mut solver = SensitivitySolver::new(&u, &scores.lewis, p, SolveOptions::default()).unwrap();
        solver.watch_descent();
        let mut steps = 0;
        for i in 0..u.rows() {
            let _ = solver.solve(u.row(i));
            for [before, after] in solver.take_descent() {
                steps += 1;
                prop_assert!(after <= before * (1.0 + 1e-9), "p = {}: {} to {}", p, before, after);
            }
        }
        prop_assert!(p == 2.0 || steps > 0);
    }

    #[test]
    fn calibration_reaches_every_budget(seed in 0u64..1000, budget in 1.01f64..49.9, floor: bool) {
        let scores = cheap(&heavy(50, 3, seed), 1.0).leverage;
        let q = Probabilities::with_budget(&scores, budget, floor).unwrap();
        prop_assert!((q.expected() - budget).abs() < 1e-9 * budget, "{} {}", q.expected(), budget);
        prop_assert!(q.q.iter().all(|q| *q > 0.0 && *q <= 1.0));
    }
}

#[test]
fn two_columns_by_scanning_all_directions() {
    let a = heavy(12, 2, 21);
    let steps = 200_000;
    for p in [1.0, 1.5, 3.0, 6.0] {
        let mut best = [0.0_f64; 12];
        for k in 0..steps {
            let (sin, cos) = (std::f64::consts::PI * f64::from(k) / f64::from(steps)).sin_cos();
            let losses: Vec<f64> =
                a.values().chunks_exact(2).map(|r| power(r[0] * cos + r[1] * sin, p)).collect();
            let sum: f64 = losses.iter().sum();
            best.iter_mut().zip(&losses).for_each(|(b, l)| *b = b.max(l / sum));
        }
        let found = exact(&a, p).0.sensitivity;
        for (found, scanned) in found.iter().zip(best) {
            // For p = 1 the maximum has a corner, which a scan misses by its step.
            let slack = if p == 1.0 { 1e-4 } else { 1e-6 };
            assert!(
                found / scanned - 1.0 < slack && *found >= scanned * (1.0 - 1e-6),
                "p = {p}: {found} {scanned}"
            );
        }
    }
}

#[test]
fn dependent_columns_and_zero_rows_change_no_score() {
    let a = heavy(30, 2, 4);
    let wide: Vec<f64> = a
        .values()
        .chunks_exact(2)
        .flat_map(|r| [r[0] + r[1], r[0], 0.0, r[1], 1e6 * (r[0] - r[1])])
        .chain([0.0; 5])
        .collect();
    let wide = Dense::new(wide, 5).unwrap();
    for p in EXPONENTS {
        let ((narrow, ..), (wide, ..)) = (exact(&a, p), exact(&wide, p));
        assert_eq!((narrow.rank, wide.rank), (2, 2));
        let zero = [wide.leverage[30], wide.lewis.weights[30], wide.sensitivity[30]];
        assert_eq!(zero, [0.0; 3]);
        all_close(&wide.sensitivity[..30], &narrow.sensitivity, 1e-6);
        all_close(&wide.lewis.weights[..30], &narrow.lewis.weights, 1e-8);
        all_close(&wide.leverage[..30], &narrow.leverage, 1e-9);
    }
}

#[test]
fn lewis_weights_take_fewer_passes_than_the_published_iteration() {
    // Passes to 1e-12 of the iteration with exponents p/2 below 4 and 1 above, on data like this.
    let mut rng = Rng::new(40);
    let a = Dense::new((0..300 * 5).map(|_| rng.normal()).collect(), 5).unwrap();
    for (p, published) in [(1.0, 40), (1.5, 21), (3.0, 43), (4.0, 45), (6.0, 79), (10.0, 183)] {
        let found = cheap(&a, p).lewis;
        assert!(found.change <= 1e-12 && found.passes < published, "p = {p}: {} passes", found.passes);
    }
}

#[test]
fn equal_rows_share_and_constant_columns_are_even() {
    let ones = Dense::new(vec![2.5; 8], 1).unwrap();
    for p in [1.0, 3.0] {
        all_close(&exact(&ones, p).0.sensitivity, &[0.125; 8], 1e-12);
    }
}

#[test]
fn rows_read_in_blocks_give_the_scores_of_rows_in_memory() {
    // 5000 rows of 4 columns are two blocks.
    let a = heavy(5000, 4, 30);
    let p = 1.5;
    let found = cheap(&a, p);
    let w = &found.lewis.weights;
    let rows: Vec<f64> = a
        .values()
        .chunks_exact(4)
        .zip(w)
        .flat_map(|(row, w)| row.iter().map(move |x| x * w.powf(0.5 - 1.0 / p)))
        .collect();
    all_close(&leverage_of(&rows, 4), w, 1e-10);
    all_close(&leverage_of(a.values(), 4), &found.leverage, 1e-10);
}

#[test]
fn tiny_lewis_weights_of_large_exponents_survive() {
    let mut values = heavy(50, 2, 3).values().to_vec();
    values[..2].iter_mut().for_each(|x| *x *= 1e-4);
    let w = cheap(&Dense::new(values, 2).unwrap(), 10.0).lewis.weights;
    assert!(w[0] > 0.0 && w[0] < 1e-20, "{}", w[0]);
    assert!((w.iter().sum::<f64>() - 2.0).abs() < 1e-8);
}

#[test]
fn a_sensitivity_against_a_reduced_matrix_is_within_its_distortion() {
    let p = 1.5;
    let a = heavy(300, 3, 12);
    let (scores, _, u) = exact(&a, p);
    let q = Probabilities::with_budget(&scores.lewis.weights, 120.0, false).unwrap();
    let sample = q.draw(&mut Rng::new(2));
    let off = super::super::distortion::distortion(&u, p, &sample, 2000, &Rng::new(3));
    let reduced = sample.scaled(&u, p).unwrap();
    let mut solver = SensitivitySolver::new(&reduced, &scores.lewis, p, SolveOptions::default()).unwrap();
    for i in 0..300 {
        let share = solver.solve(u.row(i)).value / scores.sensitivity[i];
        // The search finds a lower bound of the distortion, so a little room.
        assert!(share >= 0.98 / off.high && share <= 1.02 / off.low, "{share} {off:?}");
    }
}

#[test]
fn fits_are_optimal() {
    let a = heavy(80, 3, 14);
    // Least squares: residuals are orthogonal to the features.
    let two = block_on(fit(&a, &[], 2.0, 1e-10, FitOptions::default(), &mut NoWatch)).unwrap();
    for k in 0..2 {
        let sum: f64 = a
            .values()
            .chunks_exact(3)
            .map(|r| r[k] * (r[0] * two.coefficients[0] + r[1] * two.coefficients[1] - r[2]))
            .sum();
        assert!(sum.abs() < 1e-9, "{sum}");
    }
    // Other exponents: no step in any direction helps.
    let mut rng = Rng::new(1);
    for p in [1.0, 1.5, 3.0, 6.0] {
        let found = block_on(fit(&a, &[], p, 1e-10, FitOptions::default(), &mut NoWatch)).unwrap();
        for k in 0..2000 {
            let size = libm::pow(10.0, -1.0 - f64::from(k % 5));
            let x: Vec<f64> = found.coefficients.iter().map(|x| x + size * rng.normal()).collect();
            assert!(loss(&a, &[], &x, p) >= found.loss * (1.0 - 1e-7), "p = {p}");
        }
    }
}

#[test]
fn a_median_and_a_midrange_are_fits_of_a_constant() {
    let fit_of = |b: &[f64], p: f64| {
        let rows: Vec<f64> = b.iter().flat_map(|b| [1.0, *b]).collect();
        let rows = Dense::new(rows, 2).unwrap();
        block_on(fit(&rows, &[], p, 1e-10, FitOptions::default(), &mut NoWatch)).unwrap().coefficients[0]
    };
    assert!((fit_of(&[1.0, 2.0, 3.0, 50.0, 100.0], 1.0) - 3.0).abs() < 1e-6);
    assert!((fit_of(&[0.0, 1.0], 10.0) - 0.5).abs() < 1e-6);
    // Σ(x − b)³ = 0 for (0, 0, 1) and p = 4: 2x³ = (1 − x)³.
    let root = 1.0 / (1.0 + 2f64.cbrt());
    assert!((fit_of(&[0.0, 0.0, 1.0], 4.0) - root).abs() < 1e-6);
}

#[test]
fn a_fit_with_weights_is_the_fit_of_repeated_rows_and_fewer_rows_than_columns_fit_exactly() {
    let a = heavy(10, 3, 15);
    let weights: Vec<f64> = (0..10).map(|i| f64::from(1 + i % 3)).collect();
    let repeated: Vec<f64> =
        (0..10).flat_map(|i| std::iter::repeat_n(a.row(i).to_vec(), 1 + i % 3).flatten()).collect();
    let repeated = Dense::new(repeated, 3).unwrap();
    for p in [1.5, 4.0] {
        let fit = |m: &Dense, w: &[f64]| {
            block_on(fit(m, w, p, 1e-10, FitOptions::default(), &mut NoWatch)).unwrap()
        };
        let (one, two) = (fit(&a, &weights), fit(&repeated, &[]));
        all_close(&one.coefficients, &two.coefficients, 1e-6);
        let few = Dense::new(a.values()[..6].to_vec(), 3).unwrap();
        assert!(fit(&few, &[]).loss < 1e-12);
    }
}

#[test]
fn the_basis_is_orthonormal() {
    let a = heavy(100, 3, 16);
    let basis = block_on(Basis::of(&a, 1e-10, &mut NoWatch)).unwrap();
    let u = basis.dense().unwrap();
    for i in 0..3 {
        for j in 0..3 {
            let sum: f64 = (0..u.rows()).map(|k| u.row(k)[i] * u.row(k)[j]).sum();
            assert!((sum - f64::from(u8::from(i == j))).abs() < 1e-12);
        }
    }
}

#[test]
fn a_small_row_among_large_ones_is_solved_to_the_end() {
    // Row 5 is so small that its residual of 1 is among the smallest, where the simplex method begins.
    let (_, solved, _) = exact(&heavy(20, 3, 944), 1.0);
    for one in solved {
        assert!(one.upper <= one.value * (1.0 + 1e-8), "{one:?}");
    }
}
