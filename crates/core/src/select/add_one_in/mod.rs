//! One row at a time, each picked by a judge from a few random candidates.
//!
//! Li et al., "Add-One-In: Incremental Sample Selection for Large Language Models via a Choice-Based Greedy
//! Paradigm", arXiv 2503.02359 (2025).
//!
//! A [`ChoiceScorer`] is shown `context` rows that are chosen already and `options` rows that are not, and says which
//! option adds most. That option is chosen; the others go back to the pool. So K rows cost about K questions, whatever
//! the size of the pool. The winner is the best of a random window, seen against a random part of what is chosen: not
//! a greedy maximum, and no (1 − 1/e) guarantee holds.
//!
//! [`ChoiceLoop`] asks and takes answers without ever calling a judge, so a judge may as well be a person, another
//! process or a file. Everything it knows is its list of [`Asked`] questions, which can be stored after every answer
//! and taken up again ([`ChoiceLoop::resume`]). [`AddOneIn`] runs it with a judge at hand.
//!
//! ```
//! use lowshot_core::Rng;
//! use lowshot_core::select::add_one_in::{AddOneIn, AddOneInConfig, ValueScorer};
//! use lowshot_core::select::{Distance, Points, QualityPool};
//!
//! # futures::executor::block_on(async {
//! let rows = Points::new(vec![0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0], 2)?;
//! let pool = QualityPool::new(rows, vec![0.2, 0.9, 0.5, 0.7])?;
//! let config = AddOneInConfig { budget: 3, initial: 1, ..Default::default() };
//! let judge = ValueScorer::new(&pool, 1.0, 1.0, Distance::Euclidean)?;
//! let chosen = AddOneIn::new(config).run(pool.rows(), judge, &Rng::new(1), &mut ()).await?;
//! assert_eq!(chosen.selection.rows.len(), 3);
//! # Ok::<(), lowshot_core::CoreError>(()) }).unwrap();
//! ```

mod choice_loop;
mod config;
mod fluid_limit;
mod imperfect;
mod loss_scorer;
mod prompt;
mod replay;
mod scorer;
mod selector;
mod tally;
mod toy;
mod value_scorer;

#[cfg(test)]
mod tests;

pub use choice_loop::{Asked, ChoiceLoop, Outcome, Question};
pub use config::{AddOneInConfig, ShardOrder};
pub use fluid_limit::{fluid_mean, fluid_remaining_cdf, fluid_selected_cdf, top_mean};
pub use imperfect::{NoisyScorer, RandomScorer};
pub use loss_scorer::{LossScorer, LossValue};
pub use prompt::{MAX_LABELS, Prompt, Sample, parse_answer};
pub use replay::ReplayScorer;
pub use scorer::{Choice, ChoiceScorer, ScorerError};
pub use selector::{AddOneIn, Chosen, QuestionObserver};
pub use tally::Tally;
pub use toy::{ToyPool, toy_pool};
pub use value_scorer::{FacilityScorer, ValueScorer};
