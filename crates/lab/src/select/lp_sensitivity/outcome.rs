//! From recorded trials and the selection to artifacts and a report.

use super::config::Config;
use super::data::Table;
use super::scoring::Scored;
use super::trials::{Outcome, Record};
use super::watch::Ticking;
use crate::{Context, Error};
use lowshot_core::select::lp_sensitivity::bounds::{Problem, bounds};
use lowshot_core::select::lp_sensitivity::regression::loss;
use lowshot_core::select::lp_sensitivity::{Rows, Score};
use lowshot_data::{Tensor, TensorData, write_safetensors};
use lowshot_protocol::{Cell, Metric, Report, Table as Shown, Unit};
use serde_json::json;

/// Median with an interval that holds it with 95 % whatever the distribution, by order statistics; none for fewer
/// than six values, whose extremes do not hold it so surely.
fn median(mut values: Vec<f64>) -> Option<(f64, Option<[f64; 2]>)> {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    let last = n.checked_sub(1)?;
    let middle = if n % 2 == 1 { values[n / 2] } else { 0.5 * (values[n / 2 - 1] + values[n / 2]) };
    let reach = 0.98 * (n as f64).sqrt();
    let low = (0.5 * n as f64 - reach).floor().max(0.0) as usize;
    let high = ((0.5 * n as f64 + reach).ceil() as usize).min(last);
    Some((middle, (n >= 6).then(|| [values[low.min(last)], values[high]])))
}

/// Name of the metric of a score.
fn key(score: Score) -> String {
    format!("excess_{}", score.name().replace('-', "_"))
}

