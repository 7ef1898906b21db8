//! From recorded trials to pictures, artifacts and a report.

use super::config::{Config, JudgeKind, Rival};
use super::pictures::{self, Picture};
use super::source::Source;
use super::transcript;
use super::trial::{Record, Scores};
use crate::{Context, Error};
use lowshot_core::metrics::{Interval, mean_interval};
use lowshot_core::select::add_one_in::{Asked, Tally, fluid_mean};
use lowshot_protocol::{Cell, Metric, Report, Table, Unit};
use serde_json::json;

/// The method's name among its rivals.
const OURS: &str = "add-one-in";

/// What is measured of a selection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Mean quality.
    Quality,
    /// Mean quality percentile.
    Percentile,
    /// Entropy of the labels.
    Entropy,
    /// Mean distance to the nearest chosen row.
    MeanCover,
    /// Largest distance to it.
    MaxCover,
    /// Accuracy of the nearest chosen row's label.
    Neighbour,
}

const MEASURES: [(Measure, &str, &str, Unit); 6] = [
    (Measure::Quality, "quality", "mean quality", Unit::None),
    (Measure::Percentile, "quality_percentile", "percentile", Unit::Fraction),
    (Measure::Entropy, "label_entropy", "label entropy", Unit::Nats),
    (Measure::MeanCover, "mean_distance", "mean distance", Unit::None),
    (Measure::MaxCover, "largest_distance", "largest distance", Unit::None),
    (Measure::Neighbour, "neighbour_accuracy", "nearest chosen row's label (%)", Unit::Fraction),
];

impl Measure {
    fn of(self, scores: &Scores) -> Option<f64> {
        match self {
            Measure::Quality => Some(scores.quality),
            Measure::Percentile => Some(scores.percentile),
            Measure::Entropy => scores.entropy,
            Measure::MeanCover => Some(scores.mean_cover),
            Measure::MaxCover => Some(scores.max_cover),
            Measure::Neighbour => scores.neighbour,
        }
    }
}

/// The trials so far.
pub struct Summary {
    config: Config,
    names: Vec<String>,
    records: Vec<Record>,
}

impl Summary {
    /// Starts with what is already recorded.
    pub fn new(config: &Config, rivals: &[Rival], recorded: impl Iterator<Item = Record>) -> Summary {
        let names = [OURS].into_iter().chain(rivals.iter().map(|rival| rival.name())).map(str::to_owned);
        Summary { config: config.clone(), names: names.collect(), records: recorded.collect() }
    }

    /// Counts a trial.
    pub fn add(&mut self, record: Record) {
        self.records.push(record);
    }

    /// The trials.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.iter()
    }

    /// The method, then its rivals.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    fn scores<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Scores> {
        let at = self.names.iter().position(|n| n == name).unwrap_or(usize::MAX);
        self.records.iter().filter_map(move |record| match at {
            0 => Some(&record.ours),
            at => record.rivals.get(at.wrapping_sub(1)).and_then(Option::as_ref),
        })
    }

    /// Mean and interval of a measure; `None` if no trial has it.
    pub fn interval(&self, name: &str, measure: Measure) -> Option<Interval> {
        let values: Vec<f64> = self.scores(name).filter_map(|scores| measure.of(scores)).collect();
        let interval = mean_interval(&values).ok()?;
        // Equal values have a deviation of rounding alone.
        let exact = interval.half_width < 1e-12 * interval.mean.abs();
        Some(if exact { Interval { half_width: 0.0, ..interval } } else { interval })
    }

    /// Counts over the questions of all trials.
    pub fn tally(&self) -> Tally {
        let mut sum = Tally::default();
        for record in &self.records {
            let tally = Tally::of(&record.asked, record.pool);
            sum.calls += tally.calls;
            sum.failures += tally.failures;
            sum.gave_up += tally.gave_up;
            add(&mut sum.positions, &tally.positions);
            add(&mut sum.exposure, &tally.exposure);
        }
        sum
    }

    /// Draws everything that is counted over trials.
    pub fn draw(&self, cx: &Context) {
        let tally = self.tally();
        cx.view("plane", pictures::plane(self));
        cx.view("mean-quality", pictures::quality(self));
        cx.view("exposure", pictures::histogram("times a row was an option", &tally.exposure, 0));
        cx.view("positions", pictures::histogram("position of the answer", &tally.positions, 1));
        cx.view("fluid", pictures::fluid(&self.config, self));
    }
}

fn add(sum: &mut Vec<usize>, counts: &[usize]) {
    sum.resize(sum.len().max(counts.len()), 0);
    sum.iter_mut().zip(counts).for_each(|(s, c)| *s += c);
}

