//! Invariants.

use super::*;
use crate::Rng;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn complexity_scales_and_is_bracketed(seed in any::<u64>(), arms in 2usize..6, shrink in 0.3f64..1.0) {
        let mut rng = Rng::new(seed);
        let theta: Vec<f64> = (0..arms).map(|i| -(i as f64) * 0.15 + 0.05 * rng.uniform()).collect();
        let problem = Problem::best_arm(arms, 1).unwrap();
        let found = complexity(&problem, &theta, 300);
        prop_assert!(found.rho <= found.upper * (1.0 + 1e-12));
        prop_assert!((found.allocation.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        let smaller: Vec<f64> = theta.iter().map(|value| value * shrink).collect();
        let scaled = complexity(&problem, &smaller, 300).rho * shrink * shrink;
        prop_assert!((scaled / found.rho - 1.0).abs() < 1e-9);
    }

    #[test]
    fn renaming_queries_and_instances_changes_nothing(seed in any::<u64>()) {
        let mut rng = Rng::new(seed);
        let instances: Vec<Vec<f64>> =
            (0..4).map(|_| (0..3).map(|_| 1.6 * rng.uniform() - 0.8).collect()).collect();
        let problem = Problem::best_arm(3, 3).unwrap();
        let states = States::new(&problem).unwrap();
        let mu = [0.1, 0.2, 0.3, 0.4];
        let value = ExactGame::new(&problem, &states, &instances).unwrap().best_response(&mu).value;
        let turned: Vec<Vec<f64>> =
            instances.iter().rev().map(|theta| vec![theta[2], theta[0], theta[1]]).collect();
        let other = ExactGame::new(&problem, &states, &turned).unwrap();
        let back = other.best_response(&[0.4, 0.3, 0.2, 0.1]).value;
        prop_assert!((value - back).abs() < 1e-12);
    }

    #[test]
    fn probabilities_of_every_policy_sum_to_one(seed in any::<u64>()) {
        let problem = Problem::thresholds(3, 6).unwrap();
        let mut rng = Rng::new(seed);
        let mut counts = [0u8; 6];
        for _ in 0..rng.below(7) {
            counts[rng.below(6)] += 1;
        }
        let family = Family::scaled_hypotheses(&problem, &[0.5]).unwrap();
        let config = TrainConfig { hidden: 8, ..TrainConfig::default() };
        let trainer = Trainer::new(config, problem.clone(), &family, vec![0.0], &rng).unwrap();
        let bisection = Bisection::new(&problem, 0.2).unwrap();
        let even = Allocation::even(&problem);
        let bandit = |rule| Bandit { problem: &problem, rule, scale: 1.0 };
        let (gap, ucb, track) = (bandit(Rule::LinGapE), bandit(Rule::LinUcb), bandit(Rule::TrackAndStop));
        let chance = AtRandom(&problem);
        let policies: [&dyn CountPolicy; 7] =
            [&bisection, &even, &gap, &ucb, &track, &chance, trainer.policy()];
        for policy in policies {
            let (mut query, mut advice) = ([0.0; 3], [0.0; 4]);
            policy.query(&counts, &mut query);
            policy.recommend(&counts, &mut advice);
            for shares in [&query[..], &advice[..]] {
                prop_assert!(shares.iter().all(|share| (0.0..=1.0 + 1e-12).contains(share)));
                prop_assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            }
        }
    }
}

#[test]
fn weights_of_states_count_every_order_once() {
    let problem = Problem::thresholds(3, 4).unwrap();
    let states = States::new(&problem).unwrap();
    // All orders of four answers to queries drawn evenly: 6⁴ / 3⁴ in all.
    let weights = states.weights(&AtRandom(&problem));
    let total: f64 = weights[states.first_leaf()..].iter().sum();
    assert!((total - 16.0).abs() < 1e-9, "{total}");
    for state in 0..states.len() {
        assert_eq!(states.find(states.counts(state)), Some(state));
    }
    assert_eq!(states.find(&[9, 0, 0, 0, 0, 0]), None);
}
