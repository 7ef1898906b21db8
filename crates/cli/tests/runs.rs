//! Run directories: what is in them, and what survives.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{METHOD, csv, lowshot, report, run, same_every_time};
use lowshot_protocol::Event;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const SMALL: &[&str] = &["run", METHOD, "--set", "episodes=12", "--set", "queries=5"];

fn small(more: &[&str]) -> Vec<String> {
    SMALL.iter().chain(more).map(|s| (*s).to_owned()).collect()
}

#[track_caller]
fn small_run(dir: &Path, more: &[&str]) -> common::Done {
    let args = small(more);
    run(dir, &args.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn a_run_directory_says_everything() {
    let root = tempfile::tempdir().unwrap();
    let done =
        small_run(root.path(), &["--seed", "7", "--input", "features=builtin:omniglot-features"]).fine();
    let dir = root.path().join(format!("runs/{METHOD}-seed7"));
    assert!(done.out().contains("95 % interval") && done.out().contains("report.html"), "{}", done.out());

    let config: Value = serde_json::from_slice(&fs::read(dir.join("config.json")).unwrap()).unwrap();
    assert_eq!(
        (&config["method"], &config["seed"], &config["device"]),
        (&METHOD.into(), &7.into(), &"cpu".into())
    );
    assert_eq!((&config["config"]["episodes"], &config["config"]["shots"]), (&12.into(), &1.into()));

    let report = report(&dir);
    assert_eq!(report.metrics["episodes"].value, 12.0);
    assert!((0.0..=1.0).contains(&report.metrics["accuracy"].value));
    assert!(report.metrics["accuracy"].interval.is_some());
    assert!(!report.inputs["features"].digest.is_empty());

    let events = fs::read_to_string(dir.join("events.jsonl")).unwrap();
    let events: Vec<Event> = events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(matches!(events.first(), Some(Event::Started { seed: 7, .. })));
    assert!(matches!(events.last(), Some(Event::Finished { report: last }) if **last == report));

    let info: Vec<lowshot_protocol::MethodInfo> =
        serde_json::from_str(&run(root.path(), &["methods", "--json"]).fine().out()).unwrap();
    let card = &info.iter().find(|info| info.card.id == METHOD).unwrap().card;
    for view in events.iter().filter_map(|e| match e {
        Event::View { id, .. } => Some(id),
        _ => None,
    }) {
        let svg = fs::read_to_string(dir.join(format!("plots/{view}.svg"))).unwrap();
        assert!(svg.starts_with("<svg"), "{view}");
    }
    for artifact in events.iter().filter_map(|e| match e {
        Event::Artifact { name, .. } => Some(name),
        _ => None,
    }) {
        assert!(card.artifacts.iter().any(|spec| spec.name == *artifact), "{artifact}");
        assert!(dir.join(artifact).is_file(), "{artifact}");
    }
    let predictions: Vec<Value> =
        serde_json::from_slice(&fs::read(dir.join("predictions.json")).unwrap()).unwrap();
    assert_eq!(predictions.len(), 12);

    let html = fs::read_to_string(dir.join("report.html")).unwrap();
    for part in
        ["lowshot run prototype-laplacian --set", "--seed 7", "prefers-color-scheme", "<svg", "episodes"]
    {
        assert!(html.contains(part), "{part}");
    }
    // One file: nothing is fetched. (Addresses in `xmlns` and links to follow are none.)
    for request in ["<script", "<link", "src=\"http", "url(http", "@import", "<iframe"] {
        assert!(!html.contains(request), "{request}");
    }
}

#[test]
fn json_and_quiet_say_just_that() {
    let root = tempfile::tempdir().unwrap();
    let done = small_run(root.path(), &["--json", "--out", "a"]).fine();
    assert_eq!(
        serde_json::from_str::<lowshot_protocol::Report>(&done.out()).unwrap(),
        report(&root.path().join("a"))
    );
    let done = small_run(root.path(), &["--quiet", "--out", "b"]).fine();
    assert_eq!((done.out().as_str(), done.err().as_str()), ("", ""));
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_one_another() {
    let root = tempfile::tempdir().unwrap();
    for (out, seed) in [("a", "3"), ("b", "3"), ("c", "4")] {
        let input = "features=builtin:omniglot-features";
        small_run(root.path(), &["--out", out, "--seed", seed, "--input", input]).fine();
    }
    let read = |out: &str, file: &str| fs::read(root.path().join(out).join(file)).unwrap();
    assert_eq!(
        same_every_time(&report(&root.path().join("a"))),
        same_every_time(&report(&root.path().join("b")))
    );
    assert!(read("a", "predictions.json") == read("b", "predictions.json"), "one seed, two predictions");
    assert!(read("a", "episodes.json") != read("c", "episodes.json"), "two seeds, the same tasks");
}

#[test]
fn a_run_is_repeated_from_its_config_and_set_is_stronger() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("mine.csv"), csv(6, 30)).unwrap();
    small_run(root.path(), &["--out", "a", "--seed", "9", "--input", "features=mine.csv"]).fine();
    run(root.path(), &["run", METHOD, "--config", "a/config.json", "--out", "b"]).fine();
    assert_eq!(
        same_every_time(&report(&root.path().join("a"))),
        same_every_time(&report(&root.path().join("b")))
    );
    run(root.path(), &["run", METHOD, "--config", "a/config.json", "--set", "episodes=3", "--out", "c"])
        .fine();
    let c = report(&root.path().join("c"));
    assert_eq!((c.metrics["episodes"].value, c.seed), (3.0, 9));
    fs::write(root.path().join("bare.json"), "{\"episodes\": 4, \"queries\": 2}").unwrap();
    run(root.path(), &["run", METHOD, "--config", "bare.json", "--out", "d"]).fine();
    assert_eq!(report(&root.path().join("d")).metrics["episodes"].value, 4.0);
}

#[test]
fn results_are_not_overwritten_by_accident() {
    let root = tempfile::tempdir().unwrap();
    small_run(root.path(), &["--out", "a"]).fine();
    let before = fs::read(root.path().join("a/report.json")).unwrap();
    small_run(root.path(), &["--out", "a", "--set", "shots=2"]).exits(2).says("shots is 1 there, 2 here");
    assert_eq!(fs::read(root.path().join("a/report.json")).unwrap(), before);
    small_run(root.path(), &["--out", "a", "--set", "shots=2", "--force"]).fine();
    assert_eq!(report(&root.path().join("a")).config["shots"], 2);
    // The same run may be done again.
    small_run(root.path(), &["--out", "a", "--set", "shots=2"]).fine();
    fs::create_dir(root.path().join("mine")).unwrap();
    fs::write(root.path().join("mine/notes.txt"), "x").unwrap();
    small_run(root.path(), &["--out", "mine", "--force"]).exits(2).says("not a run directory");
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("file"), "x").unwrap();
    small_run(root.path(), &["--out", "file"]).exits(2).says("file");
    let done = small_run(root.path(), &["--out", "file/below"]);
    assert!(matches!(done.code(), Some(1 | 2)) && done.err().contains("below"), "{}", done.err());
    #[cfg(target_os = "linux")]
    small_run(root.path(), &["--out", "/proc/lowshot"]).exits(1).says("/proc/lowshot");
}

