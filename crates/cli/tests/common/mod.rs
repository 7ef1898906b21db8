//! Running the real binary.

#![allow(dead_code, reason = "every test file uses a part of it")]

use lowshot_protocol::{MethodCard, MethodInfo, Report};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};

pub const METHOD: &str = "prototype-laplacian";

/// The binary, in a directory of its own.
pub fn lowshot(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lowshot"));
    command.current_dir(dir).env_remove("LOWSHOT_TOKEN").stdin(Stdio::null());
    command
}

/// Runs it to its end.
pub fn run(dir: &Path, args: &[&str]) -> Done {
    Done(lowshot(dir).args(args).output().expect("the binary starts"))
}

/// What a process left.
pub struct Done(pub Output);

impl Done {
    pub fn code(&self) -> Option<i32> {
        self.0.status.code()
    }

    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.0.stdout).into_owned()
    }

    pub fn err(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).into_owned()
    }

    /// Exit code 0, and no panic.
    #[track_caller]
    pub fn fine(self) -> Done {
        self.exits(0)
    }

    /// The exit code, and no panic.
    #[track_caller]
    pub fn exits(self, code: i32) -> Done {
        assert!(!self.err().contains("panicked"), "{}", self.err());
        assert_eq!(self.code(), Some(code), "stdout: {}\nstderr: {}", self.out(), self.err());
        self
    }

    /// Standard error holds this.
    #[track_caller]
    pub fn says(self, text: &str) -> Done {
        assert!(self.err().contains(text), "wanted `{text}` in: {}", self.err());
        self
    }
}

/// The report of a run directory.
#[track_caller]
pub fn report(dir: &Path) -> Report {
    let bytes = std::fs::read(dir.join("report.json")).expect("report.json is there");
    serde_json::from_slice(&bytes).expect("report.json is a report")
}

/// Everything of a report that has to be the same whenever the same thing is run.
pub fn same_every_time(report: &Report) -> Report {
    let mut report = report.clone();
    report.metrics.retain(|_, metric| !metric.timing);
    report.wall_seconds = 0.0;
    report
}

/// A csv file of `rows` per class, two features and the label last; classes are far apart.
pub fn csv(classes: usize, rows: usize) -> String {
    let row = |i: usize| {
        let class = i % classes;
        let noise = ((i * 7919) % 100) as f64 / 100.0;
        format!("{},{},{class}\n", class as f64 * 3.0 + noise, 1.0 + class as f64 - noise)
    };
    (0..classes * rows).map(row).collect()
}

/// The card of a method, as the binary tells it.
#[track_caller]
pub fn card(dir: &Path, method: &str) -> MethodCard {
    let all: Vec<MethodInfo> = serde_json::from_str(&run(dir, &["methods", "--json"]).fine().out()).unwrap();
    all.into_iter().find(|info| info.card.id == method).expect("the method is listed").card
}

/// A configuration as `--set` arguments.
pub fn settings(config: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let one = |(name, value): (&String, &Value)| ["--set".to_owned(), format!("{name}={}", text(value))];
    config.as_object().expect("a configuration is an object").iter().flat_map(one).collect()
}

/// A metric of a report.
#[track_caller]
pub fn value(report: &Report, name: &str) -> f64 {
    report.metrics.get(name).unwrap_or_else(|| panic!("no metric {name}")).value
}

/// A JSON file that a run left.
#[track_caller]
pub fn json(path: impl AsRef<Path>) -> Value {
    let path = path.as_ref();
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_slice(&bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The whole run, in `whole`, and its two halves joined, in `merged`, leave the same report and files. `base` are the
/// arguments of the run.
#[track_caller]
pub fn shards_join(root: &Path, base: &[&str], files: &[&str]) {
    let go = |more: &[&str]| run(root, &[base, more].concat()).fine();
    go(&["--out", "whole"]);
    for part in 1..=2 {
        go(&["--shard", &format!("{part}/2"), "--out", &format!("part-{part}")]);
    }
    run(root, &["merge", "part-2", "part-1", "--out", "merged"]).fine();
    leave_the_same(&root.join("merged"), &root.join("whole"), files);
}

/// A run whose records were cut off in the middle goes on, and leaves what `whole` left.
#[track_caller]
pub fn a_cut_run_goes_on(root: &Path, base: &[&str], files: &[&str]) {
    run(root, &[base, &["--out", "again"]].concat()).fine();
    let again = root.join("again");
    let records = again.join("checkpoint/records.bin");
    let bytes = std::fs::read(&records).expect("records.bin is there");
    std::fs::write(&records, &bytes[..bytes.len() / 2]).expect("it can be cut");
    std::fs::remove_file(again.join("report.json")).expect("report.json is there");
    run(root, &["run", "--resume", "again", "--quiet"]).fine();
    leave_the_same(&again, &root.join("whole"), files);
}

#[track_caller]
fn leave_the_same(one: &Path, other: &Path, files: &[&str]) {
    assert_eq!(same_every_time(&report(one)), same_every_time(&report(other)));
    for file in files {
        let read = |dir: &Path| std::fs::read(dir.join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
        assert!(read(one) == read(other), "{file} differs");
    }
}
