//! What people see of one game: its questions, the set that shrinks, the next question.

use super::arms::{Played, Step};
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

/// The game up to its first `shown` answers, one row a question.
pub fn table(questions: &Questions, title: String, history: &[Answered], steps: &[Step]) -> View {
    let columns = [
        "",
        "question",
        "answer",
        "plausible labels",
        "best guess",
        "its probability (%)",
        "bits expected to be left",
        "spread of candidates (bits)",
    ];
    let known = |step: &Step| -> [Cell; 3] {
        let guess = Cell::from(questions.classes[step.predicted].as_str());
        [Cell::Number(step.set.len() as f64), guess, Cell::Number(100.0 * step.probability)]
    };
    let number = |value: Option<f64>| value.map_or(Cell::from("–"), Cell::Number);
    let mut rows = Vec::with_capacity(steps.len());
    if let Some(first) = steps.first() {
        let [size, guess, probability] = known(first);
        let none = || Cell::from("–");
        rows.push(vec![Cell::Number(0.0), none(), none(), size, guess, probability, none(), none()]);
    }
    for (place, (one, pair)) in history.iter().zip(steps.windows(2)).enumerate() {
        let [size, guess, probability] = known(&pair[1]);
        let asked = pair[0].next.as_ref();
        rows.push(vec![
            Cell::Number((place + 1) as f64),
            Cell::from(questions.names[one.query].as_str()),
            Cell::from(word(one.answer)),
            size,
            guess,
            probability,
            number(asked.and_then(|asked| asked.score)),
            number(asked.and_then(|asked| asked.spread)),
        ]);
    }
    View::Table(Table { title, columns: columns.map(str::to_owned).to_vec(), rows })
}

/// A simulated game up to its first `shown` answers.
pub fn simulated(questions: &Questions, hidden: &str, played: &Played, shown: usize) -> View {
    let history = &played.game.history[..shown.min(played.game.history.len())];
    let steps = &played.steps[..(shown + 1).min(played.steps.len())];
    table(questions, format!("Hidden: {hidden}"), history, steps)
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

/// The next question with what else was considered.
pub fn question(questions: &Questions, number: usize, next: Option<&Question>, verdict: &str) -> View {
    let title = match next {
        Some(next) => format!("Question {number}: {}? {verdict}", questions.names[next.query]),
        None => format!("No question is left. {verdict}"),
    };
    let mut scores = next.map(|next| next.scores.clone()).unwrap_or_default();
    scores.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
    let row = |(query, score): &(usize, f64)| {
        vec![Cell::from(questions.names[*query].as_str()), Cell::Number(*score)]
    };
    let rows = scores.iter().take(CANDIDATES).map(row).collect();
    let columns = ["candidate", "bits expected to be left"].map(str::to_owned).to_vec();
    View::Table(Table { title, columns, rows })
}
