//! IDEAL: which rows of a pool to label, by their influence on a graph of nearest neighbours.

mod annotation;
mod card;
mod config;
mod outcome;
mod pictures;
mod pools;
mod run;
mod trial;

use crate::{Context, Error, Method};
use config::Config;
use lowshot_protocol::{MethodCard, Report};

/// Influence-driven selective annotation (arXiv 2310.10873).
pub struct Ideal;

impl Method for Ideal {
    type Config = Config;

    fn card() -> MethodCard {
        card::card()
    }

    async fn run(config: Config, cx: &mut Context) -> Result<Report, Error> {
        run::run(&config, cx).await
    }
}