/// Leaves the artifacts and makes the report from everything recorded.
pub async fn report(
    config: &Config,
    source: &Source,
    rivals: &[Rival],
    summary: &Summary,
    cx: &mut Context,
) -> Result<Report, Error> {
    let records: std::collections::BTreeMap<u64, Record> = cx.recorded()?;
    let mut report = cx.report();
    let mut chosen = Vec::new();
    for (index, record) in &records {
        chosen.push(
            json!({"trial": index, "method": OURS, "rows": record.ours.rows, "initial": record.initial}),
        );
        for (rival, scores) in rivals.iter().zip(&record.rivals) {
            if let Some(scores) = scores {
                chosen.push(json!({"trial": index, "method": rival.name(), "rows": scores.rows}));
            }
        }
    }
    cx.artifact_json("selection.json", &chosen)?;
    let trials = records.iter().map(|(index, record)| (*index, record.asked.as_slice()));
    cx.artifact("trace.jsonl", "application/jsonl", transcript::write(trials)?);
    let Some((index, first)) = records.first_key_value() else {
        // A shard may have no trial, if there are more shards than trials.
        return Ok(report);
    };
    if !source.lines.is_empty() {
        let lines = first.ours.rows.iter().filter_map(|row| source.lines.get(*row));
        let text: String = lines.flat_map(|line| [line.as_str(), "\n"]).collect();
        cx.artifact("selected.jsonl", "application/jsonl", text.into_bytes());
    }
    // Drawn once more, as a run that goes on or joins shards has not seen this trial.
    let pool = source.pool(&cx.rng("trials").at(*index), cx)?;
    cx.view("points", Picture::new(&pool).view(&first.ours.rows, None));

    for (measure, key, _, unit) in MEASURES {
        // The table has all of them.
        let shared = matches!(measure, Measure::Quality | Measure::MeanCover | Measure::MaxCover);
        for name in summary.names().iter().filter(|name| shared || *name == OURS) {
            let key = if name == OURS { key.to_owned() } else { format!("{key}_{}", name.replace('-', "_")) };
            if let Some(interval) = summary.interval(name, measure) {
                let metric = Metric::with_half_width(interval.mean, interval.half_width, unit);
                report.metrics.insert(key, metric);
            }
        }
    }
    let tally = summary.tally();
    let count = records.len() as f64;
    let per_trial = |n: usize| Metric::new(n as f64 / count, Unit::Count);
    report.metrics.insert("calls".into(), per_trial(tally.calls));
    report.metrics.insert("failures".into(), per_trial(tally.failures));
    report.metrics.insert("gave_up".into(), per_trial(tally.gave_up));
    let never = tally.exposure.first().copied().unwrap_or_default() as f64;
    let shown = tally.exposure.iter().sum::<usize>().max(1) as f64;
    report.metrics.insert("never_an_option".into(), Metric::new(never / shown, Unit::Fraction));
    let answers = tally.positions.iter().sum::<usize>();
    if answers > 0 {
        let first = tally.positions[0] as f64 / answers as f64;
        report.metrics.insert("first_position".into(), Metric::new(first, Unit::Fraction));
    }
    let share = config.budget as f64 / first.pool as f64;
    let limit = fluid_mean(config.options, share);
    report.metrics.insert("fluid_limit".into(), Metric::new(limit, Unit::Fraction));
    let picked: Vec<f64> = records.values().filter_map(|record| record.growth.last().map(|p| p[1])).collect();
    if let Ok(interval) = mean_interval(&picked) {
        let metric = Metric::with_half_width(interval.mean, interval.half_width, Unit::Fraction);
        report.metrics.insert("picked_percentile".into(), metric);
    }
    report.tables.push(table(config, rivals, summary, &tally, first.pool));
    report.notes = notes(config, source, rivals, summary, &tally, first);
    let words = |asked: &Asked| asked.question.context.len() + asked.question.options.len() + 4;
    let asked: usize = records.values().map(|r| r.asked.iter().map(words).sum::<usize>()).max().unwrap_or(0);
    // Two lists of rows and the questions, on a machine with words of 8 bytes.
    report.state_bytes = 8 * (first.pool + asked) as u64;
    Ok(report)
}