#[cfg(unix)]
#[test]
fn a_write_that_fails_ends_the_run_with_the_path() {
    let root = tempfile::tempdir().unwrap();
    // A limit on file sizes fails as a full disk does, in the middle of the run.
    let args = small(&["--out", "a"]).join(" ");
    let script = format!("trap '' XFSZ; ulimit -f 4; exec {} {args}", env!("CARGO_BIN_EXE_lowshot"));
    let output =
        std::process::Command::new("sh").args(["-c", &script]).current_dir(root.path()).output().unwrap();
    common::Done(output).exits(1).says("cannot write").says("a/");
    assert!(!root.path().join("a/report.json").exists());
    // With room again, the same directory can be used.
    let done = small_run(root.path(), &["--out", "a"]);
    if done.code() == Some(2) {
        assert!(done.err().contains("--resume"), "{}", done.err());
        run(root.path(), &["run", "--resume", "a"]).fine();
    }
    assert_eq!(report(&root.path().join("a")).metrics["episodes"].value, 12.0);
}

/// A run long enough to be interrupted.
const LONG: &[&str] = &["run", METHOD, "--set", "episodes=3000", "--set", "compare=all", "--seed", "5"];

fn start(root: &Path, args: &[&str]) -> Child {
    let mut command = lowshot(root);
    command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until some items are saved, but not the report.
fn until_some_are_saved(child: &mut Child, dir: &Path) {
    let records = dir.join("checkpoint/records.bin");
    let begin = Instant::now();
    while fs::metadata(&records).map_or(0, |facts| facts.len()) == 0 {
        assert!(begin.elapsed() < Duration::from_secs(120), "nothing was saved in two minutes");
        assert!(child.try_wait().unwrap().is_none(), "the run ended before anything was saved");
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(!dir.join("report.json").exists(), "the run is too short for this test: raise its episodes");
}

#[test]
fn a_killed_run_goes_on_and_ends_as_if_nothing_had_happened() {
    let root = tempfile::tempdir().unwrap();
    run(root.path(), &[LONG, &["--out", "whole"]].concat()).fine();
    let dir = root.path().join("killed");
    let mut child = start(root.path(), &[LONG, &["--out", "killed"]].concat());
    until_some_are_saved(&mut child, &dir);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!dir.join("report.json").exists(), "the run is too short for this test: raise its episodes");
    // As if the power had gone in the middle of a write.
    let records = dir.join("checkpoint/records.bin");
    let mut bytes = fs::read(&records).unwrap();
    let saved = bytes.len();
    bytes.extend_from_slice(&bytes.clone()[..saved.min(30)]);
    bytes.truncate(saved + 25);
    fs::write(&records, &bytes).unwrap();

    run(root.path(), &[LONG, &["--out", "killed"]].concat()).exits(2).says("--resume killed");
    for (flags, says) in [
        (&["--seed", "6"][..], "--seed 6"),
        (&["--set", "shots=2"], "shots=2"),
        (&["--shard", "1/2"], "--shard 1/2"),
        (&["--input", "features=builtin:digits"], "builtin:digits"),
        (&["--out", "elsewhere"], "--out elsewhere"),
    ] {
        run(root.path(), &[&["run", "--resume", "killed"], flags].concat())
            .exits(2)
            .says(says)
            .says("contradicts");
    }
    let done = run(root.path(), &["run", METHOD, "--resume", "killed", "--seed", "5"]).fine();
    assert!(done.err().contains("going on after"), "{}", done.err());

    let whole = root.path().join("whole");
    assert_eq!(same_every_time(&report(&dir)), same_every_time(&report(&whole)));
    for file in ["predictions.json", "episodes.json"] {
        assert!(fs::read(dir.join(file)).unwrap() == fs::read(whole.join(file)).unwrap(), "{file} differs");
    }
    let again = run(root.path(), &["run", "--resume", "killed"]).fine();
    assert!(again.out().contains("finished already"), "{}", again.out());
}

#[test]
fn two_processes_do_not_write_to_one_directory() {
    let root = tempfile::tempdir().unwrap();
    let mut child = start(root.path(), &[LONG, &["--out", "a"]].concat());
    until_some_are_saved(&mut child, &root.path().join("a"));
    run(root.path(), &["run", "--resume", "a"]).exits(1).says("another lowshot process");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_and_says_how_to_go_on() {
    for signal in ["-INT", "-TERM"] {
        let root = tempfile::tempdir().unwrap();
        let mut child = start(root.path(), &[LONG, &["--out", "a"]].concat());
        until_some_are_saved(&mut child, &root.path().join("a"));
        let kill =
            std::process::Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(kill.success());
        let done = common::Done(child.wait_with_output().unwrap()).exits(1);
        assert!(done.err().contains("lowshot run --resume a"), "{}", done.err());
    }
}

#[test]
fn data_that_changed_in_between_is_noticed() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("mine.csv"), csv(8, 60)).unwrap();
    let args = [LONG, &["--out", "a", "--input", "features=mine.csv"]].concat();
    let mut child = start(root.path(), &args);
    until_some_are_saved(&mut child, &root.path().join("a"));
    child.kill().unwrap();
    child.wait().unwrap();
    fs::write(root.path().join("mine.csv"), csv(8, 61)).unwrap();
    run(root.path(), &["run", "--resume", "a"]).exits(2).says("has changed since the run began");
    fs::write(root.path().join("mine.csv"), csv(8, 60)).unwrap();
    run(root.path(), &["run", "--resume", "a"]).fine();
}

#[test]
fn a_recorded_frame_is_small_and_complete() {
    let root = tempfile::tempdir().unwrap();
    run(root.path(), &["record-frame", METHOD, "--out", "frames"]).fine();
    let json = fs::read(root.path().join(format!("frames/{METHOD}.json"))).unwrap();
    assert!(json.len() <= 80_000, "{} bytes", json.len());
    let events: Vec<Event> = serde_json::from_slice(&json).unwrap();
    assert!(matches!(events.first(), Some(Event::Started { .. })));
    assert!(matches!(events.last(), Some(Event::Finished { .. })));
    assert!(events.iter().any(|event| matches!(event, Event::View { .. })));
    let svg = fs::read_to_string(root.path().join(format!("frames/{METHOD}.svg"))).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("prefers-color-scheme"));
}
