//! A game about what the visitor thinks of: the answers so far are a setting, and the run shows what they lead to.

use super::arms::{Step, conformal, step};
use super::config::{Config, field_error, wrong};
use super::pictures;
use super::questions::Questions;
use super::run::Shown;
use super::trial::World;
use crate::{Context, Error};
use lowshot_core::select::{Game, Predictor, QueryPolicy, Question, Stop};
use lowshot_protocol::{Metric, Unit};
use serde::Deserialize;
use serde_json::json;

/// What is needed of a game that was written down.
#[derive(Deserialize)]
struct Saved {
    /// Names of the questions, so that a game about other data is noticed.
    questions: Vec<String>,
    /// The game.
    game: Game,
}

/// One thing that the visitor wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Word {
    /// To the question that was asked; `None` if unknown.
    Answer(Option<usize>),
    /// To a question of the visitor's choice.
    Named(String, Option<usize>),
}

fn meaning(text: &str) -> Option<Option<usize>> {
    match text.to_ascii_lowercase().as_str() {
        "y" | "ye" | "yes" | "1" => Some(Some(1)),
        "n" | "no" | "0" => Some(Some(0)),
        "?" | "skip" => Some(None),
        _ => None,
    }
}

/// Reads answers: words and letters apart or not, and questions by name. A question's name may have blanks, so an
/// equals sign ends everything since the last answer.
fn words(text: &str) -> Result<Vec<Word>, Error> {
    let refuse = |part: &str| {
        wrong("answers", format!("has `{part}`"), "y, n and ?, or a question with its answer, like `milk=y`")
    };
    let mut words = Vec::new();
    let mut name: Vec<&str> = Vec::new();
    for part in text.split(|c: char| c.is_whitespace() || c == ',' || c == ';').filter(|p| !p.is_empty()) {
        if let Some((end, answer)) = part.split_once('=') {
            name.push(end);
            let answer = meaning(answer).ok_or_else(|| refuse(part))?;
            words.push(Word::Named(name.join(" ").trim().to_owned(), answer));
            name.clear();
        } else if let (true, Some(answer)) = (name.is_empty(), meaning(part)) {
            words.push(Word::Answer(answer));
        } else if let (true, Some(letters)) = (name.is_empty(), letters(part)) {
            words.extend(letters.into_iter().map(Word::Answer));
        } else {
            name.push(part);
        }
    }
    if name.is_empty() { Ok(words) } else { Err(refuse(&name.join(" "))) }
}

/// Letters written together, `ynn?`.
fn letters(part: &str) -> Option<Vec<Option<usize>>> {
    part.chars().map(|c| meaning(c.encode_utf8(&mut [0; 4]))).collect()
}

/// What is known after each answer, for the table.
struct Watched {
    steps: Vec<Step>,
}

impl Watched {
    async fn note(&mut self, world: &World, game: &Game, asked: Option<Question>) -> Result<(), Error> {
        // The step before keeps the question that led here, if it was the policy's.
        if let Some(last) = self.steps.last_mut() {
            last.next = asked;
        }
        self.steps.push(step(&world.predictor, &world.thresholds, game).await?);
        Ok(())
    }
}

/// Replays the answers, asks the next question, and draws the game.
pub async fn show(config: &Config, questions: &Questions, cx: &mut Context) -> Result<Shown, Error> {
    let config = Config { hold_out: false, wrong_answers: 0.0, ..config.clone() };
    let words = words(&config.answers)?;
    let rng = cx.rng("play");
    let world = World::make(&config, questions, &rng, cx).await?;
    let mut policy = conformal(&config, config.objective, &world.predictor, &world.thresholds, &world.pool);
    policy.rule = config.rule();
    let rng = rng.split("game");
    let queries = questions.names.len();
    let saved = resumed(questions, cx).await?;
    let mut game = Game { pending: saved.pending.clone(), ..Game::default() };
    let mut watched = Watched { steps: Vec::new() };
    watched.note(&world, &game, None).await?;
    for one in &saved.history {
        game.tell(one.query, Some(one.answer), queries, 2).map_err(field_error)?;
        watched.note(&world, &game, None).await?;
    }
    game = saved;
    for (place, word) in words.iter().enumerate() {
        let before = game.history.len();
        let asked = match word {
            Word::Named(name, answer) => {
                let query = questions.find(name).ok_or_else(|| {
                    let some = questions.names.iter().take(8).cloned().collect::<Vec<_>>().join(", ");
                    wrong("answers", format!("names `{name}`"), format!("a question, such as {some}"))
                })?;
                game.tell(query, *answer, queries, 2).map_err(|_| {
                    wrong("answers", format!("answers `{name}` twice"), "one answer for each question")
                })?;
                None
            }
            Word::Answer(answer) => {
                if game.asked() >= config.questions {
                    let expected = format!("at most {} answers, or more `questions`", config.questions);
                    return Err(wrong("answers", format!("has {} answers", words.len()), expected));
                }
                let Some(asked) = policy.ask(&mut game, &rng).await? else {
                    let expected = format!("at most {place}: there are no more questions");
                    return Err(wrong("answers", format!("has {} answers", words.len()), expected));
                };
                policy.observe(&mut game, *answer)?;
                Some(asked)
            }
        };
        if game.history.len() > before {
            watched.note(&world, &game, asked).await?;
        }
        cx.tick().await?;
    }
    let next = policy.ask(&mut game, &rng).await?;
    let stop = policy.stop(&game);
    finish(questions, &world, &game, next, stop, &watched.steps, cx).await
}

