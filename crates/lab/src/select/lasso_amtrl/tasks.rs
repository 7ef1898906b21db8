//! Where source tasks come from: generated worlds, or pictures.

use super::config::{Config, core_error, error};
use super::digits::{Pictures, Split};
use crate::{Context, Error, FeatureInput};
use lowshot_core::Rng;
use lowshot_core::select::lasso_amtrl::{LinearWorld, Moments, TaskSource};

/// The tasks of one experiment.
pub enum Tasks {
    /// Drawn anew for each trial.
    Generated,
    /// Pictures, split anew for each trial.
    Pictures(Box<Pictures>),
}

/// The tasks of one trial. A copy goes on with the same samples.
#[derive(Clone)]
pub enum Trial<'a> {
    /// Generated.
    World(Box<LinearWorld>),
    /// A split of pictures.
    Split(Box<Split<'a>>),
}

impl Tasks {
    /// Opens the input and checks the configuration against it.
    pub async fn open(config: &Config, cx: &mut Context) -> Result<Tasks, Error> {
        let Some(FeatureInput::Features(features)) = cx.features("features").await? else {
            let most = config.dims.min(config.tasks);
            if config.rank > most {
                let expected = format!(
                    "at most {most}: the smaller of {} inputs and {} tasks",
                    config.dims, config.tasks
                );
                return Err(error("rank", format!("is {}", config.rank), expected).into());
            }
            // Sums of products of every task are in memory: up to 128 MiB of them.
            if config.tasks * config.dims * config.dims > 16 << 20 {
                let expected = "fewer tasks or inputs: tasks · dims² is at most 16 million".to_owned();
                return Err(error("dims", format!("is {}", config.dims), expected).into());
            }
            return Ok(Tasks::Generated);
        };
        if config.known {
            let expected = "false: only generated tasks have a true relevance".to_owned();
            return Err(error("known", "is true".to_owned(), expected).into());
        }
        Ok(Tasks::Pictures(Box::new(Pictures::open(config, features)?)))
    }

    /// True for generated tasks.
    pub fn generated(&self) -> bool {
        matches!(self, Tasks::Generated)
    }

    /// Names of the source tasks.
    pub fn names(&self, config: &Config) -> Vec<String> {
        match self {
            Tasks::Generated => (0..config.tasks).map(|t| format!("task {t}")).collect(),
            Tasks::Pictures(pictures) => pictures.names(),
        }
    }

    /// Inputs of a sample.
    pub fn dims(&self, config: &Config) -> usize {
        match self {
            Tasks::Generated => config.dims,
            Tasks::Pictures(pictures) => pictures.dims(),
        }
    }

    /// The tasks of a trial, and the target's samples.
    pub fn draw(&self, config: &Config, rng: &Rng) -> Result<(Trial<'_>, Moments), Error> {
        match self {
            Tasks::Generated => {
                let shape = (config.dims, config.rank, config.tasks);
                let mut world = LinearWorld::new(shape, config.heads, config.noise, &rng.split("world"))
                    .map_err(core_error)?;
                let target = world.draw_target(config.shots);
                Ok((Trial::World(Box::new(world)), target))
            }
            Tasks::Pictures(pictures) => {
                let split = pictures.split(config.shots, rng)?;
                let target = split.target();
                Ok((Trial::Split(Box::new(split)), target))
            }
        }
    }
}

impl Trial<'_> {
    /// The source tasks.
    pub fn source(&mut self) -> &mut dyn TaskSource {
        match self {
            Trial::World(world) => world.as_mut(),
            Trial::Split(split) => split.as_mut(),
        }
    }

    /// Excess risk of weights, or their test error and its mean over both sides.
    pub fn judge(&self, weights: &[f64]) -> (f64, f64) {
        match self {
            Trial::World(world) => (world.excess_risk(weights), 0.0),
            Trial::Split(split) => split.test_errors(weights),
        }
    }

    /// The world, if it is a generated one.
    pub fn world(&self) -> Option<&LinearWorld> {
        match self {
            Trial::World(world) => Some(world),
            Trial::Split(_) => None,
        }
    }
}
