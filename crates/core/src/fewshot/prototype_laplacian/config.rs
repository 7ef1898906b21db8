//! What can be set, and the checked form of it.

use lowshot_kernels::MAX_NEIGHBORS;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Mode;
use crate::CoreError;

/// The largest λ accepted.
pub(super) const MAX_LAMBDA: f64 = 1000.0;
/// The largest number of iterations accepted, inner or outer.
pub(super) const MAX_ITERATIONS: usize = 1_000_000;

/// Direction of the neighbour graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GraphKind {
    /// An edge from each point to its neighbours, weight 1 (official).
    #[default]
    Directed,
    /// (W + Wᵀ)/2 of the directed graph.
    Symmetric,
}

/// What the bandwidth estimate σ² = Σ w d² / norm divides by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SigmaNorm {
    /// 5 N in few-shot tasks (as hard-coded in the official code), k N in clustering.
    #[default]
    Official,
    /// The number of edges, so that σ² is the mean squared edge length.
    Edges,
}

/// How large the self-loop δ of the monotone mode is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Inertia {
    /// The largest row sum of the graph: always enough, costs nothing, slower steps.
    #[default]
    RowSum,
    /// max(0, −λ_min) of the graph, to 1e-6: the smallest that is enough. Tasks of up to 1,024 rows, the row sum
    /// above.
    MinEigenvalue,
}

/// Configuration of [`PrototypeLaplacian`](super::PrototypeLaplacian); [`PrototypeLaplacianConfig::check`] it to use it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
pub struct PrototypeLaplacianConfig {
    /// Which special case.
    pub mode: Mode,
    /// Weight λ of the Laplacian, 0 to 1000 (few-shot: 0.05 to 1.5); not used by modes without it.
    pub lambda: f64,
    /// Neighbours k of the graph, counting the point itself, 2 to 33: k = 3 means 2 edges a point.
    pub knn: usize,
    /// Whether queries are moved by the difference of the support and query means first.
    pub query_shift: bool,
    /// Whether prototypes are rectified with the queries (`laplacian-shot`, `nearest-prototype`), which shifts them.
    pub rectify: bool,
    /// Direction of the graph.
    pub graph: GraphKind,
    /// Whether R may never increase: the graph is made symmetric and positive semi-definite by a self-loop, means
    /// are soft, and each round of inner steps starts from the assignments of the last one.
    pub monotone: bool,
    /// Size of the self-loop of `monotone`.
    pub inertia: Inertia,
    /// Whether support rows keep their labels in every step (the stated model) instead of only at the start of
    /// each round (the official code).
    pub clamp_support: bool,
    /// Divisor of the bandwidth estimate.
    pub sigma_norm: SigmaNorm,
    /// Bandwidth σ instead of the estimate, > 0.
    pub sigma: Option<f64>,
    /// Most inner steps of a round; by default 600, `laplacian-shot` 20.
    pub max_inner: Option<usize>,
    /// Relative change of the energy at which inner steps stop; by default 1e-7, `laplacian-shot` 1e-6.
    pub tol_inner: Option<f64>,
    /// Most outer iterations.
    pub max_outer: usize,
    /// Relative change of the energy at which outer iterations stop.
    pub tol_outer: f64,
}

impl Default for PrototypeLaplacianConfig {
    /// SLK-Means with λ = 0.7, k = 3 and the official procedure.
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            lambda: 0.7,
            knn: 3,
            query_shift: true,
            rectify: false,
            graph: GraphKind::default(),
            monotone: false,
            inertia: Inertia::default(),
            clamp_support: false,
            sigma_norm: SigmaNorm::default(),
            sigma: None,
            max_inner: None,
            tol_inner: None,
            max_outer: 100,
            tol_outer: 1e-4,
        }
    }
}

