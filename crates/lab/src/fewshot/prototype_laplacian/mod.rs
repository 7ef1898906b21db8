//! Prototype clustering with a Laplacian term: few-shot tasks and clustering.

mod card;
mod cluster;
mod config;
mod few_shot;
mod outcome;
mod pictures;
mod tasks;
mod tune;

use crate::{Context, Error, Method};
use config::{Config, Task};
use lowshot_protocol::{MethodCard, Report};

/// Transductive few-shot learning by clustering (arXiv 2106.09516).
pub struct PrototypeLaplacian;

impl Method for PrototypeLaplacian {
    type Config = Config;

    fn card() -> MethodCard {
        card::card()
    }

    async fn run(config: Config, cx: &mut Context) -> Result<Report, Error> {
        config.check()?;
        match config.task {
            Task::FewShot => few_shot::run(&config, cx).await,
            Task::Cluster => cluster::run(&config, cx).await,
        }
    }
}
