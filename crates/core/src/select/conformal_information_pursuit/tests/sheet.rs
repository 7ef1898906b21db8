//! Worked examples, to six digits.

use super::*;
use crate::select::{InformationPursuit, RandomQueries, entropy};

#[test]
fn the_quantile_is_the_one_of_a_probability() {
    let s = [0.31, 0.02, 0.9, 0.05, 0.7, 0.11, 0.2, 0.42, 0.55];
    assert_eq!(threshold(&s, 0.1).unwrap(), 0.02);
    assert_eq!(threshold(&s, 0.2).unwrap(), 0.05);
    assert_eq!(threshold(&s, 0.3).unwrap(), 0.11);
    // Too few scores for the α: everything, and not the smallest score.
    let eight: Vec<f64> = s.iter().copied().filter(|v| *v != 0.9).collect();
    let none = threshold(&eight, 0.1).unwrap();
    assert_eq!(none, f64::NEG_INFINITY);
    assert_eq!(prediction_set(&[0.0, 1.0, 0.0], none), [0, 1, 2]);
    // Ties belong to the set, also those that rounding has moved.
    assert_eq!(prediction_set(&[0.2, 0.6, 0.2 - 1e-17, 0.1], 0.2), [0, 1, 2]);
    let alphas: [f64; 10] = [0.01, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45];
    for n in [100usize, 200] {
        // NumPy's quantile(-s, 1 - α, method="higher") is the value at ⌈(1 - α)(n - 1)⌉ of the ascending -s.
        let s: Vec<f64> = (1..=n).map(|v| v as f64).collect();
        for alpha in alphas {
            let place = ((1.0 - alpha) * (n as f64 - 1.0) - 1e-9).ceil() as usize;
            assert_eq!(threshold(&s, alpha).unwrap(), s[n - 1 - place], "{n} {alpha}");
        }
    }
}

#[test]
fn wrong_scores_and_levels_are_refused() {
    for alpha in [0.0, 1.0, -0.1, f64::NAN] {
        assert!(threshold(&[0.5], alpha).is_err(), "{alpha}");
    }
    assert!(threshold(&[], 0.1).is_err());
    assert!(threshold(&[0.5, f64::NAN], 0.1).is_err());
    assert!(Thresholds::fixed(f64::NAN, 3, 0.1, 10).is_err());
    assert!(Thresholds::fixed(0.5, 3, 1.5, 10).is_err());
}

#[test]
fn probabilities_of_the_example() {
    let table = four();
    let predict = |temperature: f64, pairs: &[(usize, usize)]| {
        let predictor = bayes(&table, 0.1).distorted(temperature, 0.0, &Rng::new(0)).unwrap();
        block_on(predictor.predict(&history(pairs))).unwrap()
    };
    let check = |found: Vec<f64>, wanted: [f64; 4]| found.iter().zip(wanted).for_each(|(f, w)| near(*f, w));
    check(predict(1.0, &[(0, 1)]), [0.45, 0.45, 0.05, 0.05]);
    check(predict(1.0, &[(0, 1), (1, 1)]), [0.81, 0.09, 0.09, 0.01]);
    check(predict(0.5, &[(0, 1), (1, 1)]), [0.975758, 0.012046, 0.012046, 0.000149]);
    // One object a class: likelihoods of classes and of objects are the same.
    let objects = TablePredictor::learn(&table, Likelihood::Objects, Prior::Shares, 0.1).unwrap();
    check(block_on(objects.predict(&history(&[(0, 1), (1, 1)]))).unwrap(), [0.81, 0.09, 0.09, 0.01]);
}

/// Scores of all candidates under an objective, with the threshold 0.2.
fn scores(objective: Objective, expectation: Expectation, game: &Game) -> Vec<(usize, f64)> {
    let (table, thresholds) = (four(), Thresholds::fixed(0.2, 3, 0.1, 100).unwrap());
    let predictor = bayes(&table, 0.1);
    let policy = conformal(&predictor, &thresholds, &table, objective, expectation, 3);
    block_on(policy.choose(game, &Rng::new(0))).unwrap().unwrap().scores
}