/// Leaves the artifacts and makes the report.
///
/// # Errors
/// [`Error::Files`], [`Error::Resume`].
pub async fn report(
    config: &Config,
    table: &Table,
    scored: &Scored,
    outcome: &Outcome,
    cx: &mut Context,
) -> Result<Report, Error> {
    let place = outcome.scores.iter().position(|score| *score == config.score).unwrap_or(0);
    let (sample, kept_fit) = (&outcome.samples[place], &outcome.fits[place]);
    let full_loss = outcome.full.as_ref().map(|fit| fit.loss);
    let kept_loss = kept_fit.as_ref().map(|fit| loss(table, &[], &fit.coefficients, config.p));
    let names: Option<Vec<String>> = sample.rows.iter().map(|row| table.name(*row)).collect();
    let selection = json!({
        "score": config.score.name(),
        "p": config.p,
        "alpha": outcome.alpha.is_finite().then_some(outcome.alpha),
        "sum_of_scores": outcome.sum,
        "expected_rows": outcome.sizes[outcome.main],
        "rows": sample.rows,
        "probabilities": sample.q,
        "weights": sample.weights,
        "names": names.filter(|names| !names.is_empty()),
        "rounds": outcome.rounds,
        "coefficients_all_rows": outcome.full.as_ref().map(|fit| &fit.coefficients),
        "coefficients_kept_rows": kept_fit.as_ref().map(|fit| &fit.coefficients),
        "loss_all_rows": full_loss,
        "loss_of_kept_fit_on_all_rows": kept_loss,
    });
    cx.artifact_json("selection.json", &selection)?;
    cx.artifact("coreset.safetensors", "application/octet-stream", coreset(outcome, place)?);
    cx.artifact("scores.safetensors", "application/octet-stream", all_scores(scored)?);
    Ticking::new(cx).pass().await?;

    let records: Vec<Record> = cx.recorded::<Record>()?.into_values().collect();
    cx.artifact_json("trials.json", &trials(outcome, &records))?;
    let mut report = cx.report();
    let metrics = &mut report.metrics;
    let number = |value: f64| Metric::new(value, Unit::None);
    let count = |value: f64| Metric::new(value, Unit::Count);
    metrics.insert("expected_rows".into(), count(outcome.sizes[outcome.main]));
    metrics.insert("kept_rows".into(), count(sample.rows.len() as f64));
    metrics.insert("rows".into(), count(table.rows() as f64));
    metrics.insert("rank".into(), count(scored.scores.rank as f64));
    let total = match scored.total_error {
        0.0 => number(scored.total),
        error => Metric::with_half_width(scored.total, 1.96 * error, Unit::None),
    };
    metrics.insert("total_sensitivity".into(), total);
    if outcome.alpha.is_finite() {
        metrics.insert("alpha".into(), number(outcome.alpha));
    }
    metrics.insert("lewis_passes".into(), count(scored.scores.lewis.passes as f64));
    metrics.insert("scoring_seconds".into(), Metric::timing(scored.seconds, Unit::Seconds));
    if let (Some(full), Some(kept)) = (full_loss, kept_loss) {
        metrics.insert("loss_all_rows".into(), number(full));
        metrics.insert("loss_of_kept_fit".into(), number(kept));
    }
    let values = |score: usize| -> Vec<f64> {
        let at = score * outcome.sizes.len() + outcome.main;
        records.iter().filter_map(|record| record.excess.get(at).copied()).collect()
    };
    let mut medians = Vec::new();
    let mut rows = Vec::new();
    for (at, score) in outcome.scores.iter().enumerate() {
        let Some((value, interval)) = median(values(at)) else { continue };
        let metric = Metric { value, unit: Unit::Fraction, interval, timing: false };
        if *score == config.score {
            report.metrics.insert("excess".into(), metric);
        } else {
            report.metrics.insert(key(*score), metric);
        }
        let kept: f64 = records
            .iter()
            .filter_map(|r| r.kept.get(at * outcome.sizes.len() + outcome.main))
            .map(|k| f64::from(*k))
            .sum::<f64>()
            / records.len().max(1) as f64;
        let [low, high] = match interval {
            Some(interval) => interval.map(|v| Cell::from(100.0 * v)),
            None => [Cell::from("–"), Cell::from("–")],
        };
        rows.push(vec![score.name().into(), Cell::from(100.0 * value), low, high, Cell::from(kept)]);
        medians.push((*score, value, interval));
    }
    let what = if table.has_target() { "excess cost" } else { "distortion" };
    let columns = ["score", &format!("median {what} (%)"), "95 % from", "to", "rows kept"];
    report.tables.push(Shown {
        title: format!("{what} at {:.0} expected rows", outcome.sizes[outcome.main]),
        columns: columns.map(str::to_owned).to_vec(),
        rows,
    });
    report.tables.push(sizes(config, table, scored));
    report.state_bytes = state_bytes(config, table, scored);
    report.notes.extend(scored.notes.iter().chain(&outcome.notes).cloned());
    report.notes.extend(remarks(config, table, outcome, &medians));
    Ok(report)
}

fn remarks(
    config: &Config,
    table: &Table,
    outcome: &Outcome,
    medians: &[(Score, f64, Option<[f64; 2]>)],
) -> Vec<String> {
    let mut notes = Vec::new();
    let find = |score: Score| medians.iter().find(|(s, ..)| *s == score);
    if let Some((_, mine, interval)) = find(config.score).copied() {
        let uniform = find(Score::Uniform).filter(|_| config.score != Score::Uniform);
        if let (Some([_, high]), Some((_, _, Some([low, _])))) = (interval, uniform)
            && *low <= high
        {
            notes.push(
                "Uniform sampling is not clearly worse here, the intervals overlap: no row is much more important \
                 than the others, so scores are not worth their cost."
                    .to_owned(),
            );
        }
        let below = |(score, _, interval): &&(Score, f64, Option<[f64; 2]>)| {
            *score != config.score && interval.is_some_and(|[_, high]| high < mine)
        };
        let better = medians.iter().filter(below);
        let better: Vec<&str> = better.map(|(s, ..)| s.name()).collect();
        if !better.is_empty() {
            notes.push(format!(
                "Here the interval of {} lies below the median of {}.",
                better.join(" and of "),
                config.score.name()
            ));
        }
    }
    if table.has_target() && !config.score_target {
        notes.push(
            "The target was not scored: only the features' part of the loss is kept, and outliers of the target may \
             be missed at any size."
                .to_owned(),
        );
    }
    if !outcome.rounds.is_empty() {
        let rounds: Vec<String> = outcome.rounds.iter().map(usize::to_string).collect();
        notes.push(format!("Rows after each round of root leverage sampling: {}.", rounds.join(", ")));
    }
    notes
}

