//! Seconds to cluster generated rows: by default k-means of 100,000 × 64 into 50 clusters, 20 iterations.
//!
//! ```text
//! cargo run --release -p lowshot-core --example clustering_seconds [MODE] [ROWS] [DIM] [CLUSTERS] [ITERATIONS]
//! ```

use std::ops::ControlFlow;
use std::time::Instant;

use burn::tensor::{Tensor, TensorData};
use futures::executor::block_on;
use lowshot_core::Rng;
use lowshot_core::fewshot::prototype_laplacian::{ClusterConfig, Mode, PrototypeClustering};
use lowshot_core::fewshot::{Observer, Progress};
use lowshot_core::metrics::clustering_accuracy;
use lowshot_core::readback::integers;
use lowshot_kernels::device::{DeviceKind, open};

/// Prints when the first iteration ended: what came before is the graph and the seeds.
struct Clock(Instant, Option<f64>);

impl Observer for Clock {
    async fn progress(&mut self, _: Progress) -> ControlFlow<()> {
        self.1.get_or_insert(self.0.elapsed().as_secs_f64());
        ControlFlow::Continue(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: usize| -> Result<usize, Box<dyn std::error::Error>> {
        Ok(arguments.get(at).map(|text| text.parse()).transpose()?.unwrap_or(default))
    };
    let wanted = arguments.first().map_or("k-means", String::as_str);
    let mode = Mode::ALL.into_iter().find(|mode| mode.name() == wanted).ok_or("unknown mode")?;
    let (rows, dim, clusters, iterations) =
        (number(1, 100_000)?, number(2, 64)?, number(3, 50)?, number(4, 20)?);
    let kind: DeviceKind = std::env::var("LOWSHOT_DEVICE").as_deref().unwrap_or("cpu").parse()?;
    let device = block_on(open(kind))?;

    let mut rng = Rng::new(1).split("rows");
    let centres: Vec<f64> = (0..clusters * dim).map(|_| rng.normal()).collect();
    let truth: Vec<i64> = (0..rows).map(|row| (row % clusters) as i64).collect();
    let mut values = Vec::with_capacity(rows * dim);
    for row in 0..rows {
        let centre = &centres[row % clusters * dim..][..dim];
        values.extend(centre.iter().map(|c| (c + 1.5 * rng.normal()) as f32));
    }
    let x = Tensor::<2>::from_data(TensorData::new(values, [rows, dim]), &device.device);
    let config =
        ClusterConfig { mode, clusters, max_outer: iterations, tol_outer: 0.0, ..Default::default() };
    let method = PrototypeClustering::new(config.check()?);
    for round in 0..3 {
        let mut clock = Clock(Instant::now(), None);
        let found = block_on(method.fit(x.clone(), &Rng::new(round), &mut clock))?;
        let label = block_on(integers("labels", found.label))?;
        let (all, first) = (clock.0.elapsed().as_secs_f64(), clock.1.unwrap_or(0.0));
        let outer = found.outer_iterations;
        println!(
            "round {round}: {mode} {rows} × {dim}, {clusters} clusters on {}: {all:.3} s, of which {first:.3} s to the end \
             of the first iteration; {outer} outer ({:.1} ms each after the first) and {} inner iterations, energy \
             {:.6}, accuracy {:.4}",
            device.adapter,
            1e3 * (all - first) / (outer.max(2) - 1) as f64,
            found.inner_iterations,
            found.energy,
            clustering_accuracy(&label, &truth)?
        );
    }
    Ok(())
}
