//! Diversity: rows that are unlike the chosen ones on average.

use super::k_center::farthest;
use super::{Embeddings, Selection, SelectionObserver, Selector};
use crate::{CoreError, Rng};

/// Greatest diversity as in the code of IDEAL: the row with the smallest **sum** of cosine similarities to the chosen
/// rows (not the smallest maximum), ties to the lower index.
///
/// The first row is drawn from `rng.split("diversity")`. The score is the negative sum; 0 for the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Diversity;

impl Selector for Diversity {
    type Pool = Embeddings;

    async fn select<O: SelectionObserver>(
        &self,
        pool: &Embeddings,
        budget: usize,
        rng: &Rng,
        observer: &mut O,
    ) -> Result<Selection, CoreError> {
        let first = rng.split("diversity").below(pool.rows());
        farthest(pool, budget, first, 0.0, |state, similarity| state - similarity, observer).await
    }
}
