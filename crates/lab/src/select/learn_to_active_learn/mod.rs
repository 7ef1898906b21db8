//! A query policy trained against the worst case, beside the exact solution of its small game.

mod card;
mod config;
mod game;
mod outcome;
mod pictures;
mod run;
mod world;

use crate::{Context, Error, Method};
use config::Config;
use lowshot_protocol::{MethodCard, Report};

/// Learning to actively learn (arXiv 2010.15382).
pub struct LearnToActiveLearn;

impl Method for LearnToActiveLearn {
    type Config = Config;

    fn card() -> MethodCard {
        card::card()
    }

    async fn run(config: Config, cx: &mut Context) -> Result<Report, Error> {
        run::run(&config, cx).await
    }
}
