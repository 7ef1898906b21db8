//! Gradients, and what training reaches.

use super::super::trainer::score;
use super::*;
use crate::Rng;

#[test]
fn the_gradient_of_the_network_is_that_of_its_outputs() {
    let mut rng = Rng::new(3);
    let mut network = Network::random(5, 6, 3, &mut rng);
    let (input, slope) = ([0.3, 0.0, -1.2, 0.7, 0.1], [0.5, -1.0, 2.0]);
    let value = |network: &Network| {
        let mut pass = vec![0.0; network.pass()];
        network.forward(&input, &mut pass);
        pass[12..].iter().zip(slope).map(|(a, b)| a * b).sum::<f64>()
    };
    let mut pass = vec![0.0; network.pass()];
    network.forward(&input, &mut pass);
    let mut gradient = vec![0.0; network.weights.len()];
    network.backward(&input, &pass, &slope, &mut gradient);
    assert!(gradient.iter().filter(|slope| slope.abs() > 1e-6).count() > 40);
    for place in 0..gradient.len() {
        let kept = network.weights[place];
        network.weights[place] = kept + 1e-6;
        let more = value(&network);
        network.weights[place] = kept - 1e-6;
        let less = value(&network);
        network.weights[place] = kept;
        assert!(((more - less) / 2e-6 - gradient[place]).abs() < 1e-6, "{place}");
    }
}

#[test]
fn the_score_of_the_answers_is_the_adversarys_gradient() {
    // One pull of arm 1, which is recommended after +1: ℓ = (1 − a) / 2, so dℓ/da = −1/2 whatever a is.
    for a in [0.1, 0.5, 0.9] {
        let theta = [a, -0.3];
        let expected = (1.0 - a) / 2.0 * score(&[0, 1, 0, 0], &theta, 0);
        assert!((expected + 0.5).abs() < 1e-12);
    }
    // And for a whole game: Σ over last states of loss × score × probability against differences of exact losses.
    let problem = Problem::best_arm(2, 4).unwrap();
    let states = States::new(&problem).unwrap();
    let theta = vec![0.5, 0.1];
    let weights = states.weights(&AtRandom(&problem));
    let mut slope = 0.0;
    for leaf in states.first_leaf()..states.len() {
        let counts = states.counts(leaf);
        let mut chance = weights[leaf];
        for (k, count) in counts.iter().enumerate() {
            let sign = if k % 2 == 0 { 1.0 } else { -1.0 };
            chance *= ((1.0 + sign * theta[k / 2]) / 2.0f64).powi(i32::from(*count));
        }
        let mut advice = [0.0; 2];
        problem.recommend(counts, &mut advice);
        slope += chance * advice[1] * score(counts, &theta, 0);
    }
    let at =
        |a: f64| ExactGame::new(&problem, &states, &[vec![a, 0.1]]).unwrap().losses(&AtRandom(&problem))[0];
    assert!((slope - (at(0.501) - at(0.499)) / 0.002).abs() < 1e-5, "{slope}");
}

fn trained(config: TrainConfig, problem: &Problem, family: &Family, values: Vec<f64>, seed: u64) -> Trainer {
    let steps = config.steps;
    let mut trainer = Trainer::new(config, problem.clone(), family, values, &Rng::new(seed)).unwrap();
    for _ in 0..steps {
        trainer.step();
    }
    trainer
}

#[test]
fn a_small_network_finds_the_sign_test() {
    let problem = Problem::best_arm(2, 5).unwrap();
    let states = States::new(&problem).unwrap();
    let family = Family {
        instances: vec![vec![0.4, -0.4], vec![-0.4, 0.4]],
        classes: vec![0, 0],
        levels: vec![complexity(&problem, &[0.4, -0.4], 300).rho],
    };
    let game = ExactGame::new(&problem, &states, &family.instances).unwrap();
    let config = TrainConfig {
        hidden: 32,
        steps: 1500,
        problems: 32,
        rollouts: 16,
        rate: 5e-3,
        entropy: 3e-3,
        ..TrainConfig::default()
    };
    // Means of unequal counts mislead, so it has to learn where to ask. It ends where both arms are asked (0.172), not
    // at the best policy, which asks one arm only.
    let trainer = trained(config.clone(), &problem, &family, vec![0.0], 1);
    let worst = family.worst(&game.losses(trainer.policy()))[0];
    let random = family.worst(&game.losses(&AtRandom(&problem)))[0];
    assert!(worst > 0.163080 - 1e-6 && worst < 0.175 && worst < random - 0.005, "{worst} {random}");
    // By sums every policy is the sign test: each answer is right with probability 0.7, whoever asks whom.
    let problem = problem.with_recommendation(Recommendation::Erm);
    let game = ExactGame::new(&problem, &states, &family.instances).unwrap();
    let trainer = trained(TrainConfig { steps: 50, ..config }, &problem, &family, vec![0.0], 1);
    near(&game.losses(trainer.policy()), &[0.163080; 2], 1e-6);
}

