//! Sensitivity sampling for ℓp losses: a few weighted rows that stand for all.

mod card;
mod config;
mod data;
mod outcome;
mod pictures;
mod scoring;
mod trials;
mod watch;

use crate::{Context, Error, Method};
use config::Config;
use lowshot_protocol::{MethodCard, Report};

/// Sharper bounds for ℓp sensitivity sampling (arXiv 2306.00732).
pub struct LpSensitivity;

impl Method for LpSensitivity {
    type Config = Config;

    fn card() -> MethodCard {
        card::card()
    }

    async fn run(config: Config, cx: &mut Context) -> Result<Report, Error> {
        config.check()?;
        let table = data::open(&config, cx).await?;
        let scored = scoring::score(&config, &table, cx).await?;
        let outcome = trials::run(&config, &table, &scored, cx).await?;
        outcome::report(&config, &table, &scored, &outcome, cx).await
    }
}
