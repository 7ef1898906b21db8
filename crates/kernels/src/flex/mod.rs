//! The CPU forms: vectorised for the machine they run on, threaded natively, one thread in WebAssembly.

#![allow(
    clippy::manual_memcpy,
    reason = "loops of fixed length over small arrays stay in registers; a slice copy is a call"
)]

mod bound;
mod distance;
mod nearest;
mod segment;
mod simd;

use burn::backend::Flex;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::tensor::{DType, TensorData};

use crate::extension::{BoundSettings, KernelOps};

/// Work below this many multiply-adds is not worth waking other threads for (about 20 µs).
const PARALLEL_FROM: usize = 1 << 20;

/// Runs `f` on every task, on all cores when `work` (multiply-adds in total) is worth it.
fn run_tasks<T: Send>(tasks: Vec<T>, work: usize, f: impl Fn(T) + Sync + Send) {
    #[cfg(not(target_family = "wasm"))]
    if work >= PARALLEL_FROM && tasks.len() > 1 {
        use rayon::prelude::*;
        tasks.into_par_iter().for_each(f);
        return;
    }
    let _ = work >= PARALLEL_FROM;
    tasks.into_iter().for_each(f);
}

/// Cuts each of `episodes` runs of `rows × width` elements into pieces of at most `block` rows, in order.
fn split_rows<T>(
    mut data: &mut [T],
    episodes: usize,
    rows: usize,
    width: usize,
    block: usize,
) -> Vec<&mut [T]> {
    let mut pieces = Vec::with_capacity(episodes * rows.div_ceil(block));
    for _ in 0..episodes {
        let mut start = 0;
        while start < rows {
            let here = block.min(rows - start);
            let (piece, rest) = data.split_at_mut(here * width);
            pieces.push(piece);
            data = rest;
            start += here;
        }
    }
    pieces
}

/// A contiguous copy (or the tensor itself) of a float tensor.
fn contiguous(t: FloatTensor<Flex>) -> FloatTensor<Flex> {
    t.to_contiguous()
}

fn floats(t: &FloatTensor<Flex>) -> &[f32] {
    t.storage::<f32>()
}

fn ints(t: &IntTensor<Flex>) -> &[i32] {
    t.storage::<i32>()
}

fn float_tensor<const D: usize>(data: Vec<f32>, shape: [usize; D]) -> FloatTensor<Flex> {
    FloatTensor::<Flex>::from_data(TensorData::new(data, shape))
}

fn int_tensor<const D: usize>(data: Vec<i32>, shape: [usize; D]) -> IntTensor<Flex> {
    IntTensor::<Flex>::from_data(TensorData::new(data, shape))
}

fn dims<const D: usize>(t: &FloatTensor<Flex>) -> [usize; D] {
    debug_assert!(matches!(t.dtype(), DType::F32 | DType::I32));
    core::array::from_fn(|i| t.layout().shape()[i])
}

impl KernelOps for Flex {
    fn lowshot_sqdist(x: FloatTensor<Self>, y: FloatTensor<Self>) -> FloatTensor<Self> {
        let ([b, n, d], [_, m, _]) = (dims(&x), dims(&y));
        let (x, y) = (contiguous(x), contiguous(y));
        float_tensor(distance::pairwise(floats(&x), floats(&y), [b, n, m, d]), [b, n, m])
    }

    fn lowshot_knn(x: FloatTensor<Self>, k: usize) -> (IntTensor<Self>, FloatTensor<Self>) {
        let [b, n, d] = dims(&x);
        let x = contiguous(x);
        let (index, sqdist) = distance::knn(floats(&x), [b, n, d], k);
        (int_tensor(index, [b, n, k]), float_tensor(sqdist, [b, n, k]))
    }

    fn lowshot_nearest(
        x: FloatTensor<Self>,
        prototypes: FloatTensor<Self>,
    ) -> (IntTensor<Self>, FloatTensor<Self>) {
        let ([b, n, d], [_, m, _]) = (dims(&x), dims(&prototypes));
        let (x, prototypes) = (contiguous(x), contiguous(prototypes));
        let (label, sqdist) = nearest::nearest(floats(&x), floats(&prototypes), [b, n, m, d]);
        (int_tensor(label, [b, n]), float_tensor(sqdist, [b, n]))
    }

    fn lowshot_segment_sum(
        x: FloatTensor<Self>,
        label: IntTensor<Self>,
        k: usize,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let [b, n, d] = dims(&x);
        let (x, label) = (contiguous(x), contiguous(label));
        let (sum, count) = segment::segment_sum(floats(&x), ints(&label), [b, n, d], k);
        (float_tensor(sum, [b, k, d]), float_tensor(count, [b, k]))
    }

    fn lowshot_bound_step(
        a: FloatTensor<Self>,
        z: FloatTensor<Self>,
        row_ptr: IntTensor<Self>,
        col: IntTensor<Self>,
        weight: FloatTensor<Self>,
        lambda: f32,
        fixed: usize,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let shape @ [b, _, _] = dims(&a);
        let [_, e] = dims(&col);
        let (a, z, weight) = (contiguous(a), contiguous(z), contiguous(weight));
        let (row_ptr, col) = (contiguous(row_ptr), contiguous(col));
        let graph =
            bound::Graph { row_ptr: ints(&row_ptr), col: ints(&col), weight: floats(&weight), edges: e };
        let (next, energy) = bound::step(floats(&a), floats(&z), shape, &graph, lambda, fixed);
        (float_tensor(next, shape), float_tensor(energy, [b, 3]))
    }

    fn lowshot_bound_run(
        a: FloatTensor<Self>,
        z: FloatTensor<Self>,
        row_ptr: IntTensor<Self>,
        col: IntTensor<Self>,
        weight: FloatTensor<Self>,
        state: FloatTensor<Self>,
        settings: BoundSettings,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        // The CPU finishes every episode in one call, so there is no earlier state to go on from.
        drop(state);
        let shape @ [b, _, _] = dims(&a);
        let [_, e] = dims(&col);
        let (a, z, weight) = (contiguous(a), contiguous(z), contiguous(weight));
        let (row_ptr, col) = (contiguous(row_ptr), contiguous(col));
        let graph =
            bound::Graph { row_ptr: ints(&row_ptr), col: ints(&col), weight: floats(&weight), edges: e };
        let (z, state) = bound::run(floats(&a), floats(&z), shape, &graph, &settings.options);
        (float_tensor(z, shape), float_tensor(state, [b, crate::extension::STATE]))
    }
}
