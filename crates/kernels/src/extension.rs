//! Where the fused forms meet Burn: the backend extension and its choice by device.

use burn::tensor::{DType, Device, Int, Tensor};

use crate::bound::{BoundOptions, BoundRun, BoundStep, Csr};
use crate::distance::{Nearest, Neighbors};
use crate::{KernelError, reference};

/// Which form of a kernel serves a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// A hand-written form exists.
    Fused,
    /// Plain tensor operations: other backends, and autodiff devices, whose gradients they carry.
    Reference,
}

/// The form that serves `device`.
pub(crate) fn route(_device: &Device) -> Route {
    Route::Reference
}

/// Indices as `i32`, whatever integer type the device prefers.
pub(crate) fn i32<const D: usize>(t: Tensor<D, Int>) -> Tensor<D, Int> {
    if t.dtype() == DType::I32 { t } else { t.cast(DType::I32) }
}

/// The relative tolerance a sum in `f32` can honour: at least 4 ulp.
pub(crate) fn device_tolerance(tolerance: f64) -> f64 {
    tolerance.max(4.0 * f64::from(f32::EPSILON))
}

pub(crate) fn pairwise_sqdist(x: Tensor<3>, y: Tensor<3>) -> Tensor<3> {
    reference::pairwise_sqdist(x, y)
}

pub(crate) fn knn(x: Tensor<3>, k: usize) -> Neighbors {
    reference::knn(x, k)
}

pub(crate) fn nearest(x: Tensor<3>, prototypes: Tensor<3>) -> Nearest {
    reference::nearest(x, prototypes)
}

pub(crate) fn segment_sum(x: Tensor<3>, label: Tensor<2, Int>, k: usize) -> (Tensor<3>, Tensor<2>) {
    reference::segment_sum(x, label, k)
}

pub(crate) fn bound_step(a: Tensor<3>, z: Tensor<3>, graph: &Csr, lambda: f32, fixed: usize) -> BoundStep {
    reference::bound_step(a, z, graph, lambda, fixed)
}

pub(crate) async fn bound_loop(
    a: Tensor<3>,
    z: Tensor<3>,
    graph: &Csr,
    options: &BoundOptions,
) -> Result<BoundRun, KernelError> {
    reference::bound_loop(a, z, graph, options).await
}
