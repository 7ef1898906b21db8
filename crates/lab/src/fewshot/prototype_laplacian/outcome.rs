//! From recorded tasks to artifacts, pictures and a report.

use super::config::{Config, Rival};
use super::tasks::{HostTask, TaskSource};
use super::tune::Tuned;
use crate::{Context, Error};
use lowshot_core::metrics::mean_interval;
use lowshot_data::{Tensor, TensorData, write_safetensors};
use lowshot_protocol::{Axis, Bar, Bars, Cell, Metric, Report, Table, Unit, View};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;

/// Bytes of generated features up to which they are left as an artifact.
const GENERATED_BYTES: usize = 64 << 20;

/// What is kept of one task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Predicted label of each query.
    pub predicted: Vec<i64>,
    /// Share of right predictions.
    pub accuracy: f64,
    /// Bound updates in all.
    pub inner: u32,
    /// Prototype steps.
    pub outer: u32,
    /// Accuracy of each rival.
    pub rivals: Vec<f64>,
    /// Number of classes.
    pub classes: u32,
    /// Soft assignments of the queries, row-major.
    pub z: Vec<f32>,
    /// Prototypes, row-major.
    pub prototypes: Vec<f32>,
    /// Seconds of the solver, the task's share of its batch.
    pub seconds: f64,
}

/// Accuracies so far, for the growing bars.
pub struct Tally {
    names: Vec<String>,
    values: Vec<Vec<f64>>,
}

impl Tally {
    /// Starts with what is already recorded.
    pub fn new(config: &Config, rivals: &[Rival], recorded: impl Iterator<Item = Record>) -> Tally {
        let names: Vec<String> =
            rivals.iter().map(|r| r.name().to_owned()).chain([config.mode.name().to_owned()]).collect();
        let mut tally = Tally { values: vec![Vec::new(); names.len()], names };
        recorded.for_each(|record| tally.add(&record));
        tally
    }

    /// Counts a task.
    pub fn add(&mut self, record: &Record) {
        for (values, value) in self.values.iter_mut().zip(record.rivals.iter().chain([&record.accuracy])) {
            values.push(*value);
        }
    }

    /// The bars, the chosen mode last and highlighted.
    pub fn bars(&self) -> View {
        let bar = |(place, name): (usize, &String)| {
            let interval = mean_interval(&self.values[place]).ok()?;
            let (value, half) = (interval.mean, interval.half_width);
            Some(Bar {
                name: name.clone(),
                value,
                interval: Some([value - half, value + half]),
                highlight: place + 1 == self.names.len(),
            })
        };
        let y = Axis { label: "accuracy".to_owned(), log: false, range: Some([0.0, 1.0]) };
        View::Bars(Bars { y, bars: self.names.iter().enumerate().filter_map(bar).collect() })
    }

    /// True if a rival is better by more than both intervals.
    pub fn loses_to(&self, rival: Rival) -> bool {
        let find = |name: &str| self.names.iter().position(|n| n == name).map(|place| &self.values[place]);
        let (Some(theirs), Some(ours)) = (find(rival.name()), self.values.last()) else { return false };
        match (mean_interval(theirs), mean_interval(ours)) {
            (Ok(a), Ok(b)) => a.mean - a.half_width > b.mean + b.half_width,
            _ => false,
        }
    }
}

/// Leaves the artifacts and makes the report from everything recorded.
pub fn report(
    config: &Config,
    source: &TaskSource,
    rivals: &[Rival],
    lambda: f64,
    tuned: Option<Tuned>,
    cx: &mut Context,
) -> Result<Report, Error> {
    let records: BTreeMap<u64, Record> = cx.recorded()?;
    let tasks = records.keys().map(|index| source.task(*index)).collect::<Result<Vec<_>, Error>>()?;
    let iterates = config.mode.has_laplacian() && lambda > 0.0;
    let predictions: Vec<_> = records
        .values()
        .map(|r| {
            let iterations = if iterates { r.inner } else { r.outer };
            json!({"predicted": r.predicted, "accuracy": r.accuracy, "iterations": iterations})
        })
        .collect();
    cx.artifact_json("predictions.json", &predictions)?;
    let episodes: Vec<_> = tasks.iter().map(named).collect();
    cx.artifact_json("episodes.json", &episodes)?;
    cx.artifact("assignments.safetensors", "application/octet-stream", assignments(&records)?);
    if source.is_generated() {
        generated(&tasks, cx)?;
    }
    let mut report = cx.report();
    let values: Vec<f64> = records.values().map(|r| r.accuracy).collect();
    if values.is_empty() {
        // A shard may have no task, if there are more shards than tasks.
        return Ok(report);
    }
    let accuracy = mean_interval(&values)?;
    let fraction =
        |m: lowshot_core::metrics::Interval| Metric::with_half_width(m.mean, m.half_width, Unit::Fraction);
    let count = values.len() as f64;
    let mean = |value: fn(&Record) -> f64| records.values().map(value).sum::<f64>() / count;
    let seconds: f64 = records.values().map(|r| r.seconds).sum();
    let metrics = &mut report.metrics;
    metrics.insert("accuracy".into(), fraction(accuracy));
    metrics.insert("episodes".into(), Metric::new(count, Unit::Count));
    metrics.insert("inner_iterations".into(), Metric::new(mean(|r| f64::from(r.inner)), Unit::Count));
    metrics.insert("outer_iterations".into(), Metric::new(mean(|r| f64::from(r.outer)), Unit::Count));
    metrics.insert("episodes_per_second".into(), Metric::timing(count / seconds.max(1e-9), Unit::PerSecond));
    if config.mode.has_laplacian() {
        metrics.insert("lambda".into(), Metric::new(lambda, Unit::None));
    }
    let row = |name: &str, m: &lowshot_core::metrics::Interval| {
        vec![Cell::from(name), Cell::from(100.0 * m.mean), Cell::from(100.0 * m.half_width)]
    };
    let mut rows = vec![row(config.mode.name(), &accuracy)];
    for (place, rival) in rivals.iter().enumerate() {
        let values: Vec<f64> = records.values().filter_map(|r| r.rivals.get(place).copied()).collect();
        let interval = mean_interval(&values)?;
        rows.push(row(rival.name(), &interval));
        report.metrics.insert(format!("accuracy_{}", rival.name().replace('-', "_")), fraction(interval));
    }
    let columns = vec!["mode".to_owned(), "accuracy (%)".to_owned(), "± 95 %".to_owned()];
    report.tables.push(Table { title: "The same tasks".to_owned(), columns, rows });
    if let Some(tuned) = tuned {
        report.notes.push(tuned.note);
        report.tables.push(tuned.table);
    }
    report.state_bytes = tasks.iter().map(|t| state_bytes(t, &records, config)).max().unwrap_or(0);
    Ok(report)
}