fn entropies(expectation: Expectation, game: &Game) -> Vec<(usize, f64)> {
    let table = four();
    let predictor = bayes(&table, 0.1);
    let rule = StopRule::after(3);
    let policy = InformationPursuit { predictor: &predictor, pool: &table, expectation, samples: 4, rule };
    block_on(policy.choose(game, &Rng::new(0))).unwrap().unwrap().scores
}

#[test]
fn scores_of_the_example_before_the_first_answer() {
    let (all, start) = (Expectation::WholePool, Game::default());
    for query in 0..3 {
        near(entropies(all, &start)[query].1, 1.468996);
        near(scores(Objective::LogMean, all, &start)[query].1, 1.0);
        near(scores(Objective::Bound, all, &start)[query].1, 1.568996);
        near(scores(Objective::Fano, all, &start)[query].1, 1.0);
    }
    // A sample as large as the pool is the pool.
    let (sample, whole) = (entropies(Expectation::UniformSample, &start), entropies(all, &start));
    sample.iter().zip(whole).for_each(|(sample, whole)| near(sample.1, whole.1));
}

#[test]
fn scores_of_the_example_after_one_answer() {
    let (all, posterior) = (Expectation::WholePool, Expectation::Posterior);
    let game = after(&[(0, 1)]);
    let expect = |found: Vec<(usize, f64)>, wanted: [f64; 2]| {
        assert_eq!(found.iter().map(|(query, _)| *query).collect::<Vec<_>>(), [1, 2]);
        found.iter().zip(wanted).for_each(|((_, found), wanted)| near(*found, wanted));
    };
    expect(entropies(all, &game), [0.937991, 1.547509]);
    expect(entropies(posterior, &game), [0.937991, 1.185516]);
    expect(scores(Objective::LogMean, all, &game), [0.0, 1.584963]);
    near(scores(Objective::LogMean, posterior, &game)[1].1, 1.137504);
    expect(scores(Objective::Bound, all, &game), [0.627492, 2.118996]);
    near(scores(Objective::Bound, posterior, &game)[1].1, 1.678996);
    expect(scores(Objective::Fano, all, &game), [1.792481, 1.5]);
    expect(scores(Objective::Fano, posterior, &game), [0.627492, 1.1]);
}

#[test]
fn entropies_are_clamped_and_coins_are_measured() {
    near(entropy(&[0.25; 4]), 2.0);
    // 1e-5 in place of 0.
    near(entropy(&[1.0, 0.0]), 1e-5 * (1e5f64).log2());
    near(binary_entropy(0.1), 0.468996);
    assert_eq!((binary_entropy(0.0), binary_entropy(1.0)), (0.0, 0.0));
}

#[test]
fn an_empty_set_looks_certain_unless_it_counts_as_everything() {
    // No label reaches a threshold of 0.6 after one answer: all sets are empty.
    let (table, thresholds) = (four(), Thresholds::fixed(0.6, 3, 0.1, 100).unwrap());
    let predictor = bayes(&table, 0.1);
    let score = |objective: Objective, empty_is_all: bool| {
        let policy = ConformalPursuit {
            empty_is_all,
            ..conformal(&predictor, &thresholds, &table, objective, Expectation::WholePool, 3)
        };
        block_on(policy.choose(&Game::default(), &Rng::new(0))).unwrap().unwrap().score.unwrap()
    };
    assert!(score(Objective::LogMean, false) < -30.0);
    near(score(Objective::LogMean, true), 2.0);
    // h_b(α) + α log2 4 is less than for a set of any label; Fano says that nothing is known.
    near(score(Objective::Bound, false), 0.468996 + 0.2);
    near(score(Objective::Fano, false), 2.0);
    near(score(Objective::Fano, true), 2.0);
}

#[test]
fn the_slack_changes_the_weight_of_covered_objects() {
    let (table, thresholds) = (four(), Thresholds::fixed(0.2, 3, 0.1, 99).unwrap());
    let predictor = bayes(&table, 0.1);
    for (slack, weight) in [(Slack::Estimation, 1.1), (Slack::None, 0.9), (Slack::Calibration, 0.91)] {
        let policy = ConformalPursuit {
            slack,
            ..conformal(&predictor, &thresholds, &table, Objective::Bound, Expectation::WholePool, 3)
        };
        // All sets have two labels, one bit.
        let question = block_on(policy.choose(&Game::default(), &Rng::new(0))).unwrap().unwrap();
        near(question.score.unwrap(), 0.468996 + weight);
    }
}

