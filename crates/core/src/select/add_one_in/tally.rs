//! What the questions tell about the judge.

use serde::{Deserialize, Serialize};

use super::choice_loop::{Asked, Outcome};

/// Counts over some questions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Questions asked. Without giving up that is K − n₀ + failures.
    pub calls: usize,
    /// Questions without a valid answer.
    pub failures: usize,
    /// Choices at random after the last retry; each is a failure, too.
    pub gave_up: usize,
    /// Answers for each position among the options: even, if the judge does not care about the position.
    pub positions: Vec<usize>,
    /// Rows of the pool that were an option 0, 1, 2, … times.
    pub exposure: Vec<usize>,
}

impl Tally {
    /// Counts `asked` over a pool of `rows` rows.
    pub fn of(asked: &[Asked], rows: usize) -> Tally {
        let mut tally = Tally { calls: asked.len(), ..Tally::default() };
        let mut shown = vec![0usize; rows];
        for entry in asked {
            for row in &entry.question.options {
                if let Some(count) = shown.get_mut(*row) {
                    *count += 1;
                }
            }
            let places = entry.question.options.len();
            if tally.positions.len() < places {
                tally.positions.resize(places, 0);
            }
            match &entry.outcome {
                Outcome::Picked(at) => {
                    if let Some(count) = tally.positions.get_mut(*at) {
                        *count += 1;
                    }
                }
                Outcome::Failed(_) => tally.failures += 1,
                Outcome::GaveUp(..) => {
                    tally.failures += 1;
                    tally.gave_up += 1;
                }
            }
        }
        tally.exposure = vec![0; shown.iter().max().map_or(1, |most| most + 1)];
        shown.into_iter().for_each(|count| tally.exposure[count] += 1);
        tally
    }
}
