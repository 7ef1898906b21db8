//! A run spread over several machines gives the report of the whole run.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{METHOD, report, run, same_every_time};
use std::fs;
use std::path::Path;

const RUN: &[&str] = &["run", METHOD, "--set", "episodes=31", "--set", "queries=5", "--seed", "11"];

fn shard(root: &Path, part: &str, out: &str) {
    run(root, &[RUN, &["--shard", part, "--out", out, "--quiet"]].concat()).fine();
}

#[test]
fn shards_join_to_exactly_the_whole_run() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    run(root, &[RUN, &["--out", "whole", "--quiet"]].concat()).fine();
    for i in 1..=4 {
        shard(root, &format!("{i}/4"), &format!("part-{i}"));
    }
    // Any order will do.
    run(root, &["merge", "part-3", "part-1", "part-4", "part-2", "--out", "merged"]).fine();
    let (whole, merged) = (root.join("whole"), root.join("merged"));
    assert_eq!(same_every_time(&report(&merged)), same_every_time(&report(&whole)));
    for file in ["predictions.json", "episodes.json", "assignments.safetensors"] {
        assert!(
            fs::read(merged.join(file)).unwrap() == fs::read(whole.join(file)).unwrap(),
            "{file} differs"
        );
    }
    let saved = |dir: &Path| fs::metadata(dir.join("checkpoint/records.bin")).unwrap().len();
    assert!(saved(&merged) > 0);
    assert!(merged.join("report.html").is_file());
    assert_eq!(report(&merged).shard, None);
    assert_eq!(report(&root.join("part-1")).shard.map(|s| s.to_string()).as_deref(), Some("1/4"));
}

#[test]
fn more_shards_than_tasks_are_no_problem() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let tiny = &["run", METHOD, "--set", "episodes=2", "--set", "queries=3"][..];
    run(root, &[tiny, &["--out", "whole", "--quiet"]].concat()).fine();
    for i in 1..=3 {
        let (part, out) = (format!("{i}/3"), format!("part-{i}"));
        run(root, &[tiny, &["--shard", &part, "--out", &out, "--quiet"]].concat()).fine();
    }
    run(root, &["merge", "part-1", "part-2", "part-3", "--out", "merged"]).fine();
    assert_eq!(same_every_time(&report(&root.join("merged"))), same_every_time(&report(&root.join("whole"))));
}

#[test]
fn what_is_missing_unfinished_or_foreign_is_named() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    for i in 1..=3 {
        shard(root, &format!("{i}/3"), &format!("part-{i}"));
    }
    let merge = |dirs: &[&str]| run(root, &[&["merge"], dirs, &["--out", "merged"]].concat());
    merge(&["part-1", "part-3"]).exits(2).says("shard 2/3 is missing");
    merge(&["part-1", "part-1", "part-2", "part-3"]).exits(2).says("given twice");

    // As after a crash: no report, and the last results are gone.
    let records = root.join("part-2/checkpoint/records.bin");
    let whole = fs::read(&records).unwrap();
    fs::write(&records, &whole[..whole.len() / 2]).unwrap();
    merge(&["part-1", "part-2", "part-3"]).exits(1).says("shard 2/3 in part-2");
    fs::remove_file(root.join("part-2/report.json")).unwrap();
    let done = merge(&["part-1", "part-2", "part-3"]).exits(1);
    assert!(done.err().contains("shard 2/3 in part-2 is not finished"), "{}", done.err());
    assert!(done.err().contains("lowshot run --resume part-2"), "{}", done.err());
    run(root, &["run", "--resume", "part-2"]).fine();
    assert_eq!(fs::read(&records).unwrap().len(), whole.len());

    run(root, &[RUN, &["--set", "shots=2", "--shard", "3/3", "--out", "other", "--quiet"]].concat()).fine();
    merge(&["part-1", "part-2", "other"]).exits(2).says("shots is");
    run(root, &[RUN, &["--out", "all", "--quiet"]].concat()).fine();
    merge(&["all"]).exits(2).says("without --shard");
    assert!(!root.join("merged").exists());
    merge(&["part-1", "part-2", "part-3"]).fine();
}

#[test]
fn shards_on_different_data_do_not_join() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    for (i, rows) in [(1, 20), (2, 21)] {
        fs::write(root.join("mine.csv"), common::csv(6, rows)).unwrap();
        let (part, out) = (format!("{i}/2"), format!("part-{i}"));
        let input = ["--input", "features=mine.csv", "--shard", &part, "--out", &out, "--quiet"];
        run(root, &[RUN, &input].concat()).fine();
    }
    run(root, &["merge", "part-1", "part-2", "--out", "merged"]).exits(2).says("input `features`");
}

#[test]
fn data_may_be_elsewhere_when_shards_are_joined() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    fs::write(root.join("mine.csv"), common::csv(6, 20)).unwrap();
    for i in 1..=2 {
        let (part, out) = (format!("{i}/2"), format!("part-{i}"));
        let input = ["--input", "features=mine.csv", "--shard", &part, "--out", &out, "--quiet"];
        run(root, &[RUN, &input].concat()).fine();
    }
    fs::rename(root.join("mine.csv"), root.join("moved.csv")).unwrap();
    let merge = &["merge", "part-1", "part-2", "--out", "merged"][..];
    run(root, merge).exits(2).says("mine.csv");
    assert!(!root.join("merged").exists());
    run(root, &[merge, &["--input", "features=moved.csv"]].concat()).fine();
}
