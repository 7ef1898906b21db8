//! What people see of a trial: candidates, targets, choices, and the transport between them.

use super::config::field_error;
use super::sources::{Data, Source};
use crate::ticks::Ticks;
use crate::{Context, Error};
use lowshot_core::CoreError;
use lowshot_core::optimal_transport::SinkhornConfig;
use lowshot_core::pca::Plane;
use lowshot_core::select::{SelectionObserver, TargetPool};
use lowshot_protocol::{Axis, Edge, Point, Role, Scatter, View};
use std::ops::ControlFlow;

/// Seconds between two pictures of a run that nobody holds.
const PICTURE_SECONDS: f64 = 0.05;
/// Candidates drawn; of more, some evenly spread ones and all chosen.
const DRAWN: usize = 2000;
/// Largest plan drawn, in cells.
const PLAN_CELLS: usize = 1 << 18;
/// Share of a row's mass from which a part of the plan is drawn.
const PART: f64 = 0.2;
/// Rows from which the directions of a picture are found.
const FITTED: usize = 2000;

/// Candidates and targets of one trial in the plane, twice.
pub struct Picture {
    raw: Vec<[f64; 2]>,
    whitened: Vec<[f64; 2]>,
    candidates: usize,
    class: Vec<Option<u32>>,
    names: Vec<String>,
    chosen: Vec<bool>,
    /// From candidate to target.
    edges: Vec<(usize, usize)>,
}

impl Picture {
    /// Lays out the raw features.
    pub fn new(source: &Source, data: &Data) -> Picture {
        let candidates = data.ids.len();
        let raw = places(data.dims, &data.candidates, &data.targets);
        let (class, names) = match &data.classes {
            Some((of, targets)) => {
                let mut all: Vec<u32> = of.iter().chain(targets).copied().collect();
                let class: Vec<u32> = all.clone();
                all.sort_unstable();
                all.dedup();
                let number = |class: &u32| all.binary_search(class).ok().map(|at| at as u32);
                (
                    class.iter().map(number).collect(),
                    all.iter().map(|class| source.class_name(*class)).collect(),
                )
            }
            None => (vec![None; raw.len()], Vec::new()),
        };
        let chosen = vec![false; candidates];
        Picture { whitened: Vec::new(), raw, candidates, class, names, chosen, edges: Vec::new() }
    }

    fn scatter(&self, places: &[[f64; 2]]) -> View {
        let stride = self.candidates.div_ceil(DRAWN).max(1);
        let shown: Vec<usize> = (0..places.len())
            .filter(|row| *row >= self.candidates || row % stride == 0 || self.chosen[*row])
            .collect();
        let point = |row: &usize| Point {
            x: places[*row][0],
            y: places[*row][1],
            class: self.class[*row],
            predicted: None,
            role: match self.chosen.get(*row) {
                Some(true) => Role::Selected,
                Some(false) => Role::Query,
                None => Role::Support,
            },
        };
        let place = |row: usize| shown.binary_search(&row).ok().map(|at| at as u32);
        let edge = |(candidate, target): &(usize, usize)| {
            Some(Edge { a: place(*candidate)?, b: place(self.candidates + target)? })
        };
        View::Scatter(Scatter {
            sizes: vec![],
            x: Axis::new("first principal direction"),
            y: Axis::new("second principal direction"),
            points: shown.iter().map(point).collect(),
            edges: self.edges.iter().filter_map(edge).collect(),
            classes: self.names.clone(),
        })
    }

    fn draw(&self, cx: &Context) {
        cx.view("raw", self.scatter(&self.raw));
        if !self.whitened.is_empty() {
            cx.view("whitened", self.scatter(&self.whitened));
        }
    }
}

/// Places of candidates, then targets.
fn places(dims: usize, candidates: &[f32], targets: &[f32]) -> Vec<[f64; 2]> {
    let rows = candidates.len() / dims + targets.len() / dims;
    let stride = rows.div_ceil(FITTED).max(1);
    let all = || candidates.chunks_exact(dims).chain(targets.chunks_exact(dims));
    let fitted: Vec<f32> = all().step_by(stride).flatten().copied().collect();
    let plane = Plane::fit(&fitted, dims);
    all().map(|row| plane.project(row)).collect()
}

