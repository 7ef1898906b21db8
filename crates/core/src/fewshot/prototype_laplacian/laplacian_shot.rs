//! Fixed prototypes: nearest-prototype classification, its rectified form (BD-CSPN), and LaplacianShot.

use burn::tensor::Tensor;
use burn::tensor::activation::softmax;
use lowshot_kernels::{bound_loop, nearest, pairwise_sqdist, segment_sum};

use super::classifier::relaxed;
use super::config::Params;
use super::graph::{Neighborhood, neighborhood};
use super::mode::Mode;
use super::prototypes::one_hot;
use super::solver::{FEATURES, Problem, Rules, State, bound_options, first_assignments, terms_of};
use super::trace;
use crate::fewshot::{Assignments, Normalization, Observer, Progress, Stage, Tasks, normalize};
use crate::{CoreError, readback};

/// Temperature of the cosine similarities in the rectification.
const COSINE_SCALE: f32 = 10.0;

/// Prototypes `[B, K, D]` rectified with all rows of `x` `[B, N, D]`, support and (shifted) queries (BD-CSPN).
///
/// Each row is predicted by cosine similarity to the prototypes and weighs softmax_c(10 cos) of its class; a
/// prototype becomes the mean over its predicted rows of weight times row (divided by their number, not by the sum
/// of weights). A class that no row is predicted for keeps its prototype.
pub fn rectify_prototypes(x: &Tensor<3>, prototypes: Tensor<3>) -> Tensor<3> {
    let ([b, n, _], [_, k, _]) = (x.dims(), prototypes.dims());
    // L2 normalisation needs no base mean, so it cannot fail; the rows themselves would be no worse a fallback.
    let unit = |t: &Tensor<3>| normalize(t.clone(), Normalization::L2n, None).unwrap_or_else(|_| t.clone());
    let cosine = unit(x).matmul(unit(&prototypes).swap_dims(1, 2));
    let label = readback::as_i32(cosine.clone().argmax(2));
    let weight = softmax(cosine.mul_scalar(COSINE_SCALE), 2).gather(2, label.clone());
    let (sum, count) = segment_sum(x.clone() * weight, label.reshape([b, n]), k);
    let count = count.unsqueeze_dim::<3>(2);
    let nobody = count.clone().lower_elem(0.5).expand(prototypes.dims());
    (sum / count.clamp_min(1.0)).mask_where(nobody, prototypes)
}

/// One pass with fixed prototypes: bound updates over the graph of the queries, or none for the nearest prototype.
pub(super) async fn classify<O: Observer>(
    tasks: &Tasks,
    prototypes: Tensor<3>,
    params: &Params,
    observer: &mut O,
) -> Result<Assignments, CoreError> {
    let [b, n, d] = tasks.x.dims();
    let device = tasks.x.device();
    let lambda = params.limits.lambda;
    // Copied once: each kernel would copy a slice with gaps for itself.
    let query = tasks.x.clone().slice([0..b, tasks.support..n, 0..d]).mul_scalar(1.0);
    let laplacian = params.mode == Mode::LaplacianShot && lambda > 0.0;
    let neighborhood = if laplacian {
        neighborhood(&query, &params.graph, (true, false)).await?
    } else {
        Neighborhood { graph: None, two_sigma_squared: None }
    };
    let found = nearest(query.clone(), prototypes.clone());
    let label = readback::as_i32(found.label);
    let unary = found.sqdist.sum_dim(1);
    let zero = unary.zeros_like();
    let terms = Tensor::cat(vec![zero.clone(), unary, zero], 1);
    let problem = Problem { x: query, neighborhood, support: None };
    let rules = Rules { mode: params.mode, limits: params.limits.clone(), clamp: false, soft: false };
    let mut state = State { label, z: None, prototypes, terms };
    let running = vec![true; b];
    if observer.traces() {
        state.terms = terms_of(&problem, None, &state);
        trace::state(&problem, &state, &rules, observer, &running, Stage::Start).await?;
    }
    let mut steps = readback::indices(vec![0; b], [b], &device);
    if let Some(graph) = &problem.neighborhood.graph {
        let a = pairwise_sqdist(problem.x.clone(), state.prototypes.clone());
        let z = first_assignments(&a, None);
        let options = bound_options(&rules, 0);
        let (z, terms, count) = if observer.traces() {
            let prototypes = &state.prototypes;
            let shown = trace::Inner { problem: &problem, graph, prototypes, running: &running, outer: 0 };
            trace::bound_loop(a, z, &options, &shown, observer).await?
        } else {
            let run = bound_loop(a, z, graph, &options).await?;
            (run.z, run.energy, run.iterations)
        };
        state.label = readback::as_i32(z.clone().argmax(2)).squeeze_dim(2);
        (state.z, state.terms, steps) = (Some(z), terms, readback::as_i32(count));
    }
    if observer.traces() {
        trace::state(&problem, &state, &rules, observer, &running, Stage::Outer { outer: 0 }).await?;
    }
    let energy = relaxed(&state.terms, lambda);
    let mean = readback::floats("energies", energy.clone().mean()).await?;
    let mean = mean.first().copied().map_or(0.0, f64::from);
    if !mean.is_finite() {
        return Err(CoreError::NotFinite { what: FEATURES });
    }
    let progress = Progress { outer: 0, running: 0, tasks: b, energy: mean };
    if observer.progress(progress).await.is_break() {
        return Err(CoreError::Interrupted);
    }
    // The support rows are not part of the problem: they keep their own labels.
    let k = tasks.classes;
    let z = state.z.unwrap_or_else(|| one_hot(&state.label, k));
    Ok(Assignments {
        z: Tensor::cat(vec![one_hot(&tasks.labels, k), z], 1),
        label: Tensor::cat(vec![tasks.labels.clone(), state.label], 1),
        prototypes: state.prototypes,
        inner_iterations: steps,
        outer_iterations: readback::indices(vec![1; b], [b], &device),
        energy,
        support: tasks.support,
    })
}
