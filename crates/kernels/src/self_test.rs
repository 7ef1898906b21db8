//! The known-answer test an engine runs before it trusts a device.

use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use crate::{
    BoundOptions, Csr, KernelError, bound_loop, bound_step, knn, nearest, pairwise_sqdist, segment_sum,
};

/// Episodes, rows, coordinates, classes of the test: more rows than any workgroup has threads in a row, and no size
/// a multiple of another.
const B: usize = 2;
const N: usize = 83;
const D: usize = 19;
const K: usize = 5;
const NEIGHBORS: usize = 3;
/// Prototypes and rows in the tests of the kernels for many of them.
const MANY: usize = 23;
/// λ of the update.
const LAMBDA: f32 = 0.5;
/// Rows that keep their assignments.
const FIXED: usize = 2;
/// Updates of the loop.
const ITERATIONS: usize = 6;

/// Known answers: weighted sums ([`digest`]) of each result, from `f64` loops (see the test below), and the
/// difference allowed.
const KNOWN: [(&str, f64, f64); 10] = [
    ("pairwise_sqdist", 85.282178963, 1e-6),
    ("pairwise_sqdist (many rows)", 85.116544312, 1e-6),
    ("knn", 30.803850302, 1e-6),
    ("nearest", 13.701166050, 1e-6),
    ("nearest (many prototypes)", 9.461577747, 1e-6),
    ("segment_sum", 1.015222772, 1e-6),
    ("bound_step", 0.300909203, 2e-6),
    ("bound_step energy", -47.496018470, 2e-4),
    ("bound_loop", 0.300855900, 2e-6),
    ("bound_loop energy", -64.460205996, 2e-4),
];

/// Quarters from -2 to 2: sums of products of a few dozen are exact in `f32`, whatever their order.
fn lattice(n: usize, salt: usize) -> Vec<f32> {
    (0..n).map(|i| ((i * 7919 + salt * 104_729) % 65_537 % 17) as f32 / 4.0 - 2.0).collect()
}

/// A sum in which every place has its own weight, scaled to the mean size of an entry.
fn digest(values: impl IntoIterator<Item = f64>) -> f64 {
    let (mut sum, mut n) = (0.0, 0.0);
    for (i, v) in values.into_iter().enumerate() {
        sum += v * (1.0 + (i * 31 % 101) as f64 / 101.0);
        n += 1.0;
    }
    sum / n
}

/// The inputs on the host.
struct Inputs {
    x: Vec<f32>,
    prototypes: Vec<f32>,
    labels: Vec<i32>,
    costs: Vec<f32>,
    z: Vec<f32>,
    row_ptr: Vec<i32>,
    col: Vec<i32>,
    weight: Vec<f32>,
}

impl Inputs {
    fn new() -> Self {
        let edges = 2 * N;
        Inputs {
            x: lattice(B * N * D, 1),
            prototypes: lattice(B * K * D, 2),
            labels: (0..B * N).map(|i| (i * 13 % (K + 1)) as i32).collect(),
            costs: lattice(B * N * K, 3),
            z: vec![1.0 / K as f32; B * N * K],
            row_ptr: (0..B).flat_map(|_| (0..=N).map(|p| 2 * p as i32)).collect(),
            col: (0..B * edges).map(|e| ((e * 37 + 5) % N) as i32).collect(),
            weight: (0..B * edges).map(|e| (1 + e % 3) as f32 / 2.0).collect(),
        }
    }
}

/// Runs every kernel once on `device` and holds the results against constants (about 50 ms after the first launch).
///
/// Some drivers and browsers compute wrong numbers silently; an engine that gets an error here says so and uses
/// another device.
///
/// # Errors
/// [`KernelError::SelfTest`] names the first kernel that differs and by how much; [`KernelError::Device`] when the
/// device fails.
#[allow(clippy::neg_cmp_op_on_partial_ord, reason = "NaN must fail")]
pub async fn self_test(device: &Device) -> Result<(), KernelError> {
    let found = digests(device).await?;
    for ((kernel, known, allowed), found) in KNOWN.into_iter().zip(found) {
        let difference = (found - known).abs();
        // Written so that NaN fails.
        if !(difference <= allowed) {
            let device = format!("{device:?}");
            return Err(KernelError::SelfTest { kernel, difference, allowed, device });
        }
    }
    Ok(())
}

