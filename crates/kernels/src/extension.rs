//! Where the fused forms meet Burn: the backend extension, and the choice between the forms by device.

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, Dispatch, DispatchDevice, backend_extension};
use burn::tensor::{DType, Device, Int, Tensor};

use crate::KernelError;
use crate::bound::{BoundOptions, BoundRun, BoundStep, Csr};
use crate::distance::{Nearest, Neighbors};

/// Numbers kept for each episode between two launches of the bound loop: iterations done, last energy, whether it
/// has stopped (1), and the entropy, unary and pairwise terms of its assignments.
pub(crate) const STATE: usize = 6;
/// Passes of one launch of the bound loop on a GPU, between two host checks.
#[cfg(feature = "gpu")]
pub(crate) const PASSES_A_LAUNCH: usize = 64;

/// What one launch of the bound loop is told.
#[derive(Clone, Copy, Debug)]
pub struct BoundSettings {
    /// The options of the whole loop.
    pub options: BoundOptions,
    /// Passes of this launch; the CPU finishes without looking at it.
    #[cfg_attr(not(feature = "gpu"), expect(dead_code, reason = "one meaning in every build"))]
    pub passes: usize,
}

/// The fused kernels as operations of a Burn backend: what `Flex` and the CubeCL backend implement by hand.
///
/// Shapes are those of the functions at the crate's root; every float tensor is `f32`, every integer one `i32`.
#[backend_extension(Flex: cfg(feature = "cpu"), Cube: cfg(feature = "gpu"))]
pub trait KernelOps: Backend {
    /// [`crate::pairwise_sqdist`].
    fn lowshot_sqdist(x: FloatTensor<Self>, y: FloatTensor<Self>) -> FloatTensor<Self>;

    /// [`crate::knn`]: indices and distances.
    fn lowshot_knn(x: FloatTensor<Self>, k: usize) -> (IntTensor<Self>, FloatTensor<Self>);

    /// [`crate::nearest`]: labels and distances.
    fn lowshot_nearest(
        x: FloatTensor<Self>,
        prototypes: FloatTensor<Self>,
    ) -> (IntTensor<Self>, FloatTensor<Self>);

