//! The game of a run: its instances, their exact values, and how well other policies do.

use super::config::{Compare, Config, Task, field_error};
use crate::{Context, Error};
use lowshot_core::select::learn_to_active_learn::{
    Allocation, AtRandom, Bandit, Bisection, CountPolicy, ExactGame, Family, MinMax, Problem, Rule, States,
    TablePolicy,
};

/// A policy beside the learned one.
pub struct Rival {
    /// Name for people.
    pub name: String,
    /// Name in metrics.
    pub key: &'static str,
    /// Exact loss on each instance.
    pub losses: Vec<f64>,
}

/// Everything that does not depend on training.
pub struct World<'a> {
    /// The problem.
    pub problem: &'a Problem,
    /// Its instances.
    pub family: Family,
    /// For exact losses.
    pub game: ExactGame<'a>,
    /// V of each class, from above.
    pub values: Vec<f64>,
    /// V of each class, from below.
    pub lower: Vec<f64>,
    /// The exact robust policy.
    pub exact: TablePolicy<'a>,
    /// The others, the exact one first.
    pub rivals: Vec<Rival>,
}

/// Widths of intervals that bandit rules are tuned over.
const SCALES: [f64; 5] = [0.25, 0.5, 1.0, 1.5, 2.0];

impl<'a> World<'a> {
    /// Solves the game and measures the others.
    pub async fn make(
        config: &Config,
        problem: &'a Problem,
        states: &'a States,
        cx: &mut Context,
    ) -> Result<World<'a>, Error> {
        let family = config.family(problem)?;
        let game = ExactGame::new(problem, states, &family.instances).map_err(field_error)?;
        let (mut values, mut lower, mut specialists) = (Vec::new(), Vec::new(), Vec::new());
        for class in 0..family.levels.len() {
            let instances = family.class(class);
            let zeros = vec![0.0; instances.len()];
            let part = ExactGame::new(problem, states, &instances).map_err(field_error)?;
            let solved = solve(config, part, zeros, cx).await?;
            let (low, high) = solved.bounds();
            lower.push(low);
            values.push(high);
            if config.compare == Compare::All {
                specialists.push(game.losses(&solved.policy()));
            }
        }
        let offsets = family.classes.iter().map(|class| values[*class]).collect();
        let whole = ExactGame::new(problem, states, &family.instances).map_err(field_error)?;
        let robust = solve(config, whole, offsets, cx).await?;
        let exact = robust.policy();
        let rivals = vec![Rival { name: "exact robust".into(), key: "exact", losses: robust.losses() }];
        let mut world = World { problem, family, game, values, lower, exact, rivals };
        if config.compare == Compare::All {
            world.add("random", "random", &AtRandom(problem));
            world.add("static, even", "static", &Allocation::even(problem));
            world.measure(config, states, cx).await?;
            for (class, losses) in specialists.into_iter().enumerate() {
                let name = format!("best for class {}", class + 1);
                world.rivals.push(Rival { name, key: "", losses });
            }
        }
        Ok(world)
    }

    async fn measure(&mut self, config: &Config, states: &States, cx: &mut Context) -> Result<(), Error> {
        let (problem, n) = (self.problem, self.family.instances.len());
        let bayes = self.game.best_response(&vec![1.0 / n as f64; n]);
        self.add("Bayes, even prior", "bayes", &TablePolicy::of(problem, states, &bayes));
        if config.task == Task::Thresholds {
            let mut best: Option<Rival> = None;
            for step in 1..=9 {
                let beta = if config.beta > 0.0 { config.beta } else { f64::from(step) * 0.05 };
                let policy = Bisection::new(problem, beta).map_err(field_error)?;
                let losses = self.game.losses(&policy);
                let rival = Rival { name: format!("SGBS, β = {beta:.2}"), key: "sgbs", losses };
                best = Some(self.better(best, rival));
                cx.tick().await?;
                if config.beta > 0.0 {
                    break;
                }
            }
            self.rivals.extend(best);
        }
        for (rule, name, key) in [(Rule::LinGapE, "LinGapE", "lingape"), (Rule::LinUcb, "LinUCB", "linucb")] {
            let mut best: Option<Rival> = None;
            for scale in SCALES {
                let losses = self.game.losses(&Bandit { problem, rule, scale });
                best = Some(self.better(best, Rival { name: format!("{name}, scale {scale}"), key, losses }));
                cx.tick().await?;
            }
            self.rivals.extend(best);
        }
        self.add("Track-and-Stop", "track", &Bandit { problem, rule: Rule::TrackAndStop, scale: 0.0 });
        // It knows the instance: each is measured with its own allocation.
        let mut losses = vec![0.0; n];
        for (j, loss) in losses.iter_mut().enumerate() {
            *loss = self.game.losses(&Allocation::oracle(problem, &self.family.instances[j]))[j];
            cx.tick().await?;
        }
        self.rivals.push(Rival { name: "static, knows θ".into(), key: "oracle", losses });
        Ok(())
    }

    fn add(&mut self, name: &str, key: &'static str, policy: &dyn CountPolicy) {
        let losses = self.game.losses(policy);
        self.rivals.push(Rival { name: name.into(), key, losses });
    }

    fn better(&self, old: Option<Rival>, new: Rival) -> Rival {
        match old {
            Some(old) if self.gap(&old.losses) <= self.gap(&new.losses) => old,
            _ => new,
        }
    }

    /// The largest excess over V of any class.
    pub fn gap(&self, losses: &[f64]) -> f64 {
        let mut gap = f64::NEG_INFINITY;
        for (worst, value) in self.family.worst(losses).iter().zip(&self.values) {
            gap = gap.max(worst - value);
        }
        // The two are sums in different orders.
        if gap.abs() < 1e-12 { 0.0 } else { gap }
    }
}

async fn solve<'a>(
    config: &Config,
    game: ExactGame<'a>,
    offsets: Vec<f64>,
    cx: &mut Context,
) -> Result<MinMax<'a>, Error> {
    let mut minmax = MinMax::new(game, offsets)?;
    let mut last = cx.now();
    for _ in 0..config.exact_steps {
        minmax.step();
        if cx.now() - last > 0.05 {
            cx.tick().await?;
            last = cx.now();
        }
    }
    Ok(minmax)
}
