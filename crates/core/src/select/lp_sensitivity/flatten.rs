//! Sensitivity flattening: rows split into copies, so that no single one is important.

use super::rows::{Dense, Rows};
use crate::CoreError;

/// How often each row is written; copy k of row a is a/k^{1/p}, so no loss changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Flattening {
    /// The threshold T = C·𝔖/n that the sensitivities stay at or below.
    pub threshold: f64,
    /// Copies of each row, at least 1.
    pub copies: Vec<usize>,
}

/// Rows with σ ≥ T = C·𝔖/n become ⌈σ/T⌉ copies: at most (1 + 1/C)·n rows, the same loss and total.
///
/// # Errors
/// [`CoreError::OutOfRange`] unless C ≥ 1; [`CoreError::NotFinite`] for sensitivities that are no numbers from 0 to 1
/// or all 0.
pub fn flatten(sensitivity: &[f64], c: f64) -> Result<Flattening, CoreError> {
    if !(c >= 1.0 && c.is_finite()) {
        return Err(CoreError::range("flattening", c, "1 or more"));
    }
    let total: f64 = sensitivity.iter().sum();
    if sensitivity.iter().any(|s| !(0.0..=1.0 + 1e-9).contains(s)) || total <= 0.0 {
        return Err(CoreError::NotFinite { what: "sensitivities" });
    }
    let threshold = c * total / sensitivity.len() as f64;
    let copies = |s: &f64| if *s >= threshold { ((s / threshold - 1e-12).ceil() as usize).max(1) } else { 1 };
    Ok(Flattening { threshold, copies: sensitivity.iter().map(copies).collect() })
}

impl Flattening {
    /// ⌈1/α⌉ copies of every one of `rows` rows: then the sensitivities for every exponent are at most α.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] unless 0 < α ≤ 1 (and large enough for a number of copies to exist).
    pub fn even(rows: usize, alpha: f64) -> Result<Flattening, CoreError> {
        if !(alpha > 1e-9 && alpha <= 1.0) {
            return Err(CoreError::range("alpha", alpha, "above 1e-9 and at most 1"));
        }
        Ok(Flattening {
            threshold: alpha,
            copies: vec![((1.0 / alpha - 1e-12).ceil() as usize).max(1); rows],
        })
    }

    /// Writes the copies.
    ///
    /// # Errors
    /// [`CoreError::Shape`] if the matrix has another number of rows.
    pub fn apply(&self, matrix: &Dense, p: f64) -> Result<Dense, CoreError> {
        if matrix.rows() != self.copies.len() {
            let expected = format!("needs {} rows", self.copies.len());
            return Err(CoreError::Shape {
                what: "matrix",
                found: vec![matrix.rows(), matrix.columns()],
                expected,
            });
        }
        let mut values = Vec::with_capacity(matrix.values().len());
        for (i, copies) in self.copies.iter().enumerate() {
            let factor = libm::pow(*copies as f64, -1.0 / p);
            for _ in 0..*copies {
                values.extend(matrix.row(i).iter().map(|x| x * factor));
            }
        }
        Dense::new(values, matrix.columns())
    }
}