/// A checked [`PrototypeLaplacianConfig`] with all defaults filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Params {
    pub(super) mode: Mode,
    pub(super) query_shift: bool,
    pub(super) rectify: bool,
    pub(super) clamp_support: bool,
    pub(super) graph: GraphParams,
    pub(super) limits: Limits,
}

/// Parameters of graph and bandwidth.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct GraphParams {
    /// Out-edges of a point: k − 1.
    pub edges: usize,
    pub kind: GraphKind,
    /// δ of the monotone mode; `None` otherwise.
    pub inertia: Option<Inertia>,
    pub sigma: Option<f64>,
    /// What Σ w d² is divided by for each row of the data.
    pub sigma_divisor: f64,
}

/// Parameters of the iterations.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Limits {
    /// λ; 0 for modes without a Laplacian.
    pub lambda: f32,
    pub monotone: bool,
    pub max_inner: usize,
    pub tol_inner: f64,
    pub max_outer: usize,
    pub tol_outer: f64,
}

impl PrototypeLaplacianConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] that names the field and its range.
    pub fn check(&self) -> Result<Params, CoreError> {
        let shot = self.mode == Mode::LaplacianShot;
        Ok(Params {
            mode: self.mode,
            query_shift: self.query_shift,
            rectify: self.rectify,
            clamp_support: self.clamp_support,
            graph: check_graph(
                self.knn,
                if self.monotone { GraphKind::Symmetric } else { self.graph },
                self.monotone.then_some(self.inertia),
                self.sigma,
                match self.sigma_norm {
                    SigmaNorm::Official => 5.0,
                    SigmaNorm::Edges => self.knn.saturating_sub(1) as f64,
                },
            )?,
            limits: check_limits(
                self.mode,
                self.lambda,
                self.monotone,
                (self.max_inner.unwrap_or(if shot { 20 } else { 600 }), self.max_outer),
                (self.tol_inner.unwrap_or(if shot { 1e-6 } else { 1e-7 }), self.tol_outer),
            )?,
        })
    }
}

pub(super) fn check_graph(
    knn: usize,
    kind: GraphKind,
    inertia: Option<Inertia>,
    sigma: Option<f64>,
    sigma_divisor: f64,
) -> Result<GraphParams, CoreError> {
    if !(2..=MAX_NEIGHBORS + 1).contains(&knn) {
        return Err(CoreError::range("knn", knn, format!("2 to {}", MAX_NEIGHBORS + 1)));
    }
    if let Some(sigma) = sigma
        && !(sigma > 0.0 && sigma.is_finite())
    {
        return Err(CoreError::range("sigma", sigma, "above 0"));
    }
    Ok(GraphParams { edges: knn - 1, kind, inertia, sigma, sigma_divisor })
}

pub(super) fn check_limits(
    mode: Mode,
    lambda: f64,
    monotone: bool,
    (max_inner, max_outer): (usize, usize),
    (tol_inner, tol_outer): (f64, f64),
) -> Result<Limits, CoreError> {
    if !(0.0..=MAX_LAMBDA).contains(&lambda) {
        return Err(CoreError::range("lambda", lambda, format!("0 to {MAX_LAMBDA}")));
    }
    for (field, value) in [("max_inner", max_inner), ("max_outer", max_outer)] {
        if !(1..=MAX_ITERATIONS).contains(&value) {
            return Err(CoreError::range(field, value, format!("1 to {MAX_ITERATIONS}")));
        }
    }
    for (field, value) in [("tol_inner", tol_inner), ("tol_outer", tol_outer)] {
        if !(0.0..=1.0).contains(&value) {
            return Err(CoreError::range(field, value, "0 to 1"));
        }
    }
    let lambda = if mode.has_laplacian() { lambda as f32 } else { 0.0 };
    Ok(Limits { lambda, monotone, max_inner, tol_inner, max_outer, tol_outer })
}

impl Params {
    /// Which special case.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// λ as used: 0 for modes without a Laplacian.
    pub fn lambda(&self) -> f32 {
        self.limits.lambda
    }
}
