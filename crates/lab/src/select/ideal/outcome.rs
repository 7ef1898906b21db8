//! From recorded trials to pictures, artifacts and a report.

use super::config::{Config, Labeller};
use super::pools::Pools;
use super::trial::{Outcome, Record};
use crate::trials::put_mean;
use crate::{Context, Error};
use lowshot_core::metrics::{Interval, mean_interval};
use lowshot_core::select::ideal::Estimator;
use lowshot_protocol::{Axis, Cell, Lines, Metric, Report, Series, Table, Unit, View};
use serde_json::json;
use std::collections::BTreeMap;

/// Rows in all trials together from which on a layer of a cascade is drawn.
const LAYER_ROWS: f64 = 100.0;

/// All trials so far.
pub struct Tally<'a> {
    config: &'a Config,
    /// IDEAL first.
    names: Vec<&'static str>,
    records: BTreeMap<u64, Record>,
}

impl<'a> Tally<'a> {
    /// Starts with what is already recorded.
    pub fn new(config: &'a Config, records: BTreeMap<u64, Record>) -> Tally<'a> {
        let names = ["ideal"].into_iter().chain(config.rivals().iter().map(|rival| rival.name())).collect();
        Tally { config, names, records }
    }

    /// Counts a trial.
    pub fn add(&mut self, index: u64, record: Record) {
        self.records.insert(index, record);
    }

    /// True if a trial is done.
    pub fn has(&self, index: u64) -> bool {
        self.records.contains_key(&index)
    }

    /// Outcomes of selector number `place`.
    fn outcomes(&self, place: usize) -> impl Iterator<Item = &Outcome> {
        self.records.values().filter_map(move |record| match place {
            0 => Some(&record.ideal),
            _ => record.rivals.get(place - 1),
        })
    }

    /// Mean of a value over the trials; `None` where no trial has it.
    fn mean(&self, place: usize, value: impl Fn(&Outcome) -> Option<f64>) -> Option<Interval> {
        mean_interval(&self.outcomes(place).filter_map(value).collect::<Vec<f64>>()).ok()
    }

    /// Draws curves, table and layers.
    pub fn draw(&self, cx: &Context) {
        cx.view("influence", self.curves("rows reached", |outcome| &outcome.influence));
        cx.view("accuracy", self.curves("accuracy", |outcome| &outcome.accuracy));
        cx.view("methods", View::Table(self.table()));
        if self.config.labeller != Labeller::None {
            cx.view("layers", self.layers());
        }
    }

    fn curves(&self, label: &str, curve: impl Fn(&Outcome) -> &Vec<f64>) -> View {
        let steps = self.config.steps();
        let mut series = Vec::new();
        for (place, name) in self.names.iter().enumerate() {
            let mut curve_of = Series::new(*name, Vec::new());
            for (at, step) in steps.iter().enumerate() {
                if let Some(found) = self.mean(place, |outcome| curve(outcome).get(at).copied()) {
                    let (mean, half) = (found.mean, found.half_width);
                    curve_of.points.push([*step as f64, mean]);
                    curve_of.band.push([mean - half, mean + half]);
                }
            }
            series.push(curve_of);
        }
        View::Lines(Lines { x: Axis::new("chosen rows"), y: Axis::new(label), series })
    }

    /// Influence, accuracy and coverage of every selector at the full budget.
    fn table(&self) -> Table {
        let mut columns: Vec<String> = ["selector", "influence", "± 95 %"].map(str::to_owned).to_vec();
        let labelled = self.records.values().any(|record| !record.ideal.accuracy.is_empty());
        if labelled {
            columns.extend(["accuracy (%)", "± 95 %", "classes covered (%)"].map(str::to_owned));
        }
        let row = |(place, name): (usize, &&'static str)| {
            let influence = self.mean(place, |outcome| outcome.influence.last().copied())?;
            let mut row = vec![Cell::from(*name), influence.mean.into(), influence.half_width.into()];
            if labelled {
                let accuracy = self.mean(place, |outcome| outcome.accuracy.last().copied())?;
                let classes = self.mean(place, |outcome| Some(outcome.classes))?;
                row.extend([accuracy.mean, accuracy.half_width, classes.mean].map(|v| Cell::from(100.0 * v)));
            }
            Some(row)
        };
        let rows = self.names.iter().enumerate().filter_map(row).collect();
        let title = format!("{} rows of each pool", self.config.budget);
        Table { title, columns, rows }
    }

    /// Share of wrong labels by layer, all trials together, with the interval of a ratio over trials: rows of one
    /// trial are not independent. Deep layers have few rows; those are left out, as their share says nothing.
    fn layers(&self) -> View {
        let deepest = self.records.values().map(|record| record.annotated.len()).max().unwrap_or(0);
        let (mut points, mut band) = (Vec::new(), Vec::new());
        for layer in 0..deepest {
            let counts: Vec<(f64, f64)> = self
                .records
                .values()
                .filter_map(|record| record.annotated.get(layer))
                .map(|layer| (f64::from(layer.rows), f64::from(layer.rows - layer.right)))
                .collect();
            let rows: f64 = counts.iter().map(|(rows, _)| rows).sum();
            if rows < LAYER_ROWS {
                break;
            }
            let share = counts.iter().map(|(_, wrong)| wrong).sum::<f64>() / rows;
            let off: f64 = counts.iter().map(|(rows, wrong)| (wrong - share * rows).powi(2)).sum();
            let (x, half) = (layer as f64, 1.96 * off.sqrt() / rows);
            points.push([x, share]);
            band.push([(share - half).max(0.0), (share + half).min(1.0)]);
        }
        let series = vec![Series { band, ..Series::new("", points) }];
        let (x, y) = (Axis::new("layer of the cascade"), Axis::new("share of wrong labels"));
        View::Lines(Lines { x, y, series })
    }

    /// Selectors that are better than IDEAL in a value, by more than both intervals.
    fn winners(&self, value: impl Fn(&Outcome) -> Option<f64>) -> Vec<&'static str> {
        let Some(ours) = self.mean(0, &value) else { return Vec::new() };
        let better = |place: &usize| {
            let theirs = self.mean(*place, &value);
            theirs.is_some_and(|theirs| theirs.mean - theirs.half_width > ours.mean + ours.half_width)
        };
        (1..self.names.len()).filter(better).map(|place| self.names[place]).collect()
    }
}

