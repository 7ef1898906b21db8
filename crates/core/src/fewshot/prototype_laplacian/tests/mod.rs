//! The checks of the method's sheet, its invariants, and comparison with a plain f64 oracle.

mod clustering;
mod oracle;
mod ordering;
mod properties;
mod sheet;
mod solver;

use std::ops::ControlFlow;

use burn::tensor::{Device, Int, Tensor, TensorData};
use futures::executor::block_on;

use super::*;
use crate::Rng;
use crate::fewshot::{Assignments, Observer, Stage, Tasks, Trace, TransductiveClassifier};
use crate::readback;

fn device() -> Device {
    Device::flex()
}

fn tensor<const D: usize>(values: &[f32], shape: [usize; D]) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), &device())
}

fn ints<const D: usize>(values: &[i32], shape: [usize; D]) -> Tensor<D, Int> {
    readback::indices(values.to_vec(), shape, &device())
}

fn values<const D: usize>(t: &Tensor<D>) -> Vec<f32> {
    block_on(readback::floats("test", t.clone())).unwrap()
}

fn int_values<const D: usize>(t: &Tensor<D, Int>) -> Vec<i64> {
    block_on(readback::integers("test", t.clone())).unwrap()
}

fn classify(config: &PrototypeLaplacianConfig, tasks: &Tasks) -> Assignments {
    block_on(PrototypeLaplacian::new(config.check().unwrap()).classify(tasks, &mut ())).unwrap()
}

#[track_caller]
fn assert_close(found: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        assert!((f64::from(*f) - e).abs() <= tolerance, "at {i}: {f} instead of {e} in {found:?}");
    }
}

/// One random task: `support` rows a class around its own centre, then `query` rows of random classes.
fn random_task(seed: u64, classes: usize, shots: usize, query: usize, dim: usize) -> (Vec<f32>, Vec<i32>) {
    let mut rng = Rng::new(seed).split("test task");
    let centres: Vec<f64> = (0..classes * dim).map(|_| 1.5 * rng.normal()).collect();
    let labels: Vec<usize> =
        (0..classes * shots).map(|i| i / shots).chain((0..query).map(|_| rng.below(classes))).collect();
    let rows = labels
        .iter()
        .flat_map(|c| (0..dim).map(|d| centres[c * dim + d]).collect::<Vec<_>>())
        .map(|centre| (centre + rng.normal()) as f32)
        .collect();
    (rows, labels[..classes * shots].iter().map(|l| *l as i32).collect())
}

/// Several random tasks of one size.
fn random_tasks(seed: u64, count: usize, classes: usize, shots: usize, query: usize, dim: usize) -> Tasks {
    let (mut rows, mut labels) = (vec![], vec![]);
    for task in 0..count as u64 {
        let (r, l) = random_task(seed * 1000 + task, classes, shots, query, dim);
        rows.extend(r);
        labels.extend(l);
    }
    let n = classes * shots + query;
    Tasks::new(tensor(&rows, [count, n, dim]), ints(&labels, [count, classes * shots]), classes).unwrap()
}

/// Keeps what it is shown.
#[derive(Default)]
struct Recorder {
    steps: Vec<Recorded>,
    stop_after: Option<usize>,
}

struct Recorded {
    stage: Stage,
    relaxed: Vec<f64>,
    printed: Vec<f64>,
}

impl Observer for Recorder {
    fn traces(&self) -> bool {
        true
    }

    async fn trace(&mut self, trace: Trace<'_>) -> ControlFlow<()> {
        self.steps.push(Recorded {
            stage: trace.stage,
            relaxed: trace.relaxed.to_vec(),
            printed: trace.printed.to_vec(),
        });
        if self.stop_after == Some(self.steps.len()) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}
