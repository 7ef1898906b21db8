//! The `lowshot` command: every method natively, in run directories that survive a crash, and a server that puts
//! this machine behind the page.
//!
//! The binary is thin: what a run does is decided in `lowshot-lab`, the same code that browsers run. Here are only
//! arguments, files, progress, the server, and messages.

mod args;
mod chat;
mod doctor;
mod error;
mod event_log;
mod merge;
mod methods;
mod platform;
mod progress;
mod record_frame;
mod report_html;
mod request;
mod run;
mod run_dir;
mod schema;
mod serve;
mod sink;
mod summary;
mod terminal;

use args::{Args, Command};
use clap::Parser;
use error::CliError;
use std::process::ExitCode;

/// Runs the command line of this process.
///
/// Exit codes: 0 done, 1 failed, 2 wrong usage or input.
pub fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // `--help | head` may close the pipe; that is no reason to fail.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let outcome = match args.command {
        Command::Methods(args) => methods::methods(&args),
        Command::Schema(args) => schema::schema(&args),
        Command::Run(args) => run::run(&args),
        Command::Merge(args) => merge::merge(&args),
        Command::RecordFrame(args) => record_frame::record_frame(&args),
        Command::Serve(args) => serve::serve(&args),
        Command::Doctor(args) => doctor::doctor(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::complain(&format!("error: {error}"));
            ExitCode::from(error.exit_code())
        }
    }
}

type Outcome = Result<(), CliError>;
