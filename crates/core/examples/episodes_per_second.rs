//! Few-shot tasks solved per second: 5-way 1-shot, 15 queries a class, D = 128, by default 2,000 tasks of SLK-Means.
//!
//! ```text
//! cargo run --release -p lowshot-core --example episodes_per_second [MODE] [TASKS] [DIM] [BLOCK] [ROUNDS] [THREADS]
//! ```
//!
//! Blocks of tasks are solved by `THREADS` threads (all cores by default; 1 on a GPU). `LOWSHOT_DEVICE` chooses the
//! device.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use futures::executor::block_on;
use lowshot_core::fewshot::prototype_laplacian::{Mode, PrototypeLaplacian, PrototypeLaplacianConfig};
use lowshot_core::fewshot::{Tasks, TransductiveClassifier};
use lowshot_core::metrics::{accuracy, mean_interval};
use lowshot_core::synthetic::SyntheticTasks;
use lowshot_core::{CoreError, Rng};
use lowshot_kernels::device::{DeviceKind, open};

type Block = (Tasks, Vec<Vec<i64>>);

/// Accuracy, inner and outer iterations of every task of a block.
fn solve(method: &PrototypeLaplacian, (tasks, truth): &Block) -> Result<Vec<(f64, usize, usize)>, CoreError> {
    let found = block_on(method.classify(tasks, &mut ()))?;
    let labels = block_on(found.query_labels())?;
    let iterations = block_on(found.iterations())?;
    let scored = labels.iter().zip(truth).zip(iterations);
    scored.map(|((labels, truth), (inner, outer))| Ok((accuracy(labels, truth)?, inner, outer))).collect()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: usize| -> Result<usize, Box<dyn std::error::Error>> {
        Ok(arguments.get(at).map(|text| text.parse()).transpose()?.unwrap_or(default))
    };
    let wanted = arguments.first().map_or("slk-means", String::as_str);
    let mode = Mode::ALL.into_iter().find(|mode| mode.name() == wanted).ok_or("unknown mode")?;
    let (count, dim, block) = (number(1, 2000)?, number(2, 128)?, number(3, 64)?.max(1));
    let kind: DeviceKind = std::env::var("LOWSHOT_DEVICE").as_deref().unwrap_or("cpu").parse()?;
    let device = block_on(open(kind))?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = number(5, if kind == DeviceKind::Cpu { cores } else { 1 })?.max(1);

    let make = SyntheticTasks { dim, ..Default::default() };
    let blocks: Vec<Block> = (0..count)
        .step_by(block)
        .map(|start| make.batch(&Rng::new(1), start as u64, block.min(count - start), &device.device))
        .collect::<Result<_, CoreError>>()?;
    let config = PrototypeLaplacianConfig { mode, ..Default::default() };
    let method = PrototypeLaplacian::new(config.check()?);

    for round in 0..number(4, 3)? {
        let next = AtomicUsize::new(0);
        let start = Instant::now();
        let parts: Vec<Result<Vec<(f64, usize, usize)>, CoreError>> = std::thread::scope(|scope| {
            let worker = || {
                let mut all = vec![];
                while let Some(block) = blocks.get(next.fetch_add(1, Ordering::Relaxed)) {
                    all.extend(solve(&method, block)?);
                }
                Ok(all)
            };
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
            workers.into_iter().map(|w| w.join().unwrap_or_else(|e| std::panic::resume_unwind(e))).collect()
        });
        let seconds = start.elapsed().as_secs_f64();
        let all: Vec<(f64, usize, usize)> = parts.into_iter().collect::<Result<Vec<_>, _>>()?.concat();
        let score = mean_interval(&all.iter().map(|(accuracy, ..)| *accuracy).collect::<Vec<_>>())?;
        let per_task = |total: usize| total as f64 / count as f64;
        println!(
            "round {round}: {mode} D {dim} blocks of {block}, {threads} threads on {}: {:.0} tasks/s ({:.1} µs each), \
             {:.1} outer and {:.0} inner iterations a task, accuracy {:.4} ±{:.4}",
            device.adapter,
            count as f64 / seconds,
            1e6 * seconds / count as f64,
            per_task(all.iter().map(|(_, _, outer)| outer).sum()),
            per_task(all.iter().map(|(_, inner, _)| inner).sum()),
            score.mean,
            score.half_width
        );
    }
    Ok(())
}
