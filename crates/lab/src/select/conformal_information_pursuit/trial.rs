//! One trial: a predictor, its calibration, and the games of every policy about the same objects.

use super::arms::{Arm, Played, Player, TEMPERATURES, information, play};
use super::config::{Compare, Config, Thresholding, field_error};
use super::questions::Questions;
use crate::{Context, Error};
use lowshot_core::Rng;
use lowshot_core::select::conformal_information_pursuit::{
    Answerer, Calibration, SavedGame, Scaled, Scaling, Thresholds,
};
use lowshot_core::select::{AnswerTable, Game, QueryPolicy, Stop, StopRule, TablePredictor};
use serde::{Deserialize, Serialize};

/// Miscoverages of the calibration plot, as the paper calibrates.
pub const ALPHAS: [f64; 10] = [0.01, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45];
/// Fresh random histories of each length on which thresholds are tested.
const FRESH: usize = 100;

/// Everything that the games of a trial share.
pub struct World {
    /// Objects to form expectations with.
    pub pool: AnswerTable,
    /// Objects that are played.
    pub test: AnswerTable,
    /// Their rows in the data.
    pub rows: Vec<usize>,
    /// The predictor as it is.
    pub predictor: Player,
    /// With each temperature; empty if not compared.
    pub tempered: Vec<Player>,
    /// With Platt scaling, if compared.
    pub platt: Option<Player>,
    /// Thresholds at the configured α.
    pub thresholds: Thresholds,
    /// The scores behind them.
    pub calibration: Calibration,
}

impl World {
    /// Draws and calibrates a predictor.
    pub async fn make(
        config: &Config,
        questions: &Questions,
        rng: &Rng,
        cx: &mut Context,
    ) -> Result<World, Error> {
        let parts = questions.parts(config, rng)?;
        let pool = questions.table.subset(&parts.learn)?;
        let calibrate = questions.table.subset(&parts.calibrate)?;
        let answerer = Answerer { table: &calibrate, wrong: config.wrong_answers };
        let table: TablePredictor = questions.predictor(config, &pool, rng)?;
        let predictor = Scaled { predictor: table.clone(), scaling: Scaling::None };
        let lengths = config.questions.min(pool.queries());
        let draw = rng.split("calibration");
        let calibration = match config.thresholding {
            Thresholding::PerLength | Thresholding::Common => {
                Calibration::random(&predictor, &answerer, lengths, config.draws, &draw).await?
            }
            Thresholding::Games => {
                let games = saved_games(config, &predictor, &pool, &answerer, &draw, cx).await?;
                Calibration::of_games(&predictor, &games, lengths).await?
            }
        };
        cx.tick().await?;
        let mut world = World {
            thresholds: thresholds(config, &calibration, config.alpha)?,
            test: questions.table.subset(&parts.test)?,
            rows: parts.test,
            pool,
            predictor,
            tempered: Vec::new(),
            platt: None,
            calibration,
        };
        if config.compare == Compare::All {
            for temperature in TEMPERATURES {
                let scaling = Scaling::temperature(temperature)?;
                world.tempered.push(Scaled { predictor: table.clone(), scaling });
            }
            let scaling =
                Scaling::platt(&table, &answerer, lengths, config.draws, &rng.split("platt")).await?;
            world.platt = Some(Scaled { predictor: table, scaling });
            cx.tick().await?;
        }
        Ok(world)
    }

    /// Coverage of fresh random histories: for each of [`ALPHAS`] over all lengths, and by length at the configured α.
    async fn coverage(&self, config: &Config, rng: &Rng) -> Result<(Vec<f64>, Vec<f64>), Error> {
        let answerer = Answerer { table: &self.test, wrong: config.wrong_answers };
        let lengths = self.calibration.scores().len();
        let fresh =
            Calibration::random(&self.predictor, &answerer, lengths, FRESH, &rng.split("fresh")).await?;
        let mut by_alpha = Vec::with_capacity(ALPHAS.len());
        for alpha in ALPHAS {
            let covered = fresh.coverage(&thresholds(config, &self.calibration, alpha)?);
            by_alpha.push(covered.iter().sum::<f64>() / covered.len().max(1) as f64);
        }
        Ok((by_alpha, fresh.coverage(&self.thresholds)))
    }
}

fn thresholds(config: &Config, calibration: &Calibration, alpha: f64) -> Result<Thresholds, Error> {
    match config.thresholding {
        Thresholding::Common => calibration.common_threshold(alpha),
        Thresholding::PerLength | Thresholding::Games => calibration.thresholds(alpha),
    }
    .map_err(field_error)
}

/// Games of Information Pursuit about objects drawn with replacement.
async fn saved_games(
    config: &Config,
    predictor: &Player,
    pool: &AnswerTable,
    answerer: &Answerer<'_>,
    rng: &Rng,
    cx: &mut Context,
) -> Result<Vec<SavedGame>, Error> {
    let policy = information(config, predictor, pool);
    let mut games = Vec::with_capacity(config.draws);
    for draw in 0..config.draws {
        let rng = rng.at(draw as u64);
        let object = rng.clone().below(answerer.table.objects());
        let mut game = Game::default();
        while game.asked() < config.questions {
            let Some(question) = policy.ask(&mut game, &rng).await? else { break };
            policy.observe(&mut game, Some(answerer.answer(object, question.query, &rng)))?;
        }
        games.push(SavedGame { label: answerer.table.label(object), history: game.history });
        cx.tick().await?;
    }
    Ok(games)
}

