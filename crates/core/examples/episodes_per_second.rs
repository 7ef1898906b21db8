//! Few-shot tasks solved per second: 5-way 1-shot, 15 queries a class, D = 128, by default 2,000 tasks of SLK-Means.
//!
//! ```text
//! cargo run --release -p lowshot-core --example episodes_per_second [MODE] [TASKS] [DIM] [BLOCK] [ROUNDS]
//! ```

use std::time::Instant;

use futures::executor::block_on;
use lowshot_core::fewshot::prototype_laplacian::{Mode, PrototypeLaplacian, PrototypeLaplacianConfig};
use lowshot_core::fewshot::{Tasks, TransductiveClassifier};
use lowshot_core::metrics::{accuracy, mean_interval};
use lowshot_core::synthetic::SyntheticTasks;
use lowshot_core::{CoreError, Rng};
use lowshot_kernels::device::{DeviceKind, open};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: usize| -> Result<usize, Box<dyn std::error::Error>> {
        Ok(arguments.get(at).map(|text| text.parse()).transpose()?.unwrap_or(default))
    };
    let wanted = arguments.first().map_or("slk-means", String::as_str);
    let mode = Mode::ALL.into_iter().find(|mode| mode.name() == wanted).ok_or("unknown mode")?;
    let (count, dim, block) = (number(1, 2000)?, number(2, 128)?, number(3, 250)?.max(1));
    let device =
        block_on(open(std::env::var("LOWSHOT_DEVICE").as_deref().unwrap_or("cpu").parse::<DeviceKind>()?))?;

    let make = SyntheticTasks { dim, ..Default::default() };
    let blocks: Vec<(Tasks, Vec<Vec<i64>>)> = (0..count)
        .step_by(block)
        .map(|start| make.batch(&Rng::new(1), start as u64, block.min(count - start), &device.device))
        .collect::<Result<_, CoreError>>()?;
    let config = PrototypeLaplacianConfig { mode, ..Default::default() };
    let method = PrototypeLaplacian::new(config.check()?);

    for round in 0..number(4, 3)? {
        let (mut scores, mut inner, mut outer) = (vec![], 0, 0);
        let start = Instant::now();
        for (tasks, truth) in &blocks {
            let found = block_on(method.classify(tasks, &mut ()))?;
            for (labels, truth) in block_on(found.query_labels())?.iter().zip(truth) {
                scores.push(accuracy(labels, truth)?);
            }
            for (i, o) in block_on(found.iterations())? {
                (inner, outer) = (inner + i, outer + o);
            }
        }
        let seconds = start.elapsed().as_secs_f64();
        let score = mean_interval(&scores)?;
        println!(
            "round {round}: {mode} D {dim} block {block} on {}: {:.0} tasks/s ({:.1} µs each), \
             {:.1} outer and {:.0} inner iterations a task, accuracy {:.4} ±{:.4}",
            device.adapter,
            count as f64 / seconds,
            1e6 * seconds / count as f64,
            outer as f64 / count as f64,
            inner as f64 / count as f64,
            score.mean,
            score.half_width
        );
    }
    Ok(())
}
