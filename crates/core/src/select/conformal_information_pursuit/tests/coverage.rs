//! Coverage, by simulation.

use super::*;

#[test]
fn uniform_scores_are_covered_as_the_theory_says() {
    // j/(n + 1) is the expected j-th smallest of n, so coverage is 1 − j/(n + 1).
    let trials = 20_000;
    for (n, alpha, theory, seed) in
        [(9, 0.1, 0.9, 1), (100, 0.1, 1.0 - 10.0 / 101.0, 2), (100, 0.3, 1.0 - 30.0 / 101.0, 3)]
    {
        let mut rng = Rng::new(seed);
        // The coverage of a threshold τ is 1 − τ exactly, which leaves the noise of the test score out.
        let mean = (0..trials)
            .map(|_| {
                let s: Vec<f64> = (0..n).map(|_| rng.uniform()).collect();
                1.0 - threshold(&s, alpha).unwrap()
            })
            .sum::<f64>()
            / f64::from(trials);
        // Beta(n + 1 − j, j) has standard deviation √(c (1 − c)/(n + 2)) around its mean c; four standard errors.
        let error = (theory * (1.0f64 - theory) / (f64::from(n) + 2.0) / f64::from(trials)).sqrt();
        assert!((mean - theory).abs() < 4.0 * error, "{n} {alpha}: {mean}, theory {theory}");
        assert!((mean - theory).abs() < 0.003);
    }
    assert!((1.0f64 - 10.0 / 101.0 - 0.900990).abs() < 1e-6);
}

/// Mean coverage by length of fresh random histories, over many calibrations, with its standard error.
fn fresh(
    predictor: &TablePredictor,
    answerer: &Answerer<'_>,
    draws: usize,
    alpha: f64,
    trials: u64,
) -> Vec<(f64, f64)> {
    let rng = Rng::new(11);
    let one = |trial: u64| {
        let make = |name: &str, count: usize| {
            block_on(Calibration::random(predictor, answerer, 6, count, &rng.at(trial).split(name))).unwrap()
        };
        make("test", 60).coverage(&make("calibration", draws).thresholds(alpha).unwrap())
    };
    let all: Vec<Vec<f64>> = (0..trials).map(one).collect();
    (0..6)
        .map(|length| {
            let values: Vec<f64> = all.iter().map(|coverage| coverage[length]).collect();
            let mean = values.iter().sum::<f64>() / trials as f64;
            let square = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (trials as f64 - 1.0);
            (mean, (square / trials as f64).sqrt())
        })
        .collect()
}

#[test]
fn random_histories_are_covered_however_bad_the_predictor() {
    let table = AnswerTable::bits16();
    for (temperature, eta, wrong) in [(1.0, 0.0, 0.0), (0.1, 0.5, 0.0), (0.1, 2.0, 0.2)] {
        let predictor = bayes(&table, 0.1).distorted(temperature, eta, &Rng::new(3)).unwrap();
        let answerer = Answerer { table: &table, wrong };
        for (draws, alpha) in [(100, 0.1), (19, 0.2), (5, 0.1)] {
            for (length, (mean, error)) in
                fresh(&predictor, &answerer, draws, alpha, 150).into_iter().enumerate()
            {
                // A true coverage of exactly 1 − α is seen below this once in 30,000 times.
                assert!(
                    mean > 1.0 - alpha - 4.0 * error,
                    "T {temperature}, η {eta}, {draws} draws, α {alpha}, length {}: {mean} ± {error}",
                    length + 1
                );
            }
        }
    }
}

#[test]
fn coverage_is_near_nominal_where_probabilities_are_not_tied() {
    // With misunderstood and wrong answers hardly two probabilities are alike: sets are not larger than they must be.
    let table = AnswerTable::bits16();
    let predictor = bayes(&table, 0.1).distorted(1.0, 1.0, &Rng::new(5)).unwrap();
    let answerer = Answerer { table: &table, wrong: 0.1 };
    for (length, (mean, error)) in fresh(&predictor, &answerer, 99, 0.2, 150).into_iter().enumerate().skip(2)
    {
        assert!(mean < 0.8 + 0.02 + 4.0 * error, "length {}: {mean} ± {error}", length + 1);
    }
}

#[test]
fn a_literal_reading_of_the_paper_would_cover_almost_nothing() {
    // What the tests above would see if the quantile were taken from the wrong end.
    let table = AnswerTable::bits16();
    let predictor = bayes(&table, 0.1).distorted(1.0, 1.0, &Rng::new(5)).unwrap();
    let answerer = Answerer { table: &table, wrong: 0.1 };
    let rng = Rng::new(2);
    let made = block_on(Calibration::random(&predictor, &answerer, 6, 200, &rng)).unwrap();
    let mut sorted = made.scores()[5].clone();
    sorted.sort_by(f64::total_cmp);
    let literal = sorted[(0.9f64 * 201.0).ceil() as usize - 1];
    let test = block_on(Calibration::random(&predictor, &answerer, 6, 200, &rng.split("test"))).unwrap();
    let coverage = test.coverage(&Thresholds::fixed(literal, 6, 0.1, 200).unwrap())[5];
    assert!(coverage < 0.2, "{coverage}");
}

#[test]
fn one_threshold_for_all_lengths_misses_short_histories_less_than_its_own_and_long_ones_more() {
    // Thresholds rise with the length, so the common one lies between.
    let table = AnswerTable::bits16();
    let predictor = bayes(&table, 0.1);
    let answerer = Answerer { table: &table, wrong: 0.0 };
    let made = block_on(Calibration::random(&predictor, &answerer, 8, 200, &Rng::new(9))).unwrap();
    let (own, common) = (made.thresholds(0.1).unwrap(), made.common_threshold(0.1).unwrap());
    assert!(own.at(8) > 2.0 * own.at(1), "{own:?}");
    assert!(common.at(1) == common.at(8) && common.at(8) < own.at(8) && common.at(1) >= own.at(1));
    let fresh = block_on(Calibration::random(&predictor, &answerer, 8, 400, &Rng::new(10))).unwrap();
    let (own, common) = (fresh.coverage(&own), fresh.coverage(&common));
    assert!(common[0] <= own[0] && common[7] >= own[7], "{common:?} {own:?}");
}

#[test]
fn saved_games_calibrate_the_lengths_that_they_have() {
    let table = four();
    let predictor = bayes(&table, 0.1);
    let game = |label, pairs: &[(usize, usize)]| SavedGame { label, history: history(pairs) };
    let games = [game(0, &[(0, 1), (1, 1)]), game(3, &[(0, 0)])];
    let made = block_on(Calibration::of_games(&predictor, &games, 5)).unwrap();
    assert_eq!(made.scores().iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
    near(made.scores()[0][0], 0.45);
    near(made.scores()[0][1], 0.45);
    near(made.scores()[1][0], 0.81);
    let thresholds = made.thresholds(0.5).unwrap();
    near(thresholds.at(1), 0.45);
    assert_eq!((thresholds.at(0), thresholds.at(3)), (f64::NEG_INFINITY, f64::NEG_INFINITY));
    assert!(block_on(Calibration::of_games(&predictor, &[], 5)).is_err());
    assert!(block_on(Calibration::of_games(&predictor, &[game(0, &[])], 5)).is_err());
    let answerer = Answerer { table: &table, wrong: 0.0 };
    assert!(block_on(Calibration::random(&predictor, &answerer, 0, 5, &Rng::new(0))).is_err());
    assert!(block_on(Calibration::random(&predictor, &answerer, 2, 0, &Rng::new(0))).is_err());
}
