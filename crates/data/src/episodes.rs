//! Few-shot tasks given as row numbers, so that any two implementations can be run on exactly the same tasks.
//!
//! The file is a JSON list, one object a task; tasks of one file may differ in size:
//!
//! ```json
//! [{"support": [0, 20], "support_labels": [0, 1], "query": [5, 25], "query_labels": [0, 1]}]
//! ```
//!
//! Rules of a task, all checked when it is read:
//!
//! - `support` and `query` are row numbers of the features, from 0, and neither is empty;
//! - `support_labels` and `query_labels` have a label for each of them, any integers;
//! - the support covers at least two labels, and every query label is among them;
//! - no row occurs twice in a task: a query that is also support would be answered by itself;
//! - where the data set's own labels are given, rows of one class have one label within the task. Tasks may number
//!   classes anew and may join classes; what this refuses is a file made for other features.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::error::{Problem, ReadError, WriteError};

/// One few-shot task: labelled rows to learn from, and rows to classify.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Episode {
    /// Rows of the labelled examples.
    pub support: Vec<usize>,
    /// A label for each of `support`.
    pub support_labels: Vec<i64>,
    /// Rows to classify.
    pub query: Vec<usize>,
    /// The true label of each of `query`, to measure accuracy by.
    pub query_labels: Vec<i64>,
}

impl Episode {
    /// The distinct labels of the support, ascending.
    #[must_use]
    pub fn classes(&self) -> Vec<i64> {
        let classes: BTreeSet<i64> = self.support_labels.iter().copied().collect();
        classes.into_iter().collect()
    }

    /// Checks the rules of this module for features of `rows` rows and, where given, their labels.
    ///
    /// # Errors
    /// What is wrong, where, and what would be right.
    pub fn check(&self, rows: usize, labels: Option<&[i64]>) -> Result<(), String> {
        same_length("support", self.support.len(), self.support_labels.len())?;
        same_length("query", self.query.len(), self.query_labels.len())?;
        let mut seen = BTreeMap::new();
        for (part, indices) in [("support", &self.support), ("query", &self.query)] {
            for (at, &row) in indices.iter().enumerate() {
                if row >= rows {
                    return Err(format!(
                        "{part}[{at}] is row {row}; the features have rows 0 to {}",
                        last(rows)
                    ));
                }
                if let Some((other, place)) = seen.insert(row, (part, at)) {
                    return Err(format!(
                        "row {row} is both {other}[{place}] and {part}[{at}]; use each row once in an episode"
                    ));
                }
            }
        }
        let classes: BTreeSet<i64> = self.support_labels.iter().copied().collect();
        if classes.len() < 2 {
            return Err(format!("support_labels cover {} class; wanted at least two", classes.len()));
        }
        if let Some(at) = self.query_labels.iter().position(|label| !classes.contains(label)) {
            let label = self.query_labels[at];
            return Err(format!("query_labels[{at}] is {label}; no support has that label"));
        }
        labels.map_or(Ok(()), |labels| self.check_against(labels))
    }

    fn check_against(&self, labels: &[i64]) -> Result<(), String> {
        let mut given = BTreeMap::new();
        let support = self.support.iter().zip(&self.support_labels);
        for (&row, &label) in support.chain(self.query.iter().zip(&self.query_labels)) {
            let Some(&class) = labels.get(row) else { continue };
            let first = *given.entry(class).or_insert((label, row));
            if first.0 != label {
                return Err(format!(
                    "rows {} and {row} are of the same class {class} in the features but are labelled {} and {label}; \
                     were these episodes made for other features?",
                    first.1, first.0
                ));
            }
        }
        Ok(())
    }
}

/// Reads and checks few-shot tasks for features of `rows` rows and, where given, their `labels` (a label a row).
///
/// Pass `None` for `labels` to allow tasks that label rows of one class differently on purpose.
///
/// # Errors
/// A [`ReadError`] that names the episode (from 0, in the file's order) and the entry, for the rules of this module;
/// JSON that is not a list of such tasks; an empty list.
pub fn read_episodes(bytes: &[u8], rows: usize, labels: Option<&[i64]>) -> Result<Vec<Episode>, ReadError> {
    parse(bytes, rows, labels).map_err(|problem| ReadError::new("episodes", problem))
}

/// Writes tasks as the JSON that [`read_episodes`] reads, one task a line.
///
/// # Errors
/// None in practice; the type is that of all writers.
pub fn write_episodes(episodes: &[Episode]) -> Result<Vec<u8>, WriteError> {
    let mut bytes = b"[".to_vec();
    for (i, episode) in episodes.iter().enumerate() {
        bytes.extend(if i == 0 { b"\n".as_slice() } else { b",\n" });
        serde_json::to_writer(&mut bytes, episode)?;
    }
    bytes.extend(b"\n]\n");
    Ok(bytes)
}

