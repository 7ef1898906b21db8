//! The GPU forms: WGSL on wgpu, CUDA C++ on NVIDIA, launched on Burn's own buffers and streams.

mod launch;

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn_cubecl::{CubeBackend, CubeDevice};

use crate::extension::{BoundSettings, KernelOps, STATE};
use crate::shaders::args;

pub(crate) use launch::{Arguments, F32, I32, U32};
use launch::{Context, at_most};

/// Whether this runtime has hand-written sources.
pub(crate) fn supports(device: &CubeDevice) -> bool {
    matches!(device, CubeDevice::Wgpu(_) | CubeDevice::Cuda(_))
}

/// Whether the assignments of an episode, twice, fit into workgroup memory (`shaders/bound_loop.wgsl`).
pub(crate) fn fits_workgroup(n: usize, k: usize) -> bool {
    n * k <= 1920
}

/// Up to here `pairwise_few` is faster than tiles: so many rows stay in the nearest cache.
const FEW_ROWS: usize = 64;
/// Up to here `nearest_few` is faster than tiles of 16 prototypes.
const FEW_PROTOTYPES: usize = 16;
/// Rows that one workgroup of `segment_partial` adds.
const SEGMENT_ROWS: usize = 256;

impl KernelOps for CubeBackend {
    fn lowshot_sqdist(x: FloatTensor<Self>, y: FloatTensor<Self>) -> FloatTensor<Self> {
        let mut cx = Context::new(&x);
        let ([b, n, d], [_, m, _]) = (launch::dims(&x), launch::dims(&y));
        let (x, y) = (cx.input(x), cx.input(y));
        let out = cx.output([b, n, m]);
        if cx.nothing_to_do(&[b, n, m]) {
            return out.float();
        }
        let (x, y, values, sizes) = (F32(x), F32(y), out.f32(), cx.sizes(&[b, n, m, d]));
        if m <= FEW_ROWS {
            cx.launch(
                args::PairwiseFew { x, y, out: values, sizes },
                [at_most((n * m).div_ceil(64)), at_most(b), 1],
            );
        } else {
            cx.launch(
                args::PairwiseSqdist { x, y, out: values, sizes },
                [m.div_ceil(16), n.div_ceil(16), at_most(b)],
            );
        }
        out.float()
    }

    fn lowshot_knn(x: FloatTensor<Self>, k: usize) -> (IntTensor<Self>, FloatTensor<Self>) {
        let mut cx = Context::new(&x);
        let [b, n, d] = launch::dims(&x);
        let x = cx.input(x);
        let (index, sqdist) = (cx.output([b, n, k]), cx.output([b, n, k]));
        if !cx.nothing_to_do(&[b, n, k]) {
            let sizes = cx.sizes(&[b, n, d, k]);
            cx.launch(
                args::Knn { x: F32(x), index: index.i32(), sqdist: sqdist.f32(), sizes },
                [n.div_ceil(64), at_most(b), 1],
            );
        }
        (index.int(), sqdist.float())
    }

    fn lowshot_nearest(
        x: FloatTensor<Self>,
        prototypes: FloatTensor<Self>,
    ) -> (IntTensor<Self>, FloatTensor<Self>) {
        let mut cx = Context::new(&x);
        let ([b, n, d], [_, m, _]) = (launch::dims(&x), launch::dims(&prototypes));
        let (x, prototypes) = (cx.input(x), cx.input(prototypes));
        let (label, sqdist) = (cx.output([b, n]), cx.output([b, n]));
        if !cx.nothing_to_do(&[b, n]) {
            let sizes = cx.sizes(&[b, n, m, d]);
            let (x, prototypes, label, sqdist) = (F32(x), F32(prototypes), label.i32(), sqdist.f32());
            let groups = [at_most(n.div_ceil(64)), at_most(b), 1];
            if m <= FEW_PROTOTYPES {
                cx.launch(args::NearestFew { x, prototypes, label, sqdist, sizes }, groups);
            } else {
                cx.launch(args::Nearest { x, prototypes, label, sqdist, sizes }, groups);
            }
        }
        (label.int(), sqdist.float())
    }

