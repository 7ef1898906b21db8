//! The `lowshot` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    lowshot_cli::main()
}
