//! Prototype steps and unary costs of all modes, batched.

use burn::tensor::{Int, Tensor, TensorData};
use lowshot_kernels::{pairwise_sqdist, segment_sum};

use super::mean_shift;
use super::mode::{Mode, PrototypeStep};
use crate::{CoreError, readback};

/// Rows of the kernel matrix that are stored at once where it is only summed.
const TILE: usize = 2048;
/// Members whose kernels are summed for the density of a point; larger data is thinned to every n-th row.
const MAX_DENSITY_ROWS: usize = 16_384;

/// Who belongs to which cluster: hard labels `[B, N]`, or assignments `[B, N, K]`.
pub(super) enum Members<'a> {
    Hard(&'a Tensor<2, Int>),
    Soft(&'a Tensor<3>),
}

impl Members<'_> {
    /// Assignments `[B, N, K]`.
    pub fn weights(&self, k: usize) -> Tensor<3> {
        match self {
            Members::Hard(label) => one_hot(label, k),
            Members::Soft(z) => (*z).clone(),
        }
    }
}

/// The indicator `[B, N, K]` of labels `[B, N]`.
pub(crate) fn one_hot(label: &Tensor<2, Int>, k: usize) -> Tensor<3> {
    let classes = readback::indices((0..k as i32).collect(), [1, 1, k], &label.device());
    label.clone().unsqueeze_dim::<3>(2).equal(classes).float()
}

/// The number of rows of each class, `[B, K]`.
pub(super) fn counts(label: &Tensor<2, Int>, k: usize) -> Tensor<2> {
    let [b, n] = label.dims();
    // The counts of a segment sum over one dummy dimension: no [B, N, K] indicator.
    segment_sum(Tensor::zeros([b, n, 1], &label.device()), label.clone(), k).1
}

/// Means `[B, K, D]` of the members; a cluster without members gets 0.
pub(super) fn means(x: &Tensor<3>, members: &Members<'_>, k: usize) -> Tensor<3> {
    match members {
        Members::Hard(label) => {
            let (sum, count) = segment_sum(x.clone(), (*label).clone(), k);
            sum / count.clamp_min(1.0).unsqueeze_dim::<3>(2)
        }
        Members::Soft(z) => {
            let total = (*z).clone().sum_dim(1).swap_dims(1, 2);
            (*z).clone().swap_dims(1, 2).matmul(x.clone()) / total.clamp_min(1e-20)
        }
    }
}

/// The rows `index` `[B, K]` of `x` `[B, N, D]`.
fn rows_at(x: &Tensor<3>, index: Tensor<2, Int>) -> Tensor<3> {
    let ([b, k], [_, _, d]) = (index.dims(), x.dims());
    x.clone().gather(1, index.unsqueeze_dim::<3>(2).expand([b, k, d]))
}

/// For each cluster the member with the largest Σ exp(−‖x_p − x_q‖²/2σ²) over the other members q.
///
/// Rows are taken a tile at a time. Beyond 16,384 rows the sum runs over every n-th row only, so that it stays an
/// estimate of the density at a bounded cost.
fn medoids(x: &Tensor<3>, label: &Tensor<2, Int>, k: usize, two_sigma_squared: &Tensor<1>) -> Tensor<3> {
    let [b, n, d] = x.dims();
    let scale = two_sigma_squared.clone().reshape([b, 1, 1]);
    let stride = n.div_ceil(MAX_DENSITY_ROWS);
    let (sample, sample_member) = if stride > 1 {
        let every: Vec<i32> = (0..n as i32).step_by(stride).collect();
        let every = readback::indices(every.clone(), [every.len()], &x.device());
        (x.clone().select(1, every.clone()), one_hot(&label.clone().select(1, every), k))
    } else {
        (x.clone(), one_hot(label, k))
    };
    let mut density = vec![];
    for start in (0..n).step_by(TILE) {
        let end = n.min(start + TILE);
        let tile = x.clone().slice([0..b, start..end, 0..d]);
        let kernel = (pairwise_sqdist(tile, sample.clone()) / scale.clone()).neg().exp();
        density.push(kernel.matmul(sample_member.clone()));
    }
    let mut density = Tensor::cat(density, 1);
    // A point's kernel with itself is 1 for every member alike and does not change which is the largest; of thinned
    // data only the sampled rows have it.
    if stride > 1 {
        let own = (0..n).map(|row| if row % stride == 0 { 1.0f32 } else { 0.0 }).collect::<Vec<_>>();
        density = density - Tensor::<3>::from_data(TensorData::new(own, [1, n, 1]), &x.device());
    }
    // Points outside of the cluster are put below every density.
    let outside = one_hot(label, k).lower_elem(0.5);
    let best = density.mask_fill(outside, -2.0).argmax(1);
    rows_at(x, best.squeeze_dim(1))
}

/// The next prototypes `[B, K, D]` of `mode`, from the members and the previous ones.
pub(super) async fn next_prototypes(
    mode: Mode,
    outer: usize,
    x: &Tensor<3>,
    (label, z, soft): (&Tensor<2, Int>, Option<&Tensor<3>>, bool),
    previous: &Tensor<3>,
    two_sigma_squared: Option<&Tensor<1>>,
) -> Result<Tensor<3>, CoreError> {
    let k = previous.dims()[1];
    let members = match z {
        Some(z) if soft => Members::Soft(z),
        _ => Members::Hard(label),
    };
    match (mode.prototype_step(), two_sigma_squared) {
        (PrototypeStep::MeanShift, Some(scale)) => {
            mean_shift::to_fixed_point(x, &members.weights(k), previous.clone(), scale).await
        }
        (PrototypeStep::Medoid, Some(scale)) => Ok(medoids(x, label, k, scale)),
        (PrototypeStep::BestPoint, Some(scale)) => Ok(match z {
            Some(z) if outer > 0 => rows_at(x, readback::as_i32(z.clone().argmax(1)).squeeze_dim(1)),
            _ => medoids(x, label, k, scale),
        }),
        _ => Ok(means(x, &members, k)),
    }
}

/// The cost of a Gaussian kernel, −exp(−‖x−m‖²/2σ²), from squared distances; any shape with the batch first.
pub(super) fn kernel_cost<const D: usize>(sqdist: Tensor<D>, two_sigma_squared: &Tensor<1>) -> Tensor<D> {
    let mut shape = [1; D];
    shape[0] = sqdist.dims()[0];
    (sqdist / two_sigma_squared.clone().reshape(shape)).neg().exp().neg()
}

/// The unary cost `[B, N, K]` of kernel k-means: K_pp − 2 (K z_c)_p / n_c + z_cᵀ K z_c / n_c².
///
/// `kernel` is the dense `[B, N, N]` kernel matrix with ones on its diagonal.
pub(super) fn kernel_k_means_cost(kernel: &Tensor<3>, weights: Tensor<3>) -> Tensor<3> {
    let size = weights.clone().sum_dim(1).clamp_min(1e-20);
    let mean = kernel.clone().matmul(weights.clone()) / size.clone();
    let spread = (weights * mean.clone()).sum_dim(1) / size;
    (mean.mul_scalar(-2.0) + spread).add_scalar(1.0)
}

/// The dense Gaussian kernel matrix `[B, N, N]`.
pub(super) fn dense_kernel(x: &Tensor<3>, two_sigma_squared: &Tensor<1>) -> Tensor<3> {
    let b = x.dims()[0];
    (pairwise_sqdist(x.clone(), x.clone()) / two_sigma_squared.clone().reshape([b, 1, 1])).neg().exp()
}
