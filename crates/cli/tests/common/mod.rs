//! Running the real binary.

#![allow(dead_code, reason = "every test file uses a part of it")]

use lowshot_protocol::Report;
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
