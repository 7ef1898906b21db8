//! The outer loop: prototypes, costs, bound updates, labels, until the energy settles. For a batch of tasks.

use std::ops::ControlFlow;

use burn::tensor::activation::softmax;
use burn::tensor::{Device, Int, Tensor};
use lowshot_kernels::{BoundOptions, bound_loop, bound_step, nearest, pairwise_sqdist};

use super::config::Limits;
use super::graph::{self, Neighborhood};
use super::mode::Mode;
use super::prototypes::{
    Members, counts, dense_kernel, kernel_cost, kernel_k_means_cost, next_prototypes, one_hot,
};
use super::trace;
use crate::fewshot::{Observer, Progress, Stage};
use crate::{CoreError, readback};

/// What is solved: points, graph and supervision of a batch of tasks of one size.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    /// Points `[B, N, D]`, support first.
    pub x: Tensor<3>,
    pub neighborhood: Neighborhood,
    /// The first S rows, whose classes are known; `None` for clustering.
    pub support: Option<Support>,
}

/// The support rows of a batch.
#[derive(Clone, Debug)]
pub(super) struct Support {
    /// Labels `[B, S]`.
    pub label: Tensor<2, Int>,
    /// Added to the logits of the first assignments, `[B, N, K]`: 0, and −1e30 for the wrong classes of support rows,
    /// which makes these one-hot.
    bias: Tensor<3>,
}

impl Support {
    /// The first rows of tasks of `rows` rows and `classes` classes.
    pub fn new(label: Tensor<2, Int>, rows: usize, classes: usize) -> Self {
        let [b, s] = label.dims();
        let wrong = (one_hot(&label, classes) - 1.0).mul_scalar(1e30);
        let free = Tensor::zeros([b, rows - s, classes], &label.device());
        Self { label, bias: Tensor::cat(vec![wrong, free], 1) }
    }
}

/// How it is solved.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub mode: Mode,
    pub limits: Limits,
    /// Support rows keep their labels in every step.
    pub clamp: bool,
    /// Means are weighted by the assignments, from the second outer iteration on.
    pub soft: bool,
}

/// The state of a batch after an outer iteration.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// `[B, N]`
    pub label: Tensor<2, Int>,
    /// `[B, N, K]`; `None` where it is the indicator of `label`.
    pub z: Option<Tensor<3>>,
    /// `[B, K, D]`
    pub prototypes: Tensor<3>,
    /// Entropy, unary and pairwise terms, `[B, 3]`.
    pub terms: Tensor<2>,
}

/// The final state of every task, with its iterations.
#[derive(Clone, Debug)]
pub(super) struct Solution {
    pub state: State,
    /// `[B]`
    pub inner: Tensor<1, Int>,
    pub outer: Vec<usize>,
}

/// A part of the batch that is finished: places in the batch, state, inner and outer iterations.
struct Finished {
    places: Vec<usize>,
    state: State,
    inner: Tensor<1, Int>,
    outer: usize,
}

/// What is not finite if an energy is not.
pub(super) const FEATURES: &str = "the features (or their squared distances)";

/// Codes read back after every outer iteration.
const GOES_ON: f32 = 0.0;
const SETTLED: f32 = 1.0;
const EMPTY_CLASS: f32 = 2.0;

