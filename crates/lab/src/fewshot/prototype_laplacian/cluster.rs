//! Clustering of all rows without labels; labels, if there are any, only judge it.

use super::config::{Config, field_error};
use super::pictures::edges;
use super::tasks::{NO_BASE_MEAN, tensor};
use crate::{Context, Error, FeatureInput};
use burn::tensor::Tensor;
use lowshot_core::fewshot::prototype_laplacian::{Clustering, PrototypeClustering};
use lowshot_core::fewshot::{Normalization, Observer, Progress, Trace};
use lowshot_core::metrics::{clustering_accuracy, normalized_mutual_information};
use lowshot_core::pca::Plane;
use lowshot_core::readback;
use lowshot_data::{ClassIndex, Features, Tensor as Stored, TensorData, write_safetensors};
use lowshot_protocol::schema::FieldError;
use lowshot_protocol::{
    Axis, Bar, Bars, Cell, Edge, Lines, Metric, NoteLevel, Point, Report, Role, Scatter, Series,
};
use lowshot_protocol::{Table, Unit, View};
use serde_json::json;
use std::ops::ControlFlow;

/// Rows drawn; more cannot be told apart.
const DRAWN: usize = 1500;
/// Rows up to which each step is traced for the picture.
const TRACED: usize = 5000;
/// Bytes of soft assignments up to which they are an artifact.
const ASSIGNMENT_BYTES: usize = 256 << 20;

/// Runs a clustering.
pub async fn run(config: &Config, cx: &mut Context) -> Result<Report, Error> {
    if cx.shard().is_some_and(|shard| shard.count() > 1) {
        let problem = "is clustering, one piece of work that cannot be split over machines".to_owned();
        return Err(FieldError {
            field: "task".into(),
            problem,
            expected: "few-shot, or a run without a shard".into(),
        }
        .into());
    }
    let features = match cx.features("features").await? {
        Some(FeatureInput::Features(features)) => features,
        _ => {
            return Err(Error::Input {
                input: "features".to_owned(),
                origin: "builtin:synthetic".to_owned(),
                problem:
                    "the generator makes few-shot tasks, not one data set; take builtin:digits or a file"
                        .to_owned(),
            });
        }
    };
    if config.normalization == Normalization::Cl2n && features.base_mean().is_none() {
        cx.note(NoteLevel::Info, NO_BASE_MEAN);
    }
    let labels = features.labels().map(<[i64]>::to_vec);
    let names: Vec<String> = match features.class_index() {
        Some(index) => index.labels.iter().map(|label| features.label_name(*label)).collect(),
        None => Vec::new(),
    };
    let clusters = match (config.clusters, names.len()) {
        (0, 0 | 1) => {
            let expected = "2 or more: the features have no labels from which to take the number".to_owned();
            return Err(FieldError { field: "clusters".into(), problem: "is 0".into(), expected }.into());
        }
        (0, classes) => classes,
        (given, _) => given,
    };
    let mut picture = Picture::new(&features, labels.as_deref(), names, cx);
    let x = tensor(features, config, picture.cx)?;
    let (lambda, tuned) = match config.fixed_lambda() {
        Some(lambda) => (lambda, None),
        None => {
            let (lambda, table) = tune(config, clusters, &x, labels.as_deref(), picture.cx).await?;
            (lambda, Some(table))
        }
    };
    let params = config.cluster(clusters, lambda).check().map_err(field_error)?;
    let [rows, dims] = x.dims();
    let rng = picture.cx.rng("clustering");
    let found = PrototypeClustering::new(params).fit(x, &rng, &mut picture).await;
    if let Some(error) = picture.error.take() {
        return Err(error);
    }
    let found = found?;
    let seconds = picture.seconds_per_iteration();
    let label = readback::integers("labels", found.label.clone()).await?;
    picture.last(&label);
    let cx = picture.cx;
    let mut report = cx.report();
    let mut scores = Vec::new();
    if let Some(truth) = &labels {
        let nmi = normalized_mutual_information(&label, truth)?;
        let accuracy = clustering_accuracy(&label, truth)?;
        scores = vec![("nmi", nmi, "NMI"), ("clustering_accuracy", accuracy, "accuracy, matched")];
    }
    for (name, value, _) in &scores {
        report.metrics.insert((*name).into(), Metric::new(*value, Unit::Fraction));
    }
    let bar = |(_, value, name): &(&str, f64, &str)| Bar {
        name: (*name).to_owned(),
        value: *value,
        interval: None,
        highlight: true,
    };
    let y = Axis { label: "agreement with the labels".to_owned(), log: false, range: Some([0.0, 1.0]) };
    cx.view("accuracy", View::Bars(Bars { y, bars: scores.iter().map(bar).collect() }));
    let count = |n: usize| Metric::new(n as f64, Unit::Count);
    report.metrics.insert("inner_iterations".into(), count(found.inner_iterations));
    report.metrics.insert("outer_iterations".into(), count(found.outer_iterations));
    report.metrics.insert("clusters".into(), count(clusters));
    report.metrics.insert("energy".into(), Metric::new(found.energy, Unit::Nats));
    if config.mode.has_laplacian() {
        report.metrics.insert("lambda".into(), Metric::new(lambda, Unit::None));
    }
    if let Some(seconds) = seconds {
        report.metrics.insert("iteration_seconds".into(), Metric::timing(seconds, Unit::Seconds));
    }
    if let Some(table) = tuned {
        report.notes.push(format!("λ = {lambda} was chosen on a labelled tenth of each class."));
        report.tables.push(table);
    }
    report.state_bytes = 4 * (3 * rows * clusters + clusters * dims + rows * (config.knn - 1)) as u64;
    let accuracy = scores.get(1).map(|(_, value, _)| *value);
    let iterations = if config.mode.has_laplacian() && lambda > 0.0 {
        found.inner_iterations
    } else {
        found.outer_iterations
    };
    let prediction = json!([{"predicted": label, "accuracy": accuracy, "iterations": iterations}]);
    cx.artifact_json("predictions.json", &prediction)?;
    assignments(&found, cx).await?;
    Ok(report)
}

