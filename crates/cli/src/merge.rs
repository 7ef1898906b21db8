//! `lowshot merge`: the shards of a run become the report of the whole run.
//!
//! Every shard recorded the result of each of its items. With all of them at hand the method runs once more, finds
//! nothing left to compute, and writes what it would have written without shards.

use crate::args::MergeArgs;
use crate::error::CliError;
use crate::event_log;
use crate::platform::NativePlatform;
use crate::run::{self, Job, Talk};
use crate::run_dir::{self, RunDir, Saved};
use crate::{Outcome, request, terminal};
use lowshot_lab::device::DeviceKind;
use lowshot_lab::{Resumed, registry};
use lowshot_protocol::{InputFacts, InputSource, Report, Shard};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// One shard as found on disk.
struct Part {
    dir: PathBuf,
    shard: Shard,
    saved: Saved,
    report: Option<Report>,
    records: BTreeMap<u64, Vec<u8>>,
    damaged: bool,
}

/// Joins the shards into a run directory.
pub(crate) fn merge(args: &MergeArgs) -> Outcome {
    let parts = args.shards.iter().map(|dir| read(dir)).collect::<Result<Vec<_>, _>>()?;
    check_same_run(&parts)?;
    let parts = in_order(parts)?;
    check_finished(&parts)?;
    check_inputs(&parts)?;
    let reports: Vec<&Report> = parts.iter().filter_map(|part| part.report.as_ref()).collect();
    let combined = Combined::of(&reports);
    let records = union(&parts)?;

    let Some(first) = parts.first() else {
        return Err(CliError::Usage("no shards given".to_owned()));
    };
    let mut request = first.saved.request.clone();
    request.shard = None;
    let card = registry::find(&request.method)?.info().card;
    request.inputs.extend(request::parse_inputs(&request.method, &card.inputs, &args.input)?);
    let kind = args.device.unwrap_or(DeviceKind::Cpu);
    let device = run::open(kind)?;
    let (dir, saved) = RunDir::create(&args.out, &Saved { request, device: kind.to_string() }, args.force)?;
    // With its items on disk the merged directory is like that of a run without shards.
    let mut file = dir.records();
    for (index, bytes) in &records {
        file.append(*index, bytes)?;
    }
    file.sync()?;
    let expected = reports.first().map(|report| report.inputs.clone()).unwrap_or_default();
    let count = parts.len();
    if !args.quiet {
        terminal::complain(&format!("{count} shards, {} results", records.len()));
    }
    let platform = NativePlatform::new(digests(&saved, &expected));
    let job = Job { dir, saved, resumed: Resumed { records }, platform, device, new_items: false };
    run::execute(job, Talk { json: args.json, quiet: args.quiet }, |report| combined.complete(report))
}

fn read(dir: &Path) -> Result<Part, CliError> {
    let saved = run_dir::saved(dir)?;
    let Some(shard) = saved.request.shard else {
        return Err(CliError::Usage(format!("{} is not a shard: it was run without --shard", dir.display())));
    };
    let (records, damaged) = run_dir::read_records(dir)?;
    Ok(Part { dir: dir.to_owned(), shard, report: run_dir::report(dir)?, saved, records, damaged })
}

fn check_same_run(parts: &[Part]) -> Result<(), CliError> {
    let Some((first, rest)) = parts.split_first() else { return Ok(()) };
    for part in rest {
        let foreign = |what: String| {
            CliError::Usage(format!(
                "{} belongs to another run than {}: {what}",
                part.dir.display(),
                first.dir.display()
            ))
        };
        if part.shard.count() != first.shard.count() {
            return Err(foreign(format!("it is shard {}, the other is shard {}", part.shard, first.shard)));
        }
        // Where a file is may differ between machines; what is in it may not, and is checked by its digest.
        let comparable = |saved: &Saved| {
            let mut request = saved.request.clone();
            request.shard = None;
            request.inputs.retain(|_, source| matches!(source, InputSource::Builtin { .. }));
            request
        };
        let (a, b) = (comparable(&first.saved), comparable(&part.saved));
        if a != b {
            let what = run_dir::difference(&a, &b).replace("there", "in the other").replace("here", "in it");
            return Err(foreign(what));
        }
    }
    Ok(())
}

