//! Labels handed on along a cascade.

use super::config::{Config, Labeller};
use super::pictures::Watch;
use super::pools::Pool;
use crate::Error;
use lowshot_core::CoreError;
use lowshot_core::Rng;
use lowshot_core::select::ideal::{
    Annotator, Cascade, Counting, Example, ImperfectOracle, NeighborVote, Transitions, auto_annotate,
};
use serde::{Deserialize, Serialize};

/// What annotation did in one layer of a cascade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Annotated {
    /// Rows of the layer.
    pub rows: u32,
    /// Rows with the right label.
    pub right: u32,
}

/// Layers of one cascade from the chosen rows.
pub fn cascade(graph: &Transitions, chosen: &[usize], rng: &Rng) -> Result<Vec<Vec<usize>>, Error> {
    let mut rng = rng.split("cascade");
    Ok(Cascade::new(graph).layers(chosen, Counting::Distinct, &mut rng)?)
}

enum Anyone {
    Vote(NeighborVote),
    Oracle(Box<ImperfectOracle>),
}

impl Annotator for Anyone {
    async fn label(&mut self, query: usize, prompt: &[Example]) -> Result<i64, CoreError> {
        match self {
            Anyone::Vote(vote) => vote.label(query, prompt).await,
            Anyone::Oracle(oracle) => oracle.label(query, prompt).await,
        }
    }
}

/// Labels the rows of the layers after the first, and counts what is right.
pub async fn annotate(
    config: &Config,
    pool: &Pool,
    truth: &[i64],
    layers: &[Vec<usize>],
    rng: &Rng,
    watch: &mut Watch<'_>,
) -> Result<Vec<Annotated>, Error> {
    let (mut annotator, examples) = match config.labeller {
        Labeller::Nearest | Labeller::None => (Anyone::Vote(NeighborVote { count: 1 }), 1),
        Labeller::Vote => (Anyone::Vote(NeighborVote { count: config.examples }), config.examples),
        Labeller::Oracle => {
            let (error, rng) = (config.oracle_error, rng.split("oracle"));
            let oracle = ImperfectOracle { truth: truth.to_vec(), error, classes: pool.classes(), rng };
            (Anyone::Oracle(Box::new(oracle)), 1)
        }
    };
    let people: Vec<i64> =
        layers.first().map(|layer| layer.iter().map(|row| truth[*row]).collect()).unwrap_or_default();
    let found = auto_annotate(&pool.rows, layers, &people, examples, &mut annotator).await?;
    watch.annotated(&found);
    let count = |layer: &Vec<usize>| Annotated {
        rows: layer.len() as u32,
        right: layer.iter().filter(|row| found[**row] == Some(truth[**row])).count() as u32,
    };
    Ok(layers.iter().map(count).collect())
}
