//! Questions and answers as lines of JSON.

use crate::Error;
use lowshot_core::select::add_one_in::{Asked, Outcome, Question};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A line of `trace.jsonl`.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    trial: u64,
    shard: usize,
    step: usize,
    attempt: usize,
    context: Vec<usize>,
    options: Vec<usize>,
    /// Position that was picked or drawn.
    position: Option<usize>,
    /// Row of the pool at that position.
    row: Option<usize>,
    /// Why there was no valid answer.
    failure: Option<String>,
    #[serde(default)]
    scores: Option<Vec<f64>>,
    #[serde(default)]
    note: Option<String>,
}

/// All trials as text.
pub fn write<'a>(trials: impl Iterator<Item = (u64, &'a [Asked])>) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    for (trial, asked) in trials {
        for entry in asked {
            let Question { shard, step, attempt, context, options } = entry.question.clone();
            let (position, failure) = match entry.outcome.clone() {
                Outcome::Picked(at) => (Some(at), None),
                Outcome::Failed(reason) => (None, Some(reason)),
                Outcome::GaveUp(at, reason) => (Some(at), Some(reason)),
            };
            let (row, scores, note) = (entry.row(), entry.scores.clone(), entry.note.clone());
            let line =
                Line { trial, shard, step, attempt, context, options, position, row, failure, scores, note };
            serde_json::to_writer(&mut out, &line).map_err(|e| Error::Files {
                what: "writing trace.jsonl".to_owned(),
                problem: e.to_string(),
            })?;
            out.push(b'\n');
        }
    }
    Ok(out)
}

/// Reads what [`write`] wrote, by trial.
///
/// # Errors
/// [`Error::Input`] with the line and what would be right.
pub fn read(name: &str, bytes: &[u8]) -> Result<BTreeMap<u64, Vec<Asked>>, Error> {
    let wrong =
        |problem: String| Error::Input { input: "transcript".into(), origin: name.to_owned(), problem };
    let text = std::str::from_utf8(bytes).map_err(|_| wrong("is not UTF-8 text".to_owned()))?;
    let mut trials: BTreeMap<u64, Vec<Asked>> = BTreeMap::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let line: Line = serde_json::from_str(line)
            .map_err(|e| wrong(format!("line {}: {e}; wanted the trace.jsonl of a run", at + 1)))?;
        let outcome = match (line.position, line.failure) {
            (Some(at), None) => Outcome::Picked(at),
            (Some(at), Some(reason)) => Outcome::GaveUp(at, reason),
            (None, Some(reason)) => Outcome::Failed(reason),
            (None, None) => {
                return Err(wrong(format!("line {}: wanted a `position`, a `failure`, or both", at + 1)));
            }
        };
        let Line { trial, shard, step, attempt, context, options, scores, note, .. } = line;
        let question = Question { shard, step, attempt, context, options };
        trials.entry(trial).or_default().push(Asked { question, outcome, scores, note });
    }
    if trials.is_empty() {
        return Err(wrong("has no line; wanted the trace.jsonl of a run".to_owned()));
    }
    Ok(trials)
}
