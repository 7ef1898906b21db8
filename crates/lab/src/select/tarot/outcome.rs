//! From recorded trials to pictures, artifacts and a report.

use super::config::{Config, Size};
use super::sources::Source;
use super::trial::{Outcome, Record};
use crate::trials::put_mean;
use crate::{Context, Error};
use lowshot_core::metrics::{Interval, mean_interval};
use lowshot_core::select::tarot::WhitenMode;
use lowshot_protocol::{Axis, Bar, Bars, Cell, Lines, Metric, Report, Series, Table, Unit, View};
use serde_json::json;
use std::collections::BTreeMap;

/// Target classes that have bars of their own.
const MOST_CLASSES: usize = 8;

/// All trials so far.
pub struct Tally<'a> {
    source: &'a Source,
    steps: Vec<usize>,
    /// TAROT first.
    names: Vec<&'static str>,
    records: BTreeMap<u64, Record>,
}

impl<'a> Tally<'a> {
    /// Starts with what is already recorded.
    pub fn new(
        config: &'a Config,
        source: &'a Source,
        steps: Vec<usize>,
        records: BTreeMap<u64, Record>,
    ) -> Tally<'a> {
        let names = ["tarot"].into_iter().chain(config.rivals().iter().map(|rival| rival.name())).collect();
        Tally { source, steps, names, records }
    }

    /// Counts a trial.
    pub fn add(&mut self, index: u64, record: Record) {
        self.records.insert(index, record);
    }

    /// Mean over the trials; `None` where no trial has it.
    fn over(&self, value: impl Fn(&Record) -> Option<f64>) -> Option<Interval> {
        mean_interval(&self.records.values().filter_map(value).collect::<Vec<f64>>()).ok()
    }

    /// Mean of a value of selector number `place`.
    fn mean(&self, place: usize, value: impl Fn(&Record, &Outcome) -> Option<f64>) -> Option<Interval> {
        self.over(|record| {
            let outcome = if place == 0 { Some(&record.tarot) } else { record.rivals.get(place - 1) };
            value(record, outcome?)
        })
    }

    /// Draws curves, bars and table.
    pub fn draw(&self, cx: &Context) {
        if self.records.values().any(|record| !record.classes.is_empty()) {
            cx.view("shares", View::Bars(self.bars()));
        }
        if !self.steps.is_empty() {
            cx.view("distance", View::Lines(self.curves()));
        }
        cx.view("methods", View::Table(self.table()));
    }

    /// Shares of the target classes, by rank: in every trial other classes may be the targets'.
    fn bars(&self) -> Bars {
        let ranks = self.records.values().map(|record| record.classes.len()).max().unwrap_or(0);
        let mut bars = Vec::new();
        let mut add = |name: String, value: Option<Interval>, highlight: bool| {
            if let Some(found) = value {
                let (mean, half) = (found.mean, found.half_width);
                let interval = (half > 0.0).then_some([mean - half, mean + half]);
                bars.push(Bar { name, value: mean, interval, highlight });
            }
        };
        for rank in 0..ranks.min(MOST_CLASSES) {
            let class = self.rank_name(rank);
            add(
                format!("{class}: targets"),
                self.over(|record| record.target_shares.get(rank).copied()),
                false,
            );
            for (place, name) in self.names.iter().enumerate() {
                let share = |record: &Record, outcome: &Outcome| {
                    (rank < record.classes.len()).then(|| outcome.shares.get(rank).copied())?
                };
                add(format!("{class}: {name}"), self.mean(place, share), place == 0);
            }
        }
        for (place, name) in self.names.iter().enumerate() {
            add(
                format!("other: {name}"),
                self.mean(place, |_, outcome| outcome.shares.last().copied()),
                place == 0,
            );
        }
        Bars { y: Axis { range: Some([0.0, 1.0]), ..Axis::new("share of the rows") }, bars }
    }

    /// What to call the class of rank `rank`: its name, where all trials have the same.
    fn rank_name(&self, rank: usize) -> String {
        let mut classes = self.records.values().filter_map(|record| record.classes.get(rank));
        match classes.next() {
            Some(first) if classes.all(|other| other == first) => self.source.class_name(*first),
            _ => format!("class {}", rank + 1),
        }
    }

    fn curves(&self) -> Lines {
        let mut series = Vec::new();
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for (place, name) in self.names.iter().enumerate() {
            let mut curve = Series::new(*name, Vec::new());
            for (at, step) in self.steps.iter().enumerate() {
                if let Some(found) = self.mean(place, |_, outcome| outcome.curve.get(at).copied()) {
                    let (mean, half) = (found.mean, found.half_width);
                    curve.points.push([*step as f64, mean]);
                    curve.band.push([mean - half, mean + half]);
                    (low, high) = (low.min(mean), high.max(mean));
                }
            }
            series.push(curve);
        }
        let size = self.over(|record| Some(record.estimated.as_ref()?.outcome.selected.len() as f64));
        if let (Some(size), true) = (size, low <= high) {
            series.push(Series::new("estimated size", vec![[size.mean, low], [size.mean, high]]));
        }
        let x = Axis { log: true, ..Axis::new("chosen rows") };
        Lines { x, y: Axis::new("transport distance"), series }
    }

    /// Distance, precision and rare share of every selector at the same size.
    fn table(&self) -> Table {
        let mut columns: Vec<String> = ["selector", "distance", "± 95 %"].map(str::to_owned).to_vec();
        let labelled = self.records.values().any(|record| !record.classes.is_empty());
        if labelled {
            columns.extend(["precision (%)", "rarest (%)", "share error (%)"].map(str::to_owned));
        }
        let row = |(place, name): (usize, &&'static str)| {
            let distance = self.mean(place, |_, outcome| Some(outcome.distance))?;
            let mut row = vec![Cell::from(*name), distance.mean.into(), distance.half_width.into()];
            if labelled {
                for value in [precision, rare, share_error] {
                    row.push(Cell::from(100.0 * self.mean(place, value)?.mean));
                }
            }
            Some(row)
        };
        let rows = self.names.iter().enumerate().filter_map(row).collect();
        let size =
            self.mean(0, |_, outcome| Some(outcome.selected.len() as f64)).map_or(0.0, |size| size.mean);
        let title = format!("{} rows for {} targets", (10.0 * size).round() / 10.0, self.source.sizes().2);
        Table { title, columns, rows }
    }

    /// Selectors that are better than TAROT in distance, by more than both intervals.
    fn winners(&self) -> Vec<&'static str> {
        let distance = |place: usize| self.mean(place, |_, outcome| Some(outcome.distance));
        // One trial has no interval.
        let (Some(ours), 2..) = (distance(0), self.records.len()) else { return Vec::new() };
        let better = |place: &usize| {
            distance(*place)
                .is_some_and(|theirs| theirs.mean + theirs.half_width < ours.mean - ours.half_width)
        };
        (1..self.names.len()).filter(better).map(|place| self.names[place]).collect()
    }
}

