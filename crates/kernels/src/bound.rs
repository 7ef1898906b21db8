//! The bound update of Laplacian-regularised prototype clustering (Ziko et al., arXiv 2106.09516).

use burn::tensor::{Int, Tensor};

use crate::KernelError;
use crate::extension::{self, Route};
use crate::reference;

/// The sparse graphs of a batch in compressed-row form, with indices local to their episode.
#[derive(Clone, Debug)]
pub struct Csr {
    /// Where the edges of each row begin, `[B, N + 1]`; the edges of row `p` are `row_ptr[p]..row_ptr[p + 1]`.
    pub row_ptr: Tensor<2, Int>,
    /// The row each edge points to, `[B, E]`; padding holds any row number in `0..N`.
    pub col: Tensor<2, Int>,
    /// The weight of each edge, `[B, E]`; 0 in the padding.
    pub weight: Tensor<2>,
}

/// One bound update; see [`bound_step`].
#[derive(Clone, Debug)]
pub struct BoundStep {
    /// The updated assignments, `[B, N, K]`.
    pub z: Tensor<3>,
    /// Per episode, of the *input* assignments: entropy `Σ z log max(z, 1e-20)`, unary `Σ z·a`, pairwise
    /// `Σ z·(Wz)`, `[B, 3]`.
    pub energy: Tensor<2>,
}

/// Options of [`bound_loop`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundOptions {
    /// Weight λ of the graph in the update, finite.
    pub lambda: f32,
    /// The first `fixed` rows of every episode keep their assignments (clamped support).
    pub fixed: usize,
    /// The most updates done, at least 1.
    pub max_iterations: usize,
    /// Relative change of the energy at which an episode stops, at least 0. Where whole energies are compared in
    /// `f32` (the reference, and episodes too large for a GPU's workgroup memory) it is at least 4 ulp (4.8e-7).
    pub tolerance: f64,
    /// The energy tested is `entropy + unary - pairwise_factor·λ·pairwise`: 1.0 is the energy the official code
    /// prints, 0.5 the relaxed objective R.
    pub pairwise_factor: f32,
}

impl Default for BoundOptions {
    /// λ 0.7, no fixed rows, 600 iterations, tolerance 1e-7, the official energy.
    fn default() -> Self {
        BoundOptions { lambda: 0.7, fixed: 0, max_iterations: 600, tolerance: 1e-7, pairwise_factor: 1.0 }
    }
}

/// What [`bound_loop`] found.
#[derive(Clone, Debug)]
pub struct BoundRun {
    /// The assignments at which each episode stopped, `[B, N, K]`.
    pub z: Tensor<3>,
    /// The updates done by each episode, `[B]`.
    pub iterations: Tensor<1, Int>,
    /// Entropy, unary and pairwise terms of the returned assignments, `[B, 3]` (see [`BoundStep::energy`]).
    pub energy: Tensor<2>,
}

/// One Jacobi bound update `z' = softmax(-a + λ W z)`, all rows at once, for any `N`.
///
/// `a` and `z` are `[B, N, K]`. The first `fixed` rows of every episode keep their `z`. The row maximum is
/// subtracted before the exponential. Energies are summed in `f64` on Flex and in `f32` elsewhere.
///
/// # Panics
/// If the shapes of `a`, `z` and `graph` do not fit together.
pub fn bound_step(a: Tensor<3>, z: Tensor<3>, graph: &Csr, lambda: f32, fixed: usize) -> BoundStep {
    if let Err(error) = check(&a, &z, graph, "bound_step") {
        panic!("{error}");
    }
    match extension::route(&a.device()) {
        Route::Fused => extension::bound_step(a, z, graph, lambda, fixed),
        Route::Reference => reference::bound_step(a, z, graph, lambda, fixed),
    }
}

/// Repeats [`bound_step`] in each episode until its energy settles or `max_iterations` is reached.
///
/// Iteration `i` (from 0) computes `z_{i+1} = softmax(-a + λ W z_i)` and its energy `E`; an episode stops, each on
/// its own, when `i > 1` and `|E - E_prev| ≤ tolerance·|E_prev|`, and reports `i + 1` iterations. A graph that is
/// not symmetric and positive semi-definite may oscillate until `max_iterations`.
///
/// Flex keeps an episode in cache for all of its iterations. GPUs run one workgroup an episode and many
/// iterations a launch, with a host check between launches; where `N·K` is too large for workgroup memory they
/// fall back to [`bound_step`].
///
/// # Errors
/// [`KernelError::Option`] or [`KernelError::Shape`] for arguments out of range, [`KernelError::Device`] when the
/// device fails.
pub async fn bound_loop(
    a: Tensor<3>,
    z: Tensor<3>,
    graph: &Csr,
    options: &BoundOptions,
) -> Result<BoundRun, KernelError> {
    check(&a, &z, graph, "bound_loop")?;
    options.check()?;
    match extension::route(&a.device()) {
        Route::Fused => extension::bound_loop(a, z, graph, options).await,
        Route::Reference => reference::bound_loop(a, z, graph, options).await,
    }
}

impl BoundOptions {
    fn check(&self) -> Result<(), KernelError> {
        let out = |name, value: String, expected| Err(KernelError::Option { name, value, expected });
        if !self.lambda.is_finite() {
            return out("lambda", self.lambda.to_string(), "a finite number");
        }
        if !(1..=1 << 24).contains(&self.max_iterations) {
            return out("max_iterations", self.max_iterations.to_string(), "1 to 16777216");
        }
        if !(self.tolerance >= 0.0 && self.tolerance.is_finite()) {
            return out("tolerance", self.tolerance.to_string(), "a finite number, 0 or more");
        }
        if !self.pairwise_factor.is_finite() {
            return out("pairwise_factor", self.pairwise_factor.to_string(), "a finite number");
        }
        Ok(())
    }
}

fn check(a: &Tensor<3>, z: &Tensor<3>, graph: &Csr, kernel: &'static str) -> Result<(), KernelError> {
    let [b, n, k] = a.dims();
    let shape = |name, found: &[usize], expected: String| {
        Err(KernelError::Shape { kernel, name, found: found.to_vec(), expected })
    };
    if k == 0 {
        return shape("a", &[b, n, k], "at least one class in the last dimension".into());
    }
    if z.dims() != [b, n, k] {
        return shape("z", &z.dims(), format!("[{b}, {n}, {k}] as a has"));
    }
    if graph.row_ptr.dims() != [b, n + 1] {
        return shape("graph.row_ptr", &graph.row_ptr.dims(), format!("[{b}, {}]", n + 1));
    }
    let [bc, e] = graph.col.dims();
    if bc != b {
        return shape("graph.col", &[bc, e], format!("[{b}, _]"));
    }
    if graph.weight.dims() != [b, e] {
        return shape("graph.weight", &graph.weight.dims(), format!("[{b}, {e}] as graph.col has"));
    }
    Ok(())
}
