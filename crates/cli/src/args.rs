//! The command line.

use clap::{ArgAction, Args as ClapArgs, Parser, Subcommand};
use lowshot_lab::device::DeviceKind;
use lowshot_protocol::{Shard, share};
use std::net::SocketAddr;
use std::path::PathBuf;

/// A laboratory of methods that learn with less.
#[derive(Debug, Parser)]
#[command(name = "lowshot", version, arg_required_else_help = true)]
#[command(after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage or input.")]
pub(crate) struct Args {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the methods
    Methods(MethodsArgs),
    /// Print the JSON schema of a method's configuration
    Schema(SchemaArgs),
    /// Run a method
    Run(RunArgs),
    /// Join the shards of a run into the report of the whole run
    Merge(MergeArgs),
    /// Record the first picture of a method, for pages that show it before an engine is there
    RecordFrame(RecordFrameArgs),
    /// Serve the page with this machine as its engine
    Serve(ServeArgs),
    /// Say what is there, what is missing, and what to do about it
    Doctor(DoctorArgs),
}

/// Arguments of `methods`.
#[derive(Debug, ClapArgs)]
pub(crate) struct MethodsArgs {
    /// Everything about every method, as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `schema`.
#[derive(Debug, ClapArgs)]
pub(crate) struct SchemaArgs {
    /// Method, as `lowshot methods` lists it
    pub(crate) method: String,
}

/// Arguments of `run`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  lowshot run prototype-laplacian --set shots=5 --seed 7
  lowshot run prototype-laplacian --input features=my.npz --device cuda
  lowshot run prototype-laplacian --shard 3/8 --out runs/part-3
  lowshot run --resume runs/part-3")]
pub(crate) struct RunArgs {
    /// Method, as `lowshot methods` lists it
    #[arg(required_unless_present = "resume")]
    pub(crate) method: Option<String>,
    /// JSON file: a configuration, or the config.json of another run
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// One field of the configuration; stronger than --config
    #[arg(long = "set", value_name = "FIELD=VALUE", action = ArgAction::Append)]
    pub(crate) set: Vec<String>,
    /// A file or bundled data set to read as the named input
    #[arg(long = "input", value_name = "NAME=PATH|NAME=builtin:SET", action = ArgAction::Append)]
    pub(crate) input: Vec<String>,
    /// What to compute on: cpu, wgpu[:NUMBER] or cuda[:NUMBER] [default: cpu]
    #[arg(long, value_name = "DEVICE")]
    pub(crate) device: Option<DeviceKind>,
    /// Seed of every random choice [default: 1]
    #[arg(long, value_name = "NUMBER", value_parser = share::parse_seed, allow_negative_numbers = true)]
    pub(crate) seed: Option<u64>,
    /// Run directory [default: runs/METHOD-seedN]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Go on with the interrupted run in DIR
    #[arg(long, value_name = "DIR", conflicts_with = "force")]
    pub(crate) resume: Option<PathBuf>,
    /// Do only part i of n equal parts; `lowshot merge` joins them
    #[arg(long, value_name = "i/n")]
    pub(crate) shard: Option<Shard>,
    /// Replace another run in the run directory
    #[arg(long)]
    pub(crate) force: bool,
    /// Print report.json, and nothing else, on standard output
    #[arg(long)]
    pub(crate) json: bool,
    /// No progress and no summary
    #[arg(long)]
    pub(crate) quiet: bool,
}

/// Arguments of `merge`.
#[derive(Debug, ClapArgs)]
pub(crate) struct MergeArgs {
    /// Run directories of all shards
    #[arg(required = true, value_name = "DIR")]
    pub(crate) shards: Vec<PathBuf>,
    /// Run directory of the whole run
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Where an input file is on this machine, if not where the shards read it
    #[arg(long = "input", value_name = "NAME=PATH", action = ArgAction::Append)]
    pub(crate) input: Vec<String>,
    /// What to compute on; little is left to compute [default: cpu]
    #[arg(long, value_name = "DEVICE")]
    pub(crate) device: Option<DeviceKind>,
    /// Replace another run in the run directory
    #[arg(long)]
    pub(crate) force: bool,
    /// Print report.json, and nothing else, on standard output
    #[arg(long)]
    pub(crate) json: bool,
    /// No progress and no summary
    #[arg(long)]
    pub(crate) quiet: bool,
}

/// Arguments of `record-frame`.
#[derive(Debug, ClapArgs)]
pub(crate) struct RecordFrameArgs {
    /// Method, as `lowshot methods` lists it
    pub(crate) method: String,
    /// Directory for METHOD.json and METHOD.svg
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

/// Arguments of `serve`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "From a laptop, drive a machine that only you can reach:
  ssh -L 7878:127.0.0.1:7878 gpu-machine lowshot serve --device cuda --data-dir data")]
pub(crate) struct ServeArgs {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7878")]
    pub(crate) bind: SocketAddr,
    /// What to compute on: cpu, wgpu[:NUMBER] or cuda[:NUMBER]
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    pub(crate) device: DeviceKind,
    /// The only directory in which runs may read files of this machine [default: none]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Directory of the page, as `cargo xtask web` makes it
    #[arg(long, value_name = "DIR", default_value = "dist")]
    pub(crate) site: PathBuf,
    /// Secret of the page's address, at least 16 letters or digits; also LOWSHOT_TOKEN [default: random]
    #[arg(long, value_name = "TOKEN")]
    pub(crate) token: Option<String>,
    /// Further host name under which the page may be opened
    #[arg(long, value_name = "NAME", action = ArgAction::Append)]
    pub(crate) allow_host: Vec<String>,
    /// Largest message taken, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=4000))]
    pub(crate) max_message: u32,
    /// Connections at the same time
    #[arg(long, value_name = "NUMBER", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) max_sessions: u32,
    /// Runs at the same time in one connection
    #[arg(long, value_name = "NUMBER", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) max_runs: u32,
}

/// Arguments of `doctor`.
#[derive(Debug, ClapArgs)]
pub(crate) struct DoctorArgs {
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }
}