#[test]
fn the_adversary_brings_the_network_near_the_best_worst_case() {
    let (problem, family) = thresholds();
    let states = States::new(&problem).unwrap();
    let game = ExactGame::new(&problem, &states, &family.instances).unwrap();
    let values = [0.0210, 0.3514, 0.6014];
    let config = TrainConfig {
        hidden: 32,
        steps: 1200,
        problems: 15,
        rollouts: 32,
        rate: 4e-3,
        mixture_rate: 4e-3,
        ..TrainConfig::default()
    };
    let with = trained(config.clone(), &problem, &family, values.to_vec(), 1);
    let without = trained(TrainConfig { adversary: false, ..config }, &problem, &family, values.to_vec(), 1);
    let worst = family.worst(&game.losses(with.policy()));
    for (loss, value) in worst.iter().zip(values) {
        assert!(*loss > value - 5e-4 && *loss < value + 0.03, "{worst:?}");
    }
    // Without it the worst cases are worse.
    for (with, without) in worst.iter().zip(family.worst(&game.losses(without.policy()))) {
        assert!(*with < without, "{worst:?} {without}");
    }
    // Without an adversary the mean comes near the Bayes value from above.
    let losses = game.losses(without.policy());
    let mean = losses.iter().sum::<f64>() / 15.0;
    assert!(mean > 0.324565 && mean < 0.345, "{mean}");
    assert_eq!(without.mixture(), [1.0 / 15.0; 15]);
    // Written down and read again it is the same policy, up to the rounding of its weights.
    let again = with.save().open().unwrap();
    near(&game.losses(&again), &game.losses(with.policy()), 1e-5);
}

#[test]
fn moving_particles_get_harder_and_stay_in_their_class() {
    let problem = Problem::thresholds(3, 5).unwrap();
    let family = Family::scaled_hypotheses(&problem, &[0.6]).unwrap();
    let config = TrainConfig {
        hidden: 16,
        steps: 300,
        problems: 32,
        moving: 8,
        particle_rate: 1e-2,
        ..TrainConfig::default()
    };
    let trainer = trained(config, &problem, &family, vec![0.0], 2);
    assert_eq!(trainer.particles()[..4], family.instances[..]);
    let mut moved = 0.0f64;
    for (place, theta) in trainer.particles()[4..].iter().enumerate() {
        let rho = complexity(&problem, theta, 300).rho;
        assert!(rho < 1.1 * family.levels[0], "{rho} of {:?}", family.levels);
        assert!(theta.iter().all(|value| value.abs() <= 0.9951));
        for (now, then) in theta.iter().zip(&family.instances[place % 4]) {
            moved = moved.max((now - then).abs());
        }
    }
    assert!(moved > 0.05, "{moved}");
    let total: f64 = trainer.mixture().iter().sum();
    assert!((total - 1.0).abs() < 1e-12);
}

/// Eight points and eight queries are too many states to count; each hypothesis with ρ = 14.
#[test]
fn beyond_the_exact_solver_games_are_played() {
    let problem = Problem::thresholds(8, 8).unwrap();
    let mut family = Family { instances: Vec::new(), classes: vec![0; 9], levels: vec![14.0] };
    for z in 0..9 {
        // ρ(cθ) = ρ(θ) / c².
        let scale = (complexity(&problem, problem.hypothesis(z), 300).rho / 14.0).sqrt();
        family.instances.push(problem.hypothesis(z).iter().map(|sign| sign * scale).collect());
    }
    let worst = |policy: &dyn CountPolicy| {
        let mut worst: f64 = 0.0;
        for (place, theta) in family.instances.iter().enumerate() {
            worst =
                worst.max(simulate(&problem, policy, theta, 2000, &Rng::new(5).at(place as u64)).unwrap().0);
        }
        worst
    };
    // Numbers of a run elsewhere; the largest of nine means of 2,000 games is off by up to three standard errors.
    let random = worst(&AtRandom(&problem));
    assert!((random - 0.710).abs() < 0.035, "{random}");
    for (beta, expected) in [(0.1, 0.572), (0.2, 0.603), (0.3, 0.668)] {
        let found = worst(&Bisection::new(&problem, beta).unwrap());
        assert!((found - expected).abs() < 0.035, "{beta}: {found}");
    }
    let config = TrainConfig {
        hidden: 32,
        steps: 400,
        problems: 18,
        rollouts: 16,
        rate: 5e-3,
        mixture_rate: 3e-3,
        ..TrainConfig::default()
    };
    let trainer = trained(config, &problem, &family, vec![0.0], 1);
    let learned = worst(trainer.policy());
    assert!(learned < random - 0.03, "{learned} {random}");
}
