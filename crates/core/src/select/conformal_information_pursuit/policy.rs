//! The policy: the question whose answer is expected to leave the smallest prediction set.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::objective::{Judged, Objective};
use super::quantile::{Thresholds, prediction_set, within};
use crate::select::answer_table::AnswerTable;
use crate::select::expectation::{Expectation, Outcomes, check_table, probabilities};
use crate::select::query::{Game, Predictor, QueryPolicy, Question, StopRule, smallest};
use crate::{CoreError, Rng};

/// What α_N is in the bound, where the coverage is at most 1 − α_N.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Slack {
    /// α − 1/(n + 1) with the n objects that expectations are formed with: the official code for 20 questions.
    #[default]
    Estimation,
    /// α: the official code for medical questions.
    None,
    /// α − 1/(n + 1) with the n draws of the calibration: what the theory says.
    Calibration,
}

/// Conformal Information Pursuit.
#[derive(Clone, Copy, Debug)]
pub struct ConformalPursuit<'a, P> {
    /// Says how probable the classes are.
    pub predictor: &'a P,
    /// Thresholds of the prediction sets, calibrated with this predictor.
    pub thresholds: &'a Thresholds,
    /// Objects to form expectations with.
    pub pool: &'a AnswerTable,
    /// Which of them count how much.
    pub expectation: Expectation,
    /// How many are drawn, for [`Expectation::UniformSample`]. Published: 4 and 12.
    pub samples: usize,
    /// How sizes become bits.
    pub objective: Objective,
    /// α_N of the bound.
    pub slack: Slack,
    /// Count an empty set as all labels. As published, an empty set looks certain, and a question that leaves nothing
    /// plausible wins.
    pub empty_is_all: bool,
    /// When a game is over.
    pub rule: StopRule,
}

impl<P: Predictor> ConformalPursuit<'_, P> {
    /// Labels that are plausible after a history; all of them before the first answer.
    ///
    /// # Errors
    /// What the predictor says.
    pub async fn plausible(&self, game: &Game) -> Result<Vec<usize>, CoreError> {
        let now = self.predictor.predict(&game.history).await?;
        Ok(prediction_set(&now, self.thresholds.at(game.history.len())))
    }

    /// α_N for so many objects in an expectation.
    fn lower(&self, objects: usize) -> f64 {
        let alpha = self.thresholds.alpha;
        match self.slack {
            Slack::Estimation => alpha - 1.0 / (objects as f64 + 1.0),
            Slack::None => alpha,
            Slack::Calibration => alpha - 1.0 / (self.thresholds.draws as f64 + 1.0),
        }
    }
}

impl<P: Predictor> QueryPolicy for ConformalPursuit<'_, P> {
    fn queries(&self) -> usize {
        self.predictor.queries()
    }

    fn answers(&self) -> usize {
        self.predictor.answers()
    }

    fn rule(&self) -> StopRule {
        self.rule
    }

    async fn choose(&self, game: &Game, rng: &Rng) -> Result<Option<Question>, CoreError> {
        let candidates = game.candidates(self.queries());
        let classes = self.predictor.classes();
        check_table(self.predictor, self.pool)?;
        let now = probabilities(self.predictor, &game.history).await?;
        let plausible = prediction_set(&now, self.thresholds.at(game.history.len())).len();
        let mut rng = rng.at(game.asked() as u64);
        let objects = self.expectation.objects(self.pool, self.samples, &now, &mut rng);
        let outcomes = Outcomes::of(self.predictor, &game.history, &candidates).await?;
        let least = within(self.thresholds.at(game.history.len() + 1));
        let sizes = outcomes.map(|row| match row.iter().filter(|p| **p >= least).count() {
            0 if self.empty_is_all => classes,
            size => size,
        });
        let (alpha, lower) = (self.thresholds.alpha, self.lower(objects.len()));
        let mut judged = Vec::with_capacity(objects.len());
        let mut scores = Vec::with_capacity(candidates.len());
        for (place, query) in candidates.iter().enumerate() {
            judged.clear();
            judged.extend(objects.iter().map(|(object, weight)| {
                let answer = self.pool.answer(*object, *query);
                let size = sizes[place * outcomes.answers() + answer];
                let covered =
                    size == classes || outcomes.row(place, answer)[self.pool.label(*object)] >= least;
                Judged { weight: *weight, size, covered }
            }));
            scores.push((*query, self.objective.score(&judged, classes, alpha, lower)));
        }
        Ok(smallest(scores, Some(plausible)))
    }
}