/// Watches a trial: keeps the run alive, and draws it if it is the first.
pub struct Watch<'a> {
    /// The run.
    pub ticks: Ticks<'a>,
    picture: Option<Picture>,
    drawing: bool,
    drawn: f64,
}

impl<'a> Watch<'a> {
    /// Shows the raw features at once, if there is a picture.
    pub fn new(cx: &'a mut Context, picture: Option<Picture>) -> Watch<'a> {
        if let Some(picture) = &picture {
            picture.draw(cx);
        }
        Watch { ticks: Ticks::new(cx), picture, drawing: false, drawn: f64::NEG_INFINITY }
    }

    /// Shows the space in which is chosen.
    pub fn spread(&mut self, pool: &TargetPool) {
        let start = self.ticks.cx.now();
        if let Some(picture) = &mut self.picture {
            let rows = |count: usize, row: &dyn Fn(usize) -> Vec<f32>| {
                (0..count).flat_map(row).collect::<Vec<f32>>()
            };
            let candidates = rows(pool.rows(), &|row| pool.candidate(row).to_vec());
            let targets = rows(pool.targets(), &|row| pool.target(row).to_vec());
            picture.whitened = places(pool.dims(), &candidates, &targets);
            picture.draw(self.ticks.cx);
        }
        self.ticks.rested(self.ticks.cx.now() - start);
    }

    /// Shows the choice, and the transport plan from it to the targets.
    pub async fn chose(
        &mut self,
        rows: &[usize],
        pool: &TargetPool,
        config: &SinkhornConfig,
    ) -> Result<(), Error> {
        let start = self.ticks.working_seconds();
        if self.picture.is_some() {
            let mut edges = Vec::new();
            let targets = pool.targets();
            if rows.len() * targets <= PLAN_CELLS {
                let found = pool.transport(rows, None, config, true, self).await;
                let plan = self.or_own_error(found)?.plan.unwrap_or_default();
                let least = PART / rows.len().max(targets) as f64;
                for (row, line) in rows.iter().zip(plan.chunks_exact(targets)) {
                    let heavy = line.iter().enumerate().filter(|(_, mass)| f64::from(**mass) > least);
                    edges.extend(heavy.map(|(target, _)| (*row, target)));
                }
            }
            if let Some(picture) = &mut self.picture {
                picture.chosen.fill(false);
                rows.iter().for_each(|row| picture.chosen[*row] = true);
                picture.edges = edges;
                picture.draw(self.ticks.cx);
            }
        }
        self.ticks.rested(self.ticks.working_seconds() - start);
        self.ticks.pass().await
    }

    /// Whether choices are drawn.
    pub fn draws(&mut self, drawing: bool) {
        self.drawing = drawing;
    }

    /// A result, or the error that broke it off.
    pub fn or_own_error<T>(&mut self, found: Result<T, CoreError>) -> Result<T, Error> {
        match self.ticks.take_error() {
            Some(error) => Err(error),
            None => found.map_err(field_error),
        }
    }
}

impl SelectionObserver for Watch<'_> {
    async fn chosen(&mut self, count: usize, row: usize, score: f64) -> ControlFlow<()> {
        let (true, Some(picture)) = (self.drawing, &mut self.picture) else {
            // Thousands of choices take no time; now and then is often enough.
            return if count.is_multiple_of(256) {
                self.ticks.go_on().await
            } else {
                ControlFlow::Continue(())
            };
        };
        let start = self.ticks.cx.now();
        picture.chosen[row] = true;
        self.ticks.cx.scalar("distance to its target", count as u64, score);
        if start - self.drawn > PICTURE_SECONDS || self.ticks.cx.stepping() {
            picture.draw(self.ticks.cx);
            self.drawn = start;
        }
        self.ticks.rested(self.ticks.cx.now() - start);
        self.ticks.go_on().await
    }

    async fn working(&mut self) -> ControlFlow<()> {
        self.ticks.go_on().await
    }
}