async fn digests(device: &Device) -> Result<[f64; 10], KernelError> {
    let host = Inputs::new();
    let float = |data: &[f32], shape: [usize; 3]| {
        Tensor::<3>::from_data(TensorData::new(data.to_vec(), shape), device)
    };
    let int = |data: &[i32], shape: [usize; 2]| {
        Tensor::<2, Int>::from_data(TensorData::new(data.to_vec(), shape), (device, DType::I32))
    };
    let (x, prototypes) = (float(&host.x, [B, N, D]), float(&host.prototypes, [B, K, D]));
    let (costs, z) = (float(&host.costs, [B, N, K]), float(&host.z, [B, N, K]));
    let edges = 2 * N;
    let graph = Csr {
        row_ptr: int(&host.row_ptr, [B, N + 1]),
        col: int(&host.col, [B, edges]),
        weight: float(&host.weight, [B, edges, 1]).squeeze_dim(2),
    };

    let distances = pairwise_sqdist(x.clone(), prototypes.clone());
    let neighbors = knn(x.clone(), NEIGHBORS);
    let own = nearest(x.clone(), prototypes);
    let every_distance = pairwise_sqdist(x.clone(), x.clone());
    let first = x.clone().slice([0..B, 0..MANY, 0..D]);
    let among_many = nearest(x.clone(), first);
    let (sum, count) = segment_sum(x, int(&host.labels, [B, N]), K);
    let step = bound_step(costs.clone(), z.clone(), &graph, LAMBDA, FIXED);
    let options = BoundOptions {
        lambda: LAMBDA,
        fixed: FIXED,
        max_iterations: ITERATIONS,
        tolerance: 0.0,
        pairwise_factor: 1.0,
    };
    let run = bound_loop(costs, z, &graph, &options).await?;

    let mut neighbor_values = ints("knn", neighbors.index).await?;
    neighbor_values.extend(floats("knn", neighbors.sqdist).await?);
    let mut own_values = ints("nearest", own.label).await?;
    own_values.extend(floats("nearest", own.sqdist).await?);
    let mut many_values = ints("nearest", among_many.label).await?;
    many_values.extend(floats("nearest", among_many.sqdist).await?);
    let mut segments = floats("segment_sum", sum).await?;
    segments.extend(floats("segment_sum", count).await?);
    Ok([
        digest(floats("pairwise_sqdist", distances).await?),
        digest(floats("pairwise_sqdist", every_distance).await?),
        digest(neighbor_values),
        digest(own_values),
        digest(many_values),
        digest(segments),
        digest(floats("bound_step", step.z).await?),
        digest(floats("bound_step", step.energy).await?),
        digest(floats("bound_loop", run.z).await?),
        digest(floats("bound_loop", run.energy).await?),
    ])
}

async fn floats<const R: usize>(kernel: &'static str, t: Tensor<R>) -> Result<Vec<f64>, KernelError> {
    let data = t.into_data_async().await.map_err(|e| KernelError::device(kernel, e))?;
    Ok(data.iter::<f32>().map(f64::from).collect())
}

