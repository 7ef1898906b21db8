//! The meaning of every kernel, written in plain tensor operations.
//!
//! These run on every Burn backend and under autodiff; they are what the fused forms are tested against, and what
//! runs where there is no fused form.

use burn::tensor::activation::softmax;
use burn::tensor::{DType, IndexingUpdateOp, Int, Tensor};

use crate::bound::{BoundOptions, BoundRun, BoundStep, Csr};
use crate::distance::{Nearest, Neighbors};
use crate::{KernelError, extension};

/// Stands for "no neighbour here": far above any distance of finite `f32` features one would cluster.
const FAR: f32 = 1e30;
/// The log of the smallest assignment that counts in the entropy (sheet: `log(max(z, 1e-20))`).
const TINY: f32 = 1e-20;

/// See [`crate::pairwise_sqdist`].
pub fn pairwise_sqdist(x: Tensor<3>, y: Tensor<3>) -> Tensor<3> {
    let x2 = x.clone().square().sum_dim(2);
    let y2 = y.clone().square().sum_dim(2).swap_dims(1, 2);
    (x2 + y2 - x.matmul(y.swap_dims(1, 2)).mul_scalar(2.0)).clamp_min(0.0)
}

/// See [`crate::knn`]. Stores the N×N matrix.
pub fn knn(x: Tensor<3>, k: usize) -> Neighbors {
    let [_, n, _] = x.dims();
    let own = Tensor::<2>::eye(n, &x.device()).unsqueeze_dim::<3>(0).mul_scalar(FAR);
    let mut distance = pairwise_sqdist(x.clone(), x) + own;
    let columns = Tensor::<1, Int>::arange(0..n as i64, &distance.device()).reshape([1, 1, n]);
    let (mut index, mut sqdist) = (Vec::new(), Vec::new());
    // k rounds of "take the smallest, then make it far": plain, ordered, and without a sort.
    for _ in 0..k {
        let (value, at) = distance.clone().min_dim_with_indices(2);
        let taken = columns.clone().equal(at.clone());
        distance = distance.mask_fill(taken, FAR);
        index.push(extension::i32(at));
        sqdist.push(value);
    }
    Neighbors { index: Tensor::cat(index, 2), sqdist: Tensor::cat(sqdist, 2) }
}

/// See [`crate::nearest`]. Stores the N×M matrix.
pub fn nearest(x: Tensor<3>, prototypes: Tensor<3>) -> Nearest {
    let (sqdist, label) = pairwise_sqdist(x, prototypes).min_dim_with_indices(2);
    Nearest { label: extension::i32(label.squeeze_dim(2)), sqdist: sqdist.squeeze_dim(2) }
}

/// See [`crate::segment_sum`]. Stores the N×k indicator matrix.
pub fn segment_sum(x: Tensor<3>, label: Tensor<2, Int>, k: usize) -> (Tensor<3>, Tensor<2>) {
    let label = extension::i32(label);
    let classes = extension::i32(Tensor::<1, Int>::arange(0..k as i64, &x.device())).reshape([1, 1, k]);
    let member = label.unsqueeze_dim::<3>(2).equal(classes).float();
    let count = member.clone().sum_dim(1).squeeze_dim(1);
    (member.swap_dims(1, 2).matmul(x), count)
}

/// `W z` of a batch: `[B, N, K]` from the graph and `z` `[B, N, K]`.
pub fn graph_times(graph: &Csr, z: Tensor<3>) -> Tensor<3> {
    let ([b, n, k], [_, e]) = (z.dims(), graph.col.dims());
    if e == 0 {
        return z.zeros_like();
    }
    // The row of edge e is the number of rows that end at or before it: mark every row end and count.
    let ends = extension::i32(graph.row_ptr.clone()).slice([0..b, 1..n + 1]);
    let marks = Tensor::<2>::zeros([b, e + 1], &z.device()).scatter(
        1,
        ends.clamp(0, e as i32),
        Tensor::<2>::ones([b, n], &z.device()),
        IndexingUpdateOp::Add,
    );
    let row = marks.slice([0..b, 0..e]).cumsum(1).clamp_max(n as f32 - 1.0).int();
    let row = row.unsqueeze_dim::<3>(2).expand([b, e, k]);
    let col = graph.col.clone().unsqueeze_dim::<3>(2).expand([b, e, k]);
    let value = z.clone().gather(1, col) * graph.weight.clone().unsqueeze_dim::<3>(2);
    z.zeros_like().scatter(1, row, value, IndexingUpdateOp::Add)
}

