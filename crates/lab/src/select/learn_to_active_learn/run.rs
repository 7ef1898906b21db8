//! Trials: a network each, trained while one looks.

use super::config::{Config, field_error, wrong};
use super::world::World;
use super::{game, outcome, pictures};
use crate::{Context, Error};
use lowshot_core::Rng;
use lowshot_core::select::learn_to_active_learn::{
    CountPolicy, Problem, SavedPolicy, States, Trainer, complexity,
};
use lowshot_protocol::Report;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Points of a training curve.
const POINTS: usize = 40;

/// What is kept of a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Exact loss on each instance.
    pub losses: Vec<f64>,
    /// Training step with the worst loss of each class then.
    pub curve: Vec<(u32, Vec<f64>)>,
    /// Best hypothesis and complexity of each particle of the adversary.
    pub places: Vec<(u32, f64)>,
    /// Its weights.
    pub mixture: Vec<f64>,
    /// The policy, of the first trial.
    pub saved: Option<SavedPolicy>,
    /// Steps a second.
    pub rate: f64,
}

/// Runs the trials that are left, and reports on all.
pub async fn run(config: &Config, cx: &mut Context) -> Result<Report, Error> {
    let problem = config.problem()?;
    let names = config.class_names()?;
    config.given_answers()?;
    let given = opened(&problem, cx).await?;
    let states = States::new(&problem).map_err(field_error)?;
    // What is wrong with training or game is said before the solver has run.
    let family = config.family(&problem)?;
    let last = family.instances.len() - 1;
    if config.instance > last {
        return Err(wrong("instance", format!("is {}", config.instance), format!("0 to {last}")));
    }
    let zeros = vec![0.0; family.levels.len()];
    let start = Trainer::new(config.training(), problem.clone(), &family, zeros, &cx.rng("check"));
    start.map_err(field_error)?;
    let world = World::make(config, &problem, &states, cx).await?;
    cx.view("tree", pictures::tree(config, &world));
    cx.view("difficulty", pictures::difficulty(&world, &[]));
    cx.tick().await?;

    let total = if given.is_some() { 1 } else { config.trials as u64 };
    let mut records: BTreeMap<u64, Record> = cx.recorded()?;
    let rng = cx.rng("trials");
    for index in cx.remaining(total) {
        let record = match &given {
            Some(saved) => replayed(&world, saved)?,
            None => trained(config, &world, &names, index, &rng.at(index), cx).await?,
        };
        cx.record(index, &record)?;
        records.insert(index, record);
        cx.progress(records.len() as u64, total, "networks");
        outcome::draw(config, &world, &names, &records, cx);
        cx.tick().await?;
    }
    outcome::draw(config, &world, &names, &records, cx);
    let learned = match records.values().find_map(|record| record.saved.as_ref()) {
        Some(saved) => Some(saved.open()?),
        None => None,
    };
    let played = game::play(config, &world, learned.as_ref(), cx).await?;
    outcome::report(config, &world, &names, &records, played, cx)
}

/// A policy from a file, which must be one for this problem.
async fn opened(problem: &Problem, cx: &mut Context) -> Result<Option<SavedPolicy>, Error> {
    let Some((origin, bytes)) = cx.bytes("policy").await? else { return Ok(None) };
    let refuse =
        |problem: String| Error::Input { input: "policy".to_owned(), origin: origin.clone(), problem };
    let saved: SavedPolicy = serde_json::from_slice(&bytes)
        .map_err(|e| refuse(format!("is not a policy.json of an earlier run: {e}")))?;
    let learned = saved.open().map_err(|e| refuse(e.to_string()))?;
    let (for_queries, for_budget) = (learned.problem().queries(), learned.problem().budget());
    if learned.problem() != problem {
        return Err(refuse(format!(
            "was trained for {for_queries} queries and a budget of {for_budget}, or for another `task`, `loss` or \
             `recommend`: set these as they were"
        )));
    }
    Ok(Some(saved))
}

fn replayed(world: &World<'_>, saved: &SavedPolicy) -> Result<Record, Error> {
    let losses = world.game.losses(&saved.open()?);
    let places = places(world, &saved.particles);
    let curve = vec![(0, world.family.worst(&losses))];
    let mixture = saved.mixture.clone();
    if mixture.len() != places.len() || mixture.iter().any(|weight| !weight.is_finite()) {
        return Err(wrong(
            "policy",
            format!("has {} weights of particles", mixture.len()),
            "one for each particle",
        ));
    }
    Ok(Record { losses, curve, places, mixture, saved: Some(saved.clone()), rate: 0.0 })
}

fn places(world: &World<'_>, particles: &[Vec<f64>]) -> Vec<(u32, f64)> {
    let mut places = Vec::with_capacity(particles.len());
    for theta in particles {
        places.push((world.problem.best(theta) as u32, complexity(world.problem, theta, 100).rho));
    }
    places
}

async fn trained(
    config: &Config,
    world: &World<'_>,
    names: &[String],
    index: u64,
    rng: &Rng,
    cx: &mut Context,
) -> Result<Record, Error> {
    let mut trainer =
        Trainer::new(config.training(), world.problem.clone(), &world.family, world.values.clone(), rng)
            .map_err(field_error)?;
    let mut record = Record {
        losses: world.game.losses(trainer.policy()),
        curve: Vec::new(),
        places: places(world, trainer.particles()),
        mixture: trainer.mixture().to_vec(),
        saved: None,
        rate: 0.0,
    };
    record.curve.push((0, world.family.worst(&record.losses)));
    let every = config.steps.div_ceil(POINTS);
    let (start, mut last, mut drawn) = (cx.now(), cx.now(), f64::NEG_INFINITY);
    for step in 1..=config.steps {
        trainer.step();
        let now = cx.now();
        if step % every == 0 || step == config.steps {
            let policy: &dyn CountPolicy = trainer.policy();
            record.losses = world.game.losses(policy);
            record.curve.push((step as u32, world.family.worst(&record.losses)));
            record.mixture = trainer.mixture().to_vec();
            if now - drawn > 0.15 || cx.stepping() {
                cx.view("training", pictures::training(world, names, &[&record]));
                cx.view("adversary", pictures::adversary(config, world, &record));
                cx.progress(step as u64, config.steps as u64, "training steps");
                drawn = now;
            }
        }
        if now - last > 0.05 || cx.stepping() {
            cx.tick().await?;
            last = cx.now();
        }
    }
    record.rate = config.steps as f64 / (cx.now() - start).max(1e-9);
    record.places = places(world, trainer.particles());
    // What is reported is the policy as it is written down, so that it can be had again.
    let saved = trainer.save();
    record.losses = world.game.losses(&saved.open()?);
    if let Some(last) = record.curve.last_mut() {
        last.1 = world.family.worst(&record.losses);
    }
    record.saved = (index == 0).then_some(saved);
    Ok(record)
}
