//! All trials of an experiment, and the game that is shown.

use super::arms::{Arm, Played, play};
use super::config::{Config, wrong};
use super::outcome::{self, Tally};
use super::pictures;
use super::questions::Questions;
use super::trial::{self, ALPHAS, World};
use crate::{Context, Error};
use lowshot_core::Rng;
use lowshot_core::select::Predictor;
use lowshot_core::select::conformal_information_pursuit::Calibration;
use lowshot_protocol::Report;
use serde_json::{Map, Value, json};

/// Runs the trials that are left, and reports on all.
pub async fn run(config: &Config, cx: &mut Context) -> Result<Report, Error> {
    let questions = Questions::open(config, cx).await?;
    let total = config.trials as u64;
    let remaining = cx.remaining(total);
    let rng = cx.rng("trials");
    let shown = example(config, &questions, &rng.at(0), cx).await?;
    let mut tally = Tally::new(config, cx.recorded()?);
    let range = cx.shard().map_or(0..total, |shard| shard.range(total));
    let whole = range.end - range.start;
    let mut drawn = f64::NEG_INFINITY;
    for (place, index) in remaining.iter().enumerate() {
        let rng = rng.at(*index);
        let world = World::make(config, &questions, &rng, cx).await?;
        let record = trial::run(config, &world, &rng, cx).await?;
        cx.record(*index, &record)?;
        tally.add(*index, record);
        cx.progress(whole - (remaining.len() - place - 1) as u64, whole, "trials");
        let now = cx.now();
        if now - drawn > 0.15 || place + 1 == remaining.len() || cx.stepping() {
            tally.draw(cx);
            drawn = now;
        }
        cx.tick().await?;
    }
    if remaining.is_empty() {
        tally.draw(cx);
    }
    // The example and its calibration are those of trial 0, whatever part of the work this run is.
    thresholds_artifact(&shown.0.calibration, cx)?;
    outcome::report(config, &questions, &tally, &shown, cx)
}

/// A game of C-IP with the predictor of trial 0, drawn answer by answer.
async fn example(
    config: &Config,
    questions: &Questions,
    rng: &Rng,
    cx: &mut Context,
) -> Result<(World, usize, Played), Error> {
    let world = World::make(config, questions, rng, cx).await?;
    let object = if config.hidden.is_empty() {
        rng.split("example").below(world.test.objects())
    } else {
        let named =
            |object: &usize| questions.labels[world.rows[*object]].eq_ignore_ascii_case(&config.hidden);
        (0..world.test.objects()).find(named).ok_or_else(|| {
            let some = questions.labels.iter().take(6).cloned().collect::<Vec<_>>().join(", ");
            wrong(
                "hidden",
                format!("is `{}`", config.hidden),
                format!("a label that is played, such as {some}"),
            )
        })?
    };
    let arm = Arm::Conformal(config.objective);
    let played = play(config, &world, arm, object, &rng.split("games").at(object as u64)).await?;
    let hidden = &questions.labels[world.rows[object]];
    for shown in 0..played.steps.len() {
        let last = shown + 1 == played.steps.len();
        if shown == 0 || last || cx.stepping() {
            cx.view("game", pictures::simulated(questions, hidden, &played, shown));
            let now = world.predictor.predict(&played.game.history[..shown]).await?;
            cx.view("set", pictures::set(questions, &played.steps[shown], &now));
            cx.tick().await?;
        }
    }
    Ok((world, object, played))
}

/// Leaves the thresholds of the paper's grid: by number of answers and α; null where every label is in the set.
pub fn thresholds_artifact(calibration: &Calibration, cx: &Context) -> Result<(), Error> {
    let mut by_length = Map::new();
    for (place, _) in calibration.scores().iter().enumerate() {
        by_length.insert((place + 1).to_string(), Value::Object(Map::new()));
    }
    for alpha in ALPHAS {
        for (place, value) in calibration.thresholds(alpha)?.values().iter().enumerate() {
            if let Some(Value::Object(of)) = by_length.get_mut(&(place + 1).to_string()) {
                of.insert(alpha.to_string(), json!(value));
            }
        }
    }
    cx.artifact_json("thresholds.json", &by_length)
}
