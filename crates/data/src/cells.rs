//! csv as named columns of text, for tables that are not features: answers, ratings, prices.

use std::borrow::Cow;
use std::io::Read;

use csv::{ByteRecord, ReaderBuilder};
use flate2::read::MultiGzDecoder;

use crate::decode::problem_of;
use crate::error::{Problem, ReadError};
use crate::limits::Limits;
use crate::table::{bad, separator};

/// Bytes of a cell beside its text: what a vector of texts takes.
const CELL_BYTES: u64 = size_of::<String>() as u64;

/// A table of text with a name for each column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellTable {
    columns: Vec<String>,
    cells: Vec<String>,
}

impl CellTable {
    /// Names of the columns: none is empty, none is there twice.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Number of rows, at least 1.
    pub fn rows(&self) -> usize {
        self.cells.len() / self.columns.len()
    }

    /// The cells of a row, without blanks around them; `None` beyond the last.
    pub fn row(&self, row: usize) -> Option<&[String]> {
        self.cells.chunks_exact(self.columns.len()).nth(row)
    }

    /// The cells of a column, from the first row to the last; none for a column that does not exist.
    pub fn column(&self, column: usize) -> impl Iterator<Item = &str> + Clone {
        let rows = if column < self.columns.len() { self.rows() } else { 0 };
        self.cells.iter().skip(column).step_by(self.columns.len()).take(rows).map(String::as_str)
    }

    /// Number of the column with a name.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }
}

/// Reads a table from the bytes of a csv file, also gzipped. The first line names the columns; the separator is a
/// comma, or a semicolon or tab where the first line has no comma. Cells may be empty.
///
/// # Errors
/// A [`ReadError`] that names the file, the place and what would be right: no rows, rows of another length than the
/// first, a column without a name or with one that is there already, text that is not UTF-8, a damaged gzip stream, or
/// more than `limits` allow.
pub fn read_cells(file_name: &str, bytes: &[u8], limits: &Limits) -> Result<CellTable, ReadError> {
    read(bytes, limits).map_err(|problem| ReadError::new(file_name, problem))
}

fn read(bytes: &[u8], limits: &Limits) -> Result<CellTable, Problem> {
    let bytes = unpacked(bytes, limits)?;
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator(text)).from_reader(text);
    let mut table = CellTable { columns: Vec::new(), cells: Vec::new() };
    let mut record = ByteRecord::new();
    let mut rows = 0;
    let mut size = 0_u64;
    let broken = |_| Problem::malformed("csv", "the table cannot be split into cells");
    while reader.read_byte_record(&mut record).map_err(broken)? {
        let line = record.position().map_or(0, csv::Position::line);
        let wanted = table.columns.len();
        if wanted > 0 && record.len() != wanted {
            return Err(Problem::Ragged { line, found: record.len(), wanted });
        }
        limits.check_matrix(rows, record.len() as u64)?;
        rows += 1;
        for (column, cell) in record.iter().enumerate() {
            size += cell.len() as u64 + CELL_BYTES;
            limits.check_bytes(u128::from(size))?;
            let cell = std::str::from_utf8(cell)
                .map_err(|_| bad(&record, line, column, "UTF-8 text; save the table as UTF-8"))?;
            let cell = cell.trim().to_owned();
            if wanted > 0 {
                table.cells.push(cell);
            } else if cell.is_empty() {
                return Err(bad(&record, line, column, "a name for each column in the first line"));
            } else if table.columns.contains(&cell) {
                return Err(Problem::DuplicateName { name: cell });
            } else {
                table.columns.push(cell);
            }
        }
    }
    match table.cells.is_empty() {
        true => Err(Problem::malformed("csv", "wanted a line of column names and at least one row")),
        false => Ok(table),
    }
}

/// The bytes out of a gzip stream, or as they are.
fn unpacked<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Cow<'a, [u8]>, Problem> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut text = Vec::new();
    let most = limits.max_bytes.saturating_add(1);
    MultiGzDecoder::new(bytes).take(most).read_to_end(&mut text).map_err(|e| problem_of(e, "the table"))?;
    limits.check_bytes(text.len() as u128)?;
    Ok(Cow::Owned(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write as _;

    fn read_text(text: &str) -> Result<CellTable, Problem> {
        read(text.as_bytes(), &Limits::default())
    }

    #[test]
    fn columns_have_names_and_cells_are_text() {
        let table = read_text("\u{feff}name; hair \r\nbear;1\r\n\"a; b\"; \r\n").unwrap();
        assert_eq!((table.columns(), table.rows()), (&["name".to_owned(), "hair".to_owned()][..], 2));
        assert_eq!(table.row(1).unwrap(), ["a; b", ""]);
        assert_eq!((table.row(2), table.find("hair"), table.find("fur")), (None, Some(1), None));
        assert_eq!(table.column(0).collect::<Vec<_>>(), ["bear", "a; b"]);
        assert_eq!(table.column(2).count(), 0);
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(b"a\n1\n").unwrap();
        let packed = packed.finish().unwrap();
        assert_eq!(read(&packed, &Limits::default()), read_text("a\n1\n"));
        assert!(read(&packed[..12], &Limits::default()).is_err());
    }

    #[test]
    fn what_is_no_table_is_named() {
        assert_eq!(read_text("a,b\n1\n"), Err(Problem::Ragged { line: 2, found: 1, wanted: 2 }));
        assert_eq!(read_text("a,a\n1,2\n"), Err(Problem::DuplicateName { name: "a".to_owned() }));
        assert!(matches!(read_text("a,\n1,2\n"), Err(Problem::BadCell { line: 1, column: 2, .. })));
        assert!(matches!(read(b"a,b\n1,\xff\n", &Limits::default()), Err(Problem::BadCell { line: 2, .. })));
        for text in ["", "a,b\n"] {
            assert!(read_text(text).unwrap_err().to_string().contains("column names"), "{text:?}");
        }
        let small = Limits { max_bytes: 60, max_rows: 2, max_dims: 2 };
        for text in ["a\n1\n2\n3\n4\n", "a,b,c\n1,2,3\n"] {
            assert!(matches!(read(text.as_bytes(), &small), Err(Problem::TooLarge { .. })), "{text:?}");
        }
    }
}