async fn assignments(found: &Clustering, cx: &Context) -> Result<(), Error> {
    let [clusters, dims] = found.prototypes.dims();
    let prototypes = readback::floats("prototypes", found.prototypes.clone()).await?;
    let shape = [clusters, dims];
    let mut tensors = vec![Stored { name: "prototypes", shape: &shape, data: TensorData::F32(&prototypes) }];
    let z = match &found.z {
        Some(z) if z.dims()[0] * clusters * 4 <= ASSIGNMENT_BYTES => {
            readback::floats("assignments", z.clone()).await?
        }
        _ => Vec::new(),
    };
    let z_shape = [z.len() / clusters.max(1), clusters];
    if !z.is_empty() {
        tensors.push(Stored { name: "z", shape: &z_shape, data: TensorData::F32(&z) });
    }
    let bytes = write_safetensors(&tensors).map_err(|e| Error::Files {
        what: "writing assignments.safetensors".to_owned(),
        problem: e.to_string(),
    })?;
    cx.artifact("assignments.safetensors", "application/octet-stream", bytes);
    Ok(())
}

/// Chooses λ from 0.1, 0.4, … 9.7 by the matched accuracy on a tenth of each class, as published.
async fn tune(
    config: &Config,
    clusters: usize,
    x: &Tensor<2>,
    labels: Option<&[i64]>,
    cx: &mut Context,
) -> Result<(f64, Table), Error> {
    let wrong = |expected: &str| {
        Error::from(FieldError {
            field: "lambda".into(),
            problem: "is tune".into(),
            expected: expected.into(),
        })
    };
    let labels = labels.ok_or_else(|| wrong("a number: the features have no labels to choose it by"))?;
    if !config.mode.has_laplacian() {
        return Err(wrong("a number, as this mode has no Laplacian"));
    }
    let mut rng = cx.rng("labelled tenth");
    let mut tenth = Vec::new();
    for rows in ClassIndex::new(labels).rows {
        let chosen = rng.sample(rows.len(), rows.len().div_ceil(10));
        tenth.extend(chosen.into_iter().map(|at| rows[at]));
    }
    let truth: Vec<i64> = tenth.iter().map(|row| labels[*row]).collect();
    let grid: Vec<f64> = (0..33).map(|i| f64::from(1 + 3 * i) / 10.0).collect();
    let rng = cx.rng("clustering");
    let mut best = (f64::NEG_INFINITY, grid[0]);
    let mut rows = Vec::new();
    for (place, lambda) in grid.iter().enumerate() {
        let params = config.cluster(clusters, *lambda).check().map_err(field_error)?;
        let found = PrototypeClustering::new(params).fit(x.clone(), &rng, &mut ()).await?;
        let label = readback::integers("labels", found.label).await?;
        let part: Vec<i64> = tenth.iter().map(|row| label[*row]).collect();
        let accuracy = clustering_accuracy(&part, &truth)?;
        rows.push(vec![Cell::from(*lambda), Cell::from(100.0 * accuracy)]);
        if accuracy > best.0 {
            best = (accuracy, *lambda);
        }
        cx.progress(place as u64 + 1, grid.len() as u64, "values of λ");
        cx.tick().await?;
    }
    let columns = vec!["λ".to_owned(), "accuracy on the labelled tenth (%)".to_owned()];
    Ok((best.1, Table { title: "λ on a labelled tenth of each class".to_owned(), columns, rows }))
}

