//! From recorded trials to pictures, artifacts and a report.

use super::config::{Config, Rival};
use super::tasks::Tasks;
use super::trial::{Found, Record};
use crate::trials::put_mean;
use crate::{Context, Error};
use lowshot_core::metrics::{Interval, mean_interval};
use lowshot_core::select::lasso_amtrl::{Schedule, Strategy};
use lowshot_protocol::{Axis, Bar, Bars, Cell, Lines, Metric, Report, Series, Table, Unit, View};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// All trials so far.
pub struct Tally<'a> {
    config: &'a Config,
    tasks: &'a Tasks,
    rivals: Vec<Rival>,
    records: BTreeMap<u64, Record>,
}

impl<'a> Tally<'a> {
    /// Starts with what is already recorded.
    pub fn new(config: &'a Config, tasks: &'a Tasks, records: BTreeMap<u64, Record>) -> Tally<'a> {
        Tally { config, tasks, rivals: config.rivals(tasks.generated()), records }
    }

    /// Counts a trial.
    pub fn add(&mut self, index: u64, record: Record) {
        self.records.insert(index, record);
    }

    fn mean(&self, value: &dyn Fn(&Record) -> Option<f64>) -> Option<Interval> {
        let mut values = Vec::with_capacity(self.records.len());
        for record in self.records.values() {
            values.extend(value(record));
        }
        mean_interval(&values).ok()
    }

    fn of(&self, place: usize, value: &dyn Fn(&Found) -> Option<f64>) -> Option<Interval> {
        self.mean(&|record| record.found.get(place).and_then(value))
    }

    fn measure(&self) -> &'static str {
        if self.tasks.generated() { "excess risk of the target" } else { "test error of the target" }
    }

    /// Draws curves, bars and table.
    pub fn draw(&self, cx: &Context) {
        cx.view("error", self.curves());
        cx.view("strategies", self.bars());
        if self.tasks.generated() {
            cx.view("variance", self.variances());
        }
        cx.view("table", View::Table(self.table()));
    }

    fn curves(&self) -> View {
        let budgets = self.config.budgets();
        let mut all = Vec::new();
        for (place, rival) in self.rivals.iter().enumerate() {
            let mut series = Series::new(rival.name(), Vec::new());
            for (at, budget) in budgets.iter().enumerate() {
                if let Some(i) = self.of(place, &|found| found.error.get(at).copied()) {
                    series.points.push([*budget, i.mean]);
                    series.band.push([(i.mean - i.half_width).max(0.0), i.mean + i.half_width]);
                }
            }
            all.push(series);
        }
        if let Some(i) = self.mean(&|record| Some(record.alone.0)) {
            let points = budgets.iter().map(|budget| [*budget, i.mean]).collect();
            all.push(Series::new("target only", points));
        }
        View::Lines(Lines { x: Axis::new("budget"), y: Axis::new(self.measure()), series: all })
    }

    fn bars(&self) -> View {
        let mut bars = Vec::new();
        for (place, rival) in self.rivals.iter().enumerate() {
            if let Some(i) = self.of(place, &last_error) {
                bars.push(bar(rival.name(), i, place == 0));
            }
        }
        if let Some(i) = self.mean(&|record| Some(record.alone.0)) {
            bars.push(bar("target only", i, false));
        }
        View::Bars(Bars { y: Axis::new(self.measure()), bars })
    }

    /// V(n) beside the part of the measured error that the sources are to blame for.
    fn variances(&self) -> View {
        let mut bars = Vec::new();
        for (place, rival) in self.rivals.iter().enumerate() {
            if let Some(i) = self.of(place, &last_variance) {
                bars.push(bar(rival.name(), i, place == 0));
            }
        }
        View::Bars(Bars { y: Axis::new("V(n)"), bars })
    }

    fn table(&self) -> Table {
        let mut columns = vec!["strategy".to_owned(), self.measure().to_owned(), "± 95 %".to_owned()];
        let extra = if self.tasks.generated() { "1000 · V(n)" } else { "balanced error" };
        columns.extend([extra.to_owned(), "tasks paid for".to_owned()]);
        let mut rows = Vec::new();
        for (place, rival) in self.rivals.iter().enumerate() {
            let Some(i) = self.of(place, &last_error) else { continue };
            let other = if self.tasks.generated() {
                self.of(place, &last_variance).map_or(f64::NAN, |v| 1000.0 * v.mean)
            } else {
                self.of(place, &|found| found.balanced.last().copied()).map_or(f64::NAN, |v| v.mean)
            };
            let other = if other.is_finite() { Cell::from(other) } else { Cell::from("–") };
            let used = self.of(place, &|found| Some(tasks_used(found))).map_or(0.0, |v| v.mean);
            rows.push(vec![rival.name().into(), i.mean.into(), i.half_width.into(), other, used.into()]);
        }
        if let Some(i) = self.mean(&|record| Some(record.alone.0)) {
            let other = if self.tasks.generated() {
                Cell::from("–")
            } else {
                self.mean(&|record| Some(record.alone.1)).map_or(Cell::from("–"), |v| v.mean.into())
            };
            rows.push(vec!["target only".into(), i.mean.into(), i.half_width.into(), other, 0.0.into()]);
        }
        let title = format!("Budget {}, {} target samples", self.config.budget, self.config.shots);
        Table { title, columns, rows }
    }

    /// Leaves the artifacts and makes the report from everything recorded.
    pub fn report(&self, cx: &Context) -> Result<Report, Error> {
        let names = self.tasks.names(self.config);
        let mut trials: Vec<Value> = Vec::new();
        for (index, record) in &self.records {
            let mut of = serde_json::Map::new();
            for (rival, found) in self.rivals.iter().zip(&record.found) {
                of.insert(
                    rival.name().to_owned(),
                    json!({"error": found.error, "balanced_error": found.balanced, "variance": found.variance,
                           "samples": found.counts, "rounds": found.rounds, "relevance": found.relevance}),
                );
            }
            trials.push(json!({"trial": index, "strategies": of, "target_only": record.alone,
                               "true_relevance": record.truth, "costs": record.costs,
                               "true_heads": record.heads.chunks(self.config.rank).collect::<Vec<_>>()}));
        }
        let all = json!({"tasks": names, "budgets": self.config.budgets(), "trials": trials});
        cx.artifact_json("selection.json", &all)?;
        let mut report = cx.report();
        if self.records.is_empty() {
            // A shard may have no trial, if there are more shards than trials.
            return Ok(report);
        }
        let unit = if self.tasks.generated() { Unit::None } else { Unit::Fraction };
        let mut put = |name: String, found: Option<Interval>, unit: Unit| {
            put_mean(&mut report, name, found, unit);
        };
        for (place, rival) in self.rivals.iter().enumerate() {
            let suffix =
                if place == 0 { String::new() } else { format!("_{}", rival.name().replace('-', "_")) };
            put(format!("error{suffix}"), self.of(place, &last_error), unit);
            put(format!("variance{suffix}"), self.of(place, &last_variance), Unit::None);
            put(format!("tasks_used{suffix}"), self.of(place, &|found| Some(tasks_used(found))), Unit::Count);
            if !self.tasks.generated() {
                let balanced = self.of(place, &|found| found.balanced.last().copied());
                put(format!("balanced_error{suffix}"), balanced, Unit::Fraction);
            }
        }
        put("error_target_only".to_owned(), self.mean(&|record| Some(record.alone.0)), unit);
        let count = self.records.len() as f64;
        report.metrics.insert("trials".into(), Metric::new(count, Unit::Count));
        let seconds = self.records.values().map(|record| record.seconds).sum::<f64>() / count;
        report.metrics.insert("run_seconds".into(), Metric::timing(seconds, Unit::Seconds));
        report.tables.push(self.table());
        report.notes = self.notes();
        let (tasks, d) = (names.len() as u64, self.tasks.dims(self.config) as u64);
        report.state_bytes =
            8 * (tasks * (d * d + d + self.config.rank as u64) + d * self.config.rank as u64);
        Ok(report)
    }

    /// Where the method does not win, and why.
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let config = self.config;
        if config.shots < 2 * config.rank {
            notes.push(format!(
                "{} target samples for {} dimensions: the estimated relevance is mostly noise. Take at least {}.",
                config.shots,
                config.rank,
                2 * config.rank
            ));
        }
        let Some(ours) = self.of(0, &last_error) else { return notes };
        let own = self.rivals[0];
        for (place, rival) in self.rivals.iter().enumerate().skip(1) {
            let Some(theirs) = self.of(place, &last_error) else { continue };
            if theirs.mean < ours.mean && !rival.known {
                notes.push(format!(
                    "Here {} was not better than {}: {:.4} against {:.4} (95 % intervals ± {:.4} and ± {:.4}).",
                    own.name(),
                    rival.name(),
                    ours.mean,
                    theirs.mean,
                    ours.half_width,
                    theirs.half_width
                ));
            }
        }
        if let Some(alone) = self.mean(&|record| Some(record.alone.0))
            && alone.mean < ours.mean
        {
            notes.push(format!(
                "The target's own samples alone do better: {:.4} against {:.4}. The sources do not share what the target \
                 needs, too little was explored, or it has samples enough.",
                alone.mean, ours.mean
            ));
        }
        if self.records.values().any(|record| record.found.first().is_some_and(|found| found.empty)) {
            notes.push(
                "An estimate of relevance was 0 for all tasks; those rounds treated all alike.".to_owned(),
            );
        }
        if config.cost_spread > 1.0 && config.strategy != Strategy::L1Cost {
            notes.push("Samples differ in cost, but only l1-cost looks at costs when it chooses.".to_owned());
        }
        if config.schedule == Schedule::GrowingRounds {
            notes.push("The constants of growing rounds are ours; the papers leave them open.".to_owned());
        }
        notes
    }
}

fn bar(name: &str, interval: Interval, highlight: bool) -> Bar {
    let (mean, half) = (interval.mean, interval.half_width);
    Bar {
        name: name.to_owned(),
        value: mean,
        interval: Some([(mean - half).max(0.0), mean + half]),
        highlight,
    }
}

fn last_error(found: &Found) -> Option<f64> {
    found.error.last().copied()
}

/// V(n) at the whole budget; nothing where it is infinite.
fn last_variance(found: &Found) -> Option<f64> {
    found.variance.last().copied().filter(|v| *v >= 0.0)
}

/// Tasks with more samples than an even share of the whole budget.
fn tasks_used(found: &Found) -> f64 {
    let total: u64 = found.counts.iter().map(|n| u64::from(*n)).sum();
    let even = total as f64 / found.counts.len().max(1) as f64;
    found.counts.iter().filter(|n| f64::from(**n) > even + 1.0).count() as f64
}
