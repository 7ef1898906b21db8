//! Mean-shift of all clusters of all tasks at once.

use burn::tensor::{Int, Tensor};
use lowshot_kernels::pairwise_sqdist;

use crate::{CoreError, readback};

/// Most steps.
const MAX_STEPS: usize = 1000;
/// A cluster stops when its largest coordinate change is below this fraction of its largest coordinate.
const TOLERANCE: f64 = 1e-5;
/// Steps between two read-backs of "who still moves".
const CHECK_EVERY: usize = 4;
/// Below this total weight a cluster has no density worth following (all kernels underflowed): it stays.
const MIN_WEIGHT: f32 = 1e-30;

/// One step: m_c ← Σ w_q x_q / Σ w_q with w_q = member_qc · exp(−‖x_q − m_c‖² / 2σ²).
///
/// `x` `[B, N, D]`, `member` `[B, N, K]`, `m` `[B, K, D]`, `two_sigma_squared` `[B]`.
pub(super) fn step(
    x: &Tensor<3>,
    member: &Tensor<3>,
    m: &Tensor<3>,
    two_sigma_squared: &Tensor<1>,
) -> Tensor<3> {
    let scale = two_sigma_squared.clone().reshape([-1, 1, 1]);
    let weight = (pairwise_sqdist(x.clone(), m.clone()) / scale).neg().exp() * member.clone();
    let total = weight.clone().sum_dim(1).swap_dims(1, 2);
    let moved = weight.swap_dims(1, 2).matmul(x.clone()) / total.clone().clamp_min(MIN_WEIGHT);
    let empty = total.lower_elem(MIN_WEIGHT).expand(moved.dims());
    moved.mask_where(empty, m.clone())
}

/// Steps of every cluster to its fixed point, from `m` on; see [`step`] for the shapes.
///
/// A cluster that has stopped does not move any more, and tasks in which all have stopped leave the batch, so that
/// the result of a task does not depend on its batch.
pub(super) async fn to_fixed_point(
    x: &Tensor<3>,
    member: &Tensor<3>,
    m: Tensor<3>,
    two_sigma_squared: &Tensor<1>,
) -> Result<Tensor<3>, CoreError> {
    let [b, k, d] = m.dims();
    let device = m.device();
    let (mut x, mut member, mut scale) = (x.clone(), member.clone(), two_sigma_squared.clone());
    let mut m = m;
    let mut moving = Tensor::<3>::ones([b, k, 1], &device);
    // Tasks in the batch, by their place in the result; finished ones wait in `done`.
    let mut places: Vec<usize> = (0..b).collect();
    let mut done: Vec<(Vec<usize>, Tensor<3>)> = vec![];
    for count in 1..=MAX_STEPS {
        let next = step(&x, &member, &m, &scale);
        let change = (next.clone() - m.clone()).abs().max_dim(2);
        let still = change.greater_equal(next.clone().abs().max_dim(2).mul_scalar(TOLERANCE));
        let mask = moving.clone().greater_elem(0.5).expand([places.len(), k, d]);
        m = m.mask_where(mask, next);
        moving = moving * still.float();
        if count % CHECK_EVERY != 0 {
            continue;
        }
        let per_task = moving.clone().max_dim(1).reshape([-1]);
        let flags = readback::floats::<1>("mean-shift convergence", per_task).await?;
        let (left, stopped): (Vec<usize>, Vec<usize>) = (0..places.len()).partition(|i| flags[*i] > 0.5);
        if left.is_empty() {
            break;
        }
        if 2 * stopped.len() >= places.len() {
            let at = |which: &[usize]| -> Tensor<1, Int> {
                readback::indices(which.iter().map(|i| *i as i32).collect(), [which.len()], &device)
            };
            done.push((stopped.iter().map(|i| places[*i]).collect(), m.clone().select(0, at(&stopped))));
            let keep = at(&left);
            (x, member) = (x.select(0, keep.clone()), member.select(0, keep.clone()));
            (m, moving, scale) =
                (m.select(0, keep.clone()), moving.select(0, keep.clone()), scale.select(0, keep));
            places = left.iter().map(|i| places[*i]).collect();
        }
    }
    if done.is_empty() {
        return Ok(m);
    }
    done.push((places, m));
    let mut inverse = vec![0i32; b];
    done.iter()
        .flat_map(|(places, _)| places)
        .enumerate()
        .for_each(|(at, place)| inverse[*place] = at as i32);
    let parts = done.into_iter().map(|(_, part)| part).collect();
    Ok(Tensor::cat(parts, 0).select(0, readback::indices(inverse, [b], &device)))
}