/// What is kept of the games of one policy, means over the objects; lists are by number of answers, from 0 on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Share of right predictions.
    pub accuracy: Vec<f64>,
    /// Share of games in which any prediction so far was right.
    pub ever: Vec<f64>,
    /// Labels in the prediction set.
    pub size: Vec<f64>,
    /// Share of prediction sets with the true label.
    pub covered: Vec<f64>,
    /// Bits that the chosen question is said to leave; empty for policies without an opinion.
    pub bits: Vec<f64>,
    /// Questions until the stopping rule fires.
    pub length: f64,
    /// Share of right predictions then.
    pub stopped: f64,
}

/// One game for `selection.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Row of the data that was hidden.
    pub row: u64,
    /// Questions in order.
    pub asked: Vec<u32>,
    /// Their answers.
    pub answers: Vec<u8>,
    /// The prediction after 0, 1, … answers, as a class number.
    pub predicted: Vec<u32>,
}

/// What is kept of one trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Each policy, C-IP first.
    pub outcomes: Vec<Outcome>,
    /// Games of C-IP.
    pub games: Vec<Line>,
    /// Thresholds by number of answers, from 1 on.
    pub thresholds: Vec<Option<f64>>,
    /// Coverage of fresh random histories for each of [`ALPHAS`].
    pub by_alpha: Vec<f64>,
    /// Coverage of fresh random histories by number of answers, from 1 on.
    pub random: Vec<f64>,
    /// Seconds that a question of C-IP took.
    pub seconds: f64,
}

/// Runs a trial; `shown` sees the progress of the games.
pub async fn run(config: &Config, world: &World, rng: &Rng, cx: &mut Context) -> Result<Record, Error> {
    let count = config.games.min(world.test.objects());
    let objects = rng.split("objects").sample(world.test.objects(), count);
    let mut outcomes = Vec::new();
    let mut games = Vec::new();
    let mut seconds = 0.0;
    let mut asked = 0usize;
    for arm in Arm::of(config) {
        let mut played = Vec::with_capacity(count);
        for object in &objects {
            let start = cx.now();
            let game = play(config, world, arm, *object, &rng.split("games").at(*object as u64)).await?;
            if outcomes.is_empty() {
                seconds += cx.now() - start;
                asked += game.game.asked();
                games.push(line(world, *object, &game));
            }
            played.push((world.test.label(*object), game));
            cx.tick().await?;
        }
        outcomes.push(outcome(config.rule(), &played, world.pool.queries()));
    }
    let (by_alpha, random) = world.coverage(config, rng).await?;
    let thresholds = world.thresholds.values().to_vec();
    Ok(Record { outcomes, games, thresholds, by_alpha, random, seconds: seconds / asked.max(1) as f64 })
}

fn line(world: &World, object: usize, played: &Played) -> Line {
    let history = &played.game.history;
    Line {
        row: world.rows[object] as u64,
        asked: history.iter().map(|one| one.query as u32).collect(),
        answers: history.iter().map(|one| one.answer as u8).collect(),
        predicted: played.steps.iter().map(|step| step.predicted as u32).collect(),
    }
}

fn outcome(rule: StopRule, played: &[(usize, Played)], queries: usize) -> Outcome {
    let count = played.len().max(1) as f64;
    let steps = played.iter().map(|(_, game)| game.steps.len()).max().unwrap_or(0);
    let mut made = Outcome {
        accuracy: vec![0.0; steps],
        ever: vec![0.0; steps],
        size: vec![0.0; steps],
        covered: vec![0.0; steps],
        bits: Vec::new(),
        length: 0.0,
        stopped: 0.0,
    };
    let mut bits = vec![0.0; steps.saturating_sub(1)];
    let mut opinions = 0;
    for (label, game) in played {
        let mut ever = false;
        let mut over = false;
        for (place, step) in game.steps.iter().enumerate() {
            let right = step.predicted == *label;
            ever |= right;
            made.accuracy[place] += f64::from(u8::from(right)) / count;
            made.ever[place] += f64::from(u8::from(ever)) / count;
            made.size[place] += step.set.len() as f64 / count;
            made.covered[place] += f64::from(u8::from(step.set.contains(label))) / count;
            if let Some(score) = step.next.as_ref().and_then(|next| next.score) {
                bits[place] += score / count;
                opinions += 1;
            }
            if !over && ends(rule, game, place, queries).is_some() {
                over = true;
                made.length += place as f64 / count;
                made.stopped += f64::from(u8::from(right)) / count;
            }
        }
    }
    if opinions > 0 {
        made.bits = bits;
    }
    made
}

/// Whether the rule would have ended a game after so many answers.
pub fn ends(rule: StopRule, played: &Played, answers: usize, queries: usize) -> Option<Stop> {
    let mut pending = played.steps.get(answers).and_then(|step| step.next.clone());
    if let (Some(pending), Some(step)) = (&mut pending, played.steps.get(answers)) {
        pending.plausible = Some(step.set.len());
    }
    let history = played.game.history.get(..answers).unwrap_or_default().to_vec();
    rule.verdict(&Game { history, skipped: Vec::new(), pending }, queries)
}
