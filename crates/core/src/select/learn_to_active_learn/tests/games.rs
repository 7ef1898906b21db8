//! Plain enumerations, games one answer after the other, and input that cannot be used.

use super::*;
use crate::select::{Game, QueryPolicy, Stop};
use crate::{CoreError, Rng};
use futures::executor::block_on;

/// Bayes loss by recursion over orders of answers, without tables of states.
fn brute(problem: &Problem, instances: &[Vec<f64>], joint: &[f64], left: usize) -> f64 {
    if left == 0 {
        let risk = |z: usize| (0..instances.len()).map(|j| joint[j] * problem.loss(z, &instances[j])).sum();
        return (0..problem.count()).map(risk).fold(f64::INFINITY, f64::min);
    }
    let after = |query: usize, sign: f64| {
        let next: Vec<f64> =
            joint.iter().zip(instances).map(|(q, theta)| q * (1.0 + sign * theta[query]) / 2.0).collect();
        brute(problem, instances, &next, left - 1)
    };
    (0..problem.queries()).map(|query| after(query, 1.0) + after(query, -1.0)).fold(f64::INFINITY, f64::min)
}

#[test]
fn best_responses_are_those_of_plain_enumeration() {
    let instances = [vec![0.4, -0.4], vec![-0.4, 0.4], vec![0.6, 0.2]];
    let mixture = [0.3, 0.45, 0.25];
    for budget in 1..=3 {
        let problem = Problem::best_arm(2, budget).unwrap();
        let states = States::new(&problem).unwrap();
        let game = ExactGame::new(&problem, &states, &instances).unwrap();
        let found = game.best_response(&mixture).value;
        assert!((found - brute(&problem, &instances, &mixture, budget)).abs() < 1e-12);
        if budget == 2 {
            assert!((found - 0.2665).abs() < 1e-12, "{found}");
        }
    }
    // A known instance costs nothing.
    let problem = Problem::best_arm(2, 2).unwrap();
    let states = States::new(&problem).unwrap();
    let game = ExactGame::new(&problem, &states, &instances).unwrap();
    assert_eq!(game.best_response(&[0.0, 1.0, 0.0]).value, 0.0);
}

#[test]
fn played_games_have_the_exact_losses() {
    let (problem, family) = thresholds();
    let states = States::new(&problem).unwrap();
    let game = ExactGame::new(&problem, &states, &family.instances).unwrap();
    let policy = Bisection::new(&problem, 0.2).unwrap();
    let exact = game.losses(&policy);
    for place in [0, 7, 12] {
        let (mean, error) =
            simulate(&problem, &policy, &family.instances[place], 4000, &Rng::new(1)).unwrap();
        assert!((mean - exact[place]).abs() < 4.5 * error + 1e-9, "{mean} ± {error}, {}", exact[place]);
    }
}

#[test]
fn bandit_rules_lie_between_the_best_and_nonsense() {
    let (problem, family) = arms();
    let states = States::new(&problem).unwrap();
    let game = ExactGame::new(&problem, &states, &family.instances).unwrap();
    for (rule, scale) in [(Rule::LinGapE, 1.0), (Rule::LinUcb, 1.0), (Rule::TrackAndStop, 1.0)] {
        let worst = family.worst(&game.losses(&Bandit { problem: &problem, rule, scale }));
        for (loss, value) in worst.iter().zip([0.2104, 0.4133, 0.5236]) {
            assert!(*loss > value - 5e-4 && *loss < 2.0 / 3.0 + 0.1, "{rule:?} {worst:?}");
        }
    }
    let oracle = game.losses(&Allocation::oracle(&problem, &family.instances[0]));
    assert!(oracle[0] < 0.3);
}

#[test]
fn a_game_goes_on_as_it_would_have() {
    let problem = Problem::thresholds(3, 5).unwrap();
    let policy = Bisection::new(&problem, 0.3).unwrap();
    let asking = Asking { problem: &problem, policy: &policy };
    let rng = Rng::new(4);
    let mut game = Game::default();
    let mut second = None;
    block_on(async {
        while asking.stop(&game).is_none() {
            let question = asking.ask(&mut game, &rng).await.unwrap().unwrap();
            assert_eq!(asking.ask(&mut game, &rng).await.unwrap().unwrap(), question, "asked twice");
            if game.asked() == 2 {
                second = Some((game.clone(), question.query));
            }
            asking.observe(&mut game, Some(usize::from(question.query == 0))).unwrap();
        }
        assert_eq!(asking.stop(&game), Some(Stop::Budget));
        assert!(asking.ask(&mut game, &rng).await.unwrap().is_none());
        let (mut taken_up, query) = second.unwrap();
        taken_up.pending = None;
        assert_eq!(asking.ask(&mut taken_up, &rng).await.unwrap().unwrap().query, query);
    });
    // Five queries of three points: one came again. The answers said: +1 at the first point only.
    assert_eq!(game.history.len(), 5);
    near(&asking.recommend(&game).unwrap(), &[0.0, 1.0, 0.0, 0.0], 1e-12);
    assert!(asking.observe(&mut game, Some(1)).is_err(), "nothing was asked");
    game.history[0].query = 3;
    assert!(asking.recommend(&game).is_err());
}

