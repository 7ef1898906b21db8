//! Devices to test on, random inputs, and every kernel once more as plain `f64` loops.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::sync::OnceLock;

use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use futures::executor::block_on;
use lowshot_kernels::Csr;
use lowshot_kernels::device::{DeviceKind, open};

/// Every device this build and machine have, opened once. What is missing is said; it is a failure if the
/// environment variable `LOWSHOT_REQUIRE` (`wgpu`, `cuda`, comma-separated) asks for it.
pub fn devices() -> &'static [(String, Device)] {
    static DEVICES: OnceLock<Vec<(String, Device)>> = OnceLock::new();
    DEVICES.get_or_init(|| {
        let mut found = Vec::new();
        for kind in [DeviceKind::Cpu, DeviceKind::Wgpu(None), DeviceKind::Cuda(None)] {
            match block_on(open(kind)) {
                Ok(open) => found.push((format!("{kind} ({})", open.adapter), open.device)),
                Err(error) => {
                    println!("not run on {kind}: {error}");
                    assert!(!required(&kind.to_string()), "LOWSHOT_REQUIRE names {kind}, but: {error}");
                }
            }
        }
        assert!(!found.is_empty(), "no device to test on");
        found
    })
}

/// Whether the environment variable `LOWSHOT_REQUIRE` names `what`.
pub fn required(what: &str) -> bool {
    std::env::var("LOWSHOT_REQUIRE").unwrap_or_default().split(',').any(|r| r.trim() == what)
}

/// A small deterministic generator (splitmix64).
pub struct Rng(pub u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in `0..below`.
    pub fn below(&mut self, below: usize) -> usize {
        (self.next() % below as u64) as usize
    }

    /// Uniform in -1..1.
    pub fn float(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    pub fn floats(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.float()).collect()
    }

    /// Small integers: their distances are exact in `f32` in whatever order they are summed, so ties are real ties.
    pub fn lattice(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.below(4) as f32).collect()
    }
}

pub fn float<const D: usize>(data: &[f32], shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(data.to_vec(), shape), device)
}

pub fn int<const D: usize>(data: &[i32], shape: [usize; D], device: &Device) -> Tensor<D, Int> {
    Tensor::from_data(TensorData::new(data.to_vec(), shape), (device, DType::I32))
}

pub fn read<const D: usize>(t: Tensor<D>) -> Vec<f32> {
    block_on(t.into_data_async()).expect("a float tensor").try_to_vec::<f32>().expect("f32")
}

pub fn read_int<const D: usize>(t: Tensor<D, Int>) -> Vec<i32> {
    assert_eq!(t.dtype(), DType::I32);
    block_on(t.into_data_async()).expect("an int tensor").try_to_vec::<i32>().expect("i32")
}

/// `Σ (x_i - y_j)²`.
pub fn sqdist(x: &[f32], y: &[f32]) -> f64 {
    x.iter().zip(y).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum()
}

/// Asserts that two lists agree within `atol + rtol·|expected|`.
pub fn close(what: &str, got: &[f32], expected: &[f64], rtol: f64, atol: f64) {
    assert_eq!(got.len(), expected.len(), "{what}: length");
    for (i, (&g, &e)) in got.iter().zip(expected).enumerate() {
        let g = f64::from(g);
        assert!((g - e).abs() <= atol + rtol * e.abs(), "{what}[{i}]: {g} instead of {e}");
    }
}

/// A graph of a batch on the host.
#[derive(Clone, Debug)]
pub struct HostGraph {
    pub row_ptr: Vec<i32>,
    pub col: Vec<i32>,
    pub weight: Vec<f32>,
    pub edges: usize,
    pub b: usize,
    pub n: usize,
}

