//! How much an instruction helps a model with its response.

use super::points::best_first;
use super::{Selection, SelectionObserver, Selector, check_budget, choose};
use crate::{CoreError, Rng};

/// Losses of a briefly trained model on one sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResponseLosses {
    /// Mean loss of the response's tokens after the instruction.
    pub conditional: f64,
    /// Mean loss of the response's tokens alone.
    pub alone: f64,
    /// Tokens of the whole sample.
    pub tokens: usize,
}

/// Keeps the samples whose instruction helps the least, by the ratio of the two losses (IFD, Li et al.,
/// arXiv 2308.12032), as the published code computes it: of mean losses, not of perplexities.
///
/// Ratios above 1, where the instruction makes it worse, samples of more than `most_tokens` tokens and samples without
/// a ratio are left out, so that fewer than the budget may be chosen. The score of a choice is its ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstructionDifficulty {
    /// The longest sample that is kept.
    pub most_tokens: usize,
}

impl Selector for InstructionDifficulty {
    type Pool = Vec<ResponseLosses>;

    async fn select<O: SelectionObserver>(
        &self,
        pool: &Vec<ResponseLosses>,
        budget: usize,
        _rng: &Rng,
        observer: &mut O,
    ) -> Result<Selection, CoreError> {
        check_budget(budget, pool.len())?;
        let ratio = |sample: &ResponseLosses| {
            let ratio = sample.conditional / sample.alone;
            let usable =
                sample.alone > 0.0 && (0.0..=1.0).contains(&ratio) && sample.tokens <= self.most_tokens;
            if usable { ratio } else { f64::NEG_INFINITY }
        };
        let ratios: Vec<f64> = pool.iter().map(ratio).collect();
        let mut selection = Selection::default();
        for row in best_first(&ratios).into_iter().take(budget).filter(|row| ratios[*row].is_finite()) {
            choose(&mut selection, row, ratios[row], observer).await?;
        }
        Ok(selection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;

    #[test]
    fn the_largest_ratio_up_to_one_comes_first() {
        let sample = |conditional, alone, tokens| ResponseLosses { conditional, alone, tokens };
        // Ratios 0.5, 0.9, 1.2 (the instruction harms), 0.95 (too long), 0.6, no loss at all, no number.
        let pool = vec![
            sample(1.0, 2.0, 10),
            sample(1.8, 2.0, 10),
            sample(2.4, 2.0, 10),
            sample(1.9, 2.0, 99),
            sample(0.6, 1.0, 10),
            sample(0.0, 0.0, 10),
            sample(f64::NAN, 1.0, 10),
        ];
        let method = InstructionDifficulty { most_tokens: 50 };
        let select = |budget| block_on(method.select(&pool, budget, &Rng::new(1), &mut ()));
        assert_eq!(select(2).unwrap().rows, [1, 4]);
        assert_eq!(select(7).unwrap().rows, [1, 4, 0]);
        assert!(select(8).is_err());
    }
}