    /// [`crate::segment_sum`]: sums and counts.
    fn lowshot_segment_sum(
        x: FloatTensor<Self>,
        label: IntTensor<Self>,
        k: usize,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// [`crate::bound_step`]: new assignments and energies.
    fn lowshot_bound_step(
        a: FloatTensor<Self>,
        z: FloatTensor<Self>,
        row_ptr: IntTensor<Self>,
        col: IntTensor<Self>,
        weight: FloatTensor<Self>,
        lambda: f32,
        fixed: usize,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// Part of [`crate::bound_loop`]: up to `settings.passes` passes from `z` and `state`; the new both. The state
    /// is `[B, 6]` on Flex and `[B, 6 + 2 N]` on GPUs.
    fn lowshot_bound_run(
        a: FloatTensor<Self>,
        z: FloatTensor<Self>,
        row_ptr: IntTensor<Self>,
        col: IntTensor<Self>,
        weight: FloatTensor<Self>,
        state: FloatTensor<Self>,
        settings: BoundSettings,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
}

/// Which form of a kernel serves a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// A hand-written form exists.
    Fused,
    /// Plain tensor operations: other backends, and autodiff devices, whose gradients they carry.
    Reference,
}

/// The form that serves `device`.
pub(crate) fn route(device: &Device) -> Route {
    match device.as_dispatch() {
        #[cfg(feature = "cpu")]
        DispatchDevice::Flex(_) => Route::Fused,
        #[cfg(feature = "gpu")]
        DispatchDevice::Cube(cube) if crate::cube::supports(cube) => Route::Fused,
        #[allow(unreachable_patterns, reason = "which devices exist is for Burn's features to say")]
        _ => Route::Reference,
    }
}

/// Indices as `i32`, whatever integer type the device prefers.
pub(crate) fn i32<const D: usize>(t: Tensor<D, Int>) -> Tensor<D, Int> {
    if t.dtype() == DType::I32 { t } else { t.cast(DType::I32) }
}

/// Floats as `f32`.
fn f32<const D: usize>(t: Tensor<D>) -> Tensor<D> {
    if t.dtype() == DType::F32 { t } else { t.cast(DType::F32) }
}

/// The relative tolerance a sum in `f32` can honour: at least 4 ulp.
pub(crate) fn device_tolerance(tolerance: f64) -> f64 {
    tolerance.max(4.0 * f64::from(f32::EPSILON))
}

pub(crate) fn pairwise_sqdist(x: Tensor<3>, y: Tensor<3>) -> Tensor<3> {
    Tensor::from_dispatch(Dispatch::lowshot_sqdist(f32(x).into_dispatch(), f32(y).into_dispatch()))
}

pub(crate) fn knn(x: Tensor<3>, k: usize) -> Neighbors {
    let (index, sqdist) = Dispatch::lowshot_knn(f32(x).into_dispatch(), k);
    Neighbors { index: Tensor::from_dispatch(index), sqdist: Tensor::from_dispatch(sqdist) }
}

pub(crate) fn nearest(x: Tensor<3>, prototypes: Tensor<3>) -> Nearest {
    let (label, sqdist) = Dispatch::lowshot_nearest(f32(x).into_dispatch(), f32(prototypes).into_dispatch());
    Nearest { label: Tensor::from_dispatch(label), sqdist: Tensor::from_dispatch(sqdist) }
}

pub(crate) fn segment_sum(x: Tensor<3>, label: Tensor<2, Int>, k: usize) -> (Tensor<3>, Tensor<2>) {
    let (sum, count) = Dispatch::lowshot_segment_sum(f32(x).into_dispatch(), i32(label).into_dispatch(), k);
    (Tensor::from_dispatch(sum), Tensor::from_dispatch(count))
}

pub(crate) fn bound_step(a: Tensor<3>, z: Tensor<3>, graph: &Csr, lambda: f32, fixed: usize) -> BoundStep {
    let (z, energy) = Dispatch::lowshot_bound_step(
        f32(a).into_dispatch(),
        f32(z).into_dispatch(),
        i32(graph.row_ptr.clone()).into_dispatch(),
        i32(graph.col.clone()).into_dispatch(),
        f32(graph.weight.clone()).into_dispatch(),
        lambda,
        fixed,
    );
    BoundStep { z: Tensor::from_dispatch(z), energy: Tensor::from_dispatch(energy) }
}

pub(crate) async fn bound_loop(
    a: Tensor<3>,
    z: Tensor<3>,
    graph: &Csr,
    options: &BoundOptions,
) -> Result<BoundRun, KernelError> {
    let [b, _, _] = a.dims();
    let device = a.device();
    #[cfg(feature = "gpu")]
    if let DispatchDevice::Cube(_) = device.as_dispatch() {
        return bound_loop_launches(a, z, graph, options).await;
    }
    let state = Tensor::<2>::zeros([b, STATE], &device);
    let (z, state) = bound_run(&a, z, graph, state, BoundSettings { options: *options, passes: usize::MAX });
    Ok(finish(z, state))
}

/// Launches of [`PASSES_A_LAUNCH`] passes until every episode has stopped.
#[cfg(feature = "gpu")]
async fn bound_loop_launches(
    a: Tensor<3>,
    mut z: Tensor<3>,
    graph: &Csr,
    options: &BoundOptions,
) -> Result<BoundRun, KernelError> {
    let [b, n, k] = a.dims();
    if !crate::cube::fits_workgroup(n, k) {
        return crate::reference::bound_loop_by(bound_step, a, z, graph, options).await;
    }
    // Beside the numbers of an episode, two for each of its rows.
    let mut state = Tensor::<2>::zeros([b, STATE + 2 * n], &a.device());
    // One pass more than iterations: the last sees the energy of the result.
    let mut left = options.max_iterations + 1;
    while b > 0 && left > 0 {
        let passes = left.min(PASSES_A_LAUNCH);
        (z, state) = bound_run(&a, z, graph, state, BoundSettings { options: *options, passes });
        left -= passes;
        if left > 0 {
            let running = state.clone().slice([0..b, 2..3]).sum().into_scalar_async::<f32>().await;
            let stopped = running.map_err(|e| KernelError::device("bound_loop", e))?;
            if stopped > b as f32 - 0.5 {
                break;
            }
        }
    }
    Ok(finish(z, state))
}

fn bound_run(
    a: &Tensor<3>,
    z: Tensor<3>,
    graph: &Csr,
    state: Tensor<2>,
    settings: BoundSettings,
) -> (Tensor<3>, Tensor<2>) {
    let (z, state) = Dispatch::lowshot_bound_run(
        f32(a.clone()).into_dispatch(),
        f32(z).into_dispatch(),
        i32(graph.row_ptr.clone()).into_dispatch(),
        i32(graph.col.clone()).into_dispatch(),
        f32(graph.weight.clone()).into_dispatch(),
        state.into_dispatch(),
        settings,
    );
    (Tensor::from_dispatch(z), Tensor::from_dispatch(state))
}

fn finish(z: Tensor<3>, state: Tensor<2>) -> BoundRun {
    let [b, _] = state.dims();
    let iterations = state.clone().slice([0..b, 0..1]).squeeze_dim(1).int();
    BoundRun { z, iterations: i32(iterations), energy: state.slice([0..b, 3..STATE]) }
}
