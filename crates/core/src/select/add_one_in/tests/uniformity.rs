//! Where the method must be a plain random draw.

use super::*;
use crate::select::Distance;

/// Rows and budget of each draw.
const ROWS: usize = 30;
const BUDGET: usize = 10;
const DRAWS: u64 = 1500;

/// χ² of inclusion counts against K/N each. The counts of a draw sum to K, so the statistic is scaled by
/// (N−1)/N · 1/(1−K/N) to follow χ² with N−1 degrees of freedom.
fn chi_square(chosen: impl Fn(u64) -> Vec<usize>) -> f64 {
    let mut counts = [0.0f64; ROWS];
    for seed in 0..DRAWS {
        chosen(seed).into_iter().for_each(|row| counts[row] += 1.0);
    }
    let share = BUDGET as f64 / ROWS as f64;
    let expected = DRAWS as f64 * share;
    let sum: f64 = counts.iter().map(|c| (c - expected) * (c - expected) / expected).sum();
    sum / (1.0 - share) * (ROWS - 1) as f64 / ROWS as f64
}

/// The 99.9 % point of χ² with 29 degrees of freedom.
const LIMIT: f64 = 58.30;

#[test]
fn one_option_a_random_judge_and_full_position_bias_draw_evenly() {
    let pool = pool(ROWS, 3);
    let value = || ValueScorer::new(&pool, 1.0, 1.0, Distance::Euclidean).unwrap();
    let one = chi_square(|seed| run(config(BUDGET, 3, 1, 2), ROWS, value(), seed).selection.rows);
    let random = chi_square(|seed| {
        run(config(BUDGET, 3, 5, 2), ROWS, RandomScorer::new(&Rng::new(seed)), seed).selection.rows
    });
    let biased = chi_square(|seed| {
        let judge = NoisyScorer::new(value(), 0.0, 1.0, 0.0, &Rng::new(seed)).unwrap();
        run(config(BUDGET, 3, 5, 2), ROWS, judge, seed).selection.rows
    });
    let noisy = chi_square(|seed| {
        let judge = NoisyScorer::new(value(), 1.0, 0.0, 0.0, &Rng::new(seed)).unwrap();
        run(config(BUDGET, 3, 5, 2), ROWS, judge, seed).selection.rows
    });
    for (name, found) in [("b = 1", one), ("random", random), ("position bias", biased), ("noise", noisy)] {
        assert!(found < LIMIT, "{name}: χ² is {found}");
    }
    // The test can tell: a judge of quality is far from even.
    let judged = chi_square(|seed| run(config(BUDGET, 3, 5, 2), ROWS, value(), seed).selection.rows);
    assert!(judged > 10.0 * LIMIT, "{judged}");
}

#[test]
fn options_are_shown_as_often_as_the_arithmetic_says() {
    // b (K − n₀) / N options a row; a share (1 − K/N)^b or so is never looked at, whatever the judge.
    let (rows, budget, options, initial) = (2000, 355, 10, 10);
    let pool = pool(rows, 1);
    let judge = ValueScorer::new(&pool, 1.0, 0.0, Distance::Euclidean).unwrap();
    let chosen = run(config(budget, 5, options, initial), rows, judge, 1);
    let tally = Tally::of(&chosen.asked, rows);
    let shown: usize = tally.exposure.iter().enumerate().map(|(times, rows)| times * rows).sum();
    assert_eq!(shown, options * (budget - initial));
    let never = tally.exposure[0] as f64 / rows as f64;
    let expected = (1.0 - budget as f64 / rows as f64).powi(options as i32);
    assert!((never - expected).abs() < 0.03, "{never} {expected}");
    // An unbiased judge answers evenly over positions: χ² with 9 degrees of freedom, 99.9 % point 27.9.
    let mean = (budget - initial) as f64 / options as f64;
    let chi: f64 = tally.positions.iter().map(|c| (*c as f64 - mean).powi(2) / mean).sum();
    assert!(chi < 27.9, "{chi}");
}
