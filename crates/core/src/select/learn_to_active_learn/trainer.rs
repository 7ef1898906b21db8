//! Training against an adversary: both sides move by the score function, as in the paper's particle form.

use super::exact::softmax;
use super::learned::features;
use super::network::Adam;
use super::play::draw;
use super::{Family, LearnedPolicy, Network, Problem, SavedPolicy, TrainConfig, complexity};
use crate::{CoreError, Rng};

/// Largest |artanh θ| of a moving particle: likelihoods stay away from 0.
const MOST: f64 = 3.0;

/// Policy and adversary in the middle of their training.
pub struct Trainer {
    config: TrainConfig,
    policy: LearnedPolicy,
    levels: Vec<f64>,
    values: Vec<f64>,
    particles: Vec<Vec<f64>>,
    /// Class that each particle may not leave to a harder one.
    homes: Vec<usize>,
    /// Particles before this one stay.
    anchors: usize,
    logits: Vec<f64>,
    mixture: Vec<f64>,
    policy_adam: Adam,
    mixture_adam: Adam,
    particle_adam: Adam,
    rng: Rng,
    step: usize,
}

/// Games of one step, all at the same depth; those in the same state share one pass of the network.
struct Batch {
    counts: Vec<u8>,
    /// Inputs and passes of the states met.
    inputs: Vec<f64>,
    passes: Vec<f64>,
    shares: Vec<f64>,
    /// State and query of each game at each depth, depth-major.
    visited: Vec<u32>,
    asked: Vec<u32>,
}

impl Trainer {
    /// Starts: the instances of `family` are particles that stay; `values` are V_k of its classes, or zeros.
    ///
    /// # Errors
    /// As [`TrainConfig::check`] and [`Problem::check_instance`]; [`CoreError::OutOfRange`] without instances,
    /// [`CoreError::Shape`] if there is not one value a class.
    pub fn new(
        config: TrainConfig,
        problem: Problem,
        family: &Family,
        values: Vec<f64>,
        rng: &Rng,
    ) -> Result<Trainer, CoreError> {
        config.check()?;
        let (anchors, classes) = (family.instances.len(), family.levels.len());
        if anchors == 0 {
            return Err(CoreError::range("instances", 0, "at least 1"));
        }
        if values.len() != classes || family.classes.len() != anchors {
            return Err(CoreError::Shape {
                what: "the list of values",
                found: vec![values.len()],
                expected: format!("it needs one for each of the {classes} classes"),
            });
        }
        let mut particles = Vec::with_capacity(anchors + config.moving);
        let mut homes = Vec::with_capacity(anchors + config.moving);
        for place in 0..anchors + config.moving {
            // Moving particles begin where the others stay, in turn.
            let theta = &family.instances[place % anchors];
            problem.check_instance(theta)?;
            particles.push(theta.clone());
            homes.push(family.classes[place % anchors].min(classes.saturating_sub(1)));
        }
        let (d, n) = (problem.queries(), particles.len());
        let network = Network::random(3 * d + 1, config.hidden, d, &mut rng.split("network"));
        Ok(Trainer {
            levels: family.levels.clone(),
            values,
            homes,
            anchors,
            logits: vec![0.0; n],
            mixture: vec![1.0 / n as f64; n],
            policy_adam: Adam::new(network.weights.len()),
            mixture_adam: Adam::new(n),
            particle_adam: Adam::new(n * d),
            rng: rng.split("games"),
            step: 0,
            policy: LearnedPolicy::new(problem, network),
            particles,
            config,
        })
    }

    /// The policy as it is now.
    pub fn policy(&self) -> &LearnedPolicy {
        &self.policy
    }

    /// θ of each particle.
    pub fn particles(&self) -> &[Vec<f64>] {
        &self.particles
    }

    /// The adversary's probabilities of the particles.
    pub fn mixture(&self) -> &[f64] {
        &self.mixture
    }

    /// Steps done.
    pub fn steps(&self) -> usize {
        self.step
    }

    /// The policy to be written down; its losses differ from those of [`Trainer::policy`] by rounding of the weights.
    pub fn save(&self) -> SavedPolicy {
        SavedPolicy {
            problem: self.policy.problem().clone(),
            hidden: self.config.hidden,
            weights: self.policy.network().weights.iter().map(|weight| *weight as f32).collect(),
            particles: self.particles.clone(),
            mixture: self.mixture.clone(),
            levels: self.levels.clone(),
            values: self.values.clone(),
        }
    }

