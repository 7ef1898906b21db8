//! Choosing rows of a pool: what to label, what to train on.
//!
//! | selector | chooses from | rows that |
//! |---|---|---|
//! | [`Random`] | a number of rows | fall to chance |
//! | [`FacilityLocation`] | [`Embeddings`] | all rows are similar to |
//! | [`KCenter`] | [`Embeddings`] | leave no row far away |
//! | [`Diversity`] | [`Embeddings`] | are unlike the chosen ones on average |
//! | [`VoteK`] | [`SimilarityGraph`] | many rows have among their nearest |
//! | [`ConfidentVoteK`] | [`SimilarityGraph`] | many rows have among their nearest, spread over how sure a model is |
//! | [`LeastConfidence`] | [`Embeddings`] | a model is least sure of |
//! | [`MeanSimilarity`] | [`TargetPool`] | are similar to the targets on average |
//! | [`RoundRobin`] | [`TargetPool`] | the targets take in turn |
//! | [`tarot::Tarot`] | [`TargetPool`] | are distributed like the targets, by optimal transport |
//! | [`ideal::Ideal`] | [`SimilarityGraph`] | spread their influence over the graph |
//! | [`TopQuality`], [`QualityThreshold`] | [`QualityPool`] | are best, each for itself |
//! | [`DiverseQuality`] | [`QualityPool`] | are good and not near a chosen one |
//! | [`FarthestPoint`] | [`Points`] | are far from all chosen ones |
//! | [`InstructionDifficulty`] | [`ResponseLosses`] | an instruction helps least with |
//!
//! [`add_one_in`] asks a judge instead, a question a choice; [`lp_sensitivity`] draws weighted rows, so that a loss over
//! them stands for the loss over all.
//!
//! And choosing what to ask next about a hidden object, one answer after the other ([`QueryPolicy`]):
//!
//! | policy | asks |
//! |---|---|
//! | [`RandomQueries`], [`QueriesInOrder`] | without thinking |
//! | [`InformationPursuit`] | what leaves the smallest entropy |
//! | [`conformal_information_pursuit::ConformalPursuit`] | what leaves the smallest prediction set |
//! And choosing what to ask next, one answer after the other ([`QueryPolicy`]): [`learn_to_active_learn`] trains a
//! policy against the worst case.
//! them stands for the loss over all. [`lasso_amtrl`] asks how many rows of each of many tasks to label, for another task.

pub mod add_one_in;
mod answer_table;
mod clusters;
mod confidence;
pub mod conformal_information_pursuit;
mod diverse_quality;
mod diversity;
mod expectation;
mod facility_location;
mod farthest_point;
pub mod ideal;
mod information_pursuit;
mod instruction_difficulty;
mod k_center;
pub mod lasso_amtrl;
mod lazy;
pub mod learn_to_active_learn;
pub mod lp_sensitivity;
mod mean_similarity;
mod plain_queries;
mod points;
mod pool;
mod query;
mod random;
mod round_robin;
mod sizes;
mod table_predictor;
mod target_mixture;
mod target_pool;
pub mod tarot;
mod top_quality;
mod vote_k;

#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

use crate::{CoreError, Rng};

pub use answer_table::AnswerTable;
pub use clusters::GaussianClusters;
pub use confidence::{Closeness, ConfidenceScorer, ConfidentVoteK, LeastConfidence};
pub use diverse_quality::DiverseQuality;
pub use diversity::Diversity;
pub use expectation::Expectation;
pub use facility_location::FacilityLocation;
pub use farthest_point::FarthestPoint;
pub use information_pursuit::{InformationPursuit, entropy};
pub use instruction_difficulty::{InstructionDifficulty, ResponseLosses};
pub use k_center::KCenter;
pub use mean_similarity::MeanSimilarity;
pub use plain_queries::{QueriesInOrder, RandomQueries};
pub use points::{Distance, Points, QualityPool, percentiles};
pub use pool::{Embeddings, SimilarityGraph, cosine};
pub use query::{Answered, Game, Predictor, QueryPolicy, Question, Stop, StopRule, most_probable};
pub use random::Random;
pub use round_robin::RoundRobin;
pub use sizes::geometric_sizes;
pub use table_predictor::{Likelihood, Prior, TablePredictor};
pub use target_mixture::{Drawn, TargetMixture};
pub use target_pool::{NearestCandidates, TargetPool};
pub use top_quality::{QualityThreshold, TopQuality};
pub use vote_k::VoteK;

/// Rows of a pool in the order they were chosen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// Row numbers, the first choice first, each at most once.
    pub rows: Vec<usize>,
    /// The score of each row when it was chosen: a marginal gain or a value, as the selector says. As long as `rows`.
    pub scores: Vec<f64>,
}

/// Chooses rows of a pool.
pub trait Selector {
    /// What is chosen from: embeddings, a graph, a matrix with qualities.
    type Pool;

    /// Chooses `budget` rows of `pool`; randomness comes from `rng` alone.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] if the budget is 0 or larger than the pool; [`CoreError::Interrupted`] when the
    /// observer breaks off; what else a selector says.
    fn select<O: SelectionObserver>(
        &self,
        pool: &Self::Pool,
        budget: usize,
        rng: &Rng,
        observer: &mut O,
    ) -> impl Future<Output = Result<Selection, CoreError>>;
}

/// Watches a selection, and may stop it. `()` watches nothing.
pub trait SelectionObserver {
    /// Called after every choice: how many are chosen, which row was the last, and its score.
    fn chosen(&mut self, count: usize, row: usize, score: f64) -> impl Future<Output = ControlFlow<()>> {
        let _ = (count, row, score);
        async { ControlFlow::Continue(()) }
    }

    /// Called between two pieces of work of one choice, so that a page stays alive and a stop is prompt.
    fn working(&mut self) -> impl Future<Output = ControlFlow<()>> {
        async { ControlFlow::Continue(()) }
    }
}

impl SelectionObserver for () {}

/// Checks a budget against the number of rows of a pool.
///
/// # Errors
/// [`CoreError::OutOfRange`] names both.
pub fn check_budget(budget: usize, rows: usize) -> Result<(), CoreError> {
    if (1..=rows).contains(&budget) {
        return Ok(());
    }
    Err(CoreError::range("budget", budget, format!("1 to {rows}, the number of rows of the pool")))
}

/// Adds a row to a selection and tells the observer.
pub(crate) async fn choose<O: SelectionObserver>(
    selection: &mut Selection,
    row: usize,
    score: f64,
    observer: &mut O,
) -> Result<(), CoreError> {
    selection.rows.push(row);
    selection.scores.push(score);
    match observer.chosen(selection.rows.len(), row, score).await {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(CoreError::Interrupted),
    }
}

/// Asks the observer between two pieces of work.
pub(crate) async fn work<O: SelectionObserver>(observer: &mut O) -> Result<(), CoreError> {
    match observer.working().await {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(CoreError::Interrupted),
    }
}
