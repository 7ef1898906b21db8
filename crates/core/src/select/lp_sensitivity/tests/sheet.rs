//! Worked examples, to the digits they are known to.

use super::super::bounds::{Problem, bounds};
use super::super::estimate::{block_signs, sign_draws, total_sensitivity};
use super::super::flatten::{Flattening, flatten};
use super::super::sample::{Accuracy, Probabilities, RoundSize, recursive_root_leverage};
use super::super::score::{Score, root_leverage};
use super::super::sensitivity::{SensitivitySolver, SolveOptions};
use super::super::{Dense, NoWatch, Rows, power};
use super::{all_close, cheap, exact, five, heavy};
use crate::Rng;
use crate::select::lp_sensitivity::distortion::distortion;
use futures::executor::block_on;

/// p, sensitivities, their sum, Lewis weights, of the first, second and third, fourth and fifth row.
const TABLE: [(f64, [f64; 3], f64, [f64; 3]); 6] = [
    (1.0, [0.2, 2.0 / 7.0, 3.0 / 7.0], 57.0 / 35.0, [0.268478, 0.349624, 0.516137]),
    (1.5, [0.185827, 0.288928, 0.528440], 1.820564, [0.213788, 0.320743, 0.572363]),
    (2.0, [1.0 / 6.0, 7.0 / 24.0, 5.0 / 8.0], 2.0, [1.0 / 6.0, 7.0 / 24.0, 5.0 / 8.0]),
    (3.0, [0.125, 0.288878, 0.774678], 2.252112, [0.095352, 0.236692, 0.715632]),
    (4.0, [0.088889, 0.285434, 0.872212], 2.404182, [0.050929, 0.189125, 0.785410]),
    (6.0, [0.041995, 0.282133, 0.964064], 2.534388, [0.012640, 0.118196, 0.875484]),
];

fn spread([a, b, c]: [f64; 3]) -> [f64; 5] {
    [a, b, b, c, c]
}

#[test]
fn five_rows_have_the_tabled_sensitivities_and_lewis_weights() {
    for (p, sensitivity, total, lewis) in TABLE {
        let (scores, solved, _) = exact(&five(), p);
        all_close(&scores.sensitivity, &spread(sensitivity), 6e-7);
        assert!((scores.sensitivity.iter().sum::<f64>() - total).abs() < 2e-6, "p = {p}");
        all_close(&scores.lewis.weights, &spread(lewis), 6e-7);
        for one in solved {
            assert!(one.upper >= one.value && one.upper <= one.value * (1.0 + 2e-7), "p = {p}: {one:?}");
        }
    }
}

#[test]
fn five_rows_have_the_tabled_root_leverage_scores() {
    let one = root_leverage(&cheap(&five(), 1.0).leverage, 1.0);
    all_close(&one, &[0.408248, 0.540062, 0.540062, 0.790569, 0.790569], 6e-7);
    let sum = one.iter().sum::<f64>();
    assert!((sum - 3.069510).abs() < 2e-6 && sum <= 10f64.sqrt());
    let four = root_leverage(&cheap(&five(), 4.0).leverage, 4.0);
    all_close(&four, &[0.138889, 0.425347, 0.425347, 1.0, 1.0], 6e-7);
}

#[test]
fn calibration_to_three_rows_gives_the_tabled_probabilities() {
    let scores = |p| exact(&five(), p).0.sensitivity;
    let one = Probabilities::with_budget(&scores(1.0), 3.0, true).unwrap();
    assert!((one.alpha - 0.814286).abs() < 1e-6, "{}", one.alpha);
    all_close(&one.q, &[0.445614, 0.550877, 0.550877, 0.726316, 0.726316], 1e-6);
    let four = Probabilities::with_budget(&scores(4.0), 3.0, true).unwrap();
    assert!((four.alpha - 1.202091).abs() < 1e-6, "{}", four.alpha);
    all_close(&four.q, &[0.273945, 0.437448, 0.437448, 0.925579, 0.925579], 1e-6);
    let scale: Vec<f64> = four.q.iter().map(|q| q.powf(-0.25)).collect();
    all_close(&scale, &[1.382242, 1.229613, 1.229613, 1.019522, 1.019522], 2e-6);
    let bare = Probabilities::with_budget(&scores(4.0), 3.0, false).unwrap();
    assert!((bare.alpha - 0.659758).abs() < 1e-6, "{}", bare.alpha);
    all_close(&bare.q, &[0.134730, 0.432635, 0.432635, 1.0, 1.0], 1e-6);
}

