//! Median times of every kernel on every device of this build, for tuning.
//!
//! ```text
//! cargo run --release -p lowshot-kernels --features wgpu --example kernel_times
//! ```

use std::hint::black_box;
use std::time::Instant;

use burn::tensor::{DType, Device, Distribution, Int, Tensor, TensorData};
use futures::executor::block_on;
use lowshot_kernels::device::{DeviceKind, open};
use lowshot_kernels::{
    BoundOptions, Csr, bound_loop, bound_step, knn, nearest, pairwise_sqdist, segment_sum,
};

/// One measurement: what is timed ends with a read of one number, so that GPUs have finished.
fn time(name: &str, runs: usize, mut f: impl FnMut() -> Tensor<1>) {
    let mut finish = || match block_on(f().into_data_async()) {
        // Bytes may arrive only when they are looked at.
        Ok(data) => black_box(data.iter::<f32>().next()),
        Err(error) => panic!("{name}: {error}"),
    };
    for _ in 0..3 {
        finish();
    }
    let mut times: Vec<f64> = (0..runs)
        .map(|_| {
            let start = Instant::now();
            finish();
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("  {name:<44} {:>12.1} µs", times[runs / 2]);
}

fn first(t: Tensor<3>) -> Tensor<1> {
    t.slice([0..1, 0..1, 0..1]).reshape([1])
}

/// The two-neighbour graph of a batch.
fn graph(x: &Tensor<3>) -> Csr {
    let [b, n, _] = x.dims();
    let device = x.device();
    let row_ptr: Vec<i32> = (0..b).flat_map(|_| (0..=n as i32).map(|p| 2 * p)).collect();
    Csr {
        row_ptr: Tensor::<2, Int>::from_data(TensorData::new(row_ptr, [b, n + 1]), (&device, DType::I32)),
        col: knn(x.clone(), 2).index.reshape([b, 2 * n]),
        weight: Tensor::ones([b, 2 * n], &device),
    }
}

fn few_shot(device: &Device, b: usize) {
    let (n, d, k) = (80, 128, 5);
    let x = Tensor::<3>::random([b, n, d], Distribution::Normal(0.0, 0.1), device);
    let p = x.clone().slice([0..b, 0..k, 0..d]);
    let csr = graph(&x);
    let costs = pairwise_sqdist(x.clone(), p.clone());
    let z = Tensor::<3>::full([b, n, k], 1.0 / k as f32, device);
    let labels = nearest(x.clone(), p.clone()).label;
    let runs = if b > 1 { 15 } else { 101 };
    println!(" {b} × 5-way 1-shot tasks, N = {n}, D = {d}");
    time("pairwise_sqdist to 5 prototypes", runs, || first(pairwise_sqdist(x.clone(), p.clone())));
    time("knn, k = 2", runs, || first(knn(x.clone(), 2).sqdist));
    time("nearest of 5", runs, || nearest(x.clone(), p.clone()).sqdist.slice([0..1, 0..1]).reshape([1]));
    time("segment_sum of 5", runs, || first(segment_sum(x.clone(), labels.clone(), k).0));
    time("bound_step", runs, || first(bound_step(costs.clone(), z.clone(), &csr, 0.7, 0).z));
    for max_iterations in [1, 20] {
        let options = BoundOptions { max_iterations, tolerance: 0.0, ..BoundOptions::default() };
        time(&format!("bound_loop, at most {max_iterations} iterations"), runs, || {
            match block_on(bound_loop(costs.clone(), z.clone(), &csr, &options)) {
                Ok(run) => first(run.z),
                Err(error) => panic!("{error}"),
            }
        });
    }
}

fn clustering(device: &Device, n: usize) {
    let (d, k) = (64, 50);
    let x = Tensor::<3>::random([1, n, d], Distribution::Default, device);
    let p = x.clone().slice([0..1, 0..k, 0..d]);
    let labels = nearest(x.clone(), p.clone()).label;
    println!(" clustering, N = {n}, D = {d}, K = {k}");
    time("nearest", 11, || nearest(x.clone(), p.clone()).sqdist.slice([0..1, 0..1]).reshape([1]));
    time("segment_sum", 11, || first(segment_sum(x.clone(), labels.clone(), k).0));
    time("one Lloyd iteration", 11, || {
        let labels = nearest(x.clone(), p.clone()).label;
        let (sum, count) = segment_sum(x.clone(), labels, k);
        first(sum / count.clamp_min(1.0).unsqueeze_dim::<3>(2))
    });
    let part = x.slice([0..1, 0..n.min(10_000), 0..d]);
    time("knn of the first 10,000, k = 4", 3, || first(knn(part.clone(), 4).sqdist));
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    for kind in [DeviceKind::Cpu, DeviceKind::Wgpu(None), DeviceKind::Cuda(None)] {
        if !wanted.is_empty() && !wanted.contains(&kind.to_string()) {
            continue;
        }
        match block_on(open(kind)) {
            Ok(open) => {
                println!("{kind}: {} ({})", open.adapter, open.backend);
                few_shot(&open.device, 1);
                few_shot(&open.device, 200);
                clustering(&open.device, if open.software { 10_000 } else { 100_000 });
            }
            Err(error) => println!("{kind}: {error}"),
        }
    }
}