/// See [`crate::bound_step`].
pub fn bound_step(a: Tensor<3>, z: Tensor<3>, graph: &Csr, lambda: f32, fixed: usize) -> BoundStep {
    let [b, n, k] = a.dims();
    let pull = graph_times(graph, z.clone());
    let total = |t: Tensor<3>| t.reshape([b, n * k]).sum_dim(1);
    let energy = Tensor::cat(
        vec![
            total(z.clone() * z.clone().clamp_min(TINY).log()),
            total(z.clone() * a.clone()),
            total(z.clone() * pull.clone()),
        ],
        1,
    );
    let next = softmax(pull.mul_scalar(lambda) - a, 2);
    let fixed = fixed.min(n);
    let next = match fixed {
        0 => next,
        _ => next.slice_assign([0..b, 0..fixed, 0..k], z.slice([0..b, 0..fixed, 0..k])),
    };
    BoundStep { z: next, energy }
}

/// See [`crate::bound_loop`]. Stops reading back only every eighth iteration.
pub async fn bound_loop(
    a: Tensor<3>,
    z: Tensor<3>,
    graph: &Csr,
    options: &BoundOptions,
) -> Result<BoundRun, KernelError> {
    bound_loop_by(bound_step, a, z, graph, options).await
}

/// The loop of [`crate::bound_loop`] around any form of the step.
pub(crate) async fn bound_loop_by(
    step: impl Fn(Tensor<3>, Tensor<3>, &Csr, f32, usize) -> BoundStep,
    a: Tensor<3>,
    mut z: Tensor<3>,
    graph: &Csr,
    options: &BoundOptions,
) -> Result<BoundRun, KernelError> {
    /// Iterations between two read-backs of "is everybody done".
    const CHECK_EVERY: usize = 8;
    let [b, _, _] = a.dims();
    let device = a.device();
    let tolerance = extension::device_tolerance(options.tolerance);
    // 1 while an episode iterates, 0 once it has stopped.
    let mut active = Tensor::<2>::ones([b, 1], &device);
    let mut iterations = Tensor::<2>::zeros([b, 1], &device);
    let mut energy = Tensor::<2>::zeros([b, 3], &device);
    let mut previous = Tensor::<2>::zeros([b, 1], &device);

    // Pass t sees the energy of z_t and, unless the episode stops there, makes z_{t+1}.
    for t in 0..=options.max_iterations {
        let next = step(a.clone(), z.clone(), graph, options.lambda, options.fixed);
        let running = active.clone().greater_elem(0.5);
        energy = energy.mask_where(running.clone().expand([b, 3]), next.energy.clone());
        let terms = next.energy;
        let value = terms.clone().slice([0..b, 0..2]).sum_dim(1)
            - terms.slice([0..b, 2..3]).mul_scalar(options.pairwise_factor * options.lambda);
        if t > 2 {
            let change = (value.clone() - previous.clone()).abs();
            let allowed = previous.clone().abs().mul_scalar(tolerance);
            active = active.mask_fill(change.lower_equal(allowed), 0.0);
        }
        previous = value;
        if t == options.max_iterations {
            break;
        }
        if t > 2 && t % CHECK_EVERY == 0 {
            let left = active.clone().sum().into_scalar_async::<f32>().await;
            if left.map_err(|e| KernelError::device("bound_loop", e))? < 0.5 {
                break;
            }
        }
        let running = active.clone().greater_elem(0.5).unsqueeze_dim::<3>(2);
        z = z.clone().mask_where(running.expand(z.dims()), next.z);
        iterations = iterations + active.clone();
    }
    Ok(BoundRun { z, iterations: iterations.int().cast(DType::I32).squeeze_dim(1), energy })
}
