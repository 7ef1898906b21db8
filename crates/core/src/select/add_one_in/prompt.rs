//! The question in words, and the answer out of words.

use super::choice_loop::Question;
use super::scorer::ScorerError;
use crate::CoreError;

/// Options that have a letter.
pub const MAX_LABELS: usize = 26;

const SYSTEM: &str = "You curate training data for a language model. From a few candidates you pick the one that makes \
                      the set chosen so far most useful.";

/// One sample of a pool of instructions and responses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// What is asked for.
    pub instruction: String,
    /// What it is about; often empty.
    pub input: String,
    /// The response.
    pub response: String,
}

/// A question in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// Who the model is.
    pub system: String,
    /// What it is asked.
    pub user: String,
    /// Fields that were cut off after the allowed number of words.
    pub truncated: usize,
}

impl Prompt {
    /// Words a question about `samples`, each field cut off after `most_words` words.
    ///
    /// A sample is one line: its fields that are not empty, joined by tabs, with any white space inside a field made
    /// one blank.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] if there are more options than letters, [`CoreError::Shape`] if the question names a
    /// row that is not among the samples.
    pub fn of(question: &Question, samples: &[Sample], most_words: usize) -> Result<Prompt, CoreError> {
        if question.options.len() > MAX_LABELS {
            let range = format!("at most {MAX_LABELS}, as every option needs a letter");
            return Err(CoreError::range("options", question.options.len(), range));
        }
        let mut truncated = 0;
        let mut line = |row: &usize| {
            let sample = samples.get(*row).ok_or_else(|| CoreError::Shape {
                what: "the list of samples",
                found: vec![samples.len()],
                expected: format!("row {row} is asked about"),
            })?;
            let mut fields = Vec::new();
            for field in [&sample.instruction, &sample.input, &sample.response] {
                let mut words = field.split_whitespace();
                let mut text = words.by_ref().take(most_words).collect::<Vec<_>>().join(" ");
                if words.next().is_some() {
                    text.push_str(" …");
                    truncated += 1;
                }
                if !text.is_empty() {
                    fields.push(text);
                }
            }
            Ok::<String, CoreError>(fields.join("\t"))
        };
        let mut user = String::from(
            "SET A is chosen already. Pick exactly one item of SET B to add to it.\n\
             Weigh two things: (1) quality: is the response correct, relevant, coherent and informative for its \
             instruction and input; (2) novelty: does the item bring material that SET A lacks.\n\
             Add each item of SET B to SET A in your mind, one at a time, and compare the resulting sets.\n\
             SET A:\n",
        );
        for (at, row) in question.context.iter().enumerate() {
            user.push_str(&format!("{}. {}\n", at + 1, line(row)?));
        }
        user.push_str("SET B:\n");
        for (at, row) in question.options.iter().enumerate() {
            user.push_str(&format!("[[{}]]: {}\n", letter(at), line(row)?));
        }
        user.push_str(
            "Begin your answer with the label of the item you pick, in double square brackets, for example [[C]]. \
             Then give the reason in one sentence on the next line.",
        );
        Ok(Prompt { system: SYSTEM.to_owned(), user, truncated })
    }
}

fn letter(at: usize) -> char {
    char::from(b'A' + (at % MAX_LABELS) as u8)
}

/// The position that a reply names: the first `[[C]]`; or without double brackets the first `[C]`; or without any a
/// letter that stands alone at the start (`C`, `C.`, `c) because …`; not `A good choice`). Case does not matter.
///
/// # Errors
/// [`ScorerError::Invalid`], with the reply, if no label is found, or one that is not among `options` labels.
pub fn parse_answer(reply: &str, options: usize) -> Result<usize, ScorerError> {
    let invalid = |reason: String| ScorerError::Invalid { reason, reply: Some(reply.to_owned()) };
    let inside = |open: &str, close: &str| {
        let (_, rest) = reply.split_once(open)?;
        rest.split_once(close).map(|(label, _)| label.trim())
    };
    let start = reply.trim_start();
    let bare = || {
        let mut letters = start.chars();
        let first = letters.next().filter(char::is_ascii_alphabetic)?;
        let alone = match letters.next() {
            None | Some('\n' | '\r' | '.' | ')' | ':' | ',' | '*') => true,
            Some(next) => next.is_whitespace() && letters.all(char::is_whitespace),
        };
        alone.then(|| start.get(..first.len_utf8())).flatten()
    };
    let found = inside("[[", "]]").or_else(|| inside("[", "]")).or_else(bare);
    let Some(label) = found else {
        return Err(invalid("no label in the reply".to_owned()));
    };
    match label.as_bytes() {
        [byte] if byte.is_ascii_alphabetic() => {
            let at = usize::from(byte.to_ascii_uppercase() - b'A');
            if at < options.min(MAX_LABELS) {
                Ok(at)
            } else {
                Err(invalid(format!("label {label} is not one of the {options} options")))
            }
        }
        _ => {
            let shown: String = label.chars().take(40).collect();
            Err(invalid(format!("`{shown}` is no label")))
        }
    }
}
