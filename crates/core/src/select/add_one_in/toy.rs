//! A pool in the plane on which quality and diversity pull apart.

use crate::select::{Points, QualityPool};
use crate::{CoreError, Rng};

/// Rows of the pool.
const ROWS: usize = 1000;
/// Clusters.
const CLUSTERS: usize = 12;
/// Concentration of the Dirichlet distribution of the clusters' sizes.
const SIZES: f64 = 0.7;
/// Standard deviation of a cluster.
const SPREAD: f64 = 0.06;
/// Standard deviation of a row's quality around that of its cluster, which is even on 0.3 to 0.7.
const NOISE: f64 = 0.19;

/// A generated pool.
#[derive(Clone, Debug, PartialEq)]
pub struct ToyPool {
    /// 1,000 points in the plane with qualities from 0 to 1.
    pub pool: QualityPool,
    /// Cluster of each point.
    pub clusters: Vec<i64>,
}

/// 1,000 points of 12 Gaussian clusters of random sizes with centres in [−1, 1]²; the quality of a point is that of its
/// cluster with noise, cut off at 0 and 1.
///
/// # Errors
/// None in practice; the type is that of [`QualityPool::new`].
pub fn toy_pool(rng: &Rng) -> Result<ToyPool, CoreError> {
    let mut rng = rng.split("toy pool");
    let centres: Vec<[f64; 2]> =
        (0..CLUSTERS).map(|_| [2.0 * rng.uniform() - 1.0, 2.0 * rng.uniform() - 1.0]).collect();
    let sizes = rng.dirichlet(SIZES, CLUSTERS);
    let levels: Vec<f64> = (0..CLUSTERS).map(|_| 0.3 + 0.4 * rng.uniform()).collect();
    let (mut values, mut quality, mut clusters) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROWS {
        let mut left = rng.uniform();
        let mut cluster = 0;
        while cluster + 1 < CLUSTERS && left >= sizes[cluster] {
            left -= sizes[cluster];
            cluster += 1;
        }
        values.extend(centres[cluster].map(|centre| (centre + SPREAD * rng.normal()) as f32));
        quality.push((levels[cluster] + NOISE * rng.normal()).clamp(0.0, 1.0));
        clusters.push(cluster as i64);
    }
    Ok(ToyPool { pool: QualityPool::new(Points::new(values, 2)?, quality)?, clusters })
}
