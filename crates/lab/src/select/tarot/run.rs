//! All trials of an experiment.

use super::config::Config;
use super::outcome::{self, Tally};
use super::pictures::{Picture, Watch};
use super::sources::Source;
use super::trial;
use crate::trials::Trials;
use crate::{Context, Error};
use lowshot_protocol::Report;

/// Runs the trials that are left, and reports on all.
pub async fn run(config: &Config, cx: &mut Context) -> Result<Report, Error> {
    let source = Source::open(config, cx).await?;
    let (_, candidates, targets) = source.sizes();
    let steps = config.steps(candidates, targets);
    let total = config.trials as u64;
    let rng = cx.rng("trials");
    let device = cx.device().clone();
    let mut tally = Tally::new(config, &source, steps.clone(), cx.recorded()?);
    let mut trials = Trials::left(total, cx);
    while let Some(index) = trials.begin() {
        let rng = rng.at(index);
        let data = source.draw(&rng)?;
        let picture = trials.is_first().then(|| Picture::new(&source, &data));
        let mut watch = Watch::new(cx, picture);
        let record = trial::run(config, &data, &steps, &device, &rng, &mut watch).await?;
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
    outcome::report(config, &source, &tally, cx)
}
