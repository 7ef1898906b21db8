//! The loop with a judge at hand.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::choice_loop::{Asked, ChoiceLoop, Outcome};
use super::config::AddOneInConfig;
use super::scorer::ChoiceScorer;
use super::value_scorer::ValueScorer;
use crate::select::{Distance, QualityPool, Selection, SelectionObserver, Selector};
use crate::{CoreError, Rng};

/// Watches questions, and may stop the run. `()` watches nothing.
pub trait QuestionObserver {
    /// Called after every answer, failed ones too, with the state that may be stored.
    fn asked(&mut self, state: &ChoiceLoop, last: &Asked) -> impl Future<Output = ControlFlow<()>> {
        let _ = (state, last);
        async { ControlFlow::Continue(()) }
    }
}

impl QuestionObserver for () {}

/// A finished selection.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    /// The rows in order. The score of a choice is the judge's score of it, 0 if it gave none.
    pub selection: Selection,
    /// The random first rows among them.
    pub initial: Vec<usize>,
    /// Every question.
    pub asked: Vec<Asked>,
}

/// Runs the choice loop with a judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddOneIn {
    config: AddOneInConfig,
}

impl AddOneIn {
    /// With a configuration, which is checked when the pool is known.
    pub fn new(config: AddOneInConfig) -> AddOneIn {
        AddOneIn { config }
    }

    /// Chooses from `rows` rows with a judge of any kind.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`], see [`AddOneInConfig::check`]; [`CoreError::Interrupted`] when the observer breaks
    /// off; the judge's error if it cannot go on.
    pub async fn run<S: ChoiceScorer, O: QuestionObserver>(
        &self,
        rows: usize,
        judge: S,
        rng: &Rng,
        observer: &mut O,
    ) -> Result<Chosen, CoreError> {
        self.go_on(ChoiceLoop::new(self.config.clone(), rows, rng)?, judge, observer).await
    }

    /// Goes on with a selection that is under way.
    ///
    /// # Errors
    /// As [`AddOneIn::run`].
    pub async fn go_on<S: ChoiceScorer, O: QuestionObserver>(
        &self,
        mut state: ChoiceLoop,
        mut judge: S,
        observer: &mut O,
    ) -> Result<Chosen, CoreError> {
        while let Some(question) = state.question() {
            let answer = judge.choose(&question).await;
            let last = state.answer(answer)?.clone();
            if observer.asked(&state, &last).await.is_break() {
                return Err(CoreError::Interrupted);
            }
        }
        let mut scores: BTreeMap<usize, f64> = BTreeMap::new();
        for asked in state.asked() {
            if let (Some(row), Outcome::Picked(at), Some(list)) = (asked.row(), &asked.outcome, &asked.scores)
            {
                scores.insert(row, list.get(*at).copied().unwrap_or_default());
            }
        }
        let rows = state.selected().to_vec();
        let scores = rows.iter().map(|row| scores.get(row).copied().unwrap_or_default()).collect();
        Ok(Chosen {
            selection: Selection { rows, scores },
            initial: state.initial().to_vec(),
            asked: state.asked().to_vec(),
        })
    }
}

/// The method with the judge that needs nothing else: [`ValueScorer`] with both weights 1 and Euclidean distances.
/// `budget` replaces that of the configuration.
impl Selector for AddOneIn {
    type Pool = QualityPool;

    async fn select<O: SelectionObserver>(
        &self,
        pool: &QualityPool,
        budget: usize,
        rng: &Rng,
        observer: &mut O,
    ) -> Result<Selection, CoreError> {
        let judge = ValueScorer::new(pool, 1.0, 1.0, Distance::Euclidean)?;
        let method = AddOneIn::new(AddOneInConfig { budget, ..self.config.clone() });
        let mut passing = Passing { observer, told: 0 };
        let chosen = method.run(pool.rows(), judge, rng, &mut passing).await?;
        // Random rows that no question follows have not been told yet.
        let told = passing.told;
        for (at, row) in chosen.selection.rows.iter().enumerate().skip(told) {
            if observer.chosen(at + 1, *row, 0.0).await.is_break() {
                return Err(CoreError::Interrupted);
            }
        }
        Ok(chosen.selection)
    }
}

/// Tells an observer of choices what an observer of questions sees.
struct Passing<'a, O> {
    observer: &'a mut O,
    told: usize,
}

impl<O: SelectionObserver> QuestionObserver for Passing<'_, O> {
    async fn asked(&mut self, state: &ChoiceLoop, last: &Asked) -> ControlFlow<()> {
        let score = match (&last.outcome, &last.scores) {
            (Outcome::Picked(at), Some(scores)) => scores.get(*at).copied().unwrap_or_default(),
            _ => 0.0,
        };
        for at in self.told..state.selected().len() {
            let row = state.selected()[at];
            let score = if Some(row) == last.row() { score } else { 0.0 };
            self.told = at + 1;
            if self.observer.chosen(at + 1, row, score).await.is_break() {
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }
}
