//! A matrix of feature rows, perhaps with labels.

use std::collections::BTreeMap;

use crate::error::{Problem, ReadError};

/// Feature rows with their labels: checked once, then relied on.
///
/// `rows` × `dims` finite f32 values in row-major order, at least one row and one column; one label per row where
/// there are labels; where there are label names, every label is an index into them.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    source: String,
    rows: usize,
    dims: usize,
    data: Vec<f32>,
    labels: Option<Vec<i64>>,
    label_names: Vec<String>,
    base_mean: Option<Vec<f32>>,
}

impl Features {
    /// Takes `data`, `rows` × `dims` in row-major order, from `source` (a file name or `builtin:NAME`).
    ///
    /// # Errors
    /// No rows or columns, a length that is not `rows * dims`, or a value that is not finite (named by row and column).
    pub fn new(source: &str, rows: usize, dims: usize, data: Vec<f32>) -> Result<Self, ReadError> {
        Self::checked(source, rows, dims, data).map_err(|problem| ReadError::new(source, problem))
    }

    pub(crate) fn checked(source: &str, rows: usize, dims: usize, data: Vec<f32>) -> Result<Self, Problem> {
        let shape = || vec![rows as u64, dims as u64];
        if rows == 0 || dims == 0 {
            let wanted = "at least one row and one column".to_owned();
            return Err(Problem::WrongShape { array: "features", found: shape(), wanted });
        }
        if rows.checked_mul(dims) != Some(data.len()) {
            let wanted = format!("a shape of {} values", data.len());
            return Err(Problem::WrongShape { array: "features", found: shape(), wanted });
        }
        if let Some(i) = data.iter().position(|x| !x.is_finite()) {
            let (row, column) = ((i / dims) as u64, (i % dims) as u64);
            return Err(Problem::NotFinite { array: "features", row, column, value: f64::from(data[i]) });
        }
        let source = source.to_owned();
        Ok(Self { source, rows, dims, data, labels: None, label_names: Vec::new(), base_mean: None })
    }

    /// Adds one label per row, and the names of the labels 0, 1, … (or none: `Vec::new()`).
    ///
    /// # Errors
    /// Another number of labels than rows, or a label that is no index into `names`.
    pub fn with_labels(self, labels: Vec<i64>, names: Vec<String>) -> Result<Self, ReadError> {
        let source = self.source.clone();
        self.labelled(labels, names).map_err(|problem| ReadError::new(source, problem))
    }

    pub(crate) fn labelled(mut self, labels: Vec<i64>, names: Vec<String>) -> Result<Self, Problem> {
        if labels.len() != self.rows {
            return Err(Problem::LengthMismatch {
                what: "labels must be one per row of features".to_owned(),
                found: labels.len() as u64,
                wanted: self.rows as u64,
            });
        }
        if !names.is_empty() {
            let known = |label: i64| usize::try_from(label).is_ok_and(|label| label < names.len());
            if let Some(row) = labels.iter().position(|&label| !known(label)) {
                let wanted = format!("an index into the {} label names", names.len());
                return Err(Problem::BadLabel { row: row as u64, value: i128::from(labels[row]), wanted });
            }
        }
        self.labels = Some(labels);
        self.label_names = names;
        Ok(self)
    }

    /// Adds the mean of the base classes' features, `dims` values, which centring methods subtract.
    ///
    /// # Errors
    /// Another length than `dims`, or a value that is not finite.
    pub fn with_base_mean(self, mean: Vec<f32>) -> Result<Self, ReadError> {
        let source = self.source.clone();
        self.centred(mean).map_err(|problem| ReadError::new(source, problem))
    }

    pub(crate) fn centred(mut self, mean: Vec<f32>) -> Result<Self, Problem> {
        if mean.len() != self.dims {
            return Err(Problem::LengthMismatch {
                what: "base_mean must have one value per column of features".to_owned(),
                found: mean.len() as u64,
                wanted: self.dims as u64,
            });
        }
        if let Some(column) = mean.iter().position(|x| !x.is_finite()) {
            let value = f64::from(mean[column]);
            return Err(Problem::NotFinite { array: "base_mean", row: 0, column: column as u64, value });
        }
        self.base_mean = Some(mean);
        Ok(self)
    }