fn parse(bytes: &[u8], rows: usize, labels: Option<&[i64]>) -> Result<Vec<Episode>, Problem> {
    let whole = |what: String| Problem::Episodes { what };
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(whole("the file is empty".to_owned()));
    }
    if let Some(labels) = labels.filter(|labels| labels.len() != rows) {
        let what = "labels must be one per row of features".to_owned();
        return Err(Problem::LengthMismatch { what, found: labels.len() as u64, wanted: rows as u64 });
    }
    let done = Cell::new(None);
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let episodes = json
        .deserialize_seq(Counting(&done))
        .and_then(|episodes| json.end().map(|()| episodes))
        .map_err(|error| match done.get() {
        Some(episode) if error.is_data() => Problem::Episode { episode, what: error.to_string() },
        _ => whole(format!("not the JSON wanted: {error}")),
    })?;
    if episodes.is_empty() {
        return Err(whole("no episodes in the list".to_owned()));
    }
    for (episode, task) in episodes.iter().enumerate() {
        task.check(rows, labels).map_err(|what| Problem::Episode { episode, what })?;
    }
    Ok(episodes)
}

/// Reads the list and keeps the number of the task being read, for the message when that fails.
struct Counting<'a>(&'a Cell<Option<usize>>);

impl<'de> Visitor<'de> for Counting<'_> {
    type Value = Vec<Episode>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of episodes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Episode>, A::Error> {
        let mut episodes = Vec::new();
        self.0.set(Some(0));
        while let Some(episode) = list.next_element()? {
            episodes.push(episode);
            self.0.set(Some(episodes.len()));
        }
        self.0.set(None);
        Ok(episodes)
    }
}

fn same_length(part: &str, rows: usize, labels: usize) -> Result<(), String> {
    if rows == 0 {
        return Err(format!("{part} is empty; wanted at least one row"));
    }
    if rows != labels {
        return Err(format!("{part} has {rows} rows but {part}_labels has {labels} labels"));
    }
    Ok(())
}

fn last(rows: usize) -> String {
    rows.checked_sub(1).map_or("none".to_owned(), |last| last.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Episode {
        Episode {
            support: vec![0, 2],
            support_labels: vec![7, -1],
            query: vec![1, 3],
            query_labels: vec![7, -1],
        }
    }

    fn message(text: &str, rows: usize, labels: Option<&[i64]>) -> String {
        read_episodes(text.as_bytes(), rows, labels).unwrap_err().to_string()
    }

    #[test]
    fn written_tasks_are_read_back() {
        let episodes = vec![good(), Episode { query: vec![3], query_labels: vec![7], ..good() }];
        let bytes = write_episodes(&episodes).unwrap();
        assert_eq!(read_episodes(&bytes, 4, None).unwrap(), episodes);
        assert_eq!(good().classes(), [-1, 7]);
    }

    #[test]
    fn each_broken_rule_names_the_episode() {
        let cases: [(&str, fn(&mut Episode)); 8] = [
            ("query[1] is row 9; the features have rows 0 to 3", |e| e.query[1] = 9),
            ("row 2 is both support[1] and query[0]", |e| e.query[0] = 2),
            ("row 0 is both support[0] and support[1]", |e| e.support[1] = 0),
            ("cover 1 class", |e| e.support_labels = vec![7, 7]),
            ("query_labels[0] is 5", |e| e.query_labels[0] = 5),
            ("support has 2 rows but support_labels has 1", |e| e.support_labels.truncate(1)),
            ("query is empty", |e| e.query.clear()),
            ("support is empty", |e| e.support.clear()),
        ];
        for (wanted, spoil) in cases {
            let mut bad = good();
            spoil(&mut bad);
            let bytes = write_episodes(&[good(), bad]).unwrap();
            let error = read_episodes(&bytes, 4, None).unwrap_err();
            assert!(matches!(error.problem, Problem::Episode { episode: 1, .. }), "{error}");
            assert!(error.to_string().contains(wanted), "{error} should say {wanted}");
        }
    }

    #[test]
    fn labels_of_other_features_are_noticed() {
        let bytes = write_episodes(&[good()]).unwrap();
        assert!(read_episodes(&bytes, 4, Some(&[3, 3, 4, 4])).is_ok(), "numbered anew");
        assert!(read_episodes(&bytes, 4, Some(&[3, 5, 4, 6])).is_ok(), "classes joined");
        let text = String::from_utf8(bytes).unwrap();
        assert!(message(&text, 4, Some(&[3, 4, 4, 3])).contains("same class"));
        assert!(message(&text, 4, Some(&[3])).contains("one per row"));
    }

    #[test]
    fn json_errors_say_where() {
        assert!(message("", 4, None).contains("empty"));
        assert!(message("[]", 4, None).contains("no episodes"));
        assert!(message("{}", 4, None).contains("a list of episodes"));
        assert!(message("[", 4, None).contains("EOF"));
        let one = serde_json::to_string(&good()).unwrap();
        assert!(message(&format!("[{one}] x"), 4, None).contains("trailing"));
        for spoiled in [
            one.replace("[0,2]", "[0,-2]"),
            one.replace("[0,2]", "[0,2.5]"),
            one.replace("[0,2]", "\"0\""),
            one.replace("support_labels", "labels"),
            one.replace("\"query\":[1,3],", ""),
            "null".to_owned(),
        ] {
            let said = message(&format!("[{one},{spoiled}]"), 4, None);
            assert!(said.contains("episode 1") && said.contains("line 1"), "{said}");
        }
    }
}
