//! Optimal transport between two discrete distributions: how to move mass a onto mass b at the smallest cost.
//!
//! ```text
//! minimise Σ P_ij C_ij   over P ≥ 0 with Σ_j P_ij = a_i and Σ_i P_ij = b_j
//! ```
//!
//! | solver | for | result |
//! |---|---|---|
//! | [`Sinkhorn`] | large matrices | entropic plan, rounded to the exact marginals: a cost that is never below the optimum |
//! | [`exact`] | up to [`EXACT_CELLS`] cells | the optimum with an optimal pair of potentials |
//!
//! Both work on the host, and give the same bits on every platform.

mod exact;
mod sinkhorn;

#[cfg(test)]
mod tests;

use crate::CoreError;

pub use exact::{EXACT_CELLS, ExactTransport, exact};
pub use sinkhorn::{Sinkhorn, SinkhornConfig, Transport, sinkhorn};

/// The cost of moving a unit of mass from each source to each sink.
#[derive(Clone, Debug, PartialEq)]
pub struct CostMatrix {
    rows: usize,
    columns: usize,
    values: Vec<f32>,
}

impl CostMatrix {
    /// Takes `rows` × `columns` finite costs, row-major; they may be negative.
    ///
    /// # Errors
    /// [`CoreError::Shape`] without rows or columns, or with another number of values; [`CoreError::NotFinite`].
    pub fn new(values: Vec<f32>, rows: usize, columns: usize) -> Result<Self, CoreError> {
        if rows == 0 || columns == 0 || rows.checked_mul(columns) != Some(values.len()) {
            let expected = format!("must hold {} values in at least one row and one column", values.len());
            return Err(CoreError::Shape { what: "the cost matrix", found: vec![rows, columns], expected });
        }
        if !values.iter().all(|v| v.is_finite()) {
            return Err(CoreError::NotFinite { what: "the cost matrix" });
        }
        Ok(Self { rows, columns, values })
    }

    /// Sources.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Sinks.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// All costs, row-major.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The costs from source `row`; empty beyond the last.
    pub fn row(&self, row: usize) -> &[f32] {
        let start = row.saturating_mul(self.columns);
        self.values.get(start..start.saturating_add(self.columns)).unwrap_or_default()
    }
}

/// `n` equal masses that sum to 1.
pub fn uniform(n: usize) -> Vec<f64> {
    vec![1.0 / n.max(1) as f64; n]
}

/// Checks that two lists of masses are distributions over the rows and columns of a matrix.
fn check_masses(cost: &CostMatrix, a: &[f64], b: &[f64]) -> Result<(), CoreError> {
    for (what, masses, wanted) in
        [("the masses of the sources", a, cost.rows), ("the masses of the sinks", b, cost.columns)]
    {
        if masses.len() != wanted {
            let expected = format!("the cost matrix has {} × {}", cost.rows, cost.columns);
            return Err(CoreError::Shape { what, found: vec![masses.len()], expected });
        }
        if !masses.iter().all(|m| m.is_finite()) {
            return Err(CoreError::NotFinite { what });
        }
        let total: f64 = masses.iter().sum();
        if masses.iter().any(|m| *m < 0.0) || (total - 1.0).abs() > 1e-6 {
            let value = format!("{what} with sum {total}");
            return Err(CoreError::range(
                "masses",
                value,
                "not negative with sum 1: divide them by their sum",
            ));
        }
    }
    Ok(())
}
