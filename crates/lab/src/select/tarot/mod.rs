//! TAROT: which rows of a pool serve a set of targets, by optimal transport in a whitened space.

mod card;
mod config;
mod outcome;
mod pictures;
mod run;
mod sources;
mod trial;

use crate::{Context, Error, Method};
use config::Config;
use lowshot_protocol::{MethodCard, Report};

/// Targeted data selection via optimal transport (arXiv 2412.00420).
pub struct Tarot;

impl Method for Tarot {
    type Config = Config;

    fn card() -> MethodCard {
        card::card()
    }

    async fn run(config: Config, cx: &mut Context) -> Result<Report, Error> {
        run::run(&config, cx).await
    }
}
