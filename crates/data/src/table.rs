//! csv: one row a line, numbers, the label in the last column.
//!
//! - The separator is a comma, or a semicolon or tab where the first line has no comma.
//! - A first line is a header where one of its cells but the last is no number, where its last cell is the only
//!   label that is no number, or where it counts its columns (0,1,2,3,…, as pandas does).
//! - Labels are whole numbers ("3" or "3.0"), or text; text labels are numbered in sorted order.
//! - Missing values are errors, never guesses.

use std::io::{self, Read};

use csv::{ByteRecord, ErrorKind, ReaderBuilder};

use crate::decode::problem_of;
use crate::error::{Problem, shown};
use crate::features::Features;
use crate::labels::{TextLabels, translate};
use crate::limits::{Limits, out_of_memory};

const CSV: &str = "csv";
const NUMBER: &str = "a number; only the last column, the label, may be text";
const FINITE: &str = "a finite 32-bit number; drop or fill such rows first";
const FILLED: &str = "a value; fill or drop missing values first";
const NAMED: &str =
    "a column name; it looks like a column of row numbers: write the table without it (pandas: index=False)";
const WHOLE: &str = "a label; wanted whole numbers or text in the last column";
const UTF8: &str = "UTF-8 text; save the table as UTF-8";

/// As many columns as must count 0, 1, 2, … before a first line of numbers is taken for a header.
const COUNTED: usize = 4;

/// Reads features from csv text.
pub(crate) fn read(name: &str, source: impl Read, limits: &Limits) -> Result<Features, Problem> {
    let mut source = Limited { source, left: limits.max_bytes, limit: limits.max_bytes };
    let mut head = Vec::new();
    (&mut source).take(65_536).read_to_end(&mut head).map_err(|error| problem_of(error, "the table"))?;
    if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
        return Err(Problem::Unsupported {
            what: "UTF-16 text".to_owned(),
            remedy: "save the table as UTF-8",
        });
    }
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head);
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator(head))
        .from_reader(head.chain(source));
    let mut table = Table::default();
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(problem_of_csv)? {
        let line = record.position().map_or(0, csv::Position::line);
        table.take(&record, line, limits)?;
    }
    table.finish(name)
}

#[derive(Default)]
struct Table {
    /// Cells of the first line; 0 before it.
    cells: usize,
    data: Vec<f32>,
    labels: Vec<i64>,
    texts: TextLabels,
}

impl Table {
    fn take(&mut self, record: &ByteRecord, line: u64, limits: &Limits) -> Result<(), Problem> {
        if self.cells == 0 {
            self.cells = record.len();
            if self.cells < 2 {
                let what =
                    "the first line has one cell; wanted numbers and then the label, separated by commas";
                return Err(Problem::malformed(CSV, what));
            }
            limits.check_matrix(1, self.dims() as u64)?;
            if is_header(record) {
                if text(record, 0).is_some_and(str::is_empty) {
                    return Err(Problem::BadCell { line, column: 1, cell: String::new(), wanted: NAMED });
                }
                return Ok(());
            }
        }
        if record.len() != self.cells {
            return Err(Problem::Ragged { line, found: record.len(), wanted: self.cells });
        }
        let rows = self.labels.len() as u64 + 1;
        limits.check_matrix(rows, self.dims() as u64)?;
        limits
            .check_bytes(u128::from(rows) * (self.dims() as u128 * 4 + 8) + u128::from(self.texts.bytes()))?;
        self.data.try_reserve(self.dims()).map_err(|_| out_of_memory::<f32>(self.data.len()))?;
        for column in 0..self.dims() {
            let value = number(record, column).map_err(|wanted| bad(record, line, column, wanted))?;
            self.data.push(value);
        }
        let last = self.dims();
        let label = text(record, last).ok_or_else(|| bad(record, line, last, UTF8))?;
        if label.is_empty() {
            return Err(bad(record, line, last, FILLED));
        }
        self.labels.push(self.texts.number(label, line));
        Ok(())
    }