/// Share of the rows that have a class of the targets.
fn precision(_: &Record, outcome: &Outcome) -> Option<f64> {
    outcome.shares.last().map(|other| 1.0 - other)
}

/// Share of the rarest class of the targets.
fn rare(record: &Record, outcome: &Outcome) -> Option<f64> {
    outcome.shares.get(record.classes.len().checked_sub(1)?).copied()
}

/// Half the sum of the differences from the targets' shares: the part of the rows that would have to change class.
fn share_error(record: &Record, outcome: &Outcome) -> Option<f64> {
    let wanted = record.target_shares.iter().copied().chain([0.0]);
    (!outcome.shares.is_empty()).then(|| {
        outcome.shares.iter().zip(wanted).map(|(found, wanted)| (found - wanted).abs()).sum::<f64>() / 2.0
    })
}

/// Leaves the artifacts and makes the report from everything recorded.
pub fn report(config: &Config, source: &Source, tally: &Tally<'_>, cx: &Context) -> Result<Report, Error> {
    let trials = tally.records.iter().map(|(index, record)| {
        let others: BTreeMap<_, _> = config
            .rivals()
            .iter()
            .map(|rival| rival.name())
            .zip(record.rivals.iter().map(|rival| &rival.selected))
            .collect();
        let estimated = record.estimated.as_ref().map(|estimated| {
            let folds = estimated.folds.iter().map(
                |(sizes, distances, best)| json!({"rows": sizes, "distance": distances, "best_layer": best}),
            );
            json!({"selected": estimated.outcome.selected, "distance": estimated.outcome.distance,
                   "folds": folds.collect::<Vec<_>>()})
        });
        json!({
            "trial": index, "selected": record.tarot.selected, "layer": record.layer,
            "nearest_target": record.nearest_target, "wfd": record.wfd, "weight": record.weight,
            "distance": record.tarot.distance, "targets": record.target_rows, "estimated": estimated,
            "sizes": tally.steps, "curve": record.tarot.curve, "others": others,
        })
    });
    cx.artifact_json("selection.json", &trials.collect::<Vec<_>>())?;
    let mut report = cx.report();
    if tally.records.is_empty() {
        // A shard may have no trial, if there are more shards than trials.
        return Ok(report);
    }
    let mut put = |name: &str, found: Option<Interval>, unit: Unit| {
        put_mean(&mut report, name.to_owned(), found, unit);
    };
    for (place, name) in tally.names.iter().enumerate() {
        let suffix = if place == 0 { String::new() } else { format!("_{}", name.replace('-', "_")) };
        put(&format!("distance{suffix}"), tally.mean(place, |_, o| Some(o.distance)), Unit::None);
        put(&format!("precision{suffix}"), tally.mean(place, precision), Unit::Fraction);
        put(&format!("rare_share{suffix}"), tally.mean(place, rare), Unit::Fraction);
        put(&format!("share_error{suffix}"), tally.mean(place, share_error), Unit::Fraction);
    }
    let (dims, candidates, targets) = source.sizes();
    put("rows", tally.mean(0, |_, outcome| Some(outcome.selected.len() as f64)), Unit::Count);
    let rows = |record: &Record| Some(record.estimated.as_ref()?.outcome.selected.len() as f64);
    put("estimated_rows", tally.over(rows), Unit::Count);
    put("estimated_ratio", tally.over(|record| Some(rows(record)? / candidates as f64)), Unit::Fraction);
    let at_estimate = tally.over(|record| Some(record.estimated.as_ref()?.outcome.distance));
    put("estimated_distance", at_estimate, Unit::None);
    let count = tally.records.len() as f64;
    report.metrics.insert("trials".into(), Metric::new(count, Unit::Count));
    let seconds = tally.records.values().map(|record| record.seconds).sum::<f64>() / count;
    report.metrics.insert("selection_seconds".into(), Metric::timing(seconds, Unit::Seconds));
    report.tables.push(tally.table());
    report.notes.extend(notes(config, tally, at_estimate));
    // Features and directions, covariance and factor, lists of neighbours, one cost matrix with its kernel.
    let size = tally.mean(0, |_, outcome| Some(outcome.selected.len() as f64)).map_or(0.0, |size| size.mean)
        as usize;
    let lists = targets * candidates.min(4 * size.div_ceil(targets.max(1)).max(8));
    let bytes = 8 * (candidates + targets) * dims + 16 * dims * dims + 8 * lists + 8 * size * targets;
    report.state_bytes = bytes as u64;
    Ok(report)
}

