//! Add-One-In: one row at a time, picked by a judge from a few candidates.

mod card;
mod config;
mod judge;
mod outcome;
mod pictures;
mod source;
mod transcript;
mod trial;

use crate::{Context, Error, Method};
use config::Config;
use lowshot_protocol::{MethodCard, Report};
use outcome::Summary;
use source::Source;

/// Incremental sample selection by choice questions (arXiv 2503.02359).
pub struct AddOneIn;

/// Seconds between two pictures of a run that nobody holds.
const PICTURE_SECONDS: f64 = 0.15;

impl Method for AddOneIn {
    type Config = Config;

    fn card() -> MethodCard {
        card::card()
    }

    async fn run(config: Config, cx: &mut Context) -> Result<Report, Error> {
        let source = Source::open(&config, cx).await?;
        let total = config.trials as u64;
        let first = cx.shard().map_or(0, |shard| shard.range(total).start);
        let remaining = cx.remaining(total);
        let rivals = config.rivals();
        let mut summary = Summary::new(&config, &rivals, cx.recorded()?.into_values());
        let whole = cx.shard().map_or(total, |shard| shard.range(total).count() as u64);
        let mut done = whole - remaining.len() as u64;
        let mut drawn = f64::NEG_INFINITY;
        for index in remaining {
            let rng = cx.rng("trials").at(index);
            let pool = source.pool(&rng, cx)?;
            let record = trial::run(&config, &source, &pool, index, &rng, index == first, cx).await?;
            cx.record(index, &record)?;
            summary.add(record);
            done += 1;
            cx.progress(done, whole, "trials");
            if cx.now() - drawn > PICTURE_SECONDS || cx.stepping() {
                summary.draw(cx);
                drawn = cx.now();
            }
            cx.tick().await?;
        }
        summary.draw(cx);
        outcome::report(&config, &source, &rivals, &summary, cx).await
    }
}
