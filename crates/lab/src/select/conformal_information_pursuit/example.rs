//! A game of C-IP that is shown question by question.

use super::arms::{Arm, Played, play};
use super::config::{Config, wrong};
use super::pictures::{self, word};
use super::questions::Questions;
use super::run::Shown;
use super::trial::World;
use crate::{Context, Error};
use lowshot_core::Rng;
use lowshot_core::select::Predictor;
use serde_json::{Value, json};

/// Plays with the predictor of a trial, and draws the game.
pub async fn show(
    config: &Config,
    questions: &Questions,
    rng: &Rng,
    cx: &mut Context,
) -> Result<Shown, Error> {
    let world = World::make(config, questions, rng, cx).await?;
    let object = if config.hidden.is_empty() {
        rng.split("example").below(world.test.objects())
    } else {
        let named =
            |object: &usize| questions.labels[world.rows[*object]].eq_ignore_ascii_case(&config.hidden);
        (0..world.test.objects()).find(named).ok_or_else(|| {
            let some = questions.labels.iter().take(6).cloned().collect::<Vec<_>>().join(", ");
            wrong(
                "hidden",
                format!("is `{}`", config.hidden),
                format!("a label that is played, such as {some}"),
            )
        })?
    };
    let arm = Arm::Conformal(config.objective);
    let played = play(config, &world, arm, object, &rng.split("games").at(object as u64)).await?;
    let hidden = questions.labels[world.rows[object]].as_str();
    for shown in 0..played.steps.len() {
        let last = shown + 1 == played.steps.len();
        if shown == 0 || last || cx.stepping() {
            draw(questions, hidden, &world, &played, shown, cx).await?;
            cx.tick().await?;
        }
    }
    let game = written(questions, hidden, &played);
    Ok(Shown { game, calibration: world.calibration, metrics: Vec::new(), note: None })
}

/// Draws what is known after so many answers.
async fn draw(
    questions: &Questions,
    hidden: &str,
    world: &World,
    played: &Played,
    shown: usize,
    cx: &Context,
) -> Result<(), Error> {
    let (history, steps) = (&played.game.history[..shown], &played.steps[..=shown]);
    let next = played.steps[shown].next.as_ref();
    cx.view("game", pictures::game(questions, format!("Hidden: {hidden}"), history, steps, next));
    let now = world.predictor.predict(history).await?;
    cx.view("set", pictures::set(questions, &played.steps[shown], &now));
    // After the last answer, what was weighed before it.
    let (number, asked) = match (next, shown.checked_sub(1)) {
        (None, Some(before)) => (shown, played.steps[before].next.as_ref()),
        _ => (shown + 1, next),
    };
    cx.view("question", pictures::question(questions, format!("Question {number}"), asked));
    Ok(())
}

/// The game, for other programs.
fn written(questions: &Questions, hidden: &str, played: &Played) -> Value {
    let turns = played.steps.iter().enumerate().map(|(place, step)| {
        let one = played.game.history.get(place);
        json!({
            "plausible": step.set.iter().map(|label| &questions.classes[*label]).collect::<Vec<_>>(),
            "predicted": questions.classes[step.predicted],
            "probability": step.probability,
            "asked": one.map(|one| &questions.names[one.query]),
            "answer": one.map(|one| word(one.answer)),
            "next": step.next,
        })
    });
    json!({
        "questions": questions.names,
        "game": played.game,
        "hidden": hidden,
        "turns": turns.collect::<Vec<_>>(),
    })
}