    fn lowshot_segment_sum(
        x: FloatTensor<Self>,
        label: IntTensor<Self>,
        k: usize,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let mut cx = Context::new(&x);
        let [b, n, d] = launch::dims(&x);
        let (x, label) = (cx.input(x), cx.input(label));
        // An episode without rows still has its zero sums: one empty block.
        let blocks = n.div_ceil(SEGMENT_ROWS).max(1);
        let parts = cx.output([b, blocks, k, d + 1]);
        let (sum, count) = (cx.output([b, k, d]), cx.output([b, k]));
        if !cx.nothing_to_do(&[b, k]) {
            let sizes = cx.sizes(&[b, n, d, k, blocks, SEGMENT_ROWS]);
            cx.launch(
                args::SegmentPartial { x: F32(x), label: I32(label), blocksums: parts.f32(), sizes },
                [(d + 1).div_ceil(64), at_most(blocks), at_most(b)],
            );
            let sizes = cx.sizes(&[b, d, k, blocks]);
            cx.launch(
                args::SegmentReduce { blocksums: parts.f32(), sum: sum.f32(), count: count.f32(), sizes },
                [(k * (d + 1)).div_ceil(64), at_most(b), 1],
            );
        }
        (sum.float(), count.float())
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
        let mut cx = Context::new(&a);
        let ([b, n, k], [_, e]) = (launch::dims(&a), launch::dims(&col));
        let (a, z, weight) = (cx.input(a), cx.input(z), cx.input(weight));
        let (row_ptr, col) = (cx.input(row_ptr), cx.input(col));
        let groups = n.div_ceil(64).max(1);
        let (next, terms, energy) = (cx.output([b, n, k]), cx.output([b, groups, 3]), cx.output([b, 3]));
        if !cx.nothing_to_do(&[b]) {
            let sizes = cx.sizes(&[b, n, k, e, fixed, lambda.to_bits() as usize, groups]);
            cx.launch(
                args::BoundStep {
                    a: F32(a),
                    z: F32(z),
                    row_ptr: I32(row_ptr),
                    col: I32(col),
                    weight: F32(weight),
                    next: next.f32(),
                    terms: terms.f32(),
                    sizes,
                },
                [groups, at_most(b), 1],
            );
            let sizes = cx.sizes(&[b, groups]);
            cx.launch(
                args::EnergyTerms { terms: terms.f32(), energy: energy.f32(), sizes },
                [at_most(b), 1, 1],
            );
        }
        (next.float(), energy.float())
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
        let mut cx = Context::new(&a);
        let ([b, n, k], [_, e]) = (launch::dims(&a), launch::dims(&col));
        let (a, weight) = (cx.input(a), cx.input(weight));
        let (row_ptr, col) = (cx.input(row_ptr), cx.input(col));
        let (z, state) = (cx.in_place(z, [b, n, k]), cx.in_place(state, [b, STATE + 2 * n]));
        if !cx.nothing_to_do(&[b, n]) {
            let options = settings.options;
            let sizes = cx.sizes(&[
                b,
                n,
                k,
                e,
                options.fixed,
                settings.passes,
                options.max_iterations,
                options.lambda.to_bits() as usize,
                (options.tolerance as f32).to_bits() as usize,
                options.pairwise_factor.to_bits() as usize,
            ]);
            cx.launch(
                args::BoundLoop {
                    a: F32(a),
                    z: z.f32(),
                    row_ptr: I32(row_ptr),
                    col: I32(col),
                    weight: F32(weight),
                    state: state.f32(),
                    sizes,
                },
                [at_most(b), 1, 1],
            );
        }
        (z.float(), state.float())
    }
}
