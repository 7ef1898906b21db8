//! From a table of named columns to questions with yes or no.

use super::config::{Config, wrong};
use crate::{Context, Error, TableInput};
use lowshot_core::Rng;
use lowshot_core::select::{AnswerTable, TablePredictor};
use lowshot_data::CellTable;
use lowshot_protocol::NoteLevel;
use std::collections::BTreeMap;

/// Columns with more values than this are no questions.
const MOST_VALUES: usize = 10;
/// Rows that a label needs so that a third of the rows can be kept for testing.
const PARTS: usize = 3;

/// What can be asked about what.
pub struct Questions {
    /// The truth: one object for each row of the data.
    pub table: AnswerTable,
    /// Names of the questions.
    pub names: Vec<String>,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// The label of each row.
    pub labels: Vec<String>,
    /// A predictor's own probabilities of yes, one row a class.
    given: Option<Vec<f64>>,
}

/// The rows that a trial learns from, calibrates on, and plays.
pub struct Parts {
    /// Rows to learn from, and to form expectations with.
    pub learn: Vec<usize>,
    /// Rows to calibrate on.
    pub calibrate: Vec<usize>,
    /// Rows to play.
    pub test: Vec<usize>,
}

struct Column {
    name: String,
    answers: Vec<u8>,
}

/// A cell as yes or no.
fn truth(cell: &str) -> Option<u8> {
    match cell.to_ascii_lowercase().as_str() {
        "1" | "yes" | "y" | "true" | "t" => Some(1),
        "0" | "no" | "n" | "false" | "f" => Some(0),
        _ => None,
    }
}

fn problem(origin: &str, problem: String) -> Error {
    Error::Input { input: "table".to_owned(), origin: origin.to_owned(), problem }
}

impl Questions {
    /// Opens the data, and says what of it is no question.
    pub async fn open(config: &Config, cx: &mut Context) -> Result<Questions, Error> {
        let mut made = match cx.table("table").await? {
            Some(TableInput::Table(table)) => {
                let origin = cx.report().inputs.get("table").map(|facts| facts.source.clone());
                Questions::read(config, &table, &origin.unwrap_or_default(), cx)?
            }
            Some(TableInput::Generator(_)) | None => Questions::bits16(),
        };
        if let Some(TableInput::Table(table)) = cx.table("predictor").await? {
            made.given = Some(made.probabilities(&table)?);
        }
        Ok(made)
    }

    fn bits16() -> Questions {
        let bits = (0..4).map(|bit| format!("bit {bit}"));
        let rare = (0..8).map(|r| format!("is {r}"));
        let pairs = ["01", "02", "03", "12", "13", "23"].map(|pair| format!("bits {pair} differ"));
        let names: Vec<String> = (0..16).map(|y| format!("number {y}")).collect();
        Questions {
            table: AnswerTable::bits16(),
            names: bits.chain(rare).chain(pairs).collect(),
            classes: names.clone(),
            labels: names,
            given: None,
        }
    }

    fn read(config: &Config, cells: &CellTable, origin: &str, cx: &Context) -> Result<Questions, Error> {
        let label = match config.label.as_str() {
            "" => 0,
            name => cells.find(name).ok_or_else(|| {
                wrong("label", format!("is `{name}`"), format!("a column: {}", cells.columns().join(", ")))
            })?,
        };
        let labels: Vec<String> = cells.column(label).map(str::to_owned).collect();
        if let Some(row) = labels.iter().position(String::is_empty) {
            return Err(problem(origin, format!("row {row} has no label; fill it or remove the row")));
        }
        let mut columns = Vec::new();
        let mut left_out = Vec::new();
        for (place, name) in cells.columns().iter().enumerate().filter(|(place, _)| *place != label) {
            let found = questions_of(name, cells.column(place));
            if found.is_empty() {
                left_out.push(name.as_str());
            }
            columns.extend(found);
        }
        if columns.is_empty() {
            let wanted = format!(
                "no column is a question; wanted columns of 0 and 1, of yes and no, or of 2 to {MOST_VALUES} values \
                 without gaps"
            );
            return Err(problem(origin, wanted));
        }
        if !left_out.is_empty() {
            let text = format!(
                "No question: {} (one value, more than {MOST_VALUES}, or gaps).",
                left_out.join(", ")
            );
            cx.note(NoteLevel::Info, text);
        }
        let row = |row: usize| columns.iter().map(move |column: &Column| column.answers[row]);
        let answers: Vec<Vec<u8>> = (0..labels.len()).map(|at| row(at).collect()).collect();
        let (of, classes) = classes(&labels, &answers, config.merge);
        let named = labels.iter().collect::<std::collections::BTreeSet<_>>().len();
        if classes.len() < named {
            let text =
                format!("{named} labels are {} classes: no question tells the others apart.", classes.len());
            cx.note(NoteLevel::Info, text);
        }
        if classes.len() < 2 {
            return Err(problem(origin, "there is one class only, so there is nothing to ask".to_owned()));
        }
        let table = AnswerTable::new(answers.concat(), columns.len(), of, classes.len())?;
        let names = columns.into_iter().map(|column| column.name).collect();
        Ok(Questions { table, names, classes, labels, given: None })
    }

