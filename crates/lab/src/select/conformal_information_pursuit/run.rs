//! All trials of an experiment, and the game that is shown.

use super::config::{Config, Mode};
use super::outcome::{self, Tally};
use super::questions::Questions;
use super::trial::{self, ALPHAS, World};
use super::{example, play};
use crate::trials::Trials;
use crate::{Context, Error};
use lowshot_core::select::conformal_information_pursuit::Calibration;
use lowshot_protocol::{Metric, Report};
use serde_json::{Map, Value, json};

/// The game that is shown: the same whatever part of the trials a run does.
pub struct Shown {
    /// The game as it is written down.
    pub game: Value,
    /// The scores behind its thresholds.
    pub calibration: Calibration,
    /// What the report says of it.
    pub metrics: Vec<(&'static str, Metric)>,
    /// A remark.
    pub note: Option<String>,
}

/// Runs the trials that are left, and reports on all.
pub async fn run(config: &Config, cx: &mut Context) -> Result<Report, Error> {
    let questions = Questions::open(config, cx).await?;
    let total = config.trials as u64;
    let rng = cx.rng("trials");
    let shown = match config.mode {
        Mode::Simulate => example::show(config, &questions, &rng.at(0), cx).await?,
        Mode::Play => play::show(config, &questions, cx).await?,
    };
    let mut tally = Tally::new(config, cx.recorded()?);
    let mut trials = Trials::left(total, cx);
    while let Some(index) = trials.begin() {
        let rng = rng.at(index);
        let world = World::make(config, &questions, &rng, cx).await?;
        let record = trial::run(config, &world, &rng, cx).await?;
        cx.record(index, &record)?;
        tally.add(index, record);
        if trials.finished(cx) {
            tally.draw(cx);
        }
        cx.tick().await?;
    }
    if trials.none_were_left() {
        tally.draw(cx);
    }
    cx.artifact_json("game.json", &shown.game)?;
    thresholds_artifact(&shown.calibration, cx)?;
    outcome::report(config, &questions, &tally, &shown, cx)
}

/// Leaves the thresholds of the paper's grid: by number of answers and α; null where every label is in the set.
fn thresholds_artifact(calibration: &Calibration, cx: &Context) -> Result<(), Error> {
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