    fn dims(&self) -> usize {
        self.cells.saturating_sub(1)
    }

    fn finish(mut self, name: &str) -> Result<Features, Problem> {
        let dims = self.dims();
        self.drop_late_header(dims);
        if self.labels.is_empty() {
            return Err(Problem::malformed(CSV, "no rows but a header; wanted at least one row of numbers"));
        }
        let numeric = self.texts.iter().all(|(text, ..)| text.parse::<f64>().is_ok());
        let (labels, names) = if numeric {
            let mut values = vec![0_i64; self.texts.iter().count()];
            for (text, number, line) in self.texts.iter() {
                let value = whole(text).ok_or_else(|| Problem::BadCell {
                    line,
                    column: dims + 1,
                    cell: text.to_owned(),
                    wanted: WHOLE,
                })?;
                if let Some(slot) = usize::try_from(number).ok().and_then(|number| values.get_mut(number)) {
                    *slot = value;
                }
            }
            (translate(&self.labels, &values), Vec::new())
        } else {
            self.texts.sorted(&self.labels)
        };
        Features::checked(name, labels.len(), dims, self.data)?.labelled(labels, names)
    }

    /// Takes the first row for a header after all if its label alone is no number.
    fn drop_late_header(&mut self, dims: usize) {
        let first_only = self.labels.len() > 1 && self.labels.iter().skip(1).all(|&number| number != 0);
        let alone = self.texts.iter().all(|(text, number, _)| (number == 0) != text.parse::<f64>().is_ok());
        if first_only && alone {
            self.data.drain(..dims);
            self.labels.remove(0);
            self.texts.forget_first();
            self.labels.iter_mut().for_each(|number| *number -= 1);
        }
    }
}

/// Whether a first line names columns rather than giving values.
fn is_header(record: &ByteRecord) -> bool {
    let dims = record.len() - 1;
    let counts = |column| text(record, column).is_some_and(|cell| cell.parse() == Ok(column));
    (0..dims).any(|column| number(record, column) == Err(NUMBER))
        || text(record, 0).is_some_and(str::is_empty)
        || dims >= COUNTED && (0..dims).all(counts)
}

fn text(record: &ByteRecord, column: usize) -> Option<&str> {
    str::from_utf8(record.get(column)?).ok().map(str::trim)
}

/// A cell as f32, or what would have been right.
fn number(record: &ByteRecord, column: usize) -> Result<f32, &'static str> {
    let text = text(record, column).ok_or(UTF8)?;
    if text.is_empty() {
        return Err(FILLED);
    }
    let value: f32 = text.parse().map_err(|_| NUMBER)?;
    if value.is_finite() { Ok(value) } else { Err(FINITE) }
}

/// "3", "-3", "3.0" or "3e0" as an integer.
fn whole(text: &str) -> Option<i64> {
    if let Ok(value) = text.parse() {
        return Some(value);
    }
    let value: f64 = text.parse().ok()?;
    // Up to 2⁵³ every integer is an f64 of its own.
    (value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0).then_some(value as i64)
}

/// The problem of a cell.
pub(crate) fn bad(record: &ByteRecord, line: u64, column: usize, wanted: &'static str) -> Problem {
    let cell = String::from_utf8_lossy(record.get(column).unwrap_or(&[]));
    Problem::BadCell { line, column: column + 1, cell: shown(cell.trim()).to_string(), wanted }
}

/// What separates cells, by the first line.
pub(crate) fn separator(head: &[u8]) -> u8 {
    let line = head.split(|&byte| byte == b'\n').next().unwrap_or(head);
    [b',', b';', b'\t'].into_iter().find(|byte| line.contains(byte)).unwrap_or(b',')
}

fn problem_of_csv(error: csv::Error) -> Problem {
    match error.into_kind() {
        ErrorKind::Io(error) => problem_of(error, "the table"),
        _ => Problem::malformed(CSV, "the table cannot be split into cells"),
    }
}