/// Shards by index, each there once.
fn in_order(parts: Vec<Part>) -> Result<Vec<Part>, CliError> {
    let count = parts.first().map_or(0, |part| part.shard.count());
    let mut by_index: BTreeMap<u32, Part> = BTreeMap::new();
    for part in parts {
        if let Some(other) = by_index.get(&part.shard.index()) {
            return Err(CliError::Usage(format!(
                "shard {} is given twice: {} and {}",
                part.shard,
                other.dir.display(),
                part.dir.display()
            )));
        }
        by_index.insert(part.shard.index(), part);
    }
    let missing: Vec<String> =
        (1..=count).filter(|i| !by_index.contains_key(i)).map(|i| format!("{i}/{count}")).collect();
    match missing.as_slice() {
        [] => Ok(by_index.into_values().collect()),
        [one] => Err(CliError::Usage(format!("shard {one} is missing: run it, or add its run directory"))),
        many => Err(CliError::Usage(format!(
            "shards {} are missing: run them, or add their run directories",
            many.join(", ")
        ))),
    }
}

fn check_finished(parts: &[Part]) -> Result<(), CliError> {
    let unfinished: Vec<String> = parts
        .iter()
        .filter(|part| part.report.is_none())
        .map(|part| {
            let dir = part.dir.display();
            let how_far = event_log::last_progress(&part.dir.join("events.jsonl"))
                .unwrap_or_else(|| format!("{} saved results", part.records.len()));
            format!(
                "shard {} in {dir} is not finished ({how_far}): go on with `lowshot run --resume {dir}`",
                part.shard
            )
        })
        .collect();
    if unfinished.is_empty() { Ok(()) } else { Err(CliError::Failed(unfinished.join("\n"))) }
}

fn check_inputs(parts: &[Part]) -> Result<(), CliError> {
    let Some((first, rest)) = parts.split_first() else { return Ok(()) };
    let digests = |part: &Part| -> BTreeMap<String, String> {
        let inputs = part.report.iter().flat_map(|report| report.inputs.iter());
        inputs.map(|(name, facts)| (name.clone(), facts.digest.clone())).collect()
    };
    let expected = digests(first);
    for part in rest {
        let found = digests(part);
        if found != expected {
            let name = expected.iter().find(|(name, digest)| found.get(*name) != Some(digest));
            let name = name.map_or("inputs".to_owned(), |(name, _)| format!("input `{name}`"));
            return Err(CliError::Usage(format!(
                "the {name} of {} has other contents than that of {}: the shards did not run on the same data",
                part.dir.display(),
                first.dir.display()
            )));
        }
    }
    Ok(())
}

/// All items; each shard must hold exactly its own.
fn union(parts: &[Part]) -> Result<BTreeMap<u64, Vec<u8>>, CliError> {
    let total: u64 = parts.iter().map(|part| part.records.len() as u64).sum();
    if total == 0 {
        return Err(CliError::Usage(
            "these runs saved no items: this method or task is not one that can be spread over shards"
                .to_owned(),
        ));
    }
    let mut all = BTreeMap::new();
    // First what a shard alone tells: without its items, the ranges of the others would seem wrong.
    if let Some(part) = parts.iter().find(|part| part.damaged) {
        return Err(damaged(part, "results that were there when it finished are damaged or gone".to_owned()));
    }
    for part in parts {
        let range = part.shard.range(total);
        if !part.records.keys().copied().eq(range.clone()) {
            let what = format!("it does not hold just the results {} to {}", range.start, range.end);
            return Err(damaged(part, what));
        }
        all.extend(part.records.iter().map(|(index, bytes)| (*index, bytes.clone())));
    }
    Ok(all)
}