#[test]
fn kept_rows_are_scaled_by_the_root_of_p_not_of_two() {
    let four = Probabilities::with_budget(&exact(&five(), 4.0).0.sensitivity, 3.0, true).unwrap();
    let sample = (0..).map(|seed| four.draw(&mut Rng::new(seed))).find(|s| s.rows == [0, 4]).unwrap();
    let scaled = sample.scaled(&five(), 4.0).unwrap();
    all_close(scaled.values(), &[1.382242, 0.0, 2.0 * 1.019522, 1.019522], 3e-6);
}

#[test]
fn flattening_five_rows() {
    let p = 4.0;
    let a = five();
    let sensitivity = exact(&a, p).0.sensitivity;
    let flat = flatten(&sensitivity, 1.0).unwrap();
    assert!((flat.threshold - 0.480836).abs() < 1e-6);
    assert_eq!(flat.copies, [1, 1, 1, 2, 2]);
    let split = flat.apply(&a, p).unwrap();
    assert_eq!(split.rows(), 7);
    assert!((split.row(3)[0] - 0.840896).abs() < 1e-6);
    let new = exact(&split, p).0.sensitivity;
    let half = 0.436106;
    all_close(&new, &[0.088889, 0.285434, 0.285434, half, half, half, half], 1e-6);
    let total = |s: &[f64]| s.iter().sum::<f64>();
    assert!((total(&new) - total(&sensitivity)).abs() < 1e-6);
    let loss =
        |m: &Dense| -> f64 { m.values().chunks_exact(2).map(|r| power(0.3 * r[0] - 0.7 * r[1], p)).sum() };
    assert!((loss(&a) - 1.2739).abs() < 1e-12 && (loss(&split) - 1.2739).abs() < 1e-12);
}

#[test]
fn splitting_divides_sensitivity_and_lewis_weight_but_not_leverage() {
    let (a, p) = (five(), 4.0);
    let before = exact(&a, p).0;
    let copies = Flattening { threshold: 1.0, copies: vec![1, 1, 1, 1, 3] }.apply(&a, p).unwrap();
    let after = exact(&copies, p).0;
    for row in 4..7 {
        assert!((after.sensitivity[row] * 3.0 - before.sensitivity[4]).abs() < 1e-6);
        assert!((after.lewis.weights[row] * 3.0 - before.lewis.weights[4]).abs() < 1e-8);
        assert!((after.leverage[row] * 3.0 - before.leverage[4]).abs() > 0.01);
    }
    let even = Flattening::even(5, 0.25).unwrap();
    assert_eq!(even.copies, [4; 5]);
    for r in [1.0, 3.0] {
        let split = even.apply(&a, r).unwrap();
        assert!(exact(&split, r).0.sensitivity.iter().all(|s| *s <= 0.25 + 1e-9), "exponent {r}");
    }
}

#[test]
fn one_column_has_a_closed_form() {
    let a = Dense::new(vec![1.0, 2.0, 3.0], 1).unwrap();
    let (scores, ..) = exact(&a, 4.0);
    all_close(&scores.sensitivity, &[0.010204, 0.163265, 0.826531], 1e-6);
    for p in [1.0, 1.3, 2.0, 2.7, 5.0] {
        let (scores, ..) = exact(&a, p);
        let sum: f64 = (1..=3).map(|x| f64::from(x).powf(p)).sum();
        let expected: Vec<f64> = (1..=3).map(|x| f64::from(x).powf(p) / sum).collect();
        all_close(&scores.sensitivity, &expected, 1e-12);
        all_close(&scores.lewis.weights, &expected, 1e-9);
    }
}

#[test]
fn a_row_alone_in_its_direction_has_sensitivity_one() {
    let a = Dense::new(vec![1.0, 0.0, 1.0, 0.0, 0.0, 1.0], 2).unwrap();
    for p in [1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 10.0] {
        all_close(&exact(&a, p).0.sensitivity, &[0.5, 0.5, 1.0], 1e-6);
    }
}

#[test]
fn monomials_have_a_total_far_below_the_worst_case() {
    let mut rng = Rng::new(1);
    let values: Vec<f64> = (0..600)
        .flat_map(|_| {
            let t = 2.0 * rng.uniform() - 1.0;
            (0..6).map(move |k| t.powi(k))
        })
        .collect();
    let a = Dense::new(values, 6).unwrap();
    // Of a few rows only, which the total does not need more of.
    for (p, total) in [(1.0, 4.01), (4.0, 8.94), (6.0, 11.2)] {
        let scores = cheap(&a, p);
        let basis = block_on(super::super::Basis::of(&a, 1e-10, &mut NoWatch)).unwrap();
        let u = basis.dense().unwrap();
        let options = SolveOptions { gap: 1e-4, ..SolveOptions::default() };
        let mut solver = SensitivitySolver::new(&u, &scores.lewis, p, options).unwrap();
        let weights = &scores.lewis.weights;
        let estimate =
            block_on(total_sensitivity(&u, weights, &mut solver, 60, &Rng::new(2), &mut NoWatch)).unwrap();
        let room = 0.05 * total + 4.0 * estimate.error;
        assert!((estimate.value - total).abs() < room, "p = {p}: {estimate:?}");
        assert!(p < 2.0 || estimate.value < 0.3 * 6f64.powf(0.5 * p));
    }
}