async fn ints<const R: usize>(kernel: &'static str, t: Tensor<R, Int>) -> Result<Vec<f64>, KernelError> {
    let data = t.into_data_async().await.map_err(|e| KernelError::device(kernel, e))?;
    Ok(data.iter::<i32>().map(f64::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sqdist(x: &[f32], y: &[f32]) -> f64 {
        x.iter().zip(y).map(|(&a, &b)| f64::from(a - b) * f64::from(a - b)).sum()
    }

    /// One update of all episodes in `f64`, and the energies of `z`.
    fn update(host: &Inputs, z: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let (mut next, mut energy) = (z.to_vec(), vec![0.0; B * 3]);
        for row in 0..B * N {
            let (e, p) = (row / N, row % N);
            let mut u = [0.0; K];
            for c in 0..K {
                let pull: f64 = (2 * p..2 * p + 2)
                    .map(|edge| e * 2 * N + edge)
                    .map(|edge| f64::from(host.weight[edge]) * z[(e * N + host.col[edge] as usize) * K + c])
                    .sum();
                let (own, cost) = (z[row * K + c], f64::from(host.costs[row * K + c]));
                energy[e * 3] += own * own.max(1e-20).ln();
                energy[e * 3 + 1] += own * cost;
                energy[e * 3 + 2] += own * pull;
                u[c] = f64::from(LAMBDA) * pull - cost;
            }
            let sum: f64 = u.iter().map(|v| v.exp()).sum();
            if p >= FIXED {
                (0..K).for_each(|c| next[row * K + c] = u[c].exp() / sum);
            }
        }
        (next, energy)
    }

    #[test]
    fn the_constants_are_what_plain_loops_give() {
        let host = Inputs::new();
        let (x, p) = (&host.x, &host.prototypes);
        let row = |i: usize| &x[i * D..(i + 1) * D];
        // All distances, and label and distance of the nearest, of every row to `m` rows of `to` an episode.
        let plain = |to: &[f32], rows: usize, m: usize| {
            let (mut distances, mut labels, mut nearest) = (Vec::new(), Vec::new(), Vec::new());
            for i in 0..B * N {
                let candidates = to[i / N * rows * D..][..m * D].chunks_exact(D);
                let all: Vec<f64> = candidates.map(|m| sqdist(row(i), m)).collect();
                let best = all.iter().copied().fold(f64::INFINITY, f64::min);
                labels.push(all.iter().position(|&v| v == best).expect("a best") as f64);
                nearest.push(best);
                distances.extend(all);
            }
            labels.extend(nearest);
            (distances, labels)
        };
        let (distances, nearest) = plain(p, K, K);
        let (every_distance, _) = plain(x, N, N);
        let (_, among_many) = plain(x, N, MANY);
        let (mut index, mut near) = (Vec::new(), Vec::new());
        for i in 0..B * N {
            let base = i / N * N;
            let mut all: Vec<(f64, usize)> =
                (0..N).filter(|j| base + j != i).map(|j| (sqdist(row(i), row(base + j)), j)).collect();
            all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            index.extend(all[..NEIGHBORS].iter().map(|a| a.1 as f64));
            near.extend(all[..NEIGHBORS].iter().map(|a| a.0));
        }
        let (mut sum, mut count) = (vec![0.0; B * K * D], vec![0.0; B * K]);
        for i in 0..B * N {
            let c = host.labels[i] as usize;
            if c < K {
                count[i / N * K + c] += 1.0;
                (0..D).for_each(|d| sum[(i / N * K + c) * D + d] += f64::from(row(i)[d]));
            }
        }
        let start: Vec<f64> = host.z.iter().map(|&v| f64::from(v)).collect();
        let (next, energy) = update(&host, &start);
        let mut z = start;
        for _ in 0..ITERATIONS {
            z = update(&host, &z).0;
        }
        let last = update(&host, &z).1;
        let digests = [
            digest(distances),
            digest(every_distance),
            digest(index.into_iter().chain(near)),
            digest(nearest),
            digest(among_many),
            digest(sum.into_iter().chain(count)),
            digest(next),
            digest(energy),
            digest(z),
            digest(last),
        ];
        let wrong: Vec<String> = KNOWN
            .into_iter()
            .zip(digests)
            .filter(|((_, known, _), found)| (known - found).abs() > 1e-7)
            .map(|((kernel, ..), found)| format!("{kernel}: {found:.9}"))
            .collect();
        assert!(wrong.is_empty(), "these should be {wrong:#?}");
    }

    #[cfg(feature = "cpu")]
    #[test]
    fn the_cpu_passes_and_a_wrong_result_would_not() {
        let device = Device::flex();
        futures::executor::block_on(self_test(&device)).expect("the CPU computes rightly");
        // One entry off by a hundredth of its size moves a digest by more than is allowed.
        let distances = vec![10.0; B * N * K];
        let mut wrong = distances.clone();
        wrong[B * N * K / 2] *= 1.01;
        assert!((digest(distances) - digest(wrong)).abs() > KNOWN[0].2);
    }
}
