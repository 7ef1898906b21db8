//! Unsupervised clustering of up to a million rows by the same solver.

use burn::tensor::{Int, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::classifier::relaxed;
use super::config::{GraphKind, GraphParams, Inertia, Limits, SigmaNorm, check_graph, check_limits};
use super::graph::neighborhood;
use super::mode::Mode;
use super::seeding::k_means_plus_plus;
use super::solver::{self, Problem, Rules};
use crate::fewshot::{Normalization, Observer, normalize};
use crate::{CoreError, Rng, readback};

/// Rows up to which kernel k-means is accepted: its N × N kernel matrix is stored (256 MiB at the limit).
pub const MAX_DENSE_ROWS: usize = 8192;
/// Most rows and clusters.
const MAX_ROWS: usize = 100_000_000;

/// Configuration of [`PrototypeClustering`]; [`ClusterConfig::check`] it to use it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
pub struct ClusterConfig {
    /// Which special case; not `nearest-prototype` or `laplacian-shot`, which need a support set.
    pub mode: Mode,
    /// Number of clusters K, at least 2.
    pub clusters: usize,
    /// Weight λ of the Laplacian, 0 to 1000 (usual: 0.1 to 9.7); not used by modes without it.
    pub lambda: f64,
    /// Neighbours k of the graph, counting the point itself, 2 to 33.
    pub knn: usize,
    /// Direction of the graph.
    pub graph: GraphKind,
    /// Whether R may never increase, as in few-shot tasks.
    pub monotone: bool,
    /// Size of the self-loop of `monotone`.
    pub inertia: Inertia,
    /// Divisor of the bandwidth estimate.
    pub sigma_norm: SigmaNorm,
    /// Bandwidth σ instead of the estimate, > 0.
    pub sigma: Option<f64>,
    /// Whether rows are divided by their length first.
    pub normalize: bool,
    /// Most inner steps of a round.
    pub max_inner: usize,
    /// Relative change of the energy at which inner steps stop.
    pub tol_inner: f64,
    /// Most outer iterations.
    pub max_outer: usize,
    /// Relative change of the energy at which outer iterations stop; 0 goes on until nothing changes.
    pub tol_outer: f64,
}

impl Default for ClusterConfig {
    /// SLK-Means with 10 clusters, λ = 1.3, k = 5.
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            clusters: 10,
            lambda: 1.3,
            knn: 5,
            graph: GraphKind::default(),
            monotone: false,
            inertia: Inertia::default(),
            sigma_norm: SigmaNorm::default(),
            sigma: None,
            normalize: true,
            max_inner: 1000,
            tol_inner: 1e-6,
            max_outer: 100,
            tol_outer: 1e-5,
        }
    }
}

/// A checked [`ClusterConfig`].
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterParams {
    mode: Mode,
    clusters: usize,
    normalize: bool,
    graph: GraphParams,
    limits: Limits,
}

impl ClusterConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] that names the field and its range.
    pub fn check(&self) -> Result<ClusterParams, CoreError> {
        if matches!(self.mode, Mode::NearestPrototype | Mode::LaplacianShot) {
            let range = "a mode without a support set: k-means, k-modes, slk-means, slk-ms, slk-bo, slk-km or \
                         kernel-k-means";
            return Err(CoreError::range("mode", self.mode, range));
        }
        if self.clusters < 2 {
            return Err(CoreError::range("clusters", self.clusters, "at least 2"));
        }
        let divisor = match self.sigma_norm {
            SigmaNorm::Official => self.knn,
            SigmaNorm::Edges => self.knn.saturating_sub(1),
        };
        Ok(ClusterParams {
            mode: self.mode,
            clusters: self.clusters,
            normalize: self.normalize,
            graph: check_graph(
                self.knn,
                if self.monotone { GraphKind::Symmetric } else { self.graph },
                self.monotone.then_some(self.inertia),
                self.sigma,
                divisor as f64,
            )?,
            limits: check_limits(
                self.mode,
                self.lambda,
                self.monotone,
                (self.max_inner, self.max_outer),
                (self.tol_inner, self.tol_outer),
            )?,
        })
    }
}

