//! One trial: every selector on the same pool, judged on the same fresh worlds and test rows.

use super::annotation::{self, Annotated};
use super::config::{Config, Labeller, Rival, field_error};
use super::pictures::Watch;
use super::pools::Pool;
use crate::Error;
use lowshot_core::Rng;
use lowshot_core::select::ideal::{Ideal, Transitions, Worlds};
use lowshot_core::select::{
    Diversity, FacilityLocation, KCenter, Random, Selection, Selector, SimilarityGraph, VoteK, cosine,
};
use serde::{Deserialize, Serialize};

/// What a selector chose, and what it is worth at each step of the budget.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Chosen rows of the data, in order.
    pub selected: Vec<u64>,
    /// Mean rows reached in fresh worlds, for each step of the budget.
    pub influence: Vec<f64>,
    /// Share of test rows with the class of their nearest chosen row, for each step; empty without labels.
    pub accuracy: Vec<f64>,
    /// Share of the pool's classes that have a chosen row; 0 without labels.
    pub classes: f64,
}

/// What is kept of one trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// IDEAL.
    pub ideal: Outcome,
    /// Marginal gains as the search saw them.
    pub gains: Vec<f64>,
    /// Each rival.
    pub rivals: Vec<Outcome>,
    /// Share of the rows that a search with another seed also chose.
    pub overlap: Option<f64>,
    /// Rows of the data in the layers of a cascade from the chosen rows.
    pub layers: Vec<Vec<u64>>,
    /// Rows and right labels in each layer, if they were annotated and there are labels.
    pub annotated: Vec<Annotated>,
    /// Classes of the pool.
    pub classes: u32,
    /// Seconds that IDEAL took, graph included, drawing excluded.
    pub seconds: f64,
}

/// The graph of a pool, for pictures and artifacts.
pub struct Graphs {
    /// The nearest rows.
    pub nearest: SimilarityGraph,
    /// Probabilities of the edges.
    pub transitions: Transitions,
}

impl Graphs {
    /// The graph of a pool.
    pub async fn build(config: &Config, pool: &Pool) -> Result<Graphs, Error> {
        let nearest = SimilarityGraph::build(&pool.rows, config.successors).await.map_err(field_error)?;
        let transitions = Transitions::new(&nearest).map_err(field_error)?;
        Ok(Graphs { nearest, transitions })
    }
}

/// Runs a trial; `watch` draws it if it has a picture.
pub async fn run(
    config: &Config,
    pool: &Pool,
    graphs: &Graphs,
    graph_seconds: f64,
    rng: &Rng,
    watch: &mut Watch<'_>,
) -> Result<Record, Error> {
    let start = watch.ticks.working_seconds();
    let ideal = Ideal::new(config.selector()).map_err(field_error)?;
    watch.draws(true);
    let chosen = select(&ideal, &graphs.nearest, config, &rng.split("ideal"), watch).await?;
    watch.draws(false);
    let seconds = watch.ticks.working_seconds() - start + graph_seconds;
    let judges = Worlds::draw(&graphs.transitions, config.judges, &rng.split("judges"));
    let steps = config.steps();
    let judge = |chosen: &Selection| Outcome {
        selected: chosen.rows.iter().map(|row| pool.ids[*row] as u64).collect(),
        influence: at(&steps, &judges.curve(&chosen.rows)),
        accuracy: at(&steps, &accuracies(pool, &chosen.rows)),
        classes: covered(pool, &chosen.rows),
    };
    let mut overlap = None;
    if config.repeat {
        let again = select(&ideal, &graphs.nearest, config, &rng.split("again"), watch).await?;
        let both = chosen.rows.iter().filter(|row| again.rows.contains(row)).count();
        overlap = Some(both as f64 / chosen.rows.len() as f64);
    }
    let mut rivals = Vec::new();
    for rival in config.rivals() {
        let rng = rng.split(rival.name());
        let chosen = match rival {
            Rival::Random => select(&Random, &pool.rows.rows(), config, &rng.split("random"), watch).await?,
            Rival::VoteK => {
                let votes = SimilarityGraph::build(&pool.rows, config.votes(pool.rows.rows())).await?;
                select(&VoteK::default(), &votes, config, &rng, watch).await?
            }
            Rival::FacilityLocation => {
                select(&FacilityLocation::default(), &pool.rows, config, &rng, watch).await?
            }
            Rival::KCenter => select(&KCenter, &pool.rows, config, &rng, watch).await?,
            Rival::Diversity => select(&Diversity, &pool.rows, config, &rng, watch).await?,
        };
        rivals.push(judge(&chosen));
        watch.ticks.pass().await?;
    }
    let layers = annotation::cascade(&graphs.transitions, &chosen.rows, rng)?;
    watch.cascade(&layers).await?;
    let annotated = match (config.labeller, &pool.labels) {
        (Labeller::None, _) | (_, None) => Vec::new(),
        (_, Some(labels)) => annotation::annotate(config, pool, labels, &layers, rng, watch).await?,
    };
    let name = |layer: &Vec<usize>| layer.iter().map(|row| pool.ids[*row] as u64).collect();
    Ok(Record {
        ideal: judge(&chosen),
        gains: chosen.scores,
        rivals,
        overlap,
        layers: layers.iter().map(name).collect(),
        annotated,
        classes: pool.classes().len() as u32,
        seconds,
    })
}

/// Selects, and prefers the observer's own error to "interrupted".
async fn select<S: Selector>(
    selector: &S,
    from: &S::Pool,
    config: &Config,
    rng: &Rng,
    watch: &mut Watch<'_>,
) -> Result<Selection, Error> {
    let found = selector.select(from, config.budget, rng, watch).await;
    match watch.ticks.take_error() {
        Some(error) => Err(error),
        None => found.map_err(field_error),
    }
}

/// The values of a curve at some steps of the budget.
fn at(steps: &[usize], curve: &[f64]) -> Vec<f64> {
    steps.iter().filter_map(|step| curve.get(step - 1).copied()).collect()
}

/// Share of test rows that have the class of the most similar of the first 1, 2, … chosen rows; of equals the first.
fn accuracies(pool: &Pool, chosen: &[usize]) -> Vec<f64> {
    let (Some(labels), Some((test, truth))) = (&pool.labels, &pool.test) else { return Vec::new() };
    let mut nearest = vec![f64::NEG_INFINITY; truth.len()];
    let mut right = vec![false; truth.len()];
    let mut curve = Vec::with_capacity(chosen.len());
    for row in chosen {
        for (place, truth) in truth.iter().enumerate() {
            let similarity = cosine(test.row(place), pool.rows.row(*row));
            if similarity > nearest[place] {
                nearest[place] = similarity;
                right[place] = labels[*row] == *truth;
            }
        }
        curve.push(right.iter().filter(|right| **right).count() as f64 / truth.len() as f64);
    }
    curve
}

/// Share of the pool's classes among the chosen rows.
fn covered(pool: &Pool, chosen: &[usize]) -> f64 {
    let Some(labels) = &pool.labels else { return 0.0 };
    let mut found: Vec<i64> = chosen.iter().map(|row| labels[*row]).collect();
    found.sort_unstable();
    found.dedup();
    found.len() as f64 / pool.classes().len().max(1) as f64
}