/// Where the method does not win, and what to mind.
fn notes(config: &Config, tally: &Tally<'_>, at_estimate: Option<Interval>) -> Vec<String> {
    let mut notes = Vec::new();
    let better = tally.winners();
    if !better.is_empty() {
        notes.push(format!(
            "Here TAROT does not have the smallest transport distance: {} won by more than both intervals. Where a layer \
             does not fit, its last rows are ranked by their own transport, not by that of the whole selection.",
            better.join(", ")
        ));
    }
    if config.whiten != WhitenMode::Correct {
        notes.push(
            "Distances are measured in correctly whitened space, whatever space the rows were chosen in."
                .into(),
        );
    }
    if tally.records.values().any(|record| record.few_rows) {
        notes.push(
            "There are fewer than 5 rows for each column, so whitening amplifies noise: project to fewer columns, or \
             raise the ridge."
                .into(),
        );
    }
    let left_out = |record: &Record| {
        record
            .estimated
            .as_ref()
            .map_or(0, |estimated| estimated.folds.iter().filter(|fold| fold.2 == 0).count())
    };
    let empty: usize = tally.records.values().map(left_out).sum();
    if empty > 0 {
        notes.push(format!(
            "{empty} parts of the targets had no candidate above the threshold, and chose nothing. Lower `threshold`."
        ));
    }
    let least = (0..tally.steps.len())
        .filter_map(|at| {
            Some((tally.mean(0, |_, outcome| outcome.curve.get(at).copied())?.mean, tally.steps[at]))
        })
        .min_by(|a, b| a.0.total_cmp(&b.0));
    if let (Some(found), Some((least, size)), Size::Estimated) = (at_estimate, least, config.size)
        && found.mean - found.half_width > least
    {
        notes.push(format!(
            "The estimated size is not the best one on the curve: with {size} rows the distance is {least:.3}, at the \
             estimate {:.3}. The parts' selections are joined, so the estimate is more than any part found best.",
            found.mean
        ));
    }
    notes
}
