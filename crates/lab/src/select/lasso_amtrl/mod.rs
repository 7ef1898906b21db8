//! L1-A-MTRL: how many samples to label in each of many source tasks.

mod card;
mod config;
mod digits;
mod outcome;
mod pictures;
mod tasks;
mod trial;

use crate::trials::Trials;
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
        let rng = cx.rng("trials");
        let mut tally = Tally::new(&config, &tasks, cx.recorded()?);
        let mut trials = Trials::left(total, cx);
        while let Some(index) = trials.begin() {
            let record = trial::run(&config, &tasks, &rng.at(index), trials.is_first(), cx).await?;
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
        tally.report(cx)
    }
}
