//! The policies that ask, and the games they play.

use super::config::{Compare, Config};
use super::trial::World;
use crate::Error;
use lowshot_core::Rng;
use lowshot_core::select::conformal_information_pursuit::{
    Answerer, ConformalPursuit, Objective, Scaled, Thresholds, prediction_set,
};
use lowshot_core::select::{
    AnswerTable, Expectation, Game, InformationPursuit, Predictor, QueriesInOrder, QueryPolicy, Question,
    RandomQueries, StopRule, TablePredictor, most_probable,
};

/// Temperatures that Information Pursuit is repaired with, as in the paper.
pub const TEMPERATURES: [f64; 3] = [0.5, 0.75, 1.25];

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arm {
    /// C-IP.
    Conformal(Objective),
    /// Without repetition.
    Random,
    /// Down the list.
    InOrder,
    /// IP.
    Information,
    /// IP with a temperature, by its place in [`TEMPERATURES`].
    Temperature(usize),
    /// IP with Platt scaling.
    Platt,
}

impl Arm {
    /// All that ask, C-IP first.
    pub fn of(config: &Config) -> Vec<Arm> {
        let mut arms = vec![Arm::Conformal(config.objective)];
        if config.compare != Compare::None {
            arms.extend([Arm::Random, Arm::Information]);
        }
        if config.compare == Compare::All {
            let others = [Objective::Bound, Objective::LogMean, Objective::Fano].into_iter();
            arms.extend(others.filter(|other| *other != config.objective).map(Arm::Conformal));
            arms.push(Arm::InOrder);
            arms.extend((0..TEMPERATURES.len()).map(Arm::Temperature));
            arms.push(Arm::Platt);
        }
        arms
    }

    /// Name in tables and legends.
    pub fn name(self, config: &Config) -> String {
        match self {
            Arm::Conformal(objective) if objective == config.objective => "C-IP".to_owned(),
            Arm::Conformal(Objective::Bound) => "C-IP, bound".to_owned(),
            Arm::Conformal(Objective::LogMean) => "C-IP, log-mean".to_owned(),
            Arm::Conformal(Objective::Fano) => "C-IP, fano".to_owned(),
            Arm::Random => "random".to_owned(),
            Arm::InOrder => "in order".to_owned(),
            Arm::Information => "IP".to_owned(),
            Arm::Temperature(place) => format!("IP, temperature {}", TEMPERATURES[place]),
            Arm::Platt => "IP, Platt".to_owned(),
        }
    }

    /// Name in metrics.
    pub fn key(self, config: &Config) -> String {
        self.name(config).to_lowercase().replace(", ", "_").replace(['-', ' '], "_").replace('.', "")
    }
}

/// The predictor that plays, the same type for all arms.
pub type Player = Scaled<TablePredictor>;

/// A policy of one of the kinds.
pub enum Policy<'a> {
    /// C-IP.
    Conformal(ConformalPursuit<'a, Player>),
    /// IP.
    Information(InformationPursuit<'a, Player>),
    /// Random.
    Random(RandomQueries),
    /// In order.
    InOrder(QueriesInOrder),
}

impl Policy<'_> {
    /// The next question, which is then pending.
    pub async fn ask(&self, game: &mut Game, rng: &Rng) -> Result<Option<Question>, Error> {
        Ok(match self {
            Policy::Conformal(policy) => policy.ask(game, rng).await?,
            Policy::Information(policy) => policy.ask(game, rng).await?,
            Policy::Random(policy) => policy.ask(game, rng).await?,
            Policy::InOrder(policy) => policy.ask(game, rng).await?,
        })
    }
}

/// C-IP as configured.
pub fn conformal<'a>(
    config: &Config,
    objective: Objective,
    predictor: &'a Player,
    thresholds: &'a Thresholds,
    pool: &'a AnswerTable,
) -> ConformalPursuit<'a, Player> {
    ConformalPursuit {
        predictor,
        thresholds,
        pool,
        expectation: config.expectation,
        samples: config.samples.min(pool.objects()),
        objective,
        slack: config.slack,
        empty_is_all: config.empty_is_all,
        rule: StopRule::after(config.questions),
    }
}

/// IP as configured.
pub fn information<'a>(
    config: &Config,
    predictor: &'a Player,
    pool: &'a AnswerTable,
) -> InformationPursuit<'a, Player> {
    let (samples, expectation): (usize, Expectation) =
        (config.samples.min(pool.objects()), config.expectation);
    InformationPursuit { predictor, pool, expectation, samples, rule: StopRule::after(config.questions) }
}

/// What is known after some answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The most probable class.
    pub predicted: usize,
    /// Its probability.
    pub probability: f64,
    /// Classes in the prediction set.
    pub set: Vec<usize>,
    /// The next question, with its score; none at the end.
    pub next: Option<Question>,
}

/// A game that was played to its end, whatever the stopping rule says: rules are applied afterwards.
pub struct Played {
    /// Questions and answers.
    pub game: Game,
    /// What was known after 0, 1, … answers.
    pub steps: Vec<Step>,
}

/// What is known now.
pub async fn step(predictor: &Player, thresholds: &Thresholds, game: &Game) -> Result<Step, Error> {
    let now = predictor.predict(&game.history).await?;
    let predicted = most_probable(&now);
    let set = prediction_set(&now, thresholds.at(game.history.len()));
    Ok(Step { predicted, probability: now[predicted], set, next: None })
}

/// Plays an object to the end.
pub async fn play(
    config: &Config,
    world: &World,
    arm: Arm,
    object: usize,
    rng: &Rng,
) -> Result<Played, Error> {
    let (queries, rule) = (world.pool.queries(), StopRule::after(config.questions));
    let predictor = match arm {
        Arm::Temperature(place) => &world.tempered[place],
        Arm::Platt => world.platt.as_ref().unwrap_or(&world.predictor),
        _ => &world.predictor,
    };
    let policy = match arm {
        Arm::Conformal(objective) => {
            Policy::Conformal(conformal(config, objective, predictor, &world.thresholds, &world.pool))
        }
        Arm::Random => Policy::Random(RandomQueries { queries, rule }),
        Arm::InOrder => Policy::InOrder(QueriesInOrder { queries, rule }),
        Arm::Information | Arm::Temperature(_) | Arm::Platt => {
            Policy::Information(information(config, predictor, &world.pool))
        }
    };
    let answerer = Answerer { table: &world.test, wrong: config.wrong_answers };
    let mut game = Game::default();
    let mut steps = Vec::with_capacity(config.questions + 1);
    loop {
        let mut now = step(predictor, &world.thresholds, &game).await?;
        if !matches!(arm, Arm::Conformal(_)) {
            // Sets are those of the predictor as it is, whoever asks.
            let plain = world.predictor.predict(&game.history).await?;
            now.set = prediction_set(&plain, world.thresholds.at(game.history.len()));
        }
        if game.asked() < config.questions.min(queries) {
            now.next = policy.ask(&mut game, rng).await?;
        }
        let next = now.next.as_ref().map(|next| next.query);
        steps.push(now);
        let Some(query) = next else { return Ok(Played { game, steps }) };
        // Wrong answers belong to the object and the question, so every policy meets the same.
        let answer = answerer.answer(object, query, rng);
        game.tell(query, Some(answer), queries, 2)?;
    }
}
