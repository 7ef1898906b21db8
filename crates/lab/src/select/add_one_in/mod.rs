//! Add-One-In: one row at a time, picked by a judge from a few candidates.

mod card;
mod config;
mod judge;
mod outcome;
mod pictures;
mod source;
mod transcript;
mod trial;

use crate::trials::Trials;
use crate::{Context, Error, Method};
use config::Config;
use lowshot_protocol::{MethodCard, Report};
use outcome::Summary;
use source::Source;

/// Incremental sample selection by choice questions (arXiv 2503.02359).
pub struct AddOneIn;

impl Method for AddOneIn {
    type Config = Config;

    fn card() -> MethodCard {
        card::card()
    }

    async fn run(config: Config, cx: &mut Context) -> Result<Report, Error> {
        let source = Source::open(&config, cx).await?;
        let total = config.trials as u64;
        let first = cx.shard().map_or(0, |shard| shard.range(total).start);
        let rivals = config.rivals();
        let mut summary = Summary::new(&config, &rivals, cx.recorded()?.into_values());
        let mut trials = Trials::left(total, cx);
        while let Some(index) = trials.begin() {
            let rng = cx.rng("trials").at(index);
            let pool = source.pool(&rng, cx)?;
            let record = trial::run(&config, &source, &pool, index, &rng, index == first, cx).await?;
            cx.record(index, &record)?;
            summary.add(record);
            if trials.finished(cx) {
                summary.draw(cx);
            }
            cx.tick().await?;
        }
        if trials.none_were_left() {
            summary.draw(cx);
        }
        outcome::report(&config, &source, &rivals, &summary, cx).await
    }
}
