//! From recorded trials to pictures, artifacts and a report.

use super::arms::Arm;
use super::config::{Config, Thresholding};
use super::questions::Questions;
use super::run::Shown;
use super::trial::{ALPHAS, Outcome, Record};
use crate::trials::put_mean;
use crate::{Context, Error};
use lowshot_core::metrics::{Interval, mean_interval};
use lowshot_protocol::{Axis, Cell, Lines, Metric, Report, Series, Table, Unit, View};
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// All trials so far.
pub struct Tally<'a> {
    config: &'a Config,
    arms: Vec<Arm>,
    records: BTreeMap<u64, Record>,
}

impl<'a> Tally<'a> {
    /// Starts with what is already recorded.
    pub fn new(config: &'a Config, records: BTreeMap<u64, Record>) -> Tally<'a> {
        Tally { config, arms: Arm::of(config), records }
    }

    /// Counts a trial.
    pub fn add(&mut self, index: u64, record: Record) {
        self.records.insert(index, record);
    }

    /// Mean of a value over the trials; `None` where no trial has it.
    fn over(&self, value: impl Fn(&Record) -> Option<f64>) -> Option<Interval> {
        mean_interval(&self.records.values().filter_map(value).collect::<Vec<f64>>()).ok()
    }

    /// Mean of a value of policy number `place`.
    fn mean(&self, place: usize, value: impl Fn(&Outcome) -> Option<f64>) -> Option<Interval> {
        self.over(|record| record.outcomes.get(place).and_then(&value))
    }

    /// A curve with its band: the value of each trial at places `from`, `from` + 1, … as long as there are some.
    fn curve(&self, name: String, from: usize, value: impl Fn(&Record, usize) -> Option<f64>) -> Series {
        let mut series = Series::new(name, Vec::new());
        for at in from.. {
            let Some(found) = self.over(|record| value(record, at)) else { break };
            series.points.push([at as f64, found.mean]);
            series.band.push([found.mean - found.half_width, found.mean + found.half_width]);
        }
        series
    }

    /// One curve for each policy.
    fn curves(&self, from: usize, list: impl Fn(&Outcome) -> &Vec<f64>) -> Vec<Series> {
        let of = |(place, arm): (usize, &Arm)| {
            let value = |record: &Record, at: usize| {
                record.outcomes.get(place).and_then(|outcome| list(outcome).get(at).copied())
            };
            self.curve(arm.name(self.config), from, value)
        };
        self.arms.iter().enumerate().map(of).filter(|series| !series.points.is_empty()).collect()
    }

    /// Draws every curve and the table.
    pub fn draw(&self, cx: &Context) {
        let lines = |x: &str, y: Axis, series: Vec<Series>| View::Lines(Lines { x: Axis::new(x), y, series });
        let share = |label: &str| Axis { range: Some([0.0, 1.0]), ..Axis::new(label) };
        let answers = "answers";
        cx.view("accuracy", lines(answers, share("right predictions"), self.curves(0, |o| &o.accuracy)));
        cx.view("size", lines(answers, Axis::new("plausible labels"), self.curves(0, |o| &o.size)));
        let bits = self.curves(0, |o| &o.bits);
        cx.view("uncertainty", lines(answers, Axis::new("bits expected to be left"), bits));
        let mut covered = self.curves(1, |o| &o.covered);
        covered.push(self.curve("random, fresh".to_owned(), 1, |record, at| {
            at.checked_sub(1).and_then(|place| record.random.get(place).copied())
        }));
        let last = covered.iter().filter_map(|s| s.points.last()).map(|p| p[0]).fold(1.0, f64::max);
        let nominal = 1.0 - self.config.alpha;
        covered.push(Series::new("1 − α", vec![[1.0, nominal], [last, nominal]]));
        cx.view("coverage", lines(answers, share("sets with the true label"), covered));
        let mut found = Series::new("random questions", Vec::new());
        for (place, alpha) in ALPHAS.iter().enumerate().rev() {
            if let Some(mean) = self.over(|record| record.by_alpha.get(place).copied()) {
                found.points.push([1.0 - alpha, mean.mean]);
                found.band.push([mean.mean - mean.half_width, mean.mean + mean.half_width]);
            }
        }
        let diagonal = Series::new("as promised", vec![[0.55, 0.55], [0.99, 0.99]]);
        cx.view("calibration", lines("1 − α", Axis::new("coverage"), vec![found, diagonal]));
        let threshold = |record: &Record, at: usize| {
            let value = at.checked_sub(1).and_then(|place| record.thresholds.get(place).copied());
            // Every label is in the set: as a threshold of 0, which a logarithmic axis does not have.
            value.map(|value| value.unwrap_or(0.0))
        };
        let mut thresholds = self.curve("threshold".to_owned(), 1, threshold);
        thresholds.points.retain(|point| point[1] > 0.0);
        thresholds.band.clear();
        let y = Axis { log: true, ..Axis::new("probability") };
        cx.view("thresholds", lines(answers, y, vec![thresholds]));
        cx.view("policies", View::Table(self.table()));
    }

    /// Every policy at the end, over the whole game, and where the stopping rule ends it.
    fn table(&self) -> Table {
        let columns = [
            "policy",
            "right (%)",
            "± 95 %",
            "at the end",
            "labels left",
            "covered (%)",
            "stops after",
            "right then",
        ];
        let row = |(place, arm): (usize, &Arm)| {
            let whole = self.mean(place, |o| mean_of(&o.accuracy))?;
            let end = self.mean(place, |o| o.accuracy.last().copied())?;
            let size = self.mean(place, |o| o.size.last().copied())?;
            let covered = self.mean(place, covered)?;
            let length = self.mean(place, |o| Some(o.length))?;
            let stopped = self.mean(place, |o| Some(o.stopped))?;
            let percent = |value: f64| Cell::Number(100.0 * value);
            Some(vec![
                Cell::from(arm.name(self.config)),
                percent(whole.mean),
                percent(whole.half_width),
                percent(end.mean),
                Cell::Number(size.mean),
                percent(covered.mean),
                Cell::Number(length.mean),
                percent(stopped.mean),
            ])
        };
        Table {
            title: format!("Up to {} questions, mean over them", self.config.questions),
            columns: columns.map(str::to_owned).to_vec(),
            rows: self.arms.iter().enumerate().filter_map(row).collect(),
        }
    }

    /// Policies with a better mean accuracy than C-IP, by more than both intervals.
    fn winners(&self) -> Vec<String> {
        let whole = |place: usize| self.mean(place, |outcome| mean_of(&outcome.accuracy));
        let Some(ours) = whole(0) else { return Vec::new() };
        let better = |place: &usize| {
            whole(*place).is_some_and(|them| them.mean - them.half_width > ours.mean + ours.half_width)
        };
        (1..self.arms.len()).filter(better).map(|place| self.arms[place].name(self.config)).collect()
    }
}

/// Mean from the first answer on.
fn mean_of(list: &[f64]) -> Option<f64> {
    let list = list.get(1..).filter(|list| !list.is_empty())?;
    Some(list.iter().sum::<f64>() / list.len() as f64)
}

fn covered(outcome: &Outcome) -> Option<f64> {
    mean_of(&outcome.covered)
}

/// Leaves the artifacts and makes the report from everything recorded.
pub fn report(
    config: &Config,
    questions: &Questions,
    tally: &Tally<'_>,
    shown: &Shown,
    cx: &Context,
) -> Result<Report, Error> {
    let trials = tally.records.iter().map(|(index, record)| {
        let selected: Vec<u32> = record.games.iter().flat_map(|game| game.asked.iter().copied()).collect();
        json!({"trial": index, "selected": selected, "games": record.games})
    });
    cx.artifact_json("selection.json", &trials.collect::<Vec<_>>())?;
    cx.artifact("summary.csv", "text/csv", summary(config, tally).into_bytes());
    let mut report = cx.report();
    report.metrics.extend(shown.metrics.iter().map(|(name, metric)| ((*name).to_owned(), *metric)));
    report.notes.extend(shown.note.clone());
    if tally.records.is_empty() {
        // A shard may have no trial, if there are more shards than trials.
        return Ok(report);
    }
    let mut put = |name: String, found: Option<Interval>, unit: Unit| {
        put_mean(&mut report, name, found, unit);
    };
    for (place, arm) in tally.arms.iter().enumerate() {
        let suffix = if place == 0 { String::new() } else { format!("_{}", arm.key(config)) };
        put(format!("accuracy{suffix}"), tally.mean(place, |o| mean_of(&o.accuracy)), Unit::Fraction);
        let end = tally.mean(place, |o| o.accuracy.last().copied());
        put(format!("final_accuracy{suffix}"), end, Unit::Fraction);
        put(format!("labels_left{suffix}"), tally.mean(place, |o| o.size.last().copied()), Unit::Count);
        put(format!("covered{suffix}"), tally.mean(place, covered), Unit::Fraction);
        put(format!("length{suffix}"), tally.mean(place, |o| Some(o.length)), Unit::Count);
        put(format!("stopped_accuracy{suffix}"), tally.mean(place, |o| Some(o.stopped)), Unit::Fraction);
    }
    let fresh =
        tally.over(|record| Some(record.random.iter().sum::<f64>() / record.random.len().max(1) as f64));
    put("covered_fresh".to_owned(), fresh, Unit::Fraction);
    let count = tally.records.len() as f64;
    report.metrics.insert("trials".into(), Metric::new(count, Unit::Count));
    let seconds = tally.records.values().map(|record| record.seconds).sum::<f64>() / count;
    report.metrics.insert("question_seconds".into(), Metric::timing(seconds, Unit::Seconds));
    report.tables.push(tally.table());
    report.notes.extend(notes(config, tally, fresh));
    let (classes, queries) = (questions.classes.len() as u64, questions.names.len() as u64);
    // Likelihoods and distortion of both answers, probabilities after both answers, thresholds.
    report.state_bytes = 8 * (6 * classes * queries + config.questions as u64);
    Ok(report)
}

/// Means by policy and number of answers.
fn summary(config: &Config, tally: &Tally<'_>) -> String {
    let mut text = String::from("policy,answers,accuracy,accuracy_any_so_far,labels,covered\n");
    for (place, arm) in tally.arms.iter().enumerate() {
        let value = |list: fn(&Outcome) -> &Vec<f64>, at: usize| {
            tally.mean(place, |outcome| list(outcome).get(at).copied()).map(|found| found.mean)
        };
        for at in 0.. {
            let Some(accuracy) = value(|o| &o.accuracy, at) else { break };
            let ever = value(|o| &o.ever, at).unwrap_or_default();
            let size = value(|o| &o.size, at).unwrap_or_default();
            let covered = value(|o| &o.covered, at).unwrap_or_default();
            let key = arm.key(config);
            // Writing to a string does not fail.
            let _ = writeln!(text, "{key},{at},{accuracy},{ever},{size},{covered}");
        }
    }
    text
}

/// Where the method does not win, and what its sets are worth.
fn notes(config: &Config, tally: &Tally<'_>, fresh: Option<Interval>) -> Vec<String> {
    let mut notes = Vec::new();
    let better = tally.winners();
    if !better.is_empty() {
        notes.push(format!(
            "Here C-IP is not the best: {} predicted better over the game by more than both intervals. A calibrated \
             predictor knows best what to ask; and empty sets can look certain, unless the objective is fano.",
            better.join(", ")
        ));
    }
    let nominal = 1.0 - config.alpha;
    if let Some(chosen) = tally.mean(0, covered)
        && chosen.mean + chosen.half_width < nominal
    {
        notes.push(format!(
            "Sets promise to hold the true label in {:.0} % of games with random questions. With the questions that C-IP \
             chose they did in {:.1} %: choosing breaks the promise.",
            100.0 * nominal,
            100.0 * chosen.mean
        ));
    }
    if let Some(fresh) = fresh
        && fresh.mean + fresh.half_width < nominal
    {
        let why = match (config.thresholding, config.hold_out) {
            (Thresholding::Games, _) => "the thresholds come from other games than these",
            (_, true) => "a third of the rows is little to calibrate on, however often it is drawn from",
            _ => "this is more than chance",
        };
        notes.push(format!(
            "Even with random questions sets held the true label in {:.1} % only: {why}.",
            100.0 * fresh.mean
        ));
    }
    notes
}
