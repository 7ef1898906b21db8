//! The checks of the method's sheet, its invariants, its coverage, and the sheet's reference runs.

mod coverage;
mod games;
mod properties;
mod reference;
mod sheet;

use futures::executor::block_on;

use super::*;
use crate::Rng;
use crate::select::{
    AnswerTable, Answered, Expectation, Game, Likelihood, Predictor, Prior, QueryPolicy, StopRule,
    TablePredictor, most_probable,
};

/// The sheet's four classes and three questions.
fn four() -> AnswerTable {
    AnswerTable::of_classes(vec![1, 1, 0, 1, 0, 0, 0, 1, 1, 0, 0, 1], 3).unwrap()
}

fn bayes(table: &AnswerTable, error: f64) -> TablePredictor {
    TablePredictor::learn(table, Likelihood::NaiveBayes, Prior::Even, error).unwrap()
}

fn history(pairs: &[(usize, usize)]) -> Vec<Answered> {
    pairs.iter().map(|(query, answer)| Answered { query: *query, answer: *answer }).collect()
}

fn after(pairs: &[(usize, usize)]) -> Game {
    Game { history: history(pairs), ..Game::default() }
}

fn near(found: f64, wanted: f64) {
    assert!((found - wanted).abs() < 1e-6, "{found} instead of {wanted}");
}

/// A policy with the settings that most tests have.
fn conformal<'a, P>(
    predictor: &'a P,
    thresholds: &'a Thresholds,
    pool: &'a AnswerTable,
    objective: Objective,
    expectation: Expectation,
    questions: usize,
) -> ConformalPursuit<'a, P> {
    ConformalPursuit {
        predictor,
        thresholds,
        pool,
        expectation,
        samples: 4,
        objective,
        slack: Slack::Estimation,
        empty_is_all: false,
        rule: StopRule::after(questions),
    }
}

/// Plays a game to its end without stopping, and says after 0, 1, … answers whether the prediction is right.
fn play<Q: QueryPolicy, P: Predictor>(
    policy: &Q,
    predictor: &P,
    table: &AnswerTable,
    object: usize,
    rng: &Rng,
) -> (Game, Vec<bool>) {
    let mut game = Game::default();
    let mut right = Vec::new();
    loop {
        let now = block_on(predictor.predict(&game.history)).unwrap();
        right.push(most_probable(&now) == table.label(object));
        let Some(question) = block_on(policy.ask(&mut game, rng)).unwrap() else { return (game, right) };
        if policy.stop(&game).is_some() {
            return (game, right);
        }
        policy.observe(&mut game, Some(table.answer(object, question.query))).unwrap();
    }
}