/// Solves a batch from `prototypes` `[B, K, D]`.
///
/// One small read-back an outer iteration says which tasks have finished. Their result is set aside; they leave the
/// batch when they are half of it.
pub(super) async fn solve<O: Observer>(
    mut problem: Problem,
    prototypes: Tensor<3>,
    rules: &Rules,
    observer: &mut O,
) -> Result<Solution, CoreError> {
    let [tasks, _, _] = problem.x.dims();
    let device = problem.x.device();
    let traces = observer.traces();
    let mut kernel = match (rules.mode, &problem.neighborhood.two_sigma_squared) {
        (Mode::KernelKMeans, Some(scale)) => Some(dense_kernel(&problem.x, scale)),
        _ => None,
    };
    let mut state = start(&problem, prototypes);
    let mut inner = readback::indices(vec![0; tasks], [tasks], &device);
    let mut energy: Option<Tensor<2>> = None;
    let mut places: Vec<usize> = (0..tasks).collect();
    let mut running = vec![true; tasks];
    let mut finished: Vec<Finished> = vec![];
    if traces {
        state.terms = terms_of(&problem, kernel.as_ref(), &state);
        trace::state(&problem, &state, rules, observer, &running, Stage::Start).await?;
    }

    for outer in 0..rules.limits.max_outer {
        let mut previous = state;
        let (next, steps) =
            iterate(&problem, kernel.as_ref(), &previous, rules, outer, observer, &running).await?;
        state = next;
        if let Some(steps) = steps {
            inner = inner + steps;
        }
        let objective = outer_energy(&state.terms, rules.limits.lambda);
        let status = status(&state, rules, outer, &objective, energy.as_ref());
        energy = Some(objective.clone());
        let read = readback::floats("convergence", Tensor::cat(vec![status, objective], 1)).await?;
        let codes: Vec<f32> = read.chunks(2).map(|task| task[0]).collect();
        let ran: Vec<usize> = (0..places.len()).filter(|i| running[*i]).collect();
        // A NaN among the features of a task reaches its means or distances, and so its energy.
        if ran.iter().any(|i| !read[2 * i + 1].is_finite()) {
            return Err(CoreError::NotFinite { what: FEATURES });
        }
        let mean = ran.iter().map(|i| f64::from(read[2 * i + 1])).sum::<f64>() / ran.len().max(1) as f64;

        let last = outer + 1 == rules.limits.max_outer;
        let settled: Vec<usize> =
            ran.iter().copied().filter(|i| codes[*i] == SETTLED || (last && codes[*i] == GOES_ON)).collect();
        let emptied: Vec<usize> = ran.iter().copied().filter(|i| codes[*i] == EMPTY_CLASS).collect();
        if traces {
            trace::state(&problem, &state, rules, observer, &running, Stage::Outer { outer }).await?;
        }
        if outer == 0 && !emptied.is_empty() {
            // These tasks end as they began, a state whose energy nobody has needed so far.
            previous.terms = terms_of(&problem, kernel.as_ref(), &previous);
        }
        for (which, of) in [(&settled, &state), (&emptied, &previous)] {
            if !which.is_empty() {
                let all = which.len() == places.len();
                let (part, steps) = if all {
                    (of.clone(), inner.clone())
                } else {
                    let at = index(which, &device);
                    (select(of, &at), inner.clone().select(0, at))
                };
                let places = which.iter().map(|i| places[*i]).collect();
                finished.push(Finished { places, state: part, inner: steps, outer: outer + 1 });
                which.iter().for_each(|i| running[*i] = false);
            }
        }
        let left: Vec<usize> = (0..places.len()).filter(|i| running[*i]).collect();
        let progress = Progress { outer, running: left.len(), tasks, energy: mean };
        if let ControlFlow::Break(()) = observer.progress(progress).await {
            return Err(CoreError::Interrupted);
        }
        if left.is_empty() {
            break;
        }
        if 2 * left.len() <= places.len() && !traces {
            let at = index(&left, &device);
            problem = select_problem(&problem, &at);
            kernel = kernel.map(|kernel| kernel.select(0, at.clone()));
            state = select(&state, &at);
            inner = inner.select(0, at.clone());
            energy = energy.map(|energy| energy.select(0, at));
            places = left.iter().map(|i| places[*i]).collect();
            running = vec![true; places.len()];
        }
    }
    Ok(assemble(finished, tasks))
}

/// Labels nearest to the first prototypes, support rows by their label.
fn start(problem: &Problem, prototypes: Tensor<3>) -> State {
    let found = nearest(problem.x.clone(), prototypes.clone());
    let label = impose(readback::as_i32(found.label), problem.support.as_ref());
    let b = label.dims()[0];
    // Not known yet, and rarely needed: see `solve`.
    let terms = Tensor::full([b, 3], f32::NAN, &label.device());
    State { label, z: None, prototypes, terms }
}

/// `label` with the rows of the support set overwritten.
fn impose(label: Tensor<2, Int>, support: Option<&Support>) -> Tensor<2, Int> {
    match support {
        None => label,
        Some(support) => {
            let ([b, n], [_, s]) = (label.dims(), support.label.dims());
            Tensor::cat(vec![support.label.clone(), label.slice([0..b, s..n])], 1)
        }
    }
}