    /// Probabilities of yes from a table of the predictor's own: classes by their names in the first column,
    /// questions by the names of columns.
    fn probabilities(&self, cells: &CellTable) -> Result<Vec<f64>, Error> {
        let wrong = |problem: String| Error::Input {
            input: "predictor".to_owned(),
            origin: "probabilities of yes".to_owned(),
            problem,
        };
        let rows: BTreeMap<&str, usize> = cells.column(0).zip(0..).collect();
        let mut yes = Vec::with_capacity(self.classes.len() * self.names.len());
        for (class, name) in self.classes.iter().enumerate() {
            // A class of several labels is known by any of them.
            let mut labels = (0..self.labels.len()).filter(|row| self.table.label(*row) == class);
            let row = rows.get(name.as_str()).copied();
            let row = row.or_else(|| labels.find_map(|row| rows.get(self.labels[row].as_str()).copied()));
            let Some(cells_of) = row.and_then(|row| cells.row(row)) else {
                return Err(wrong(format!("no row is named `{name}` in the first column")));
            };
            for question in &self.names {
                let Some(column) = cells.find(question) else {
                    return Err(wrong(format!(
                        "there is no column `{question}`; wanted one for each question"
                    )));
                };
                let cell = cells_of.get(column).map(String::as_str).unwrap_or_default();
                let value = cell.parse::<f64>().ok().filter(|value| (0.0..=1.0).contains(value));
                yes.push(value.ok_or_else(|| {
                    wrong(format!("`{cell}` for {name}, {question}; wanted a number from 0 to 1"))
                })?);
            }
        }
        Ok(yes)
    }

    /// The rows of a trial.
    pub fn parts(&self, config: &Config, rng: &Rng) -> Result<Parts, Error> {
        let all: Vec<usize> = (0..self.table.objects()).collect();
        if !config.hold_out {
            return Ok(Parts { learn: all.clone(), calibrate: all.clone(), test: all });
        }
        if let Some(class) = self.table.sizes().iter().position(|size| *size < PARTS) {
            return Err(wrong(
                "hold_out",
                format!("is true, but `{}` has fewer than {PARTS} rows", self.classes[class]),
                "false, or a `label` whose values have three rows each",
            ));
        }
        let mut parts = [const { Vec::new() }; PARTS];
        for class in 0..self.table.classes() {
            let mut rng = rng.split("parts").at(class as u64);
            let mut rows: Vec<usize> =
                all.iter().copied().filter(|row| self.table.label(*row) == class).collect();
            rng.shuffle(&mut rows);
            let first = rng.below(PARTS);
            for (place, row) in rows.into_iter().enumerate() {
                parts[(first + place) % PARTS].push(row);
            }
        }
        let [learn, calibrate, test] = parts;
        Ok(Parts { learn, calibrate, test })
    }

    /// The predictor of a trial.
    pub fn predictor(&self, config: &Config, pool: &AnswerTable, rng: &Rng) -> Result<TablePredictor, Error> {
        let made = match &self.given {
            Some(yes) => TablePredictor::from_probabilities(yes, self.names.len(), config.error),
            None => TablePredictor::learn(pool, config.likelihood, Default::default(), config.error),
        };
        made.and_then(|made| made.distorted(config.temperature, config.logit_noise, rng))
            .map_err(super::config::field_error)
    }

    /// The question with a name.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known.eq_ignore_ascii_case(name))
    }
}