/// A task as other implementations read it: labels as in the file it came from.
fn named(task: &HostTask) -> lowshot_data::Episode {
    let name = |labels: &[i64]| labels.iter().map(|class| task.named(*class)).collect();
    lowshot_data::Episode {
        support: task.episode.support.clone(),
        support_labels: name(&task.episode.support_labels),
        query: task.episode.query.clone(),
        query_labels: name(&task.episode.query_labels),
    }
}

/// Bytes that one task holds: assignments twice, costs, prototypes and neighbour indices, as the sheet counts them.
fn state_bytes(task: &HostTask, records: &BTreeMap<u64, Record>, config: &Config) -> u64 {
    let rows = (task.episode.support.len() + task.episode.query.len()) as u64;
    let Some(record) = records.get(&task.index) else { return 0 };
    let classes = u64::from(record.classes);
    4 * (3 * rows * classes + record.prototypes.len() as u64 + rows * (config.knn as u64 - 1))
}

/// Soft assignments and prototypes: stacked where all tasks have one size, one by one otherwise.
fn assignments(records: &BTreeMap<u64, Record>) -> Result<Vec<u8>, Error> {
    let shape = |r: &Record| {
        let classes = (r.classes as usize).max(1);
        ([r.z.len() / classes, classes], [classes, r.prototypes.len() / classes])
    };
    let mut shapes = records.values().map(shape);
    let first = shapes.next();
    let written = match first {
        Some((z, m)) if shapes.all(|other| other == (z, m)) => {
            let all_z: Vec<f32> = records.values().flat_map(|r| r.z.iter().copied()).collect();
            let all_m: Vec<f32> = records.values().flat_map(|r| r.prototypes.iter().copied()).collect();
            write_safetensors(&[
                Tensor { name: "z", shape: &[records.len(), z[0], z[1]], data: TensorData::F32(&all_z) },
                Tensor {
                    name: "prototypes",
                    shape: &[records.len(), m[0], m[1]],
                    data: TensorData::F32(&all_m),
                },
            ])
        }
        _ => {
            let names: Vec<(String, String, &Record)> =
                records.iter().map(|(i, r)| (format!("z.{i}"), format!("prototypes.{i}"), r)).collect();
            let shapes: Vec<_> = names.iter().map(|(_, _, r)| shape(r)).collect();
            let tensors: Vec<Tensor<'_>> = names
                .iter()
                .zip(&shapes)
                .flat_map(|((z, m, record), (z_shape, m_shape))| {
                    [
                        Tensor { name: z, shape: z_shape, data: TensorData::F32(&record.z) },
                        Tensor { name: m, shape: m_shape, data: TensorData::F32(&record.prototypes) },
                    ]
                })
                .collect();
            write_safetensors(&tensors)
        }
    };
    written.map_err(|e| Error::Files {
        what: "writing assignments.safetensors".to_owned(),
        problem: e.to_string(),
    })
}

/// Leaves the rows of generated tasks, so that others can be run on them.
fn generated(tasks: &[HostTask], cx: &Context) -> Result<(), Error> {
    let values: usize = tasks.iter().map(|t| t.generated().map_or(0, <[f32]>::len)).sum();
    let contiguous = tasks.first().is_some_and(|t| t.index == 0);
    if values * 4 > GENERATED_BYTES || !contiguous {
        return Ok(());
    }
    let mut rows = Vec::with_capacity(values);
    let mut labels = Vec::new();
    for task in tasks {
        rows.extend_from_slice(task.generated().unwrap_or_default());
        labels.extend(task.episode.support_labels.iter().chain(&task.episode.query_labels));
    }
    let shape = [labels.len(), rows.len() / labels.len().max(1)];
    let bytes = write_safetensors(&[
        Tensor { name: "features", shape: &shape, data: TensorData::F32(&rows) },
        Tensor { name: "labels", shape: &shape[..1], data: TensorData::I64(&labels) },
    ])
    .map_err(|e| Error::Files { what: "writing features.safetensors".to_owned(), problem: e.to_string() })?;
    cx.artifact("features.safetensors", "application/octet-stream", bytes);
    Ok(())
}
