//! Builds, serves and tests everything: `cargo xtask play`, `cargo xtask test`, and the rest of `--help`.

mod bench;
#[cfg(feature = "book")]
mod book;
mod browser;
mod check;
mod play;
mod process;
mod site;
mod sizes;
mod stages;
mod test;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Builds, serves and tests Lowshot.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Builds what is stale and serves the playground on this machine.
    Play {
        /// Address to listen on.
        #[arg(long, default_value = "127.0.0.1:7878")]
        bind: String,
        /// Device of the native engine: `cpu`, `wgpu` or `cuda`, the last two with `:` and a number if need be; they build the binary with that feature.
        #[arg(long, default_value = "cpu")]
        device: String,
        /// Leave the WebGPU engine (the longest build) out.
        #[arg(long)]
        no_webgpu: bool,
    },
    /// Builds the static site into dist/.
    Web {
        /// Leave the WebGPU engine (the longest build) out.
        #[arg(long)]
        no_webgpu: bool,
        /// Leave the documentation book out.
        #[arg(long)]
        no_book: bool,
        /// Take this native binary instead of building one.
        #[arg(long)]
        binary: Option<std::path::PathBuf>,
    },
    /// Runs every test, and prints what could not be run and why (LOWSHOT_REQUIRE=wgpu,browser,… makes it a failure).
    Test {
        /// Only the native CPU tests.
        #[arg(long)]
        quick: bool,
    },
    /// Formatting, lints for native and wasm, documentation, and the CUDA build.
    Check,
    /// Compares the sizes of what a browser downloads with their limits.
    Sizes,
    /// Measures speed against the peers in tests/peers and writes target/bench.json.
    Bench {
        /// Only suites whose name contains this.
        filter: Option<String>,
    },
    /// Builds the documentation book into dist/docs (needs the feature `book`; `web` calls it).
    #[command(hide = true)]
    Book,
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Task::Play { bind, device, no_webgpu } => play::play(&bind, &device, !no_webgpu),
        Task::Web { no_webgpu, no_book, binary } => site::build(!no_webgpu, !no_book, binary),
        Task::Test { quick } => test::test(quick),
        Task::Check => check::check(),
        Task::Sizes => sizes::sizes(),
        Task::Bench { filter } => bench::bench(filter.as_deref()),
        Task::Book => book(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(feature = "book")]
fn book() -> Result<(), String> {
    book::build()
}

#[cfg(not(feature = "book"))]
fn book() -> Result<(), String> {
    Err("run it as `cargo run -p xtask --features book -- book`".to_owned())
}
