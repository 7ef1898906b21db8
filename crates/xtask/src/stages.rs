//! A list of test stages with honest accounting: passed, failed, or not run and why.

use std::env;
use std::time::Instant;

/// Why a stage did not pass.
pub enum Miss {
    /// It ran and failed.
    Failed(String),
    /// It could not be run on this machine; the text says why and what to install.
    Gap(String),
}

impl From<String> for Miss {
    fn from(problem: String) -> Miss {
        Miss::Failed(problem)
    }
}

/// The stages run so far.
pub struct Stages {
    rows: Vec<(String, Result<(), Miss>, f64)>,
    required: Vec<String>,
}

impl Stages {
    /// No stage yet; `LOWSHOT_REQUIRE` is read here.
    pub fn new() -> Stages {
        let list = env::var("LOWSHOT_REQUIRE").unwrap_or_default();
        Stages { rows: Vec::new(), required: list.split(',').map(|s| s.trim().to_owned()).collect() }
    }

    /// Runs a stage; later stages run whatever becomes of it.
    pub fn run(&mut self, name: &str, stage: impl FnOnce() -> Result<(), Miss>) -> bool {
        eprintln!("\n=== {name}");
        let start = Instant::now();
        let mut outcome = stage();
        if let Err(Miss::Gap(reason)) = &outcome {
            eprintln!("not run: {reason}");
            if self.required.iter().any(|r| r == name) {
                outcome = Err(Miss::Failed(format!("required by LOWSHOT_REQUIRE, but: {reason}")));
            }
        }
        let passed = outcome.is_ok();
        self.rows.push((name.to_owned(), outcome, start.elapsed().as_secs_f64()));
        passed
    }

    /// Prints the account.
    ///
    /// # Errors
    /// Names the failed stages.
    pub fn finish(self) -> Result<(), String> {
        println!("\n{:<12} {:>8}  outcome", "stage", "seconds");
        let mut failed = Vec::new();
        let (mut passed, mut skipped) = (0, 0);
        for (name, outcome, seconds) in &self.rows {
            let text = match outcome {
                Ok(()) => {
                    passed += 1;
                    "passed".to_owned()
                }
                Err(Miss::Gap(reason)) => {
                    skipped += 1;
                    format!("NOT RUN: {reason}")
                }
                Err(Miss::Failed(problem)) => {
                    failed.push(name.as_str());
                    format!("FAILED: {problem}")
                }
            };
            println!("{name:<12} {seconds:>8.1}  {text}");
        }
        println!("\nstages: {passed} passed, {} failed, {skipped} skipped", failed.len());
        if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", "))) }
    }
}