    /// Where the features come from: a file name or `builtin:NAME`.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Number of rows, at least 1.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of values in a row, at least 1.
    #[must_use]
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// All values, row after row.
    #[must_use]
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// All values, row after row, without a copy.
    #[must_use]
    pub fn into_values(self) -> Vec<f32> {
        self.data
    }

    /// Row `row`, or nothing beyond the last.
    #[must_use]
    pub fn row(&self, row: usize) -> Option<&[f32]> {
        if row >= self.rows {
            return None;
        }
        self.data.get(row * self.dims..(row + 1) * self.dims)
    }

    /// One label per row, where the source has labels.
    #[must_use]
    pub fn labels(&self) -> Option<&[i64]> {
        self.labels.as_deref()
    }

    /// Names of the labels 0, 1, …; empty where the source has only numbers.
    #[must_use]
    pub fn label_names(&self) -> &[String] {
        &self.label_names
    }

    /// What to call `label`: its name, or its number.
    #[must_use]
    pub fn label_name(&self, label: i64) -> String {
        let name = usize::try_from(label).ok().and_then(|label| self.label_names.get(label));
        name.cloned().unwrap_or_else(|| label.to_string())
    }

    /// Mean of the base classes' features, `dims` values, where the source has one.
    #[must_use]
    pub fn base_mean(&self) -> Option<&[f32]> {
        self.base_mean.as_deref()
    }

    /// The rows of each class, or nothing where there are no labels.
    #[must_use]
    pub fn class_index(&self) -> Option<ClassIndex> {
        self.labels.as_deref().map(ClassIndex::new)
    }
}

/// Which rows belong to which class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassIndex {
    /// The distinct labels, ascending.
    pub labels: Vec<i64>,
    /// For each of `labels`, its rows, ascending.
    pub rows: Vec<Vec<usize>>,
}

impl ClassIndex {
    /// Sorts row numbers by label.
    #[must_use]
    pub fn new(labels: &[i64]) -> Self {
        let mut classes: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        for (row, &label) in labels.iter().enumerate() {
            classes.entry(label).or_default().push(row);
        }
        let (labels, rows) = classes.into_iter().unzip();
        Self { labels, rows }
    }

    /// Number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.labels.len()
    }

    /// Rows of the smallest class; 0 without classes.
    #[must_use]
    pub fn smallest(&self) -> usize {
        self.rows.iter().map(Vec::len).min().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_and_values_are_checked() {
        assert!(Features::new("x", 2, 2, vec![1.0; 4]).is_ok());
        for (rows, dims, len) in [(0, 2, 0), (2, 0, 0), (2, 2, 3), (usize::MAX, 2, 2)] {
            let error = Features::new("x", rows, dims, vec![0.0; len]).unwrap_err();
            assert!(matches!(error.problem, Problem::WrongShape { .. }), "{error}");
        }
        let error = Features::new("x", 2, 2, vec![0.0, 0.0, f32::NAN, 0.0]).unwrap_err();
        assert!(error.to_string().contains("features[1, 0] is NaN"), "{error}");
    }

    #[test]
    fn labels_must_fit_rows_and_names() {
        let make = || Features::new("x", 2, 1, vec![1.0, 2.0]).unwrap();
        assert!(make().with_labels(vec![5, -5], vec![]).is_ok());
        assert!(make().with_labels(vec![5], vec![]).is_err());
        let error = make().with_labels(vec![0, 2], vec!["a".into(), "b".into()]).unwrap_err();
        assert!(error.to_string().contains("labels[1] is 2"), "{error}");
        let named = make().with_labels(vec![1, 0], vec!["a".into(), "b".into()]).unwrap();
        assert_eq!(named.label_name(1), "b");
        assert_eq!(named.label_name(7), "7");
        assert!(make().with_base_mean(vec![0.0, 0.0]).is_err());
    }

    #[test]
    fn classes_are_sorted_and_complete() {
        let index = ClassIndex::new(&[3, -1, 3, 0]);
        assert_eq!(index.labels, [-1, 0, 3]);
        assert_eq!(index.rows, [vec![1], vec![3], vec![0, 2]]);
        assert_eq!((index.classes(), index.smallest()), (3, 1));
    }
}
