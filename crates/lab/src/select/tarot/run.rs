//! All trials of an experiment.

use super::config::Config;
use super::outcome::{self, Tally};
use super::pictures::{Picture, Watch};
use super::sources::Source;
use super::trial;
use crate::{Context, Error};
use lowshot_protocol::Report;

/// Runs the trials that are left, and reports on all.
pub async fn run(config: &Config, cx: &mut Context) -> Result<Report, Error> {
    let source = Source::open(config, cx).await?;
    let (_, candidates, targets) = source.sizes();
    let steps = config.steps(candidates, targets);
    let total = config.trials as u64;
    let remaining = cx.remaining(total);
    let rng = cx.rng("trials");
    let device = cx.device().clone();
    let mut tally = Tally::new(config, &source, steps.clone(), cx.recorded()?);
    let range = cx.shard().map_or(0..total, |shard| shard.range(total));
    let whole = range.end - range.start;
    let mut drawn = f64::NEG_INFINITY;
    for (place, index) in remaining.iter().enumerate() {
        let rng = rng.at(*index);
        let data = source.draw(&rng)?;
        let picture = (place == 0).then(|| Picture::new(&source, &data));
        let mut watch = Watch::new(cx, picture);
        let record = trial::run(config, &data, &steps, &device, &rng, &mut watch).await?;
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
    outcome::report(config, &source, &tally, cx)
}