    /// One step of both sides; gives the mean loss of its games.
    pub fn step(&mut self) -> f64 {
        let mut rng = self.rng.at(self.step as u64);
        let (m, l) = (self.config.problems, self.config.rollouts);
        // Systematic draws of the particles: each as often as its probability says, up to rounding.
        let mut drawn = Vec::with_capacity(m);
        let start = rng.uniform();
        for k in 0..m {
            drawn.push(draw(&self.mixture, (start + k as f64) / m as f64));
        }
        let batch = self.play(&drawn, &mut rng);
        let (losses, advantages) = self.judge(&drawn, &batch);
        let gradient = self.policy_gradient(&batch, &advantages);
        let left = 1.0 - self.step as f64 / self.config.steps as f64;
        let rate = self.config.rate * left.max(0.0);
        self.policy_adam.step(&mut self.policy.network_mut().weights, &gradient, rate);
        if self.config.adversary && self.step as f64 >= self.config.warm_up * self.config.steps as f64 {
            self.move_particles(&drawn, &batch, &advantages);
            self.move_mixture(&drawn, &losses);
        }
        self.step += 1;
        let mut mean = 0.0;
        for loss in &losses {
            mean += loss / (m * l) as f64;
        }
        mean
    }

    /// Plays M × L games, all at once, depth by depth.
    fn play(&self, drawn: &[usize], rng: &mut Rng) -> Batch {
        let problem = self.policy.problem();
        let (d, games) = (problem.queries(), drawn.len() * self.config.rollouts);
        let network = self.policy.network();
        let mut batch = Batch {
            counts: vec![0; games * 2 * d],
            inputs: Vec::new(),
            passes: Vec::new(),
            shares: Vec::new(),
            visited: vec![0; games * problem.budget()],
            asked: vec![0; games * problem.budget()],
        };
        let mut order: Vec<u32> = (0..games as u32).collect();
        let mut input = vec![0.0; 3 * d + 1];
        let mut pass = vec![0.0; network.pass()];
        let mut share = vec![0.0; d];
        let mut states = 0u32;
        for depth in 0..problem.budget() {
            let counts = &batch.counts;
            let of = |game: u32| &counts[game as usize * 2 * d..(game as usize + 1) * 2 * d];
            order.sort_unstable_by(|a, b| of(*a).cmp(of(*b)));
            for place in 0..games {
                if place == 0 || of(order[place]) != of(order[place - 1]) {
                    features(problem, of(order[place]), &mut input);
                    network.forward(&input, &mut pass);
                    softmax(&pass[2 * network.hidden()..], &mut share);
                    batch.inputs.extend_from_slice(&input);
                    batch.passes.extend_from_slice(&pass);
                    batch.shares.extend_from_slice(&share);
                    states += 1;
                }
                batch.visited[depth * games + order[place] as usize] = states - 1;
            }
            for game in 0..games {
                let state = batch.visited[depth * games + game] as usize;
                let query = draw(&batch.shares[state * d..(state + 1) * d], rng.uniform());
                let theta = self.particles[drawn[game / self.config.rollouts]][query];
                let answer = usize::from(rng.uniform() >= (1.0 + theta) / 2.0);
                batch.asked[depth * games + game] = query as u32;
                batch.counts[(game * d + query) * 2 + answer] += 1;
            }
        }
        batch
    }

    /// Loss minus offset of each game, and its advantage over the other games with the same particle.
    fn judge(&self, drawn: &[usize], batch: &Batch) -> (Vec<f64>, Vec<f64>) {
        let problem = self.policy.problem();
        let (width, l) = (2 * problem.queries(), self.config.rollouts);
        let mut advice = vec![0.0; problem.count()];
        let mut losses = Vec::with_capacity(drawn.len() * l);
        let mut advantages = Vec::with_capacity(drawn.len() * l);
        let mut cost = vec![0.0; problem.count()];
        for (place, particle) in drawn.iter().enumerate() {
            let theta = &self.particles[*particle];
            for (z, cost) in cost.iter_mut().enumerate() {
                *cost = problem.loss(z, theta);
            }
            let offset = self.values.get(self.class_of(*particle)).copied().unwrap_or_default();
            let mut mean = 0.0;
            for game in place * l..(place + 1) * l {
                problem.recommend(&batch.counts[game * width..(game + 1) * width], &mut advice);
                let mut loss = -offset;
                for (share, cost) in advice.iter().zip(&cost) {
                    loss += share * cost;
                }
                mean += loss / l as f64;
                losses.push(loss);
            }
            let scale = l as f64 / (l - 1) as f64;
            for game in place * l..(place + 1) * l {
                advantages.push((losses[game] - mean) * scale);
            }
        }
        (losses, advantages)
    }

    /// The easiest class that a particle fits into; it moves with the particle.
    fn class_of(&self, particle: usize) -> usize {
        let home = self.homes[particle];
        if particle < self.anchors {
            return home;
        }
        let rho = complexity(self.policy.problem(), &self.particles[particle], 40).rho;
        let mut class = 0;
        while class < home && rho > self.levels[class] {
            class += 1;
        }
        class
    }

