//! Invariants.

use proptest::prelude::*;

use super::*;
use crate::Rng;
use crate::select::{InformationPursuit, QueriesInOrder};

/// A table of classes, with the answers of a history.
fn tables() -> impl Strategy<Value = (AnswerTable, Vec<(usize, usize)>, u64)> {
    (2usize..8, 2usize..7).prop_flat_map(|(classes, queries)| {
        let answers = prop::collection::vec(0u8..2, classes * queries);
        let given = prop::collection::vec(0usize..2, 0..queries);
        (answers, given, any::<u64>()).prop_map(move |(answers, given, seed)| {
            let order = Rng::new(seed).sample(queries, given.len());
            let table = AnswerTable::of_classes(answers, queries).unwrap();
            (table, order.into_iter().zip(given).collect(), seed)
        })
    })
}

fn log2_entropy(weights: &[f64]) -> f64 {
    let total: f64 = weights.iter().sum();
    weights.iter().filter(|w| **w > 0.0).map(|w| -(w / total) * (w / total).log2()).sum()
}

proptest! {
    #[test]
    fn sets_shrink_as_alpha_grows(
        scores in prop::collection::vec(0.0f64..1.0, 1..60),
        probabilities in prop::collection::vec(0.0f64..1.0, 1..10),
        (a, b) in (0.01f64..0.98, 0.0f64..1.0),
    ) {
        let less = threshold(&scores, a).unwrap();
        let more = threshold(&scores, a + b * (0.99 - a)).unwrap();
        prop_assert!(less <= more);
        let (large, small) = (prediction_set(&probabilities, less), prediction_set(&probabilities, more));
        prop_assert!(small.iter().all(|label| large.contains(label)));
    }

    #[test]
    fn a_threshold_leaves_enough_scores_at_or_above_it(
        scores in prop::collection::vec(0u8..6, 1..80), alpha in 0.01f64..0.99,
    ) {
        // Tied scores too: of n + 1 exchangeable scores, the new one included, less than α (n + 1) lie below.
        let scores: Vec<f64> = scores.into_iter().map(|s| f64::from(s) / 5.0).collect();
        let found = threshold(&scores, alpha).unwrap();
        let below = scores.iter().filter(|s| **s < found).count() as f64;
        prop_assert!(below < alpha * (scores.len() as f64 + 1.0) + 1e-6);
    }

    #[test]
    fn fano_bounds_the_entropy_that_is_left((table, pairs, _) in tables(), value in 0.0f64..1.0, error in 0.02f64..0.45) {
        let predictor = bayes(&table, error);
        let thresholds = Thresholds::fixed(value, table.queries(), 0.1, 50).unwrap();
        let game = after(&pairs);
        prop_assume!(game.history.len() < table.queries());
        let policy =
            conformal(&predictor, &thresholds, &table, Objective::Fano, Expectation::Posterior, table.queries());
        let question = block_on(policy.choose(&game, &Rng::new(0))).unwrap().unwrap();
        let weights = block_on(predictor.predict(&game.history)).unwrap();
        for (query, score) in question.scores {
            let left: f64 = (0..2)
                .map(|answer| {
                    let part: Vec<f64> = (0..table.classes())
                        .filter(|class| table.answer(*class, query) == answer)
                        .map(|class| weights[class])
                        .collect();
                    let p: f64 = part.iter().sum();
                    if p > 0.0 { p * log2_entropy(&part) } else { 0.0 }
                })
                .sum();
            prop_assert!(left <= score + 1e-9, "question {query}: {left} bits are left, the bound says {score}");
        }
    }

    #[test]
    fn probabilities_sum_to_one_in_any_order_and_one_by_one(
        (table, pairs, seed) in tables(), temperature in 0.02f64..3.0, eta in 0.0f64..2.0, objects in any::<bool>(),
    ) {
        let likelihood = if objects { Likelihood::Objects } else { Likelihood::NaiveBayes };
        let predictor = TablePredictor::learn(&table, likelihood, Prior::Even, 0.1)
            .and_then(|p| p.distorted(temperature, eta, &Rng::new(seed)))
            .unwrap();
        let game = after(&pairs);
        let at_once = block_on(predictor.predict(&game.history)).unwrap();
        prop_assert!((at_once.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let mut turned = game.history.clone();
        turned.reverse();
        prop_assert_eq!(&block_on(predictor.predict(&turned)).unwrap(), &at_once);
        if let Some((last, before)) = game.history.split_last() {
            let extended = block_on(predictor.extend(before, &[*last])).unwrap();
            extended.iter().zip(&at_once).for_each(|(a, b)| assert!((a - b).abs() < 1e-12));
        }
        for scaling in [Scaling::None, Scaling::temperature(2.0).unwrap()] {
            let scaled = Scaled { predictor: predictor.clone(), scaling };
            let p = block_on(scaled.predict(&game.history)).unwrap();
            prop_assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            prop_assert!(most_probable(&p) == most_probable(&at_once));
        }
    }

    #[test]
    fn a_game_written_down_after_each_answer_goes_on_as_it_would_have((table, _, seed) in tables(), value in 0.0f64..0.6) {
        let predictor = bayes(&table, 0.1);
        let thresholds = Thresholds::fixed(value, table.queries(), 0.1, 50).unwrap();
        let sample = Expectation::UniformSample;
        let policy = ConformalPursuit {
            samples: 1,
            ..conformal(&predictor, &thresholds, &table, Objective::Bound, sample, table.queries())
        };
        let rng = Rng::new(seed);
        let object = seed as usize % table.objects();
        let (whole, _) = play(&policy, &predictor, &table, object, &rng);
        let mut game = Game::default();
        while let Some(question) = block_on(policy.ask(&mut game, &rng)).unwrap() {
            // A copy stands for what a file gives back; the lab's tests write and read one.
            let mut resumed = game.clone();
            prop_assert_eq!(block_on(policy.ask(&mut resumed, &rng)).unwrap(), Some(question.clone()));
            policy.observe(&mut resumed, Some(table.answer(object, question.query))).unwrap();
            game = resumed;
        }
        prop_assert_eq!(game.history, whole.history);
    }

    #[test]
    fn information_pursuit_is_not_worse_than_any_other_first_question((table, _, _) in tables()) {
        let predictor = bayes(&table, 0.1);
        let rule = StopRule::after(3);
        let policy = InformationPursuit {
            predictor: &predictor, pool: &table, expectation: Expectation::Posterior, samples: 1, rule,
        };
        let question = block_on(policy.choose(&Game::default(), &Rng::new(0))).unwrap().unwrap();
        let best = question.score.unwrap();
        prop_assert!(question.scores.iter().all(|(_, score)| *score >= best - 1e-9));
        // Answers never raise the entropy on average, where the predictor is the truth.
        prop_assert!(best <= (table.classes() as f64).log2() + 1e-3);
        let order = QueriesInOrder { queries: table.queries(), rule };
        prop_assert_eq!(block_on(order.choose(&Game::default(), &Rng::new(0))).unwrap().unwrap().query, 0);
    }
}