#[test]
fn the_total_is_estimated_within_its_own_error() {
    for p in [1.0, 1.5, 3.0, 6.0] {
        let (scores, _, u) = exact(&heavy(120, 3, 5), p);
        let total: f64 = scores.sensitivity.iter().sum();
        let mut solver = SensitivitySolver::new(&u, &scores.lewis, p, SolveOptions::default()).unwrap();
        let weights = &scores.lewis.weights;
        let estimate =
            block_on(total_sensitivity(&u, weights, &mut solver, 40, &Rng::new(4), &mut NoWatch)).unwrap();
        assert!(
            (estimate.value - total).abs() <= 4.0 * estimate.error + 1e-6,
            "p = {p}: {estimate:?} {total}"
        );
        assert!(estimate.error < 0.1 * total);
    }
}

#[test]
fn block_signs_bound_from_above_and_cost_at_most_the_power_of_the_block() {
    let (n, block) = (60, 4);
    for p in [1.0, 1.5, 3.0] {
        let (scores, _, u) = exact(&heavy(n, 3, 6), p);
        let mut solver = SensitivitySolver::new(&u, &scores.lewis, p, SolveOptions::default()).unwrap();
        let draws = sign_draws(n, 0.001);
        assert_eq!(draws, 16, "log₂ 60000 = 15.9");
        let found = block_on(block_signs(&u, &mut solver, block, draws, &Rng::new(9), &mut NoWatch)).unwrap();
        for (s, f) in scores.sensitivity.iter().zip(&found) {
            assert!(*f >= s * (1.0 - 1e-6), "p = {p}: {f} is below {s}");
        }
        let total: f64 = scores.sensitivity.iter().sum();
        // Each row of a block gets at most β^p times the largest sensitivity of its block, so the sum is no proof of
        // the factor for p = 1 alone; with equal blocks it is β·β^{p−1}.
        assert!(found.iter().sum::<f64>() <= (block as f64).powf(p.max(1.0)) * total);
    }
}

#[test]
fn all_rows_kept_is_the_data_itself() {
    let (scores, _, u) = exact(&five(), 3.0);
    for score in Score::ALL {
        let all = Probabilities::with_budget(&scores.of(score), 5.0, score.has_floor()).unwrap();
        assert_eq!(all.q, [1.0; 5], "{}", score.name());
        let sample = all.draw(&mut Rng::new(3));
        assert_eq!(sample.rows, [0, 1, 2, 3, 4]);
        let found = distortion(&u, 3.0, &sample, 500, &Rng::new(1));
        assert!(found.worst() < 1e-12, "{found:?}");
    }
}

#[test]
fn the_kept_loss_is_right_on_average_and_so_is_the_number_of_rows() {
    let (a, draws, m) = (five(), 10_000, 3.0);
    for (p, x) in [(1.0, [0.3, -0.7]), (4.0, [1.0, 0.5])] {
        let (scores, ..) = exact(&a, p);
        let loss = |i: usize| power(a.row(i)[0] * x[0] + a.row(i)[1] * x[1], p);
        let full: f64 = (0..5).map(loss).sum();
        for score in Score::ALL {
            let q = Probabilities::with_budget(&scores.of(score), m, score.has_floor()).unwrap();
            let rng = Rng::new(11).split(score.name());
            let samples = (0..draws).map(|i| q.draw(&mut rng.at(i)));
            let (mut sum, mut squares, mut kept) = (0.0, 0.0, 0.0);
            for sample in samples {
                let value: f64 = sample.rows.iter().zip(&sample.weights).map(|(i, w)| w * loss(*i)).sum();
                sum += value;
                squares += value * value;
                kept += sample.rows.len() as f64;
            }
            let mean = sum / draws as f64;
            let error = ((squares / draws as f64 - mean * mean) / draws as f64).sqrt();
            assert!(
                (mean - full).abs() <= 3.0 * error + 1e-12,
                "{}, p = {p}: {mean} {full} {error}",
                score.name()
            );
            let error = m.sqrt() / (draws as f64).sqrt();
            assert!((kept / draws as f64 - m).abs() < 4.0 * error);
        }
    }
}

