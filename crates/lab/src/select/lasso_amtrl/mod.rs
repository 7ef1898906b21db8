//! L1-A-MTRL: how many samples to label in each of many source tasks.

mod card;
mod config;
mod digits;
mod outcome;
mod pictures;
mod tasks;
mod trial;

use crate::{Context, Error, Method};
use config::Config;
use lowshot_protocol::{MethodCard, Report};
use outcome::Tally;
use tasks::Tasks;

/// Active multi-task representation learning by the Lasso (arXiv 2306.02556).
pub struct LassoAmtrl;

impl Method for LassoAmtrl {
    type Config = Config;

    fn card() -> MethodCard {
        card::card()
    }

    async fn run(config: Config, cx: &mut Context) -> Result<Report, Error> {
        let tasks = Tasks::open(&config, cx).await?;
        let total = config.trials as u64;
        let remaining = cx.remaining(total);
        let rng = cx.rng("trials");
        let mut tally = Tally::new(&config, &tasks, cx.recorded()?);
        let range = cx.shard().map_or(0..total, |shard| shard.range(total));
        let whole = range.end - range.start;
        let mut drawn = f64::NEG_INFINITY;
        for (place, index) in remaining.iter().enumerate() {
            let record = trial::run(&config, &tasks, &rng.at(*index), place == 0, cx).await?;
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
        tally.report(cx)
    }
}
