//! Rows to choose from, on the host, and the distances between them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check_budget;
use crate::CoreError;

/// How far apart two rows are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Distance {
    /// The length of the difference.
    #[default]
    Euclidean,
    /// One minus the cosine of the angle, from 0 to 2; a row of zeros is at 1 from every other row.
    Cosine,
}

/// Rows of numbers on the host, `N × D` row-major, all finite.
///
/// Distances are summed in f64 in the order of the columns, so they have the same bits on every platform.
#[derive(Clone, Debug, PartialEq)]
pub struct Points {
    rows: usize,
    dims: usize,
    values: Vec<f32>,
    norms: Vec<f64>,
}

impl Points {
    /// Takes `values`, some rows of `dims` values each.
    ///
    /// # Errors
    /// [`CoreError::Shape`] if there is no row or the last one is not whole, [`CoreError::NotFinite`].
    pub fn new(values: Vec<f32>, dims: usize) -> Result<Points, CoreError> {
        if dims == 0 || values.is_empty() || !values.len().is_multiple_of(dims) {
            let expected =
                "at least one row of at least one value is needed, all rows of one length".to_owned();
            return Err(CoreError::Shape { what: "the pool", found: vec![values.len(), dims], expected });
        }
        if values.iter().any(|value| !value.is_finite()) {
            return Err(CoreError::NotFinite { what: "the pool" });
        }
        let norm = |row: &[f32]| row.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>().sqrt();
        let norms: Vec<f64> = values.chunks_exact(dims).map(norm).collect();
        Ok(Points { rows: norms.len(), dims, values, norms })
    }

    /// Number of rows N.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Values in a row D.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// All values, row after row.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Row `row`; empty beyond the last.
    pub fn row(&self, row: usize) -> &[f32] {
        self.values.get(row * self.dims..(row + 1) * self.dims).unwrap_or_default()
    }

    /// How far rows `a` and `b` are apart.
    pub fn distance(&self, kind: Distance, a: usize, b: usize) -> f64 {
        let pairs = self.row(a).iter().zip(self.row(b)).map(|(x, y)| (f64::from(*x), f64::from(*y)));
        match kind {
            Distance::Euclidean => pairs.map(|(x, y)| (x - y) * (x - y)).sum::<f64>().sqrt(),
            Distance::Cosine => {
                let lengths = self.norm(a) * self.norm(b);
                if lengths > 0.0 { 1.0 - pairs.map(|(x, y)| x * y).sum::<f64>() / lengths } else { 1.0 }
            }
        }
    }

    fn norm(&self, row: usize) -> f64 {
        self.norms.get(row).copied().unwrap_or_default()
    }
}

/// Rows with a quality each, higher is better.
#[derive(Clone, Debug, PartialEq)]
pub struct QualityPool {
    points: Points,
    quality: Vec<f64>,
}

impl QualityPool {
    /// Takes rows and a quality for each of them.
    ///
    /// # Errors
    /// [`CoreError::Lengths`] if they differ in number, [`CoreError::NotFinite`] of a quality.
    pub fn new(points: Points, quality: Vec<f64>) -> Result<QualityPool, CoreError> {
        if points.rows() != quality.len() {
            let (left, right) = (points.rows(), quality.len());
            return Err(CoreError::Lengths { what: "rows of the pool and their qualities", left, right });
        }
        if quality.iter().any(|value| !value.is_finite()) {
            return Err(CoreError::NotFinite { what: "the list of qualities" });
        }
        Ok(QualityPool { points, quality })
    }

    /// The rows.
    pub fn points(&self) -> &Points {
        &self.points
    }

    /// The quality of each row.
    pub fn quality(&self) -> &[f64] {
        &self.quality
    }

    /// Number of rows N.
    pub fn rows(&self) -> usize {
        self.quality.len()
    }

    /// Row numbers, the best quality first; of equal ones the lower number first.
    pub fn best_first(&self) -> Vec<usize> {
        best_first(&self.quality)
    }

    pub(super) fn check(&self, budget: usize) -> Result<(), CoreError> {
        check_budget(budget, self.rows())
    }
}

/// Positions of `scores`, the highest first; of equal ones the lower position first.
pub(super) fn best_first(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
    order
}

/// Shares of a quality's rank: the lowest of N gets 0.5/N, the highest (N − 0.5)/N, equal ones the mean of theirs.
pub fn percentiles(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut out = vec![0.0; values.len()];
    let mut first = 0;
    while first < order.len() {
        let last = (first..order.len())
            .take_while(|at| values[order[*at]] == values[order[first]])
            .last()
            .unwrap_or(first);
        let share = (first + last + 1) as f64 / 2.0 / values.len() as f64;
        order[first..=last].iter().for_each(|row| out[*row] = share);
        first = last + 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_the_page() {
        let rows = Points::new(vec![3.0, 4.0, 0.0, 0.0, 4.0, -3.0, -6.0, -8.0], 2).unwrap();
        assert_eq!((rows.rows(), rows.dims()), (4, 2));
        assert_eq!(rows.distance(Distance::Euclidean, 0, 1), 5.0);
        assert_eq!(rows.distance(Distance::Cosine, 0, 2), 1.0);
        assert_eq!(rows.distance(Distance::Cosine, 0, 3), 2.0);
        assert_eq!(rows.distance(Distance::Cosine, 0, 1), 1.0);
    }

    #[test]
    fn bad_pools_are_refused() {
        assert!(matches!(Points::new(vec![], 2), Err(CoreError::Shape { .. })));
        assert!(matches!(Points::new(vec![1.0; 3], 2), Err(CoreError::Shape { .. })));
        assert!(matches!(Points::new(vec![1.0, f32::NAN], 2), Err(CoreError::NotFinite { .. })));
        let rows = || Points::new(vec![1.0, 2.0], 1).unwrap();
        assert!(matches!(QualityPool::new(rows(), vec![1.0]), Err(CoreError::Lengths { .. })));
        assert!(matches!(QualityPool::new(rows(), vec![1.0, f64::NAN]), Err(CoreError::NotFinite { .. })));
    }

    #[test]
    fn percentiles_share_ranks() {
        assert_eq!(percentiles(&[5.0, 1.0, 3.0, 3.0]), [0.875, 0.125, 0.5, 0.5]);
        assert_eq!(percentiles(&[2.0, 2.0]), [0.5, 0.5]);
        assert!(percentiles(&[]).is_empty());
    }
}
