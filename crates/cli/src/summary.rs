//! The outcome of a run as a person reads it on a terminal.

use crate::terminal;
use lowshot_protocol::{Cell, MethodCard, Metric, Report, Table, Unit};
use std::collections::BTreeMap;
use std::path::Path;

/// Metrics with intervals, tables, notes, and where the files are.
pub(crate) fn summary(card: &MethodCard, report: &Report, dir: &Path, files: &[String]) -> String {
    let shard = report.shard.map_or(String::new(), |shard| format!(", shard {shard}"));
    let mut text = format!(
        "{} · seed {}{shard} · {} · {}\n\n",
        card.title,
        report.seed,
        report.device.name,
        value(report.wall_seconds, Unit::Seconds)
    );
    let rows: Vec<Vec<String>> =
        ordered(card, &report.metrics).into_iter().map(|(title, metric)| row(title, metric)).collect();
    text += &terminal::columns(&rows, 2);
    for table in &report.tables {
        text += &format!("\n{}", plain_table(table));
    }
    for note in &report.notes {
        text += &format!("\nnote: {note}\n");
    }
    text += &format!("\nReport     {}\n", dir.join("report.html").display());
    if !files.is_empty() {
        text += &format!("Artifacts  {}\n", files.join(", "));
    }
    text
}

/// Metrics in the order of the card, unknown ones last, with their titles.
pub(crate) fn ordered(card: &MethodCard, metrics: &BTreeMap<String, Metric>) -> Vec<(String, Metric)> {
    let known = card.metrics.iter().filter_map(|spec| Some((spec.title.clone(), *metrics.get(&spec.name)?)));
    let other = metrics.iter().filter(|(name, _)| !card.metrics.iter().any(|spec| spec.name == **name));
    known.chain(other.map(|(name, metric)| (name.replace('_', " "), *metric))).collect()
}

fn row(title: String, metric: Metric) -> Vec<String> {
    let interval = metric.interval.map(|bounds| format!("95 % interval {}", interval(bounds, metric.unit)));
    let interval = interval.unwrap_or_default();
    vec![title, value(metric.value, metric.unit), interval]
}

/// `[0.701, 0.725]` as `70.10 % to 72.50 %`.
pub(crate) fn interval([low, high]: [f64; 2], unit: Unit) -> String {
    format!("{} to {}", value(low, unit), value(high, unit))
}

/// A number in its unit.
pub(crate) fn value(value: f64, unit: Unit) -> String {
    if !value.is_finite() {
        return "not a number".to_owned();
    }
    match unit {
        Unit::Fraction => format!("{:.2} %", 100.0 * value),
        Unit::Seconds if value < 1.0 => format!("{:.0} ms", 1000.0 * value),
        Unit::Seconds if value < 120.0 => format!("{value:.1} s"),
        Unit::Seconds => format!("{:.1} min", value / 60.0),
        Unit::PerSecond => format!("{} per second", plain(value)),
        Unit::Bytes => bytes(value),
        Unit::Count => format!("{value:.0}"),
        Unit::Nats => format!("{} nats", plain(value)),
        Unit::None => plain(value),
    }
}

/// Bytes in the binary unit that suits them.
pub(crate) fn bytes(value: f64) -> String {
    let units = [(1024.0 * 1024.0 * 1024.0, "GiB"), (1024.0 * 1024.0, "MiB"), (1024.0, "KiB")];
    match units.iter().find(|(size, _)| value >= *size) {
        Some((size, name)) => format!("{:.1} {name}", value / size),
        None => format!("{value:.0} bytes"),
    }
}

/// A number with four significant digits, without needless zeros.
pub(crate) fn plain(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if value.fract() == 0.0 && value.abs() < 1e9 {
        return format!("{value:.0}");
    }
    let size = value.abs().log10().floor();
    if !(-4.0..9.0).contains(&size) {
        return format!("{value:.3e}");
    }
    let decimals = (3.0 - size).clamp(0.0, 8.0) as usize;
    format!("{value:.decimals$}")
}

fn plain_table(table: &Table) -> String {
    let cell = |cell: &Cell| match cell {
        Cell::Number(number) => plain(*number),
        Cell::Text(text) => text.clone(),
    };
    let head = std::iter::once(table.columns.clone());
    let rows: Vec<Vec<String>> =
        head.chain(table.rows.iter().map(|row| row.iter().map(cell).collect())).collect();
    format!("{}\n{}", table.title, terminal::columns(&rows, 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        for (number, unit, text) in [
            (0.71234, Unit::Fraction, "71.23 %"),
            (0.0123, Unit::Seconds, "12 ms"),
            (3.21, Unit::Seconds, "3.2 s"),
            (600.0, Unit::Seconds, "10.0 min"),
            (1234.5678, Unit::PerSecond, "1235 per second"),
            (1536.0, Unit::Bytes, "1.5 KiB"),
            (12.0, Unit::Count, "12"),
            (0.000123456, Unit::None, "0.0001235"),
            (1.5e-7, Unit::None, "1.500e-7"),
            (-2.5, Unit::None, "-2.500"),
            (0.0, Unit::None, "0"),
            (f64::NAN, Unit::None, "not a number"),
        ] {
            assert_eq!(value(number, unit), text);
        }
    }
}