#[test]
fn the_number_of_kept_rows_is_near_the_budget() {
    let (scores, m) = (cheap(&heavy(2000, 4, 8), 1.0), 200.0);
    let q = Probabilities::with_budget(&scores.of(Score::Lewis), m, false).unwrap();
    assert!((q.expected() - m).abs() < 1e-6);
    for seed in 0..50 {
        let kept = q.draw(&mut Rng::new(seed)).rows.len() as f64;
        assert!((kept - m).abs() < 4.0 * m.sqrt(), "{kept}");
    }
}

#[test]
fn recursion_shrinks_and_stays_unbiased() {
    let a = heavy(400, 3, 9);
    for p in [1.0, 4.0] {
        let loss = |row: &[f64]| power(row[0] - 0.5 * row[1] + 2.0 * row[2], p);
        let full: f64 = a.values().chunks_exact(3).map(loss).sum();
        let values: Vec<f64> = (0..400)
            .map(|seed| {
                let size = RoundSize::Budget(60.0);
                let rng = Rng::new(seed);
                let (sample, counts) =
                    block_on(recursive_root_leverage(&a, p, size, 3, &rng, &mut NoWatch)).unwrap();
                assert!(counts.is_sorted_by(|a, b| a > b), "{counts:?}");
                assert_eq!(counts.last(), Some(&sample.rows.len()));
                sample.rows.iter().zip(&sample.weights).map(|(i, w)| w * loss(a.row(*i))).sum::<f64>()
            })
            .collect();
        let mean = values.iter().sum::<f64>() / 400.0;
        let error = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 400.0 / 399.0).sqrt();
        assert!((mean - full).abs() < 4.0 * error, "p = {p}: {mean} {full} ± {error}");
    }
}

#[test]
fn recursion_by_accuracy_ends_when_rows_no_longer_become_fewer() {
    let a = heavy(3000, 2, 10);
    // The rule's constant is unknown; a small one makes a demonstration possible.
    let accuracy = Accuracy { epsilon: 0.5, constant: 0.003, ..Accuracy::default() };
    let (sample, counts) = block_on(recursive_root_leverage(
        &a,
        1.0,
        RoundSize::Accuracy(accuracy),
        6,
        &Rng::new(1),
        &mut NoWatch,
    ))
    .unwrap();
    assert!(counts.len() > 1 && counts[1] < counts[0], "{counts:?}");
    assert!(sample.rows.len() < 1500);
}

#[test]
fn sizes_by_accuracy_follow_the_rules() {
    let accuracy = Accuracy { epsilon: 0.1, failure: 0.05, constant: 2.0 };
    let alpha = |score, p| accuracy.alpha(score, p, 3.0, 1000, 5).unwrap();
    let close = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-12, "{a} {b}");
    close(alpha(Score::Sensitivity, 1.0), 0.005 / 3.0);
    close(alpha(Score::Sensitivity, 4.0), 0.005 / 3f64.sqrt());
    close(alpha(Score::RootLeverage, 3.0), 0.005 / (1000f64.ln().powi(3) + 20f64.ln()));
    let lewis = 0.005 / (5f64.ln().powi(2) * 1000f64.ln() * 20f64.ln());
    close(alpha(Score::Lewis, 1.0), lewis);
    close(alpha(Score::Lewis, 4.0), lewis / 5.0);
    assert!(accuracy.alpha(Score::Uniform, 1.0, 3.0, 1000, 5).is_err());
}

#[test]
fn the_table_of_bounds_by_hand() {
    let rows = |p: f64, scheme: &str| {
        let table = bounds(&Problem { p, n: 10_000, d: 4, total: 3.0, epsilon: 0.5 });
        table.iter().find(|b| b.scheme == scheme).map(|b| b.rows)
    };
    let close = |found: Option<f64>, expected: f64| {
        let found = found.unwrap();
        assert!((found / expected - 1.0).abs() < 1e-12, "{found} {expected}");
    };
    close(rows(1.0, "general framework, 2011"), 48.0);
    close(rows(1.0, "sensitivity, this paper"), 36.0);
    close(rows(1.0, "sensitivity, 2021"), 24.0);
    close(rows(1.0, "sensitivity + leverage, 2024"), 28.0);
    close(rows(1.0, "root leverage, one round"), 800.0);
    close(rows(1.0, "root leverage, recursive"), 64.0);
    close(rows(1.0, "Lewis weights"), 16.0);
    close(rows(4.0, "sensitivity, this paper"), 4.0 * 3f64.powf(1.5));
    close(rows(4.0, "leverage + sensitivity, this paper"), 24.0);
    close(rows(4.0, "root leverage, one round"), 1600.0);
    close(rows(4.0, "root leverage, recursive"), 256.0);
    close(rows(4.0, "Lewis weights"), 64.0);
    assert_eq!(rows(4.0, "any row subset, worst case"), None, "4 is even");
    close(rows(3.0, "any row subset, worst case"), 16.0);
}
