//! From recorded trials to pictures, artifacts and a report.

use super::config::Config;
use super::pictures;
use super::run::Record;
use super::world::World;
use crate::{Context, Error};
use lowshot_core::metrics::mean_interval;
use lowshot_core::select::learn_to_active_learn::Loss;
use lowshot_protocol::{Cell, Metric, Report, Table, Unit, View};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Draws what all trials so far show.
pub fn draw(
    config: &Config,
    world: &World<'_>,
    names: &[String],
    records: &BTreeMap<u64, Record>,
    cx: &Context,
) {
    let all: Vec<&Record> = records.values().collect();
    let Some(first) = all.first() else { return };
    let worst: Vec<Vec<f64>> = all.iter().map(|record| world.family.worst(&record.losses)).collect();
    let gaps: Vec<f64> = all.iter().map(|record| world.gap(&record.losses)).collect();
    cx.view("training", pictures::training(world, names, &all));
    cx.view("adversary", pictures::adversary(config, world, first));
    cx.view("difficulty", pictures::difficulty(world, &worst));
    cx.view("gaps", pictures::gaps(world, &gaps));
    cx.view("policies", View::Table(table(world, names, records)));
}

fn mean(losses: &[f64]) -> f64 {
    losses.iter().sum::<f64>() / losses.len().max(1) as f64
}

/// Worst loss of every class, the largest excess, and the mean loss, by policy.
fn table(world: &World<'_>, names: &[String], records: &BTreeMap<u64, Record>) -> Table {
    let mut columns = vec!["policy".to_owned()];
    columns.extend(names.iter().cloned());
    columns.extend(["excess", "mean loss"].map(str::to_owned));
    let row = |name: &str, worst: &[f64], gap: f64, mean: f64| {
        let mut row = vec![Cell::from(name)];
        row.extend(worst.iter().map(|loss| Cell::from(*loss)));
        row.extend([gap.into(), mean.into()]);
        row
    };
    let mut rows = vec![row("best possible", &world.values, 0.0, f64::NAN)];
    // There is no one policy behind these values, so no mean.
    rows[0].pop();
    rows[0].push("".into());
    if !records.is_empty() {
        let count = records.len() as f64;
        let (mut worst, mut gap, mut average) = (vec![0.0; names.len()], 0.0, 0.0);
        for record in records.values() {
            for (sum, loss) in worst.iter_mut().zip(world.family.worst(&record.losses)) {
                *sum += loss / count;
            }
            gap += world.gap(&record.losses) / count;
            average += mean(&record.losses) / count;
        }
        rows.push(row("learned", &worst, gap, average));
    }
    for rival in &world.rivals {
        let worst = world.family.worst(&rival.losses);
        rows.push(row(&rival.name, &worst, world.gap(&rival.losses), mean(&rival.losses)));
    }
    Table { title: "Worst loss by class".to_owned(), columns, rows }
}

/// Leaves the artifacts and makes the report from everything recorded.
pub fn report(
    config: &Config,
    world: &World<'_>,
    names: &[String],
    records: &BTreeMap<u64, Record>,
    played: Option<Value>,
    cx: &Context,
) -> Result<Report, Error> {
    let mut report = cx.report();
    let Some(first) = records.values().next() else {
        // A shard may have no trial, if there are more shards than trials.
        return Ok(report);
    };
    if let Some(saved) = records.values().find_map(|record| record.saved.as_ref()) {
        cx.artifact_json("policy.json", saved)?;
    }
    if let Some(played) = played {
        cx.artifact_json("game.json", &played)?;
    }
    cx.artifact("losses.csv", "text/csv", csv(world, records).into_bytes());
    let unit = if config.loss == Loss::Identification { Unit::Fraction } else { Unit::None };
    let over = |value: &dyn Fn(&Record) -> f64| {
        let values: Vec<f64> = records.values().map(value).collect();
        mean_interval(&values).ok().map(|found| match values.len() {
            1 => Metric::new(found.mean, unit),
            _ => Metric::with_half_width(found.mean, found.half_width, unit),
        })
    };
    let mut put = |name: String, metric: Option<Metric>| {
        if let Some(metric) = metric {
            report.metrics.insert(name, metric);
        }
    };
    put("excess".into(), over(&|record| world.gap(&record.losses)));
    put("mean_loss".into(), over(&|record| mean(&record.losses)));
    for class in 0..names.len() {
        let worst = |record: &Record| world.family.worst(&record.losses)[class];
        put(format!("worst_{}", class + 1), over(&worst));
        put(format!("value_{}", class + 1), Some(Metric::new(world.values[class], unit)));
    }
    for rival in world.rivals.iter().filter(|rival| !rival.key.is_empty()) {
        put(format!("excess_{}", rival.key), Some(Metric::new(world.gap(&rival.losses), unit)));
    }
    let mut doubt: f64 = 0.0;
    for (high, low) in world.values.iter().zip(&world.lower) {
        doubt = doubt.max(high - low);
    }
    put("doubt".into(), Some(Metric::new(doubt, unit)));
    put("trials".into(), Some(Metric::new(records.len() as f64, Unit::Count)));
    if first.rate > 0.0 {
        put("steps_per_second".into(), Some(Metric::timing(first.rate, Unit::PerSecond)));
    }
    report.tables.push(table(world, names, records));
    report.notes.extend(notes(config, world, records, doubt));
    let weights = first.saved.as_ref().map_or(0, |saved| saved.weights.len()) as u64;
    // Weights with both moments of Adam, in f64.
    report.state_bytes = 24 * weights;
    Ok(report)
}

fn csv(world: &World<'_>, records: &BTreeMap<u64, Record>) -> String {
    let mut text = String::from("policy,trial,instance,class,loss\n");
    let mut add = |name: &str, trial: &str, losses: &[f64]| {
        for (instance, loss) in losses.iter().enumerate() {
            let class = world.family.classes[instance] + 1;
            // Writing to a string does not fail.
            let _ = writeln!(text, "\"{name}\",{trial},{instance},{class},{loss}");
        }
    };
    for (index, record) in records {
        add("learned", &index.to_string(), &record.losses);
    }
    for rival in &world.rivals {
        add(&rival.name, "", &rival.losses);
    }
    text
}

/// Where the method does not win, and how exact the reference is.
fn notes(config: &Config, world: &World<'_>, records: &BTreeMap<u64, Record>, doubt: f64) -> Vec<String> {
    let mut notes = Vec::new();
    let gaps: Vec<f64> = records.values().map(|record| world.gap(&record.losses)).collect();
    let ours = mean(&gaps);
    let mut better = Vec::new();
    for rival in world.rivals.iter().filter(|rival| !matches!(rival.key, "" | "exact" | "oracle")) {
        if world.gap(&rival.losses) < ours {
            better.push(rival.name.as_str());
        }
    }
    if !better.is_empty() {
        notes.push(format!(
            "Here the learned policy is not the best in the worst case: {} came closer to the best possible. A rule \
             made for the problem needs no training.",
            better.join(", ")
        ));
    }
    if !config.adversary {
        notes.push("Trained without an adversary: the mean is good, the worst case need not be.".to_owned());
    }
    if doubt > 2e-3 {
        notes.push(format!(
            "The exact values are known to {doubt:.4} only; more `exact_steps` narrow that down."
        ));
    }
    if config.moving > 0 {
        notes.push(
            "Losses are on the instances that stay; those that the adversary moved may be harder.".to_owned(),
        );
    }
    notes
}
