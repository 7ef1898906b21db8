//! C-IP: which question to ask next, by the size of the prediction sets that its answers leave.

mod arms;
mod card;
mod config;
mod example;
mod outcome;
mod pictures;
mod play;
mod questions;
mod run;
mod trial;

use crate::{Context, Error, Method};
use config::Config;
use lowshot_protocol::{MethodCard, Report};

/// Conformal Information Pursuit (arXiv 2507.03279).
pub struct ConformalInformationPursuit;

impl Method for ConformalInformationPursuit {
    type Config = Config;

    fn card() -> MethodCard {
        card::card()
    }

    async fn run(config: Config, cx: &mut Context) -> Result<Report, Error> {
        run::run(&config, cx).await
    }
}