/// What a clustering found.
#[derive(Clone, Debug)]
pub struct Clustering {
    /// Cluster of each row, `[N]`.
    pub label: Tensor<1, Int>,
    /// Soft assignments `[N, K]`; `None` for modes without a Laplacian, where they are the indicator of `label`.
    pub z: Option<Tensor<2>>,
    /// Prototypes `[K, D]`, in the space of the (normalised) rows.
    pub prototypes: Tensor<2>,
    /// Outer iterations.
    pub outer_iterations: usize,
    /// Inner steps in all.
    pub inner_iterations: usize,
    /// The relaxed objective R at the end.
    pub energy: f64,
}

/// Clustering by prototypes and a Laplacian (arXiv 1810.13044), with k-means++ seeds.
///
/// Nothing of size N × N is stored, except by kernel k-means (up to [`MAX_DENSE_ROWS`] rows). Memory is about
/// N·D + 3·N·K + N·k values with a Laplacian or a kernel, and N·D + 2·N without.
#[derive(Clone, Debug)]
pub struct PrototypeClustering {
    params: ClusterParams,
}

impl PrototypeClustering {
    /// A clustering with checked parameters.
    pub fn new(params: ClusterParams) -> Self {
        Self { params }
    }

    /// Clusters the rows of `x` `[N, D]`; seeds are drawn from `rng.split("seeds")`.
    ///
    /// Each cluster keeps at least one row: an outer iteration that would empty one is undone and ends the run.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] if there are fewer rows than clusters or neighbours; [`CoreError::TooLarge`] for
    /// kernel k-means of too many rows; [`CoreError::NotFinite`] for NaN or infinite features.
    pub async fn fit<O: Observer>(
        &self,
        x: Tensor<2>,
        rng: &Rng,
        observer: &mut O,
    ) -> Result<Clustering, CoreError> {
        let [rows, _] = x.dims();
        let ClusterParams { mode, clusters, limits, graph, .. } = &self.params;
        if *clusters > rows {
            return Err(CoreError::range(
                "clusters",
                clusters,
                format!("at most {rows}, the number of rows"),
            ));
        }
        if *mode == Mode::KernelKMeans && rows > MAX_DENSE_ROWS {
            let remedy = "cluster a sample of the rows, or use slk-ms, whose memory grows with N only";
            return Err(CoreError::TooLarge { what: "kernel-k-means", rows, limit: MAX_DENSE_ROWS, remedy });
        }
        if rows > MAX_ROWS {
            return Err(CoreError::range("rows", rows, format!("at most {MAX_ROWS}")));
        }
        let sum = readback::floats("features", x.clone().sum()).await?;
        if sum.iter().any(|v| !v.is_finite()) {
            return Err(CoreError::NotFinite { what: "the features" });
        }
        let x = if self.params.normalize { normalize(x, Normalization::L2n, None)? } else { x };
        let x = x.unsqueeze_dim::<3>(0);
        let neighborhood = neighborhood(&x, graph, (limits.lambda > 0.0, mode.has_bandwidth())).await?;
        let seeds = k_means_plus_plus(&x, *clusters, &mut rng.split("seeds")).await?;
        let rules = Rules { mode: *mode, limits: limits.clone(), clamp: false, soft: true };
        let problem = Problem { x, neighborhood, support: None };
        let solution = solver::solve(problem, seeds, &rules, observer).await?;
        let energy = readback::floats("energy", relaxed(&solution.state.terms, limits.lambda)).await?;
        let inner = readback::integers("inner iterations", solution.inner).await?;
        Ok(Clustering {
            label: solution.state.label.squeeze_dim(0),
            z: solution.state.z.map(|z| z.squeeze_dim(0)),
            prototypes: solution.state.prototypes.squeeze_dim(0),
            outer_iterations: solution.outer.first().copied().unwrap_or(0),
            inner_iterations: inner.first().map_or(0, |steps| (*steps).max(0) as usize),
            energy: energy.first().copied().map_or(f64::NAN, f64::from),
        })
    }
}
