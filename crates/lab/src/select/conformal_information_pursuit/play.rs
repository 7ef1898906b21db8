//! A game about what the visitor thinks of: the answers so far are a setting, and the run shows what they lead to.

use super::arms::{Step, conformal, step};
use super::config::{Config, field_error, wrong};
use super::pictures;
use super::questions::Questions;
use super::trial::World;
use crate::{Context, Error};
use lowshot_core::select::{Game, Predictor, QueryPolicy, Question, Stop};
use lowshot_protocol::{Metric, Report, Unit};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A game as it is written down.
#[derive(Serialize, Deserialize)]
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

/// Replays the answers, asks the next question, and leaves the game.
pub async fn run(config: &Config, cx: &mut Context) -> Result<Report, Error> {
    let questions = Questions::open(config, cx).await?;
    let config = Config { hold_out: false, wrong_answers: 0.0, ..config.clone() };
    let words = words(&config.answers)?;
    let rng = cx.rng("play");
    let world = World::make(&config, &questions, &rng, cx).await?;
    let mut policy = conformal(&config, config.objective, &world.predictor, &world.thresholds, &world.pool);
    policy.rule = config.rule();
    let rng = rng.split("game");
    let queries = questions.names.len();
    let saved = resumed(&questions, cx).await?;
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
    finish(&questions, &world, &game, next, policy.stop(&game), watched.steps, cx).await
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
    steps: Vec<Step>,
    cx: &mut Context,
) -> Result<Report, Error> {
    let mut report = cx.report();
    let Some(last) = steps.last() else { return Ok(report) };
    let guess = &questions.classes[last.predicted];
    let verdict = match stop {
        Some(Stop::Spread) => format!("It would stop here and say {guess}: no question makes a difference."),
        Some(Stop::Set) => format!("It would stop here and say {guess}: few labels are left."),
        Some(Stop::Budget) => format!("It stops here and says {guess}: no more questions are allowed."),
        Some(Stop::NothingLeft) => format!("It says {guess}."),
        None => "Add y, n or ? to your answers.".to_owned(),
    };
    let now = world.predictor.predict(&game.history).await?;
    cx.view("question", pictures::question(questions, game.asked() + 1, next.as_ref(), &verdict));
    cx.view("set", pictures::set(questions, last, &now));
    let title = format!("Your game, after {} answers", game.history.len());
    cx.view("game", pictures::table(questions, title, &game.history, &steps));
    let mut selected: Vec<usize> = game.history.iter().map(|one| one.query).collect();
    selected.extend(next.iter().map(|next| next.query));
    let class = |label: &usize| json!({"label": questions.classes[*label], "probability": now[*label]});
    cx.artifact_json(
        "selection.json",
        &json!({
            "selected": selected,
            "plausible": last.set.iter().map(class).collect::<Vec<_>>(),
            "predicted": guess,
            "stop": stop,
        }),
    )?;
    cx.artifact_json("game.json", &Saved { questions: questions.names.clone(), game: game.clone() })?;
    super::run::thresholds_artifact(&world.calibration, cx)?;
    let mut put = |name: &str, value: f64, unit: Unit| {
        report.metrics.insert(name.into(), Metric::new(value, unit));
    };
    put("asked", game.asked() as f64, Unit::Count);
    put("plausible", last.set.len() as f64, Unit::Count);
    put("probability", last.probability, Unit::Fraction);
    if let Some(score) = next.as_ref().and_then(|next| next.score) {
        put("bits", score, Unit::None);
    }
    report.notes.push(
        "The set holds the label you think of with probability 1 − α for questions drawn at random; these were chosen, \
         so it may hold it less often."
            .to_owned(),
    );
    Ok(report)
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
