//! The CPU forms: vectorised for the machine they run on, threaded natively, one thread in WebAssembly.

#![allow(
    clippy::manual_memcpy,
    reason = "loops of fixed length over small arrays stay in registers; a slice copy is a call"
)]

mod bound;
mod distance;
mod few;
mod nearest;
mod segment;
mod simd;

use burn::backend::Flex;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::tensor::{DType, TensorData};

use self::simd::Machine;
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

/// Whether the form for few prototypes of not too few coordinates is the quicker one. The short vectors of
/// WebAssembly are full with few prototypes too, and a page downloads one form less.
fn few_suits(m: usize, d: usize) -> bool {
    !cfg!(target_family = "wasm") && (1..=few::FEW).contains(&m) && d >= simd::PAD
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
        let form = if few_suits(m, d) { few::pairwise } else { distance::pairwise };
        float_tensor(form(Machine::widest(), floats(&x), floats(&y), [b, n, m, d]), [b, n, m])
    }

    fn lowshot_knn(x: FloatTensor<Self>, k: usize) -> (IntTensor<Self>, FloatTensor<Self>) {
        let [b, n, d] = dims(&x);
        let x = contiguous(x);
        let (index, sqdist) = distance::knn(Machine::widest(), floats(&x), [b, n, d], k);
        (int_tensor(index, [b, n, k]), float_tensor(sqdist, [b, n, k]))
    }

    fn lowshot_nearest(
        x: FloatTensor<Self>,
        prototypes: FloatTensor<Self>,
    ) -> (IntTensor<Self>, FloatTensor<Self>) {
        let ([b, n, d], [_, m, _]) = (dims(&x), dims(&prototypes));
        let (x, prototypes) = (contiguous(x), contiguous(prototypes));
        let form = if few_suits(m, d) { few::nearest } else { nearest::nearest };
        let (label, sqdist) = form(Machine::widest(), floats(&x), floats(&prototypes), [b, n, m, d]);
        (int_tensor(label, [b, n]), float_tensor(sqdist, [b, n]))
    }

    fn lowshot_segment_sum(
        x: FloatTensor<Self>,
        label: IntTensor<Self>,
        k: usize,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let [b, n, d] = dims(&x);
        let (x, label) = (contiguous(x), contiguous(label));
        let (sum, count) = segment::segment_sum(Machine::widest(), floats(&x), ints(&label), [b, n, d], k);
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
        let (next, energy) =
            bound::step(Machine::for_rows(shape[2]), floats(&a), floats(&z), shape, &graph, lambda, fixed);
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
        let (z, state) =
            bound::run(Machine::for_rows(shape[2]), floats(&a), floats(&z), shape, &graph, &settings.options);
        (float_tensor(z, shape), float_tensor(state, [b, crate::extension::STATE]))
    }
}

#[cfg(test)]
mod tests {
    use pulp::Arch;

    use super::simd::Machine;
    use super::{bound, distance, few, nearest, segment};
    use crate::BoundOptions;

    /// Every instruction set of this machine, the plain one first.
    fn machines() -> Vec<Machine> {
        let mut machines = vec![Machine::Widest(Arch::Scalar), Machine::widest()];
        if Machine::for_rows(1).lanes() != Machine::widest().lanes() {
            machines.push(Machine::for_rows(1));
        }
        machines
    }

    /// Small integers: sums of their products are exact, so every instruction set must give the same bits.
    fn lattice(n: usize, salt: usize) -> Vec<f32> {
        (0..n).map(|i| ((i * 7919 + salt * 104_729) % 65_537 % 9) as f32 - 4.0).collect()
    }

    #[test]
    fn all_instruction_sets_of_this_machine_agree() {
        println!("vectors of {:?} floats", machines().iter().map(|m| m.lanes()).collect::<Vec<_>>());
        for (b, n, m, d, k) in [
            (1, 1, 1, 1, 1),
            (2, 83, 5, 19, 5),
            (2, 83, 8, 77, 3),
            (1, 300, 50, 64, 50),
            (3, 40, 17, 700, 33),
        ] {
            let (x, y) = (lattice(b * n * d, 1), lattice(b * m * d, 2));
            let label: Vec<i32> = (0..b * n).map(|i| (i * 13 % (k + 1)) as i32).collect();
            let [plain, others @ ..] = &machines()[..] else { panic!("no instruction set") };
            for machine in others {
                assert_eq!(
                    distance::pairwise(*plain, &x, &y, [b, n, m, d]),
                    distance::pairwise(*machine, &x, &y, [b, n, m, d])
                );
                if n > 3 {
                    assert_eq!(
                        distance::knn(*plain, &x, [b, n, d], 3),
                        distance::knn(*machine, &x, [b, n, d], 3)
                    );
                }
                assert_eq!(
                    nearest::nearest(*plain, &x, &y, [b, n, m, d]),
                    nearest::nearest(*machine, &x, &y, [b, n, m, d])
                );
                if m <= few::FEW {
                    assert_eq!(
                        distance::pairwise(*plain, &x, &y, [b, n, m, d]),
                        few::pairwise(*machine, &x, &y, [b, n, m, d])
                    );
                    assert_eq!(
                        nearest::nearest(*plain, &x, &y, [b, n, m, d]),
                        few::nearest(*machine, &x, &y, [b, n, m, d])
                    );
                }
                assert_eq!(
                    segment::segment_sum(*plain, &x, &label, [b, n, d], k),
                    segment::segment_sum(*machine, &x, &label, [b, n, d], k)
                );
            }
            let costs = lattice(b * n * k, 3);
            let z = vec![1.0 / k as f32; b * n * k];
            let row_ptr: Vec<i32> = (0..b).flat_map(|_| (0..=n).map(|p| 2 * p as i32)).collect();
            let col: Vec<i32> = (0..b * 2 * n).map(|e| ((e * 37 + 5) % n) as i32).collect();
            let weight: Vec<f32> = (0..b * 2 * n).map(|e| (1 + e % 3) as f32 / 2.0).collect();
            let graph = bound::Graph { row_ptr: &row_ptr, col: &col, weight: &weight, edges: 2 * n };
            // λ = 26 needs the row maximum, λ = 0.5 does not; large exponents also magnify rounding.
            for (lambda, max_iterations, allowed) in [(0.5, 5, 2e-5), (26.0, 1, 1e-4)] {
                let options =
                    BoundOptions { lambda, fixed: 1, max_iterations, tolerance: 0.0, pairwise_factor: 0.5 };
                let runs: Vec<_> = machines()
                    .into_iter()
                    .map(|machine| bound::run(machine, &costs, &z, [b, n, k], &graph, &options))
                    .collect();
                for (found, state) in &runs[1..] {
                    for (a, b) in runs[0].0.iter().chain(&runs[0].1).zip(found.iter().chain(state)) {
                        assert!((a - b).abs() <= allowed * a.abs().max(1.0), "λ = {lambda}: {a} and {b}");
                    }
                }
            }
        }
    }
}