fn table(config: &Config, rivals: &[Rival], summary: &Summary, tally: &Tally, pool: usize) -> Table {
    let mut columns = vec!["method".to_owned(), "rows".to_owned(), "judge calls".to_owned()];
    let used: Vec<_> = MEASURES.iter().filter(|(m, ..)| summary.interval(OURS, *m).is_some()).collect();
    for (_, _, title, _) in &used {
        columns.extend([(*title).to_owned(), "± 95 %".to_owned()]);
    }
    let trials = summary.records().count().max(1) as f64;
    let calls = |at: usize| match at.checked_sub(1).and_then(|at| rivals.get(at)) {
        None => tally.calls as f64 / trials,
        Some(rival) if rival.rates_all() => pool as f64,
        Some(_) => 0.0,
    };
    let rows = summary.names().iter().enumerate().map(|(at, name)| {
        let sizes: Vec<f64> = summary.scores(name).map(|scores| scores.rows.len() as f64).collect();
        let size = if sizes.is_empty() { 0.0 } else { sizes.iter().sum::<f64>() / sizes.len() as f64 };
        let mut row = vec![Cell::from(name.as_str()), Cell::from(size), Cell::from(calls(at))];
        for (measure, _, title, _) in &used {
            let scale = if title.ends_with("(%)") { 100.0 } else { 1.0 };
            match summary.interval(name, *measure) {
                Some(interval) => {
                    row.extend([Cell::from(scale * interval.mean), Cell::from(scale * interval.half_width)]);
                }
                None => row.extend([Cell::from("–"), Cell::from("–")]),
            }
        }
        row
    });
    let title = format!("{} rows of {pool}, {} trials", config.budget, summary.records().count());
    Table { title, columns, rows: rows.collect() }
}

fn notes(
    config: &Config,
    source: &Source,
    rivals: &[Rival],
    summary: &Summary,
    tally: &Tally,
    first: &Record,
) -> Vec<String> {
    let mut notes = Vec::new();
    // Better beyond both intervals; for distances, lower is better.
    let wins = |measure: Measure, sign: f64| -> Vec<&str> {
        let Some(ours) = summary.interval(OURS, measure) else { return Vec::new() };
        let better = |rival: &&Rival| {
            summary
                .interval(rival.name(), measure)
                .is_some_and(|theirs| sign * (theirs.mean - ours.mean) > theirs.half_width + ours.half_width)
        };
        rivals.iter().filter(better).map(|rival| rival.name()).collect()
    };
    for (measure, sign, what) in [
        (Measure::Quality, 1.0, "has rows of higher mean quality"),
        (Measure::MeanCover, -1.0, "leaves the pool nearer to the chosen rows on average"),
        (Measure::MaxCover, -1.0, "leaves no row as far away"),
        (Measure::Neighbour, 1.0, "labels the other rows better by the nearest chosen row"),
    ] {
        for name in wins(measure, sign) {
            notes.push(format!("Here the method does not win: {name} {what}."));
        }
    }
    for (at, rival) in rivals.iter().enumerate() {
        let missing = summary.records().filter(|r| r.rivals.get(at).is_some_and(Option::is_none)).count();
        if missing > 0 {
            let why = match rival {
                Rival::QualityThreshold => "no row reaches the threshold",
                _ => "the pool is too large for it",
            };
            notes.push(format!("{} has no result in {missing} trials: {why}.", rival.name()));
        }
    }
    let random = first.initial.len();
    notes.push(format!(
        "{random} of the {} rows are the random first ones, which no judge has seen; `initial` in selection.json names \
         them.",
        first.ours.rows.len()
    ));
    let shown =
        first.asked.iter().map(|a| a.question.context.len() + a.question.options.len()).sum::<usize>();
    if shown > first.pool {
        notes.push(format!(
            "The questions of a trial show {shown} rows, more than the {} of the pool: rating every row once would show \
             fewer, and can be done in parallel.",
            first.pool
        ));
    }
    if tally.gave_up > 0 {
        notes.push(format!(
            "{} choices were random, as the judge gave no valid answer {} times in a row.",
            tally.gave_up,
            config.retries + 1
        ));
    }
    if config.shards > 1 {
        notes.push(
            "Shards are chosen from independently: nothing keeps their rows apart from each other."
                .to_owned(),
        );
    }
    if !source.samples.is_empty() {
        if config.judge == JudgeKind::Chat {
            let long = |text: &String| text.split_whitespace().nth(config.words).is_some();
            let fields = source.samples.iter().flat_map(|s| [&s.instruction, &s.input, &s.response]);
            let cut = fields.filter(|text| long(text)).count();
            if cut > 0 {
                notes.push(format!(
                    "{cut} fields of the samples are longer than {} words and were cut off.",
                    config.words
                ));
            }
        }
        if first.pool == source.samples.len() && !source.is_generated() {
            notes.push(
                "Without a `features` input, distances between samples are those of hashed word counts: a crude stand-in \
                 for embeddings."
                    .to_owned(),
            );
        }
    }
    notes
}