/// The game to go on with, if one is given.
async fn resumed(questions: &Questions, cx: &mut Context) -> Result<Game, Error> {
    let Some((origin, bytes)) = cx.bytes("game").await? else { return Ok(Game::default()) };
    let refuse = |problem: String| Error::Input { input: "game".to_owned(), origin: origin.clone(), problem };
    let saved: Saved = serde_json::from_slice(&bytes)
        .map_err(|e| refuse(format!("is no game that a run left ({e}); wanted its game.json")))?;
    if saved.questions != questions.names {
        return Err(refuse(
            "is a game about other questions; give the table that it was played with".to_owned(),
        ));
    }
    saved.game.check(questions.names.len(), 2).map_err(|e| refuse(e.to_string()))?;
    Ok(saved.game)
}

async fn finish(
    questions: &Questions,
    world: &World,
    game: &Game,
    next: Option<Question>,
    stop: Option<Stop>,
    steps: &[Step],
    cx: &mut Context,
) -> Result<Shown, Error> {
    let now = world.predictor.predict(&game.history).await?;
    let last = step(&world.predictor, &world.thresholds, game).await?;
    let guess = &questions.classes[last.predicted];
    let number = game.asked() + 1;
    let next = next.filter(|_| stop != Some(Stop::Budget));
    let asks = match &next {
        Some(next) => {
            format!("Question {number}: {}? Add y, n or ? to your answers.", questions.names[next.query])
        }
        None => format!("No more questions: it says {guess}."),
    };
    let why = match stop {
        Some(Stop::Spread) => format!(" It would stop here and say {guess}: no question makes a difference."),
        Some(Stop::Set) => format!(" It would stop here and say {guess}: few labels are left."),
        _ => String::new(),
    };
    cx.view("game", pictures::game(questions, asks + &why, &game.history, steps, next.as_ref()));
    cx.view("set", pictures::set(questions, &last, &now));
    cx.view("question", pictures::question(questions, format!("Question {number}"), next.as_ref()));
    cx.tick().await?;
    let class = |label: &usize| json!({"label": questions.classes[*label], "probability": now[*label]});
    let saved = json!({
        "questions": questions.names,
        "game": game,
        "plausible": last.set.iter().map(class).collect::<Vec<_>>(),
        "predicted": guess,
        "stop": stop,
    });
    let mut metrics = vec![
        ("asked", Metric::new(game.asked() as f64, Unit::Count)),
        ("plausible", Metric::new(last.set.len() as f64, Unit::Count)),
        ("probability", Metric::new(last.probability, Unit::Fraction)),
    ];
    metrics.extend(next.and_then(|next| next.score).map(|score| ("bits", Metric::new(score, Unit::None))));
    let note = "In your game, the set holds the label you think of with probability 1 − α for questions drawn at random. \
                These were chosen, so it may hold it less often.";
    Ok(Shown { game: saved, calibration: world.calibration.clone(), metrics, note: Some(note.to_owned()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_people_write_them() {
        let answer = Word::Answer;
        let named = |name: &str, value| Word::Named(name.to_owned(), value);
        assert_eq!(words("").unwrap(), []);
        let plain = vec![answer(Some(1)), answer(Some(0)), answer(None), answer(Some(1))];
        for text in ["y n ? y", "yn?y", "yes, no; skip 1", " Y\tn?\n1 ", "ye no ? yes"] {
            assert_eq!(words(text).unwrap(), plain, "{text}");
        }
        assert_eq!(
            words("y milk=n legs: 4=yes ?").unwrap(),
            [answer(Some(1)), named("milk", Some(0)), named("legs: 4", Some(1)), answer(None)]
        );
        for text in ["maybe", "y milk", "milk=", "milk=x", "yx"] {
            assert!(words(text).is_err(), "{text}");
        }
    }
}
