//! Generated pools for targeted selection: clusters, some of which are the targets', under a direction that drowns them.

use crate::{CoreError, Rng};

/// Standard deviation of the rows around their cluster.
const NOISE: f64 = 0.5;
/// How much the direction that says nothing leans towards those that separate clusters.
const LEAN: f64 = 0.3;
/// Most clusters, 2^(dims − 1) corners permitting.
const MOST: usize = 64;

/// Candidates in clusters of like size, and targets in the first of them, with shares of their own.
///
/// The centres are different corners of a cube with edge 2 · `spread` in the first `dims` − 1 dimensions; rows are
/// centre + 0.5 ε + `nuisance` · ν · u, with ε ~ N(0, I), ν ~ N(0, 1) and one direction u for all:
/// the last axis, leaning at random towards the others. Unless whitened,
/// cosines say which way u a row went, and little about its cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetMixture {
    /// Clusters of the candidates, 1 to 2^(`dims` − 1) (default 8).
    pub clusters: usize,
    /// Shares of the targets in clusters 0, 1, …; positive with sum 1 (default 0.6, 0.3, 0.1).
    pub shares: Vec<f64>,
    /// Dimensions, 2 to 512 (default 6).
    pub dims: usize,
    /// Distance of the centres from the origin in each dimension (default 3).
    pub spread: f64,
    /// Standard deviation along the direction that says nothing (default 8).
    pub nuisance: f64,
}

impl Default for TargetMixture {
    fn default() -> Self {
        Self { clusters: 8, shares: vec![0.6, 0.3, 0.1], dims: 6, spread: 3.0, nuisance: 8.0 }
    }
}

/// Rows with the cluster of each.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    /// Row-major.
    pub rows: Vec<f32>,
    /// The cluster of each row.
    pub clusters: Vec<i64>,
}

impl TargetMixture {
    /// Draws candidates (cluster at random) and targets (shares exact up to rounding, in random order).
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] names a field.
    pub fn draw(&self, candidates: usize, targets: usize, rng: &Rng) -> Result<[Drawn; 2], CoreError> {
        self.check()?;
        let corners = rng.split("corners").sample(1 << (self.dims - 1).min(16), self.clusters);
        let mut direction = rng.split("nuisance");
        let mut u: Vec<f64> = (0..self.dims).map(|_| LEAN * direction.normal()).collect();
        u[self.dims - 1] = 1.0;
        let length = libm::sqrt(u.iter().map(|v| v * v).sum());
        u.iter_mut().for_each(|v| *v *= self.nuisance / length);
        let draw = |clusters: Vec<i64>, rng: &Rng| {
            let mut rows = Vec::with_capacity(clusters.len() * self.dims);
            for (at, cluster) in clusters.iter().enumerate() {
                let mut rng = rng.at(at as u64);
                let along = rng.normal();
                for (dim, u) in u.iter().enumerate() {
                    let corner = corners[*cluster as usize] >> dim.min(16) & 1;
                    let centre = match dim {
                        last if last + 1 == self.dims => 0.0,
                        _ if corner == 1 => self.spread,
                        _ => -self.spread,
                    };
                    rows.push((centre + NOISE * rng.normal() + along * u) as f32);
                }
            }
            Drawn { rows, clusters }
        };
        let mut pick = rng.split("clusters");
        let of_candidates = (0..candidates).map(|_| pick.below(self.clusters) as i64).collect();
        let mut of_targets = Vec::with_capacity(targets);
        let mut sum = 0.0;
        for (cluster, share) in self.shares.iter().enumerate() {
            sum += share;
            let upto = if cluster + 1 == self.shares.len() {
                targets
            } else {
                libm::round(sum * targets as f64) as usize
            };
            of_targets.resize(upto.max(of_targets.len()), cluster as i64);
        }
        rng.split("order").shuffle(&mut of_targets);
        Ok([draw(of_candidates, &rng.split("candidates")), draw(of_targets, &rng.split("targets"))])
    }

    fn check(&self) -> Result<(), CoreError> {
        if !(2..=512).contains(&self.dims) {
            return Err(CoreError::range("dims", self.dims, "2 to 512"));
        }
        let corners = if self.dims > 6 { MOST } else { 1 << (self.dims - 1) };
        if !(1..=corners).contains(&self.clusters) {
            return Err(CoreError::range(
                "clusters",
                self.clusters,
                format!("1 to {corners} in {} dimensions", self.dims),
            ));
        }
        let total: f64 = self.shares.iter().sum();
        if !self.shares.iter().all(|share| *share > 0.0) || (total - 1.0).abs() > 1e-6 {
            return Err(CoreError::range("shares", format!("{:?}", self.shares), "positive with sum 1"));
        }
        if self.shares.len() > self.clusters {
            let range = format!("of at most {} clusters, as many as the candidates have", self.clusters);
            return Err(CoreError::range("shares", format!("{:?}", self.shares), range));
        }
        for (field, value) in [("spread", self.spread), ("nuisance", self.nuisance)] {
            if !(value >= 0.0 && value.is_finite()) {
                return Err(CoreError::range(field, value, "a finite number of at least 0"));
            }
        }
        Ok(())
    }
}