#[test]
fn what_cannot_be_used_is_named() {
    let named = |error: CoreError, text: &str| assert!(error.to_string().contains(text), "{error}");
    named(Problem::thresholds(0, 3).unwrap_err(), "hypotheses");
    named(Problem::thresholds(3, 0).unwrap_err(), "budget");
    named(Problem::thresholds(3, 51).unwrap_err(), "budget");
    named(Problem::best_arm(1, 3).unwrap_err(), "hypotheses");
    let table = |values: Vec<f64>| Problem::new(2, values, 3, Loss::Regret, Recommendation::Erm);
    named(table(vec![1.0, 0.0, 1.0]).unwrap_err(), "hypotheses");
    named(table(vec![1.0, 0.0, f64::NAN, 1.0]).unwrap_err(), "NaN");
    named(table(vec![1.0, 0.0, 1.0, 0.0]).unwrap_err(), "different");
    let problem = Problem::thresholds(8, 8).unwrap();
    named(States::new(&problem).unwrap_err(), "smaller budget");
    let (problem, family) = thresholds();
    named(Family::scaled_hypotheses(&problem, &[1.0]).unwrap_err(), "scales");
    named(Family::scaled_hypotheses(&problem, &[0.3, 0.4]).unwrap_err(), "scales");
    named(Family::scaled_hypotheses(&problem, &[f64::NAN]).unwrap_err(), "scales");
    named(Family::arms(&Problem::best_arm(3, 2).unwrap(), &[0.1]).unwrap_err(), "levels");
    named(Family::arms(&Problem::best_arm(3, 2).unwrap(), &[20.0, 6.0]).unwrap_err(), "levels");
    for beta in [0.0, 0.5, f64::NAN] {
        named(Bisection::new(&problem, beta).err().unwrap(), "beta");
    }
    named(Bisection::new(&Problem::best_arm(3, 2).unwrap(), 0.2).err().unwrap(), "hypotheses");
    let states = States::new(&problem).unwrap();
    let game = |instances: &[Vec<f64>]| ExactGame::new(&problem, &states, instances).err().unwrap();
    named(game(&[]), "instances");
    named(game(&[vec![0.0; 3]]), "an instance");
    named(game(&[vec![0.0, 0.0, 0.0, 1.5]]), "theta");
    let start = |config: TrainConfig| {
        Trainer::new(config, problem.clone(), &family, vec![0.0; 3], &Rng::new(1)).err().unwrap()
    };
    named(start(TrainConfig { rollouts: 1, ..TrainConfig::default() }), "rollouts");
    named(start(TrainConfig { mixture_rate: 0.1, ..TrainConfig::default() }), "mixture_rate");
    named(start(TrainConfig { rate: f64::NAN, ..TrainConfig::default() }), "rate");
    let trainer = Trainer::new(TrainConfig::default(), problem.clone(), &family, vec![0.0; 2], &Rng::new(1));
    named(trainer.err().unwrap(), "values");
    named(simulate(&problem, &AtRandom(&problem), &[0.0; 4], 0, &Rng::new(1)).unwrap_err(), "games");
    let trainer = Trainer::new(TrainConfig::default(), problem.clone(), &family, vec![0.0; 3], &Rng::new(1));
    let saved = trainer.unwrap().save();
    assert!(saved.open().is_ok());
    named(SavedPolicy { weights: vec![0.0; 3], ..saved.clone() }.open().unwrap_err(), "weights");
    named(SavedPolicy { hidden: usize::MAX, ..saved.clone() }.open().unwrap_err(), "hidden");
    let weights = vec![f32::INFINITY; saved.weights.len()];
    named(SavedPolicy { weights, ..saved }.open().unwrap_err(), "NaN");
}
