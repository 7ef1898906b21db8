//! Generated pools: Gaussian clusters of unequal size, on which selections can be told apart.

use crate::{CoreError, Rng};

/// Gaussian clusters around random centres: rows centre_c + ε with ε ~ N(0, I), cluster c with probability share_c, and
/// centres ~ N(0, spread² I).
#[derive(Clone, Debug, PartialEq)]
pub struct GaussianClusters {
    /// Share of each cluster, at least one, positive and summing to 1 (default .35, .25, .2, .1, .06, .04).
    pub shares: Vec<f64>,
    /// Dimensions (default 16).
    pub dims: usize,
    /// Standard deviation of the centres in each dimension (default 1.3; that of the rows is 1).
    pub spread: f64,
}

impl Default for GaussianClusters {
    fn default() -> Self {
        Self { shares: vec![0.35, 0.25, 0.2, 0.1, 0.06, 0.04], dims: 16, spread: 1.3 }
    }
}

impl GaussianClusters {
    /// Draws `rows` rows, row-major, with the cluster of each; the same `rng` has the same centres for any number.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] names a field.
    pub fn draw(&self, rows: usize, rng: &Rng) -> Result<(Vec<f32>, Vec<i64>), CoreError> {
        let total: f64 = self.shares.iter().sum();
        if !self.shares.iter().all(|share| *share > 0.0) || (total - 1.0).abs() > 1e-6 {
            return Err(CoreError::range("shares", format!("{:?}", self.shares), "positive with sum 1"));
        }
        if self.dims == 0 {
            return Err(CoreError::range("dims", 0, "at least 1"));
        }
        if !(self.spread >= 0.0 && self.spread.is_finite()) {
            return Err(CoreError::range("spread", self.spread, "a finite number of at least 0"));
        }
        let mut centre = rng.split("centres");
        let centres: Vec<f64> =
            (0..self.shares.len() * self.dims).map(|_| self.spread * centre.normal()).collect();
        let points = rng.split("rows");
        let mut data = Vec::with_capacity(rows * self.dims);
        let mut labels = Vec::with_capacity(rows);
        for row in 0..rows {
            let mut rng = points.at(row as u64);
            let mut left = rng.uniform();
            let mut cluster = self.shares.len() - 1;
            for (at, share) in self.shares.iter().enumerate() {
                if left < *share {
                    cluster = at;
                    break;
                }
                left -= share;
            }
            let start = cluster * self.dims;
            data.extend((start..start + self.dims).map(|at| (centres[at] + rng.normal()) as f32));
            labels.push(cluster as i64);
        }
        Ok((data, labels))
    }
}
