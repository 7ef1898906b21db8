//! One game, step by step.

use super::config::{Config, Player};
use super::world::World;
use crate::{Context, Error};
use lowshot_core::select::learn_to_active_learn::{Asking, AtRandom, CountPolicy, LearnedPolicy};
use lowshot_core::select::{Game, QueryPolicy};
use lowshot_protocol::{Cell, Table, View};
use serde_json::{Value, json};

/// Plays the game that is shown, draws it query by query, and gives it for `game.json`; nothing without a policy. The
/// number of the instance was checked.
pub async fn play(
    config: &Config,
    world: &World<'_>,
    learned: Option<&LearnedPolicy>,
    cx: &mut Context,
) -> Result<Option<Value>, Error> {
    let given = config.given_answers()?;
    let theta = &world.family.instances[config.instance];
    let chance = AtRandom(world.problem);
    let policy: &dyn CountPolicy = match (config.player, learned) {
        (Player::Learned, Some(learned)) => learned,
        (Player::Learned, None) => return Ok(None),
        (Player::Exact, _) => &world.exact,
        (Player::Random, _) => &chance,
    };
    let asking = Asking { problem: world.problem, policy };
    let rng = cx.rng("game");
    let (choices, answers) = (rng.split("queries"), rng.split("answers"));
    let mut game = Game::default();
    let mut rows = Vec::new();
    let free = given.is_empty();
    let truth = world.problem.best(theta);
    let title = if free {
        format!("The truth is {}, θ = {}", hypothesis(config, truth), list(theta))
    } else {
        "You answer".to_owned()
    };
    while asking.stop(&game).is_none() {
        let Some(question) = asking.ask(&mut game, &choices).await? else { break };
        let step = game.asked();
        let mut row: Vec<Cell> = vec![(step as f64 + 1.0).into(), (question.query as f64 + 1.0).into()];
        row.push(percent(question.score));
        let plus = if free {
            Some(answers.at(step as u64).uniform() < (1.0 + theta[question.query]) / 2.0)
        } else {
            given.get(step).copied()
        };
        let Some(plus) = plus else {
            row.extend(["your answer?".into(), "".into()]);
            rows.push(row);
            break;
        };
        asking.observe(&mut game, Some(usize::from(plus)))?;
        row.push(if plus { "+" } else { "−" }.into());
        row.push(advice(config, &asking.recommend(&game)?).into());
        rows.push(row);
        cx.view("game", View::Table(table(&title, rows.clone())));
        cx.tick().await?;
    }
    cx.view("game", View::Table(table(&title, rows)));
    let recommended = asking.recommend(&game)?;
    Ok(Some(json!({
        "theta": if free { Some(theta) } else { None }, "game": game, "recommendation": recommended,
    })))
}

/// How probable the chosen query was, from its bits of surprise.
fn percent(bits: Option<f64>) -> Cell {
    Cell::Text(format!("{:.0} %", 100.0 * (-bits.unwrap_or_default()).exp2()))
}

fn table(title: &str, rows: Vec<Vec<Cell>>) -> Table {
    let columns =
        ["step", "asks", "with probability", "answer", "would recommend"].map(str::to_owned).to_vec();
    Table { title: title.to_owned(), columns, rows }
}

/// A hypothesis in words.
pub fn hypothesis(config: &Config, z: usize) -> String {
    match config.task {
        super::config::Task::Thresholds if z == 0 => "no point +".to_owned(),
        super::config::Task::Thresholds => format!("+ up to point {z}"),
        super::config::Task::BestArm => format!("arm {}", z + 1),
    }
}

fn advice(config: &Config, shares: &[f64]) -> String {
    let mut names = Vec::new();
    for (z, share) in shares.iter().enumerate() {
        if *share > 0.0 {
            names.push(hypothesis(config, z));
        }
    }
    names.join(" or ")
}

fn list(values: &[f64]) -> String {
    values.iter().map(|value| format!("{value:.2}")).collect::<Vec<_>>().join(", ")
}
