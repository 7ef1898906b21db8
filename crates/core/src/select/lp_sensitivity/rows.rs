//! Where rows come from, and an orthonormal basis of their columns.

use super::{Watch, beat};
use crate::CoreError;
use crate::linalg::{RowQr, block_rows, dot, multiply};

/// A matrix whose rows can be read block by block, any number of times.
pub trait Rows {
    /// Number of rows, n.
    fn rows(&self) -> usize;

    /// Number of columns, d.
    fn columns(&self) -> usize;

    /// Writes the rows from `start` on into `out` (row-major), as many as it holds; they are all there.
    fn read(&self, start: usize, out: &mut [f64]);
}

/// A matrix in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    columns: usize,
    values: Vec<f64>,
}

impl Dense {
    /// Takes `values`, row after row.
    ///
    /// # Errors
    /// [`CoreError::Shape`] without rows or columns, or if the last row is not whole; [`CoreError::NotFinite`].
    pub fn new(values: Vec<f64>, columns: usize) -> Result<Dense, CoreError> {
        if columns == 0 || values.is_empty() || !values.len().is_multiple_of(columns) {
            let expected = "needs at least one row and one column, and whole rows".to_owned();
            return Err(CoreError::Shape { what: "matrix", found: vec![values.len(), columns], expected });
        }
        if values.iter().any(|x| !x.is_finite()) {
            return Err(CoreError::NotFinite { what: "matrix" });
        }
        Ok(Dense { columns, values })
    }

    /// Copies rows from anywhere; their values must be finite.
    ///
    /// # Errors
    /// As [`Dense::new`].
    pub fn copy(source: &dyn Rows) -> Result<Dense, CoreError> {
        let mut values = vec![0.0; source.rows() * source.columns()];
        source.read(0, &mut values);
        Dense::new(values, source.columns())
    }

    /// Some rows of a source, each times a factor.
    ///
    /// # Errors
    /// As [`Dense::new`]; [`CoreError::Shape`] if a row does not exist.
    pub fn gather(source: &dyn Rows, rows: &[usize], factors: &[f64]) -> Result<Dense, CoreError> {
        let columns = source.columns();
        let mut values = vec![0.0; rows.len() * columns];
        for ((row, factor), out) in rows.iter().zip(factors).zip(values.chunks_exact_mut(columns.max(1))) {
            if *row >= source.rows() {
                let expected = format!("rows must be below {}", source.rows());
                return Err(CoreError::Shape { what: "row numbers", found: vec![*row], expected });
            }
            source.read(*row, out);
            out.iter_mut().for_each(|x| *x *= factor);
        }
        Dense::new(values, columns)
    }

    /// All values, row after row.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Row `i`; empty beyond the last.
    #[must_use]
    pub fn row(&self, i: usize) -> &[f64] {
        self.values.get(i * self.columns..(i + 1) * self.columns).unwrap_or_default()
    }
}

impl Rows for Dense {
    fn rows(&self) -> usize {
        self.values.len() / self.columns.max(1)
    }

    fn columns(&self) -> usize {
        self.columns
    }

    fn read(&self, start: usize, out: &mut [f64]) {
        let from = start * self.columns;
        if let Some(values) = self.values.get(from..from + out.len()) {
            out.copy_from_slice(values);
        }
    }
}

/// An orthonormal basis of the column space: row i is uᵢ = Tᵀaᵢ with r = rank(A) values.
///
/// Every score is the same for A and for A·R with R invertible, so everything is computed in this basis; that is also
/// what makes dependent columns harmless. Rows are multiplied by T as they are read: O(d²) memory.
pub struct Basis<'a> {
    source: &'a dyn Rows,
    map: Vec<f64>,
    rank: usize,
}

impl<'a> Basis<'a> {
    /// One pass over the rows: QR in blocks. A column that depends on the others up to `tolerance` (columns compared
    /// at unit length; 1e-10 for f64 data, 1e-6 for data that was f32) is left out.
    ///
    /// # Errors
    /// [`CoreError::NotFinite`]; [`CoreError::Shape`] if every row is zero; [`CoreError::Interrupted`].
    pub async fn of(
        source: &'a dyn Rows,
        tolerance: f64,
        watch: &mut dyn Watch,
    ) -> Result<Basis<'a>, CoreError> {
        let columns = source.columns();
        let mut qr = RowQr::new(columns);
        let mut blocks = Blocks::new(source);
        while let Some((start, rows)) = blocks.next() {
            if rows.iter().any(|x| !x.is_finite()) {
                return Err(CoreError::NotFinite { what: "matrix" });
            }
            qr.push(rows);
            beat(watch, start, source.rows()).await?;
        }
        let (map, rank) = qr.whitening(tolerance);
        if rank == 0 {
            let expected = "needs a row that is not zero: there is no loss to keep".to_owned();
            return Err(CoreError::Shape { what: "matrix", found: vec![source.rows(), columns], expected });
        }
        Ok(Basis { source, map, rank })
    }

    /// T, d × r, row-major.
    #[must_use]
    pub fn map(&self) -> &[f64] {
        &self.map
    }

    /// The rank r.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// All rows of the basis in memory, n × r.
    ///
    /// # Errors
    /// As [`Dense::new`].
    pub fn dense(&self) -> Result<Dense, CoreError> {
        let mut values = Vec::with_capacity(self.rows() * self.rank);
        let mut blocks = Blocks::new(self);
        while let Some((_, rows)) = blocks.next() {
            values.extend_from_slice(rows);
        }
        Dense::new(values, self.rank)
    }
}

impl Rows for Basis<'_> {
    fn rows(&self) -> usize {
        self.source.rows()
    }

    fn columns(&self) -> usize {
        self.rank
    }

    fn read(&self, start: usize, out: &mut [f64]) {
        let d = self.source.columns();
        let mut rows = vec![0.0; out.len() / self.rank.max(1) * d];
        self.source.read(start, &mut rows);
        multiply(&rows, &self.map, d, self.rank, out);
    }
}

/// Reads a source from its first row to its last.
pub(super) struct Blocks<'a> {
    source: &'a dyn Rows,
    at: usize,
    buffer: Vec<f64>,
}

impl<'a> Blocks<'a> {
    pub(super) fn new(source: &'a dyn Rows) -> Blocks<'a> {
        Blocks { source, at: 0, buffer: Vec::new() }
    }

    /// The next block: number of its first row, and its values.
    pub(super) fn next(&mut self) -> Option<(usize, &[f64])> {
        let columns = self.source.columns();
        let count = block_rows(columns).min(self.source.rows() - self.at);
        if count == 0 {
            return None;
        }
        self.buffer.resize(count * columns, 0.0);
        self.source.read(self.at, &mut self.buffer);
        let start = self.at;
        self.at += count;
        Some((start, &self.buffer))
    }
}

/// Leverage scores τᵢ = ‖uᵢ‖², one pass: the squared share that a row can have of ‖Ax‖₂².
///
/// # Errors
/// [`CoreError::Interrupted`].
pub async fn leverage(basis: &Basis<'_>, watch: &mut dyn Watch) -> Result<Vec<f64>, CoreError> {
    let mut scores = Vec::with_capacity(basis.rows());
    let mut blocks = Blocks::new(basis);
    while let Some((start, rows)) = blocks.next() {
        scores.extend(rows.chunks_exact(basis.rank()).map(|u| dot(u, u).min(1.0)));
        beat(watch, start, basis.rows()).await?;
    }
    Ok(scores)
}