    fn policy_gradient(&self, batch: &Batch, advantages: &[f64]) -> Vec<f64> {
        let network = self.policy.network();
        let (d, games) = (self.policy.problem().queries(), advantages.len());
        let states = batch.shares.len() / d;
        let left = 1.0 - self.step as f64 / self.config.steps as f64;
        let depths = (batch.visited.len() / games) as f64;
        let bonus = self.config.entropy * left.max(0.0) / (games as f64 * depths);
        let mut slopes = vec![0.0; states * d];
        let (mut pull, mut visits) = (vec![0.0; states], vec![0.0; states]);
        for (place, state) in batch.visited.iter().enumerate() {
            let (state, advantage) = (*state as usize, advantages[place % games] / games as f64);
            slopes[state * d + batch.asked[place] as usize] += advantage;
            pull[state] += advantage;
            visits[state] += 1.0;
        }
        let mut gradient = vec![0.0; network.weights.len()];
        let (wide, long) = (3 * d + 1, network.pass());
        for state in 0..states {
            let shares = &batch.shares[state * d..(state + 1) * d];
            let slope = &mut slopes[state * d..(state + 1) * d];
            let mut entropy = 0.0;
            for share in shares {
                entropy -= share * libm::log(share.max(1e-300));
            }
            for (slope, share) in slope.iter_mut().zip(shares) {
                let log = libm::log(share.max(1e-300));
                // d log π = onehot − π; the bonus is subtracted, and dH = −π (log π + H).
                *slope += bonus * visits[state] * share * (log + entropy) - pull[state] * share;
            }
            let input = &batch.inputs[state * wide..(state + 1) * wide];
            network.backward(input, &batch.passes[state * long..(state + 1) * long], slope, &mut gradient);
        }
        gradient
    }

    fn move_particles(&mut self, drawn: &[usize], batch: &Batch, advantages: &[f64]) {
        let problem = self.policy.problem();
        let (d, l, n) = (problem.queries(), self.config.rollouts, self.particles.len());
        if n == self.anchors {
            return;
        }
        let mut gradient = vec![0.0; n * d];
        let mut games = vec![0.0f64; n];
        let mut advice = vec![0.0; problem.count()];
        for (place, particle) in drawn.iter().enumerate().filter(|(_, particle)| **particle >= self.anchors) {
            let theta = &self.particles[*particle];
            let slope = &mut gradient[particle * d..(particle + 1) * d];
            for game in place * l..(place + 1) * l {
                let counts = &batch.counts[game * 2 * d..(game + 1) * 2 * d];
                games[*particle] += 1.0;
                for i in 0..d {
                    slope[i] += advantages[game] * score(counts, theta, i);
                }
                if problem.has_loss_gradient() {
                    problem.recommend(counts, &mut advice);
                    let best = problem.hypothesis(problem.best(theta));
                    for (z, share) in advice.iter().enumerate() {
                        for i in 0..d {
                            slope[i] += share * (best[i] - problem.hypothesis(z)[i]);
                        }
                    }
                }
            }
        }
        let mut free = vec![0.0; n * d];
        for particle in self.anchors..n {
            let theta = &self.particles[particle];
            let hard = complexity(problem, theta, 40);
            let outside = hard.rho > self.levels[self.homes[particle]];
            for i in 0..d {
                let place = particle * d + i;
                gradient[place] /= games[particle].max(1.0);
                if outside {
                    gradient[place] -= self.config.barrier * hard.gradient[i] / hard.rho;
                }
                gradient[place] *= 1.0 - theta[i] * theta[i];
                free[place] = libm::atanh(theta[i]).clamp(-MOST, MOST);
            }
        }
        self.particle_adam.step(&mut free, &gradient, -self.config.particle_rate);
        for particle in self.anchors..n {
            for i in 0..d {
                self.particles[particle][i] = libm::tanh(free[particle * d + i].clamp(-MOST, MOST));
            }
        }
    }

    fn move_mixture(&mut self, drawn: &[usize], losses: &[f64]) {
        let (n, l) = (self.logits.len(), self.config.rollouts);
        let mut mean = 0.0;
        for loss in losses {
            mean += loss / losses.len() as f64;
        }
        let mut gradient = vec![0.0; n];
        for (place, particle) in drawn.iter().enumerate() {
            let mut loss = 0.0;
            for game in place * l..(place + 1) * l {
                loss += losses[game] / l as f64;
            }
            // The part −softmax(w) of the score has weight 0, as the mean is subtracted.
            gradient[*particle] += (loss - mean) / drawn.len() as f64;
        }
        let mut entropy = 0.0;
        for share in &self.mixture {
            entropy -= share * libm::log(share.max(1e-300));
        }
        for (slope, share) in gradient.iter_mut().zip(&self.mixture) {
            let log = libm::log(share.max(1e-300));
            *slope -= self.config.mixture_entropy * share * (log + entropy);
        }
        self.mixture_adam.step(&mut self.logits, &gradient, -self.config.mixture_rate);
        softmax(&self.logits, &mut self.mixture);
    }
}

/// ∂ ln f / ∂θ_i of the answers of a game.
pub(super) fn score(counts: &[u8], theta: &[f64], i: usize) -> f64 {
    let (plus, minus) = (f64::from(counts[2 * i]), f64::from(counts[2 * i + 1]));
    plus / (1.0 + theta[i]).max(1e-6) - minus / (1.0 - theta[i]).max(1e-6)
}