/// Leaves the artifacts and makes the report from everything recorded.
pub fn report(config: &Config, pools: &Pools, tally: &Tally<'_>, cx: &Context) -> Result<Report, Error> {
    let steps = config.steps();
    let trials = tally.records.iter().map(|(index, record)| {
        let others: BTreeMap<_, _> =
            config.rivals().iter().map(|r| r.name()).zip(record.rivals.iter().map(|r| &r.selected)).collect();
        json!({
            "trial": index, "selected": record.ideal.selected, "marginal_gain": record.gains, "budget": steps,
            "influence": record.ideal.influence, "accuracy": record.ideal.accuracy, "layers": record.layers,
            "others": others,
        })
    });
    cx.artifact_json("selection.json", &trials.collect::<Vec<_>>())?;
    let mut report = cx.report();
    let records = || tally.records.values();
    if tally.records.is_empty() {
        // A shard may have no trial, if there are more shards than trials.
        return Ok(report);
    }
    let mut put = |name: &str, found: Option<Interval>, unit: Unit| {
        put_mean(&mut report, name.to_owned(), found, unit);
    };
    for (place, name) in tally.names.iter().enumerate() {
        let suffix = if place == 0 { String::new() } else { format!("_{}", name.replace('-', "_")) };
        let last = |curve: &Vec<f64>| curve.last().copied();
        put(&format!("influence{suffix}"), tally.mean(place, |o| last(&o.influence)), Unit::Count);
        put(&format!("accuracy{suffix}"), tally.mean(place, |o| last(&o.accuracy)), Unit::Fraction);
        let classes = tally.mean(place, |o| (!o.accuracy.is_empty()).then_some(o.classes));
        put(&format!("classes_covered{suffix}"), classes, Unit::Fraction);
    }
    let over = |value: &dyn Fn(&Record) -> Option<f64>| {
        mean_interval(&records().filter_map(value).collect::<Vec<f64>>()).ok()
    };
    let believed = over(&|record| Some(record.gains.iter().sum()));
    put("believed_influence", believed, Unit::Count);
    put("overlap", over(&|record| record.overlap), Unit::Fraction);
    let annotated = |record: &Record| {
        let rows: u32 = record.annotated.iter().map(|layer| layer.rows).sum();
        let right: u32 = record.annotated.iter().map(|layer| layer.right).sum();
        (rows > 0).then_some((f64::from(rows), f64::from(right)))
    };
    put("annotated", over(&|record| annotated(record).map(|(rows, _)| rows)), Unit::Count);
    let right = over(&|record| annotated(record).map(|(rows, right)| right / rows));
    put("annotation_accuracy", right, Unit::Fraction);
    let count = tally.records.len() as f64;
    report.metrics.insert("trials".into(), Metric::new(count, Unit::Count));
    let seconds = records().map(|record| record.seconds).sum::<f64>() / count;
    report.metrics.insert("selection_seconds".into(), Metric::timing(seconds, Unit::Seconds));
    report.tables.push(tally.table());
    report.notes.extend(notes(config, tally, believed));
    let (rows, degree) = (pools.size() as u64, config.successors as u64);
    let worlds = if config.estimator == Estimator::Worlds { config.diffusions } else { 0 };
    // Neighbour and similarity twice with the probability, one word and one flag a row and world.
    report.state_bytes = rows * (20 * degree + 5 * worlds.max(config.judges) as u64);
    Ok(report)
}

/// Where the method does not win, and what its own estimate is worth.
fn notes(config: &Config, tally: &Tally<'_>, believed: Option<Interval>) -> Vec<String> {
    let mut notes = Vec::new();
    let better = tally.winners(|outcome| outcome.accuracy.last().copied());
    if !better.is_empty() {
        notes.push(format!(
            "Here IDEAL is not the most accurate: {} won by more than both intervals. Influence spreads as far from a \
             sparse place as from a dense one, so the largest influence need not label most rows rightly.",
            better.join(", ")
        ));
    }
    let farther = tally.winners(|outcome| outcome.influence.last().copied());
    if !farther.is_empty() {
        notes.push(format!(
            "Even in influence IDEAL did not win: {} reached more. The estimate was too noisy; take worlds, and more \
             of them.",
            farther.join(", ")
        ));
    }
    let judged = tally.mean(0, |outcome| outcome.influence.last().copied());
    if let (Some(believed), Some(judged)) = (believed, judged)
        && believed.mean > 1.1 * judged.mean
    {
        notes.push(format!(
            "The search believed in an influence of {:.1} rows; in fresh worlds it is {:.1}. The rows were chosen for \
             what happened in its own draws. More than {} diffusions narrow the gap.",
            believed.mean, judged.mean, config.diffusions
        ));
    }
    notes
}