/// One outer iteration; also the number of inner steps `[B]`, if there were any.
async fn iterate<O: Observer>(
    problem: &Problem,
    kernel: Option<&Tensor<3>>,
    previous: &State,
    rules: &Rules,
    outer: usize,
    observer: &mut O,
    running: &[bool],
) -> Result<(State, Option<Tensor<1, Int>>), CoreError> {
    let Problem { x, neighborhood: Neighborhood { graph, two_sigma_squared }, support } = problem;
    let scale = two_sigma_squared.as_ref();
    let k = previous.prototypes.dims()[1];
    let members = (&previous.label, previous.z.as_ref(), rules.soft && outer > 0);
    let prototypes = next_prototypes(rules.mode, outer, x, members, &previous.prototypes, scale).await?;
    let clamp = support.as_ref().filter(|_| rules.clamp);

    let Some(graph) = graph else {
        // Without a Laplacian every row goes to its cheapest cluster, and assignments stay implicit.
        let (label, cost) = match kernel {
            Some(kernel) => {
                let cost = kernel_k_means_cost(kernel, one_hot(&previous.label, k));
                let (cost, label) = cost.min_dim_with_indices(2);
                (readback::as_i32(label).squeeze_dim::<2>(2), cost.squeeze_dim::<2>(2))
            }
            None => {
                let found = nearest(x.clone(), prototypes.clone());
                let cost = match scale {
                    Some(scale) => kernel_cost(found.sqdist, scale),
                    None => found.sqdist,
                };
                (readback::as_i32(found.label), cost)
            }
        };
        let unary = cost.sum_dim(1);
        let zero = unary.zeros_like();
        let terms = Tensor::cat(vec![zero.clone(), unary, zero], 1);
        return Ok((State { label: impose(label, clamp), z: None, prototypes, terms }, None));
    };

    let a = match (kernel, scale) {
        (Some(kernel), _) => {
            let members = match (&previous.z, rules.soft && outer > 0) {
                (Some(z), true) => Members::Soft(z),
                _ => Members::Hard(&previous.label),
            };
            kernel_k_means_cost(kernel, members.weights(k))
        }
        (None, Some(scale)) => kernel_cost(pairwise_sqdist(x.clone(), prototypes.clone()), scale),
        (None, None) => pairwise_sqdist(x.clone(), prototypes.clone()),
    };
    let z = match &previous.z {
        Some(z) if rules.limits.monotone => z.clone(),
        _ => first_assignments(&a, support.as_ref()),
    };
    let options = bound_options(rules, clamp.map_or(0, |support| support.label.dims()[1]));
    let (z, terms, steps) = if observer.traces() {
        let shown = trace::Inner { problem, graph, prototypes: &prototypes, running, outer };
        trace::bound_loop(a, z, &options, &shown, observer).await?
    } else {
        let run = bound_loop(a, z, graph, &options).await?;
        (run.z, run.energy, run.iterations)
    };
    let label = readback::as_i32(z.clone().argmax(2)).squeeze_dim::<2>(2);
    let steps = readback::as_i32(steps);
    Ok((State { label: impose(label, clamp), z: Some(z), prototypes, terms }, Some(steps)))
}

/// softmax(−a) with the support rows one-hot.
pub(super) fn first_assignments(a: &Tensor<3>, support: Option<&Support>) -> Tensor<3> {
    match support {
        None => softmax(a.clone().neg(), 2),
        Some(support) => softmax(support.bias.clone() - a.clone(), 2),
    }
}

pub(super) fn bound_options(rules: &Rules, fixed: usize) -> BoundOptions {
    BoundOptions {
        lambda: rules.limits.lambda,
        fixed,
        max_iterations: rules.limits.max_inner,
        tolerance: rules.limits.tol_inner,
        // The monotone mode stops on the objective that cannot increase, everything else as the official code.
        pairwise_factor: if rules.limits.monotone { 0.5 } else { 1.0 },
    }
}

/// Σ Z∘a − λ Σ ZᵀWZ, `[B, 1]`.
fn outer_energy(terms: &Tensor<2>, lambda: f32) -> Tensor<2> {
    let b = terms.dims()[0];
    let unary = terms.clone().slice([0..b, 1..2]);
    if lambda == 0.0 { unary } else { unary - terms.clone().slice([0..b, 2..3]).mul_scalar(lambda) }
}