/// Draws a clustering, and is where it can be held or stopped.
struct Picture<'a> {
    cx: &'a mut Context,
    places: Vec<[f64; 2]>,
    rows: Vec<usize>,
    total: usize,
    truth: Option<Vec<u32>>,
    names: Vec<String>,
    edges: Option<Vec<Edge>>,
    energy: Vec<[f64; 2]>,
    times: Vec<f64>,
    error: Option<Error>,
}

impl<'a> Picture<'a> {
    fn new(
        features: &Features,
        labels: Option<&[i64]>,
        names: Vec<String>,
        cx: &'a mut Context,
    ) -> Picture<'a> {
        let (total, dims) = (features.rows(), features.dims());
        // Evenly spread, so that the same data give the same picture.
        let count = total.min(DRAWN);
        let rows: Vec<usize> = (0..count).map(|i| i * total / count).collect();
        let values: Vec<f32> = rows.iter().filter_map(|row| features.row(*row)).flatten().copied().collect();
        let plane = Plane::fit(&values, dims);
        let places = values.chunks_exact(dims).map(|row| plane.project(row)).collect();
        let truth = labels.map(|labels| {
            let classes = ClassIndex::new(labels).labels;
            rows.iter()
                .map(|row| classes.binary_search(&labels[*row]).map_or(0, |class| class as u32))
                .collect()
        });
        Picture {
            cx,
            places,
            rows,
            total,
            truth,
            names,
            edges: None,
            energy: vec![],
            times: vec![],
            error: None,
        }
    }

    fn seconds_per_iteration(&self) -> Option<f64> {
        let (first, last) = (self.times.first()?, self.times.last()?);
        (self.times.len() > 1).then(|| (last - first) / (self.times.len() - 1) as f64)
    }

    fn last(&mut self, label: &[i64]) {
        let view = self.scatter(label);
        self.cx.view("points", view);
        let series = Series::new("objective", self.energy.clone());
        let (x, y) = (Axis::new("iteration"), Axis::new("energy"));
        self.cx.view("objective", View::Lines(Lines { x, y, series: vec![series] }));
    }

    fn scatter(&self, label: &[i64]) -> View {
        let point = |(at, row): (usize, &usize)| {
            let [x, y] = self.places[at];
            let cluster = label.get(*row).and_then(|l| u32::try_from(*l).ok());
            // Without labels the cluster is the colour; with them the outline.
            let class = self.truth.as_ref().map_or(cluster, |truth| Some(truth[at]));
            let predicted = self.truth.as_ref().and(cluster);
            Point { x, y, class, predicted, role: Role::Query }
        };
        View::Scatter(Scatter {
            x: Axis::new("first principal direction"),
            y: Axis::new("second principal direction"),
            points: self.rows.iter().enumerate().map(point).collect(),
            edges: self.edges.clone().unwrap_or_default(),
            classes: self.names.clone(),
            sizes: vec![],
        })
    }

    async fn step(&mut self, trace: Trace<'_>) -> Result<(), Error> {
        // Edges are drawn where every row is.
        if self.edges.is_none() && self.total == self.rows.len() {
            self.edges = Some(match trace.graph {
                Some(graph) if self.total <= 400 => edges(graph, 0).await?,
                _ => Vec::new(),
            });
        }
        if self.cx.stepping() {
            let label = readback::integers("labels", trace.label.clone()).await?;
            self.last(&label);
        }
        self.cx.tick().await
    }
}

impl Observer for Picture<'_> {
    fn traces(&self) -> bool {
        self.total <= TRACED && self.cx.stepping()
    }

    async fn progress(&mut self, progress: Progress) -> ControlFlow<()> {
        self.times.push(self.cx.now());
        self.energy.push([progress.outer as f64 + 1.0, progress.energy]);
        self.cx.scalar("objective", progress.outer as u64 + 1, progress.energy);
        self.cx.progress(progress.outer as u64 + 1, 0, "iterations");
        match self.cx.tick().await {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.error = Some(error);
                ControlFlow::Break(())
            }
        }
    }

    async fn trace(&mut self, trace: Trace<'_>) -> ControlFlow<()> {
        match self.step(trace).await {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.error = Some(error);
                ControlFlow::Break(())
            }
        }
    }
}
