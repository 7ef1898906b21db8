//! What people see of one game: its questions, the set that shrinks, the next question.

use super::arms::Step;
use super::questions::Questions;
use lowshot_core::select::{Answered, Question};
use lowshot_protocol::{Cell, Table, Token, Tokens, View};

/// Labels shown of a set.
const CHIPS: usize = 60;
/// Candidates shown beside the next question.
const CANDIDATES: usize = 6;

/// An answer in a word.
pub fn word(answer: usize) -> &'static str {
    if answer == 1 { "yes" } else { "no" }
}

/// A game, one row a question, with what was known after its answer. A question without an answer is the last row.
pub fn game(
    questions: &Questions,
    title: String,
    history: &[Answered],
    steps: &[Step],
    pending: Option<&Question>,
) -> View {
    let columns =
        ["", "question", "answer", "labels left", "best guess", "its probability (%)", "bits left, expected"];
    let known = |step: &Step| -> [Cell; 3] {
        let guess = Cell::from(questions.classes[step.predicted].as_str());
        [Cell::Number(step.set.len() as f64), guess, Cell::Number(100.0 * step.probability)]
    };
    let none = || Cell::from("–");
    let bits = |asked: Option<&Question>| asked.and_then(|asked| asked.score).map_or(none(), Cell::Number);
    let mut rows = Vec::with_capacity(steps.len() + 1);
    if let Some(first) = steps.first() {
        let [size, guess, probability] = known(first);
        rows.push(vec![Cell::Number(0.0), none(), none(), size, guess, probability, none()]);
    }
    for (place, (one, pair)) in history.iter().zip(steps.windows(2)).enumerate() {
        let [size, guess, probability] = known(&pair[1]);
        rows.push(vec![
            Cell::Number((place + 1) as f64),
            Cell::from(questions.names[one.query].as_str()),
            Cell::from(word(one.answer)),
            size,
            guess,
            probability,
            bits(pair[0].next.as_ref()),
        ]);
    }
    if let Some(pending) = pending {
        let name = Cell::from(format!("{}?", questions.names[pending.query]));
        let number = Cell::Number((history.len() + 1) as f64);
        rows.push(vec![number, name, Cell::from("…"), none(), none(), none(), bits(Some(pending))]);
    }
    View::Table(Table { title, columns: columns.map(str::to_owned).to_vec(), rows })
}

/// The prediction set, the most probable label first.
pub fn set(questions: &Questions, step: &Step, probabilities: &[f64]) -> View {
    let mut labels = step.set.clone();
    labels.sort_by(|a, b| probabilities[*b].total_cmp(&probabilities[*a]).then(a.cmp(b)));
    let of = |label: &usize| Token {
        text: format!("{} {:.0} %  ", questions.classes[*label], 100.0 * probabilities[*label]),
        weight: probabilities[*label].min(1.0),
    };
    let mut tokens: Vec<Token> = labels.iter().take(CHIPS).map(of).collect();
    let plain = |text: String| Token { text, weight: 0.0 };
    match labels.len() {
        0 => tokens.push(plain("No label reaches the threshold.".to_owned())),
        all if all > CHIPS => tokens.push(plain(format!("and {} more", all - CHIPS))),
        _ => {}
    }
    View::Tokens(Tokens { tokens })
}

/// A question with what else was considered.
pub fn question(questions: &Questions, title: String, asked: Option<&Question>) -> View {
    let mut scores = asked.map(|asked| asked.scores.clone()).unwrap_or_default();
    scores.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
    let row = |(query, score): &(usize, f64)| {
        vec![Cell::from(questions.names[*query].as_str()), Cell::Number(*score)]
    };
    let mut rows: Vec<Vec<Cell>> = scores.iter().take(CANDIDATES).map(row).collect();
    if rows.is_empty() {
        rows.push(vec![Cell::from("none is left"), Cell::from("–")]);
    }
    let columns = ["candidate", "bits left, expected"].map(str::to_owned).to_vec();
    View::Table(Table { title, columns, rows })
}