impl HostGraph {
    /// Rows of 0 to 4 edges with weights in 0..1, padded to the longest episode and a bit more.
    pub fn random(rng: &mut Rng, b: usize, n: usize) -> Self {
        let mut episodes = Vec::new();
        for _ in 0..b {
            let (mut ptr, mut col, mut weight) = (vec![0i32], Vec::new(), Vec::new());
            for _ in 0..n {
                for _ in 0..rng.below(5) {
                    col.push(rng.below(n) as i32);
                    weight.push(rng.float().abs());
                }
                ptr.push(col.len() as i32);
            }
            episodes.push((ptr, col, weight));
        }
        let edges = episodes.iter().map(|e| e.1.len()).max().unwrap_or(0) + 3;
        let mut graph = HostGraph { row_ptr: vec![], col: vec![], weight: vec![], edges, b, n };
        for (ptr, mut col, mut weight) in episodes {
            col.resize(edges, 0);
            weight.resize(edges, 0.0);
            graph.row_ptr.extend(ptr);
            graph.col.extend(col);
            graph.weight.extend(weight);
        }
        graph
    }

    /// One episode from a list of directed edges of weight 1.
    pub fn from_edges(n: usize, edges: &[(usize, usize)]) -> Self {
        let (mut row_ptr, mut col) = (vec![0i32], Vec::new());
        for p in 0..n {
            col.extend(edges.iter().filter(|e| e.0 == p).map(|e| e.1 as i32));
            row_ptr.push(col.len() as i32);
        }
        let weight = vec![1.0; col.len()];
        HostGraph { row_ptr, edges: col.len(), col, weight, b: 1, n }
    }

    pub fn on(&self, device: &Device) -> Csr {
        Csr {
            row_ptr: int(&self.row_ptr, [self.b, self.n + 1], device),
            col: int(&self.col, [self.b, self.edges], device),
            weight: float(&self.weight, [self.b, self.edges], device),
        }
    }

    /// `W z` of one episode.
    pub fn times(&self, episode: usize, z: &[f64], k: usize) -> Vec<f64> {
        let mut out = vec![0.0; self.n * k];
        for p in 0..self.n {
            let ptr = &self.row_ptr[episode * (self.n + 1)..];
            for e in ptr[p] as usize..ptr[p + 1] as usize {
                let (q, w) = (self.col[episode * self.edges + e], self.weight[episode * self.edges + e]);
                for c in 0..k {
                    out[p * k + c] += f64::from(w) * z[q as usize * k + c];
                }
            }
        }
        out
    }
}

/// One bound update of one episode in `f64`: the next assignments, and entropy, unary and pairwise terms of `z`.
pub fn bound_step(
    a: &[f64],
    z: &[f64],
    k: usize,
    graph: &HostGraph,
    episode: usize,
    lambda: f64,
    fixed: usize,
) -> (Vec<f64>, [f64; 3]) {
    let pull = graph.times(episode, z, k);
    let mut energy = [0.0; 3];
    for i in 0..z.len() {
        energy[0] += z[i] * z[i].max(1e-20).ln();
        energy[1] += z[i] * a[i];
        energy[2] += z[i] * pull[i];
    }
    let mut next = z.to_vec();
    for p in fixed.min(graph.n)..graph.n {
        let u: Vec<f64> = (0..k).map(|c| lambda * pull[p * k + c] - a[p * k + c]).collect();
        let top = u.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = u.iter().map(|v| (v - top).exp()).sum();
        for c in 0..k {
            next[p * k + c] = (u[c] - top).exp() / sum;
        }
    }
    (next, energy)
}

/// Rows of `softmax(-a)`.
pub fn softmax_rows(a: &[f32], k: usize) -> Vec<f32> {
    let mut z = Vec::with_capacity(a.len());
    for row in a.chunks_exact(k) {
        let top = row.iter().copied().fold(f32::INFINITY, f32::min);
        let e: Vec<f64> = row.iter().map(|&v| f64::from(top - v).exp()).collect();
        let sum: f64 = e.iter().sum();
        z.extend(e.iter().map(|v| (v / sum) as f32));
    }
    z
}

pub fn wide(v: &[f32]) -> Vec<f64> {
    v.iter().map(|&v| f64::from(v)).collect()
}