/// The code of every task, `[B, 1]`.
fn status(
    state: &State,
    rules: &Rules,
    outer: usize,
    energy: &Tensor<2>,
    previous: Option<&Tensor<2>>,
) -> Tensor<2> {
    let k = state.prototypes.dims()[1];
    let empty = counts(&state.label, k).min_dim(1).lower_elem(0.5);
    let goes_on = energy.zeros_like().add_scalar(GOES_ON);
    let settled = match previous {
        Some(previous) if outer > 1 => {
            let change = (energy.clone() - previous.clone()).abs();
            let allowed = previous.clone().abs().mul_scalar(rules.limits.tol_outer);
            goes_on.mask_fill(change.lower_equal(allowed), SETTLED)
        }
        _ => goes_on,
    };
    settled.mask_fill(empty, EMPTY_CLASS)
}

fn index(which: &[usize], device: &Device) -> Tensor<1, Int> {
    readback::indices(which.iter().map(|i| *i as i32).collect(), [which.len()], device)
}

fn select(state: &State, at: &Tensor<1, Int>) -> State {
    State {
        label: state.label.clone().select(0, at.clone()),
        z: state.z.as_ref().map(|z| z.clone().select(0, at.clone())),
        prototypes: state.prototypes.clone().select(0, at.clone()),
        terms: state.terms.clone().select(0, at.clone()),
    }
}

fn select_problem(problem: &Problem, at: &Tensor<1, Int>) -> Problem {
    let Neighborhood { graph, two_sigma_squared } = &problem.neighborhood;
    Problem {
        x: problem.x.clone().select(0, at.clone()),
        neighborhood: Neighborhood {
            graph: graph.as_ref().map(|graph| graph::select(graph, at)),
            two_sigma_squared: two_sigma_squared.as_ref().map(|scale| scale.clone().select(0, at.clone())),
        },
        support: problem.support.as_ref().map(|support| Support {
            label: support.label.clone().select(0, at.clone()),
            bias: support.bias.clone().select(0, at.clone()),
        }),
    }
}

/// Entropy, unary and pairwise terms `[B, 3]` of a state.
pub(super) fn terms_of(problem: &Problem, kernel: Option<&Tensor<3>>, state: &State) -> Tensor<2> {
    let k = state.prototypes.dims()[1];
    let z = state.z.clone().unwrap_or_else(|| one_hot(&state.label, k));
    let a = match (kernel, &problem.neighborhood.two_sigma_squared) {
        (Some(kernel), _) => kernel_k_means_cost(kernel, z.clone()),
        (None, scale) => {
            let sqdist = pairwise_sqdist(problem.x.clone(), state.prototypes.clone());
            scale.as_ref().map_or(sqdist.clone(), |scale| kernel_cost(sqdist, scale))
        }
    };
    match &problem.neighborhood.graph {
        Some(graph) => bound_step(a, z, graph, 1.0, 0).energy,
        None => {
            let [b, n, _] = z.dims();
            let unary = (z * a).reshape([b, n * k]).sum_dim(1);
            let zero = unary.zeros_like();
            Tensor::cat(vec![zero.clone(), unary, zero], 1)
        }
    }
}

/// The parts of the batch put back into the order of its tasks.
fn assemble(mut finished: Vec<Finished>, tasks: usize) -> Solution {
    let mut inverse = vec![0i32; tasks];
    let mut outer = vec![0; tasks];
    let mut at = 0;
    for part in &finished {
        for place in &part.places {
            inverse[*place] = at;
            outer[*place] = part.outer;
            at += 1;
        }
    }
    if finished.len() == 1 && inverse.iter().enumerate().all(|(i, at)| i as i32 == *at) {
        let Finished { state, inner, .. } = finished.remove(0);
        return Solution { state, inner, outer };
    }
    let order = readback::indices(inverse, [tasks], &finished[0].inner.device());
    let soft = finished.iter().any(|part| part.state.z.is_some());
    let (mut labels, mut zs, mut prototypes, mut terms, mut inners) =
        (vec![], vec![], vec![], vec![], vec![]);
    for Finished { state, inner, .. } in finished {
        let k = state.prototypes.dims()[1];
        if soft {
            zs.push(state.z.unwrap_or_else(|| one_hot(&state.label, k)));
        }
        labels.push(state.label);
        prototypes.push(state.prototypes);
        terms.push(state.terms);
        inners.push(inner);
    }
    let state = State {
        label: Tensor::cat(labels, 0).select(0, order.clone()),
        z: soft.then(|| Tensor::cat(zs, 0).select(0, order.clone())),
        prototypes: Tensor::cat(prototypes, 0).select(0, order.clone()),
        terms: Tensor::cat(terms, 0).select(0, order.clone()),
    };
    Solution { state, inner: Tensor::cat(inners, 0).select(0, order), outer }
}
