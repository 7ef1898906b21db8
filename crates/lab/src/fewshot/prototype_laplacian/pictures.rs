//! One task step by step: points in the plane, and the objective.

use super::tasks::HostTask;
use crate::{Context, Error};
use burn::tensor::{Int, Tensor};
use lowshot_core::CoreError;
use lowshot_core::fewshot::{Observer, Stage, Tasks, Trace};
use lowshot_core::pca::Plane;
use lowshot_core::readback;
use lowshot_kernels::Csr;
use lowshot_protocol::{Axis, Edge, Lines, Point, Role, Scatter, Series, View};
use std::ops::ControlFlow;

/// Seconds between two pictures of a run that nobody holds.
const PICTURE_SECONDS: f64 = 0.05;

/// Draws the steps of one task.
pub struct TaskPicture<'a> {
    cx: &'a mut Context,
    plane: Plane,
    rows: Vec<f32>,
    dims: usize,
    support: usize,
    truth: Vec<u32>,
    classes: Vec<String>,
    edges: Option<Vec<Edge>>,
    relaxed: Vec<[f64; 2]>,
    printed: Vec<[f64; 2]>,
    scatter: Option<View>,
    drawn: f64,
    error: Option<Error>,
}

impl<'a> TaskPicture<'a> {
    /// Prepares the picture of a batch of one task.
    pub async fn new(batch: &Tasks, task: &HostTask, cx: &'a mut Context) -> Result<TaskPicture<'a>, Error> {
        let [_, _, dims] = batch.x.dims();
        let rows = readback::floats("features", batch.x.clone()).await?;
        let labels = task.episode.support_labels.iter().chain(&task.episode.query_labels);
        Ok(TaskPicture {
            plane: Plane::fit(&rows, dims),
            rows,
            dims,
            support: batch.support,
            truth: labels.map(|l| u32::try_from(*l).unwrap_or(0)).collect(),
            classes: task.classes.iter().map(|label| format!("class {label}")).collect(),
            edges: None,
            relaxed: Vec::new(),
            printed: Vec::new(),
            scatter: None,
            drawn: f64::NEG_INFINITY,
            error: None,
            cx,
        })
    }

    /// The error that ended the run, if one did.
    pub fn take_error(&mut self) -> Option<Error> {
        self.error.take()
    }

    /// Shows the last state, which may have been passed over.
    pub fn finish(&mut self) {
        if let Some(view) = self.scatter.take() {
            self.cx.view("points", view);
        }
        if !self.relaxed.is_empty() {
            self.cx.view("objective", self.objective());
        }
    }

    async fn step(&mut self, trace: Trace<'_>) -> Result<(), Error> {
        if let (Stage::Inner { .. }, [relaxed, ..], [printed, ..]) =
            (trace.stage, trace.relaxed, trace.printed)
        {
            let step = self.relaxed.len() as f64 + 1.0;
            self.relaxed.push([step, *relaxed]);
            self.printed.push([step, *printed]);
            self.cx.scalar("objective", step as u64, *relaxed);
        }
        let now = self.cx.now();
        let due = now - self.drawn > PICTURE_SECONDS || self.cx.stepping();
        if due || !matches!(trace.stage, Stage::Inner { .. }) {
            let view = self.scatter(trace).await?;
            if due {
                self.cx.view("points", view);
                self.scatter = None;
                if !self.relaxed.is_empty() {
                    self.cx.view("objective", self.objective());
                }
                self.drawn = now;
            } else {
                self.scatter = Some(view);
            }
        }
        self.cx.tick().await
    }

    async fn scatter(&mut self, trace: Trace<'_>) -> Result<View, CoreError> {
        let [_, count, _] = trace.x.dims();
        let points = readback::floats("points", trace.x.clone()).await?;
        let labels = readback::integers("labels", trace.label.clone()).await?;
        let prototypes = readback::floats("prototypes", trace.prototypes.clone()).await?;
        // LaplacianShot works on the queries alone; the support is drawn all the same.
        let first = self.truth.len().saturating_sub(count);
        if self.edges.is_none() {
            self.edges = Some(match trace.graph {
                Some(graph) => edges(graph, first).await?,
                None => Vec::new(),
            });
        }
        let place = |row: &[f32], class: Option<u32>, predicted: Option<u32>, role: Role| {
            let [x, y] = self.plane.project(row);
            Point { x, y, class, predicted, role }
        };
        let mut drawn = Vec::with_capacity(self.truth.len() + self.classes.len());
        for at in 0..self.truth.len() {
            let moved = at.checked_sub(first).and_then(|i| points.get(i * self.dims..(i + 1) * self.dims));
            let row = moved.or(self.rows.get(at * self.dims..(at + 1) * self.dims)).unwrap_or_default();
            let class = Some(self.truth[at]);
            if at < self.support {
                drawn.push(place(row, class, class, Role::Support));
            } else {
                // Labels cover all rows, or the queries alone.
                let label = labels.get(at - (self.truth.len().saturating_sub(labels.len())));
                drawn.push(place(row, class, label.and_then(|l| u32::try_from(*l).ok()), Role::Query));
            }
        }
        for (class, row) in prototypes.chunks_exact(self.dims.max(1)).enumerate() {
            drawn.push(place(row, Some(class as u32), None, Role::Prototype));
        }
        Ok(View::Scatter(Scatter {
            x: Axis::new("first principal direction"),
            y: Axis::new("second principal direction"),
            points: drawn,
            edges: self.edges.clone().unwrap_or_default(),
            classes: self.classes.clone(),
            sizes: vec![],
        }))
    }

    fn objective(&self) -> View {
        View::Lines(Lines {
            x: Axis::new("bound update"),
            y: Axis::new("energy (nats)"),
            series: vec![
                Series::new("objective R (λ/2)", self.relaxed.clone()),
                Series::new("energy as printed by the official code (λ)", self.printed.clone()),
            ],
        })
    }
}

/// Says in place of the objective that the mode has none.
pub fn no_objective(cx: &Context) {
    let y = Axis::new("energy (nats)");
    cx.view("objective", View::Lines(Lines { x: Axis::new("bound update"), y, series: Vec::new() }));
}

/// The edges of the first graph of a batch, node numbers shifted by `first`.
pub async fn edges(graph: &Csr, first: usize) -> Result<Vec<Edge>, CoreError> {
    let row_ptr: Tensor<2, Int> = graph.row_ptr.clone();
    let [_, rows] = row_ptr.dims();
    let starts = readback::integers("graph rows", row_ptr.slice([0..1, 0..rows])).await?;
    let [_, stored] = graph.col.dims();
    let cols = readback::integers("graph columns", graph.col.clone().slice([0..1, 0..stored])).await?;
    let mut edges = Vec::new();
    for row in 0..rows.saturating_sub(1) {
        for at in starts[row]..starts[row + 1] {
            let Some(col) = usize::try_from(at).ok().and_then(|at| cols.get(at)) else { continue };
            let (a, b) = (row + first, *col as usize + first);
            // A self-loop of the monotone mode has nothing to draw.
            if a != b {
                edges.push(Edge { a: a as u32, b: b as u32 });
            }
        }
    }
    Ok(edges)
}

impl Observer for TaskPicture<'_> {
    fn traces(&self) -> bool {
        true
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