/// The questions that a column is: one for two values, one for each value of a few.
fn questions_of<'a>(name: &str, cells: impl Iterator<Item = &'a str> + Clone) -> Vec<Column> {
    let mut values: Vec<&str> = cells.clone().collect();
    values.sort_unstable();
    values.dedup();
    if values.len() < 2 || values.len() > MOST_VALUES || values.contains(&"") {
        return Vec::new();
    }
    if values.iter().all(|value| truth(value).is_some()) {
        let answers = cells.filter_map(truth).collect::<Vec<u8>>();
        let both = answers.contains(&0) && answers.contains(&1);
        return if both { vec![Column { name: name.to_owned(), answers }] } else { Vec::new() };
    }
    // Of two values, one question says it all.
    let asked = if values.len() == 2 { &values[..1] } else { &values[..] };
    let of = |value: &&str| Column {
        name: format!("{name}: {value}"),
        answers: cells.clone().map(|cell| u8::from(cell == *value)).collect(),
    };
    asked.iter().map(of).collect()
}

/// The class of each row, and the names of the classes in the order in which they appear.
fn classes(labels: &[String], answers: &[Vec<u8>], merge: bool) -> (Vec<usize>, Vec<String>) {
    let mut of_label: BTreeMap<&str, usize> = BTreeMap::new();
    let mut members: Vec<Vec<usize>> = Vec::new();
    for (row, label) in labels.iter().enumerate() {
        let class = *of_label.entry(label).or_insert(members.len());
        if class == members.len() {
            members.push(Vec::new());
        }
        members[class].push(row);
    }
    // Labels whose rows all answer alike, by those answers.
    let mut alike: BTreeMap<&[u8], usize> = BTreeMap::new();
    let mut of = vec![0; labels.len()];
    let mut names: Vec<String> = Vec::new();
    let mut others: Vec<usize> = Vec::new();
    for rows in &members {
        let first = &answers[rows[0]];
        let one = merge && rows.iter().all(|row| answers[*row] == *first);
        let class = match alike.get(first.as_slice()) {
            Some(class) if one => {
                others[*class] += 1;
                *class
            }
            _ => {
                names.push(labels[rows[0]].clone());
                others.push(0);
                if one {
                    alike.insert(first, names.len() - 1);
                }
                names.len() - 1
            }
        };
        rows.iter().for_each(|row| of[*row] = class);
    }
    let called = names.into_iter().zip(others).map(|(name, others)| match others {
        0 => name,
        others => format!("{name} (or {others} like it)"),
    });
    (of, called.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(values: &[&str]) -> Vec<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    #[test]
    fn columns_become_questions() {
        let of = |cells: &[&'static str]| -> Vec<(String, Vec<u8>)> {
            let found = questions_of("c", cells.iter().copied());
            found.into_iter().map(|column| (column.name, column.answers)).collect()
        };
        assert_eq!(of(&["1", "0", "yes", "No"]), [("c".to_owned(), vec![1, 0, 1, 0])]);
        assert_eq!(of(&["male", "female", "male"]), [("c: female".to_owned(), vec![0, 1, 0])]);
        assert_eq!(of(&["0", "2", "4"])[1], ("c: 2".to_owned(), vec![0, 1, 0]));
        for none in [&["1", "1"][..], &["1", "yes"], &["1", "", "0"]] {
            assert!(of(none).is_empty(), "{none:?}");
        }
        let many: Vec<String> = (0..11).map(|v| v.to_string()).collect();
        assert!(questions_of("c", many.iter().map(String::as_str)).is_empty());
    }

    #[test]
    fn labels_that_answer_alike_are_one_class() {
        let labels = texts(&["bear", "frog", "lion", "frog", "dove"]);
        let answers = vec![vec![1, 0], vec![0, 0], vec![1, 0], vec![0, 1], vec![0, 0]];
        let (of, names) = classes(&labels, &answers, true);
        // The frogs differ, so that no dove is one of them.
        assert_eq!((of, names), (vec![0, 1, 0, 1, 2], texts(&["bear (or 1 like it)", "frog", "dove"])));
        let (of, names) = classes(&labels, &answers, false);
        assert_eq!((of, names), (vec![0, 1, 2, 1, 3], texts(&["bear", "frog", "lion", "dove"])));
    }
}
