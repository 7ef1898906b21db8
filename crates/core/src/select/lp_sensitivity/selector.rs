//! All scores through the one trait of the family.

use super::lewis::LewisOptions;
use super::rows::{Basis, Dense, Rows};
use super::sample::Probabilities;
use super::score::{Score, Scores};
use super::sensitivity::{SolveOptions, sensitivities};
use super::{NoWatch, check_p};
use crate::select::{Selection, SelectionObserver, Selector, check_budget};
use crate::{CoreError, Rng};
use std::ops::ControlFlow;

/// Keeps rows with probabilities by a score; `budget` is their expected number, as rows are kept independently.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LpSampling {
    /// Exponent of the loss, 1 to 10.
    pub p: f64,
    /// Which score.
    pub score: Score,
    /// How sensitivities are solved for.
    pub options: SolveOptions,
}

impl LpSampling {
    /// A score with default options.
    #[must_use]
    pub fn new(p: f64, score: Score) -> LpSampling {
        LpSampling { p, score, options: SolveOptions::default() }
    }
}

impl Selector for LpSampling {
    type Pool = Dense;

    /// The scores of the selection are the probabilities; 1/probability is the weight of a row.
    async fn select<O: SelectionObserver>(
        &self,
        pool: &Dense,
        budget: usize,
        rng: &Rng,
        observer: &mut O,
    ) -> Result<Selection, CoreError> {
        check_p(self.p)?;
        check_budget(budget, pool.rows())?;
        let scores = if self.score == Score::Uniform {
            vec![1.0; pool.rows()]
        } else {
            let basis = Basis::of(pool, 1e-10, &mut NoWatch).await?;
            let mut scores = Scores::cheap(&basis, self.p, LewisOptions::default(), &mut NoWatch).await?;
            if self.score.needs_sensitivities() {
                let u = basis.dense()?;
                let solved = sensitivities(&u, &scores.lewis, self.p, self.options, &mut NoWatch).await?;
                scores.sensitivity = solved.iter().map(|one| one.value).collect();
            }
            scores.of(self.score)
        };
        let probabilities = Probabilities::with_budget(&scores, budget as f64, self.score.has_floor())?;
        let sample = probabilities.draw(&mut rng.split("sample"));
        for (count, (row, q)) in sample.rows.iter().zip(&sample.q).enumerate() {
            if let ControlFlow::Break(()) = observer.chosen(count + 1, *row, *q).await {
                return Err(CoreError::Interrupted);
            }
        }
        Ok(Selection { rows: sample.rows, scores: sample.q })
    }
}