/// The table of bounds at the configured ε.
fn sizes(config: &Config, table: &Table, scored: &Scored) -> Shown {
    let problem = Problem {
        p: config.p,
        n: table.rows(),
        d: scored.scores.rank,
        total: scored.total,
        epsilon: config.epsilon,
    };
    let row = |b: &lowshot_core::select::lp_sensitivity::bounds::Bound| {
        let scheme = if b.lower { format!("lower bound: {}", b.scheme) } else { b.scheme.to_owned() };
        vec![Cell::from(scheme), Cell::from(b.formula), Cell::from(b.rows)]
    };
    Shown {
        title: format!("Rows for ε = {}, up to constants and logarithms", config.epsilon),
        columns: ["scheme", "formula", "rows"].map(str::to_owned).to_vec(),
        rows: bounds(&problem).iter().map(row).collect(),
    }
}

fn trials(outcome: &Outcome, records: &[Record]) -> serde_json::Value {
    let sizes = outcome.sizes.len();
    let of = |at: usize, score: &Score| {
        let range = at * sizes..(at + 1) * sizes;
        let excess: Vec<&[f64]> = records.iter().filter_map(|r| r.excess.get(range.clone())).collect();
        let kept: Vec<&[u32]> = records.iter().filter_map(|r| r.kept.get(range.clone())).collect();
        json!({"score": score.name(), "excess": excess, "kept": kept})
    };
    let scores: Vec<_> = outcome.scores.iter().enumerate().map(|(at, score)| of(at, score)).collect();
    json!({"expected_rows": outcome.sizes, "scores": scores})
}

fn coreset(outcome: &Outcome, place: usize) -> Result<Vec<u8>, Error> {
    let sample = &outcome.samples[place];
    let index: Vec<i64> = sample.rows.iter().map(|row| *row as i64).collect();
    let prob: Vec<f32> = sample.q.iter().map(|q| *q as f32).collect();
    let weight: Vec<f32> = sample.weights.iter().map(|w| *w as f32).collect();
    let shape = &[index.len()];
    written(
        "coreset.safetensors",
        &[
            Tensor { name: "index", shape, data: TensorData::I64(&index) },
            Tensor { name: "prob", shape, data: TensorData::F32(&prob) },
            Tensor { name: "weight", shape, data: TensorData::F32(&weight) },
        ],
    )
}

fn all_scores(scored: &Scored) -> Result<Vec<u8>, Error> {
    let narrow = |values: &[f64]| -> Vec<f32> { values.iter().map(|x| *x as f32).collect() };
    let scores = &scored.scores;
    let shown = [
        ("leverage", narrow(&scores.leverage)),
        ("root_leverage", narrow(&scores.of(Score::RootLeverage))),
        ("lewis", narrow(&scores.lewis.weights)),
        ("sensitivity", narrow(&scores.sensitivity)),
        ("sensitivity_upper", narrow(&scored.upper)),
    ];
    let shape = &[scores.leverage.len()];
    let tensors: Vec<Tensor<'_>> = shown
        .iter()
        .filter(|(_, values)| !values.is_empty())
        .map(|(name, values)| Tensor { name, shape, data: TensorData::F32(values) })
        .collect();
    written("scores.safetensors", &tensors)
}

fn written(name: &str, tensors: &[Tensor<'_>]) -> Result<Vec<u8>, Error> {
    write_safetensors(tensors)
        .map_err(|e| Error::Files { what: format!("writing {name}"), problem: e.to_string() })
}

/// The features, three scores and a d × d form, and the basis where sensitivities are solved for.
fn state_bytes(config: &Config, table: &Table, scored: &Scored) -> u64 {
    let (n, d, r) = (table.rows() as u64, table.columns() as u64, scored.scores.rank as u64);
    4 * n * d + 8 * (3 * n + d * d + n.min(config.exact_rows as u64) * r)
}
