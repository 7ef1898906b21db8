//! Selections that ask a model how sure it is: Vote-k in full, and least confidence.

use super::vote_k::Votes;
use super::{
    Embeddings, Selection, SelectionObserver, Selector, SimilarityGraph, check_budget, choose, work,
};
use crate::{CoreError, Rng};

/// Says how sure a model is of its label for rows of a pool, given labels of others. With a language model this is one
/// call a row, and the cost of these selections.
pub trait ConfidenceScorer {
    /// A finite confidence for each of `rows`, larger for surer (a mean log-probability, a negative loss), with
    /// `labelled` as examples; in the order of `rows`.
    fn confidence(
        &self,
        labelled: &[usize],
        rows: &[usize],
    ) -> impl Future<Output = Result<Vec<f64>, CoreError>>;
}

/// Confidence without a model: the cosine similarity to the nearest labelled row; −1 without one.
#[derive(Clone, Copy, Debug)]
pub struct Closeness<'a>(pub &'a Embeddings);

impl ConfidenceScorer for Closeness<'_> {
    async fn confidence(&self, labelled: &[usize], rows: &[usize]) -> Result<Vec<f64>, CoreError> {
        let nearest = |row: &usize| labelled.iter().map(|l| self.0.similarity(*row, *l)).fold(-1.0, f64::max);
        Ok(rows.iter().map(nearest).collect())
    }
}

/// Vote-k (Su et al. 2022): a first batch by fast Vote-k, the rest by votes within buckets of like confidence.
///
/// After the first batch every other row gets a confidence. The most confident tenth is left out (unless too few rows
/// would be left); the others, least confident first, are cut into as many equal buckets as rows are to be chosen, and
/// each bucket gives its row with the highest vote score, ties to the least confident. The score is the vote score. No
/// randomness is used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConfidentVoteK<S> {
    /// How sure a model is.
    pub scorer: S,
    /// Rows of the first batch (default of [`ConfidentVoteK::new`]: 10).
    pub first: usize,
    /// Discount of a vote for each time it was heard (10).
    pub discount: f64,
    /// As in the official code, choices from buckets do not discount the votes for later ones: its counters have keys
    /// of two types (false).
    pub official_code: bool,
}

impl<S: ConfidenceScorer> ConfidentVoteK<S> {
    /// The published settings.
    pub fn new(scorer: S) -> Self {
        Self { scorer, first: 10, discount: 10.0, official_code: false }
    }
}

impl<S: ConfidenceScorer> Selector for ConfidentVoteK<S> {
    type Pool = SimilarityGraph;

    async fn select<O: SelectionObserver>(
        &self,
        pool: &SimilarityGraph,
        budget: usize,
        _rng: &Rng,
        observer: &mut O,
    ) -> Result<Selection, CoreError> {
        check_budget(budget, pool.rows())?;
        let mut votes = Votes::new(pool, self.discount)?;
        let mut selection = Selection::default();
        while selection.rows.len() < self.first.min(budget) {
            let open = (0..pool.rows()).filter(|row| !selection.rows.contains(row));
            let Some((row, score)) = highest(&votes, open) else { break };
            votes.hear(row);
            choose(&mut selection, row, score, observer).await?;
        }
        let left = budget - selection.rows.len();
        if left == 0 {
            return Ok(selection);
        }
        let mut open = least_confident_first(&self.scorer, pool.rows(), &selection.rows).await?;
        open.truncate((open.len() - open.len() / 10).max(left));
        let bucket = |number: usize| number * open.len() / left..(number + 1) * open.len() / left;
        for number in 0..left {
            let rows = open.get(bucket(number)).unwrap_or_default();
            let Some((row, score)) = highest(&votes, rows.iter().map(|(_, row)| *row)) else { continue };
            if !self.official_code {
                votes.hear(row);
            }
            choose(&mut selection, row, score, observer).await?;
        }
        Ok(selection)
    }
}

/// Least confidence: a random first batch from `rng.split("least-confidence")`, then batches of the rows that the
/// model, given all labels so far, is least sure of; ties to the lower index.
///
/// The score is the negative confidence; 0 in the first batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LeastConfidence<S> {
    /// How sure a model is.
    pub scorer: S,
    /// Rows of a batch, the first included (at least 1 is taken).
    pub batch: usize,
}

impl<S: ConfidenceScorer> Selector for LeastConfidence<S> {
    type Pool = Embeddings;

    async fn select<O: SelectionObserver>(
        &self,
        pool: &Embeddings,
        budget: usize,
        rng: &Rng,
        observer: &mut O,
    ) -> Result<Selection, CoreError> {
        check_budget(budget, pool.rows())?;
        let batch = self.batch.max(1);
        let mut selection = Selection::default();
        for row in rng.split("least-confidence").sample(pool.rows(), batch.min(budget)) {
            choose(&mut selection, row, 0.0, observer).await?;
        }
        while selection.rows.len() < budget {
            work(observer).await?;
            let ranked = least_confident_first(&self.scorer, pool.rows(), &selection.rows).await?;
            for (sure, row) in ranked.into_iter().take(batch.min(budget - selection.rows.len())) {
                choose(&mut selection, row, -sure, observer).await?;
            }
        }
        Ok(selection)
    }
}

/// The row with the highest vote score, the first of equals.
fn highest(votes: &Votes, rows: impl Iterator<Item = usize>) -> Option<(usize, f64)> {
    rows.map(|row| (row, votes.score(row))).fold(None, |best, (row, score)| match best {
        Some((_, most)) if most >= score => best,
        _ => Some((row, score)),
    })
}

/// Rows that are not chosen with their confidence, the least confident first.
async fn least_confident_first<S: ConfidenceScorer>(
    scorer: &S,
    rows: usize,
    chosen: &[usize],
) -> Result<Vec<(f64, usize)>, CoreError> {
    let mut open = vec![true; rows];
    chosen.iter().for_each(|row| open[*row] = false);
    let open: Vec<usize> = (0..rows).filter(|row| open[*row]).collect();
    let sure = confidence(scorer, chosen, &open).await?;
    let mut ranked: Vec<(f64, usize)> = sure.into_iter().zip(open).collect();
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    Ok(ranked)
}

/// Asks a scorer and checks its answer.
async fn confidence<S: ConfidenceScorer>(
    scorer: &S,
    labelled: &[usize],
    rows: &[usize],
) -> Result<Vec<f64>, CoreError> {
    let sure = scorer.confidence(labelled, rows).await?;
    if sure.len() != rows.len() {
        let what = "confidence: the scorer's answer and the rows";
        return Err(CoreError::Lengths { what, left: sure.len(), right: rows.len() });
    }
    if sure.iter().any(|v| !v.is_finite()) {
        return Err(CoreError::NotFinite { what: "the confidence of a row" });
    }
    Ok(sure)
}