/// A stream that fails beyond the limit instead of growing without end.
struct Limited<R> {
    source: R,
    left: u64,
    limit: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)? as u64;
        match self.left.checked_sub(read) {
            Some(left) => {
                self.left = left;
                Ok(read as usize)
            }
            None => Err(io::Error::other(Problem::TooLarge {
                what: "bytes of text or more",
                found: u128::from(self.limit) + 1,
                limit: self.limit,
            })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Features, Problem> {
        read("t.csv", text.as_bytes(), &Limits::default())
    }

    fn rows_labels(text: &str) -> (usize, Vec<i64>, Vec<String>) {
        let features = read_text(text).unwrap();
        (features.rows(), features.labels().unwrap().to_vec(), features.label_names().to_vec())
    }

    #[test]
    fn headers_are_told_from_rows() {
        assert_eq!(rows_labels("1,2,7\n3,4,8\n"), (2, vec![7, 8], vec![]));
        assert_eq!(rows_labels("a,b,y\n1,2,7\n").0, 1, "names");
        assert_eq!(rows_labels("1990,1991,y\n1,2,7\n3,4,8\n"), (2, vec![7, 8], vec![]), "named label only");
        assert_eq!(rows_labels("0,1,2,3,4\n1,1,1,1,0\n2,2,2,2,1\n").0, 2, "counted columns");
        assert_eq!(rows_labels("0,1,2,3,kind\n1,1,1,1,cat\n2,2,2,2,dog\n").0, 2, "counted columns, text");
        assert_eq!(rows_labels("0,1,2\n3,4,5\n").0, 2, "too few columns to count as counted");
        assert_eq!(rows_labels("1,2,cat\n3,4,dog\n").0, 2, "text labels are no header");
        assert_eq!(rows_labels("1,2,cat\n3,4,cat\n").0, 2);
    }

    #[test]
    fn labels_are_numbers_or_sorted_text() {
        assert_eq!(rows_labels("1,3.0\n2,1e0\n3,-2\n").1, [3, 1, -2]);
        let (_, labels, names) = rows_labels("1,dog\n2,cat\n3,dog\n");
        assert_eq!((labels, names), (vec![1, 0, 1], vec!["cat".to_owned(), "dog".to_owned()]));
        let error = read_text("1,0.5\n2,1\n").unwrap_err();
        assert!(matches!(error, Problem::BadCell { line: 1, column: 2, .. }), "{error}");
        let error = read_text("1,0\n2,nan\n").unwrap_err();
        assert!(matches!(error, Problem::BadCell { line: 2, column: 2, .. }), "{error}");
    }

    #[test]
    fn separators_marks_and_line_ends() {
        assert_eq!(rows_labels("1;2;0\r\n3;4;1\r\n\r\n"), (2, vec![0, 1], vec![]));
        assert_eq!(rows_labels("\u{feff}1\t0\n2\t1").1, [0, 1]);
        assert_eq!(rows_labels("# a,b\n 1 , 0 \n\"2\",\"x,y\"\n").2, ["0", "x,y"]);
    }

    #[test]
    fn errors_name_line_and_column() {
        let problem = |text| read_text(text).unwrap_err();
        assert_eq!(problem("a,b,y\n1,2,0\n1,0\n"), Problem::Ragged { line: 3, found: 2, wanted: 3 });
        for (text, line, column) in [
            ("1,2,0\n1,x,0\n", 2, 2),
            ("1,2,0\n1,,0\n", 2, 2),
            ("1,2,0\n1,2,\n", 2, 3),
            ("1,2,0\nnan,2,0\n", 2, 1),
            ("1,2,0\n1,1e39,0\n", 2, 2),
            (",a,y\n0,2,0\n", 1, 1),
        ] {
            let error = problem(text);
            assert!(
                matches!(error, Problem::BadCell { line: l, column: c, .. } if (l, c) == (line, column)),
                "{text:?}: {error}"
            );
        }
        assert!(problem("1\n2\n").to_string().contains("one cell"));
        assert!(problem("a,b\n").to_string().contains("header"));
        assert!(problem("").to_string().contains("at least one row"));
    }
}