fn damaged(part: &Part, what: String) -> CliError {
    let dir = part.dir.display();
    CliError::Failed(format!(
        "shard {} in {dir}: {what}; remove its report.json and go on with `lowshot run --resume {dir}`",
        part.shard
    ))
}

/// Digests that the input files must have, by path.
fn digests(saved: &Saved, expected: &BTreeMap<String, InputFacts>) -> BTreeMap<String, String> {
    let of = |(name, source): (&String, &InputSource)| match source {
        InputSource::Path { path } => Some((path.clone(), expected.get(name)?.digest.clone())),
        _ => None,
    };
    saved.request.inputs.iter().filter_map(of).collect()
}

/// What the report of the whole takes from the reports of the parts: nothing was computed while merging.
struct Combined {
    device: Option<lowshot_protocol::DeviceInfo>,
    wall_seconds: f64,
}

impl Combined {
    fn of(reports: &[&Report]) -> Combined {
        let device = reports.first().map(|report| report.device.clone());
        let device = device.filter(|device| reports.iter().all(|report| report.device == *device));
        Combined { device, wall_seconds: reports.iter().map(|report| report.wall_seconds).sum() }
    }

    /// The device is that of the shards if they had the same; the time is theirs added up.
    fn complete(self, report: Report) -> Report {
        Report { device: self.device.unwrap_or(report.device), wall_seconds: self.wall_seconds, ..report }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lowshot_protocol::RunRequest;
    use serde_json::json;

    fn part(shard: &str, items: std::ops::Range<u64>) -> Part {
        let shard: Shard = shard.parse().unwrap();
        let request = RunRequest {
            method: "m".to_owned(),
            config: json!({"shots": 1}),
            seed: 1,
            inputs: BTreeMap::new(),
            shard: Some(shard),
            paused: false,
        };
        Part {
            dir: PathBuf::from(format!("part-{}", shard.index())),
            shard,
            saved: Saved { request, device: "cpu".to_owned() },
            report: None,
            records: items.map(|index| (index, vec![index as u8])).collect(),
            damaged: false,
        }
    }

    fn says<T>(result: Result<T, CliError>) -> String {
        match result {
            Ok(_) => "fine".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn missing_doubled_and_foreign_shards_are_named() {
        assert!(says(in_order(vec![part("1/3", 0..3), part("3/3", 6..9)])).contains("shard 2/3 is missing"));
        assert!(says(in_order(vec![part("2/4", 0..0)])).contains("shards 1/4, 3/4, 4/4 are missing"));
        let twice = says(in_order(vec![part("1/1", 0..3), part("1/1", 0..3)]));
        assert!(twice.contains("given twice"), "{twice}");
        let mut other = part("2/2", 3..6);
        assert_eq!(says(check_same_run(&[part("1/2", 0..3), part("2/2", 3..6)])), "fine");
        other.saved.request.config = json!({"shots": 5});
        let foreign = says(check_same_run(&[part("1/2", 0..3), other]));
        assert!(foreign.contains("part-2 belongs to another run than part-1: shots is 1"), "{foreign}");
        assert!(says(check_same_run(&[part("1/2", 0..3), part("2/3", 3..6)])).contains("shard 2/3"));
    }

    #[test]
    fn every_shard_holds_exactly_its_own_items() {
        let all = union(&[part("1/2", 0..3), part("2/2", 3..7)]).unwrap();
        assert_eq!(all.keys().copied().collect::<Vec<_>>(), (0..7).collect::<Vec<_>>());
        for parts in [
            [part("1/2", 0..3), part("2/2", 2..6)],
            [part("1/2", 0..3), part("2/2", 4..8)],
            [part("1/2", 0..2), part("2/2", 3..6)],
        ] {
            assert!(says(union(&parts)).contains("does not hold just"));
        }
        assert!(says(union(&[part("1/1", 0..0)])).contains("saved no items"));
    }
}