#[test]
fn sixteen_classes_in_bits_rare_ones_and_pairs() {
    let table = AnswerTable::bits16();
    assert_eq!((table.classes(), table.queries()), (16, 18));
    // 6 is 0110 from the lowest bit; it is number 6 of the rare ones; bits 01, 02, 13 and 23 differ.
    assert_eq!(table.row(6), [0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 1, 0, 0, 1, 1]);
    let ones = |query: usize| (0..16).filter(|y| table.answer(*y, query) == 1).count();
    assert_eq!((0..18).map(ones).collect::<Vec<_>>(), [[8; 4].to_vec(), vec![1; 8], vec![8; 6]].concat());
}

#[test]
fn calibration_draws_are_pinned() {
    // Random numbers and logarithms are the same on every platform; a change here changes every run, and must be meant.
    let table = AnswerTable::bits16();
    let predictor = bayes(&table, 0.1).distorted(0.1, 0.5, &Rng::new(7)).unwrap();
    let answerer = Answerer { table: &table, wrong: 0.0 };
    let rng = Rng::new(7).split("calibration");
    let made = || block_on(Calibration::random(&predictor, &answerer, 4, 100, &rng)).unwrap();
    assert_eq!(made(), made());
    let thresholds = made().thresholds(0.1).unwrap();
    let bits: Vec<u64> = thresholds.values().iter().map(|value| value.unwrap().to_bits()).collect();
    assert_eq!(bits, [4501058202319283651, 4471519906811938223, 4449689835368048142, 4481173429722331813]);
}

#[test]
fn no_question_is_repeated_and_none_is_asked_beyond_the_limit() {
    let table = AnswerTable::bits16();
    let predictor = bayes(&table, 0.1);
    let thresholds = Thresholds::fixed(0.05, 18, 0.1, 100).unwrap();
    for questions in [1, 5, 18, 40] {
        let policy = conformal(
            &predictor,
            &thresholds,
            &table,
            Objective::Bound,
            Expectation::UniformSample,
            questions,
        );
        let random = RandomQueries { queries: 18, rule: StopRule::after(questions) };
        for object in 0..16 {
            let rng = Rng::new(object as u64);
            for (game, _) in [
                play(&policy, &predictor, &table, object, &rng),
                play(&random, &predictor, &table, object, &rng),
            ] {
                let mut asked: Vec<usize> = game.history.iter().map(|one| one.query).collect();
                assert_eq!(asked.len(), questions.min(18));
                asked.sort_unstable();
                asked.dedup();
                assert_eq!(asked.len(), questions.min(18));
            }
        }
    }
}

#[test]
fn equal_scores_end_a_game_but_not_before_its_first_answer() {
    use crate::select::Stop;
    let (table, thresholds) = (four(), Thresholds::fixed(f64::NEG_INFINITY, 3, 0.1, 5).unwrap());
    let predictor = bayes(&table, 0.1);
    let rule = StopRule { questions: 3, spread: 0.01, set: 0 };
    // Every set is everything, so all scores are alike.
    let policy = ConformalPursuit {
        rule,
        ..conformal(&predictor, &thresholds, &table, Objective::Bound, Expectation::WholePool, 3)
    };
    let mut game = Game::default();
    let rng = Rng::new(0);
    let question = block_on(policy.ask(&mut game, &rng)).unwrap().unwrap();
    near(question.spread.unwrap(), 0.0);
    assert_eq!((question.query, policy.stop(&game)), (0, None));
    policy.observe(&mut game, Some(1)).unwrap();
    block_on(policy.ask(&mut game, &rng)).unwrap();
    assert_eq!(policy.stop(&game), Some(Stop::Spread));
    // A rule of 0 never fires.
    let patient = ConformalPursuit { rule: StopRule::after(3), ..policy };
    assert_eq!(patient.stop(&game), None);
}
