//! The same iterations, one step at a time, for a task that somebody watches.

use std::ops::ControlFlow;

use burn::tensor::{Int, Tensor};
use lowshot_kernels::{BoundOptions, Csr, bound_step};

use super::prototypes::one_hot;
use super::solver::{Problem, Rules, State};
use crate::fewshot::{Observer, Stage, Trace};
use crate::{CoreError, readback};

/// R and the printed energy of every task; the printed one has no entropy after an outer iteration.
async fn energies(terms: &Tensor<2>, lambda: f32, entropy: bool) -> Result<(Vec<f64>, Vec<f64>), CoreError> {
    let read = readback::floats("energies", terms.clone()).await?;
    let lambda = f64::from(lambda);
    Ok(read
        .chunks(3)
        .map(|task| {
            let [s, u, p] = [0, 1, 2].map(|i| task.get(i).copied().map_or(0.0, f64::from));
            (s + u - 0.5 * lambda * p, if entropy { s } else { 0.0 } + u - lambda * p)
        })
        .unzip())
}

async fn show<O: Observer>(observer: &mut O, trace: Trace<'_>) -> Result<(), CoreError> {
    match observer.trace(trace).await {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(CoreError::Interrupted),
    }
}

/// Shows a state at the start or after an outer iteration.
pub(super) async fn state<O: Observer>(
    problem: &Problem,
    state: &State,
    rules: &Rules,
    observer: &mut O,
    running: &[bool],
    stage: Stage,
) -> Result<(), CoreError> {
    let (relaxed, printed) = energies(&state.terms, rules.limits.lambda, false).await?;
    let k = state.prototypes.dims()[1];
    let z = state.z.clone().unwrap_or_else(|| one_hot(&state.label, k));
    let trace = Trace {
        stage,
        x: &problem.x,
        graph: problem.neighborhood.graph.as_ref(),
        label: &state.label,
        z: &z,
        prototypes: &state.prototypes,
        relaxed: &relaxed,
        printed: &printed,
        running,
    };
    show(observer, trace).await
}

/// What is shown beside the assignments during inner steps.
pub(super) struct Inner<'a> {
    pub problem: &'a Problem,
    pub graph: &'a Csr,
    pub prototypes: &'a Tensor<3>,
    pub running: &'a [bool],
    pub outer: usize,
}

/// [`lowshot_kernels::bound_loop`] with a look at every step: assignments, their terms `[B, 3]`, steps `[B]`.
pub(super) async fn bound_loop<O: Observer>(
    a: Tensor<3>,
    z: Tensor<3>,
    options: &BoundOptions,
    shown: &Inner<'_>,
    observer: &mut O,
) -> Result<(Tensor<3>, Tensor<2>, Tensor<1, Int>), CoreError> {
    let [b, _, _] = a.dims();
    let device = a.device();
    let advance =
        |z: &Tensor<3>| bound_step(a.clone(), z.clone(), shown.graph, options.lambda, options.fixed);
    let mut z = advance(&z).z;
    let mut steps = vec![0i32; b];
    let mut terms = Tensor::<2>::zeros([b, 3], &device);
    let mut active = vec![true; b];
    let mut before: Option<Vec<f64>> = None;
    for inner in 0..options.max_iterations {
        // The energy of z comes with the step from it.
        let next = advance(&z);
        let (relaxed, printed) = energies(&next.energy, options.lambda, true).await?;
        let mask = flags(&active, &device);
        terms = terms.mask_where(mask.clone().squeeze_dim::<2>(2).expand([b, 3]), next.energy);
        steps.iter_mut().zip(&active).for_each(|(steps, active)| *steps += i32::from(*active));
        let label = readback::as_i32(z.clone().argmax(2)).squeeze_dim::<2>(2);
        let Inner { problem, graph, prototypes, running, outer } = *shown;
        let trace = Trace {
            stage: Stage::Inner { outer, inner },
            x: &problem.x,
            graph: Some(graph),
            label: &label,
            z: &z,
            prototypes,
            relaxed: &relaxed,
            printed: &printed,
            running,
        };
        show(observer, trace).await?;
        let tested = if options.pairwise_factor == 1.0 { &printed } else { &relaxed };
        if let Some(before) = &before
            && inner > 1
        {
            for task in 0..b {
                let change = (tested[task] - before[task]).abs();
                active[task] &= change.is_nan() || change > options.tolerance * before[task].abs();
            }
        }
        before = Some(tested.clone());
        if !active.contains(&true) || inner + 1 == options.max_iterations {
            break;
        }
        let mask = flags(&active, &device).expand(z.dims());
        z = z.mask_where(mask, next.z);
    }
    Ok((z, terms, readback::indices(steps, [b], &device)))
}

/// `[B, 1, 1]`, true for the tasks that go on.
fn flags(active: &[bool], device: &burn::tensor::Device) -> Tensor<3, burn::tensor::Bool> {
    let values: Vec<i32> = active.iter().map(|active| i32::from(*active)).collect();
    readback::indices(values, [active.len(), 1, 1], device).greater_elem(0)
}
