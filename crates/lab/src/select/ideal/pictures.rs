//! What people see of a trial: the pool, the choices, a cascade.

use super::pools::{Pool, Pools};
use super::trial::Graphs;
use crate::ticks::Ticks;
use crate::{Context, Error};
use lowshot_core::pca::Plane;
use lowshot_core::select::SelectionObserver;
use lowshot_protocol::{Axis, Edge, Point, Role, Scatter, View};
use std::ops::ControlFlow;

/// Seconds between two pictures of a run that nobody holds.
const PICTURE_SECONDS: f64 = 0.05;
/// Edges drawn from each row, to its nearest.
const EDGES: usize = 3;
/// Steps of a cascade that have a colour of their own.
const STEPS: usize = 8;

/// The pool of one trial in the plane.
pub struct Picture {
    places: Vec<[f64; 2]>,
    class: Vec<Option<u32>>,
    /// The label of each class.
    labels: Vec<i64>,
    names: Vec<String>,
    edges: Vec<Edge>,
    chosen: Vec<bool>,
    predicted: Vec<Option<u32>>,
}

impl Picture {
    /// Lays out a pool.
    pub fn new(pools: &Pools, pool: &Pool, graphs: &Graphs) -> Picture {
        let rows = pool.rows.rows();
        let plane = Plane::fit(pool.rows.data(), pool.rows.dims());
        let labels = pool.classes();
        let number = |label: &i64| labels.binary_search(label).ok().map(|at| at as u32);
        let class = match &pool.labels {
            Some(of) => of.iter().map(number).collect(),
            None => vec![None; rows],
        };
        let edges = (0..rows).flat_map(|row| {
            let to = graphs.nearest.neighbors(row).iter().take(EDGES);
            to.map(move |to| Edge { a: row as u32, b: *to })
        });
        Picture {
            places: (0..rows).map(|row| plane.project(pool.rows.row(row))).collect(),
            class,
            names: labels.iter().map(|label| pools.label_name(*label)).collect(),
            labels,
            edges: edges.collect(),
            chosen: vec![false; rows],
            predicted: vec![None; rows],
        }
    }

    /// The pool, classes and choices.
    fn points(&self) -> View {
        self.scatter(&self.class, &self.predicted, self.names.clone())
    }

    /// The pool coloured by the step in which a row was reached.
    fn reached(&self, layers: &[Vec<usize>]) -> View {
        let mut names = vec!["chosen".to_owned()];
        names.extend((1..STEPS).map(|step| format!("step {step}")));
        names.push(format!("step {STEPS} or later"));
        names.push("not reached".to_owned());
        // Class number 9 is grey, so what was not reached keeps to the background.
        let mut class = vec![Some(names.len() as u32 - 1); self.places.len()];
        for (step, layer) in layers.iter().enumerate() {
            for row in layer {
                class[*row] = Some(step.min(STEPS) as u32);
            }
        }
        self.scatter(&class, &vec![None; class.len()], names)
    }

    fn scatter(&self, class: &[Option<u32>], predicted: &[Option<u32>], classes: Vec<String>) -> View {
        let point = |(row, [x, y]): (usize, &[f64; 2])| Point {
            x: *x,
            y: *y,
            class: class[row],
            predicted: predicted[row],
            role: if self.chosen[row] { Role::Selected } else { Role::Query },
        };
        View::Scatter(Scatter {
            sizes: vec![],
            x: Axis::new("first principal direction"),
            y: Axis::new("second principal direction"),
            points: self.places.iter().enumerate().map(point).collect(),
            edges: self.edges.clone(),
            classes,
        })
    }
}

/// Watches selections: keeps the run alive, and draws those of one trial.
pub struct Watch<'a> {
    /// The run.
    pub ticks: Ticks<'a>,
    picture: Option<Picture>,
    drawing: bool,
    drawn: f64,
}

impl<'a> Watch<'a> {
    /// Shows the empty picture at once, if there is one.
    pub fn new(cx: &'a mut Context, picture: Option<Picture>) -> Watch<'a> {
        if let Some(picture) = &picture {
            cx.view("points", picture.points());
        }
        Watch { ticks: Ticks::new(cx), picture, drawing: false, drawn: f64::NEG_INFINITY }
    }

    /// Whether choices are drawn; the last state is shown when that ends.
    pub fn draws(&mut self, drawing: bool) {
        self.drawing = drawing;
        if let (false, Some(picture)) = (drawing, &self.picture) {
            self.ticks.cx.view("points", picture.points());
        }
    }

    /// Shows a cascade, layer after layer.
    pub async fn cascade(&mut self, layers: &[Vec<usize>]) -> Result<(), Error> {
        for step in 1..=layers.len() {
            let Some(picture) = &self.picture else { return Ok(()) };
            if step == 1 || step == layers.len() || self.ticks.cx.stepping() {
                self.ticks.cx.view("cascade", picture.reached(&layers[..step]));
                self.ticks.pass().await?;
            }
        }
        Ok(())
    }

    /// Shows labels that were handed on, as outlines.
    pub fn annotated(&mut self, found: &[Option<i64>]) {
        let Some(picture) = &mut self.picture else { return };
        let number = |label: &i64| picture.labels.binary_search(label).ok().map(|at| at as u32);
        picture.predicted = found.iter().map(|label| label.as_ref().and_then(number)).collect();
        self.ticks.cx.view("points", picture.points());
    }
}

impl SelectionObserver for Watch<'_> {
    async fn chosen(&mut self, count: usize, row: usize, score: f64) -> ControlFlow<()> {
        let start = self.ticks.cx.now();
        if let (true, Some(picture)) = (self.drawing, &mut self.picture) {
            picture.chosen[row] = true;
            self.ticks.cx.scalar("gain", count as u64, score);
            if start - self.drawn > PICTURE_SECONDS || self.ticks.cx.stepping() {
                self.ticks.cx.view("points", picture.points());
                self.drawn = start;
            }
        }
        self.ticks.rested(self.ticks.cx.now() - start);
        self.ticks.go_on().await
    }

    async fn working(&mut self) -> ControlFlow<()> {
        self.ticks.go_on().await
    }
}
