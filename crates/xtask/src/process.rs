//! Running other programs, and where things are.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The root of the repository: of the checkout that cargo runs this in, which is not always the one it was built in,
/// since several may share a target folder.
pub fn root() -> PathBuf {
    let manifest = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf(), PathBuf::from);
    manifest.ancestors().nth(2).unwrap_or(&manifest).to_path_buf()
}

/// Where cargo puts what it builds.
pub fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// Where downloads that outlive a build are kept.
pub fn cache() -> PathBuf {
    target().join("xtask-cache")
}

/// A cargo command in the root of the repository.
pub fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(root());
    command
}

/// Any other command in the root of the repository.
pub fn command(program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(root());
    command
}

/// Runs a command to its end, showing its output.
///
/// # Errors
/// Says which command failed.
pub fn run(command: &mut Command) -> Result<(), String> {
    let text = show(command);
    eprintln!("$ {text}");
    let status = command.status().map_err(|e| format!("`{text}` could not be started: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{text}` failed with {status}")) }
}

/// Runs a command to its end and gives its standard output.
///
/// # Errors
/// Says which command failed, with its error output.
pub fn output(command: &mut Command) -> Result<String, String> {
    let text = show(command);
    let output =
        command.stdin(Stdio::null()).output().map_err(|e| format!("`{text}` could not be started: {e}"))?;
    if output.status.success() {
        String::from_utf8(output.stdout).map_err(|e| format!("`{text}` printed no text: {e}"))
    } else {
        Err(format!(
            "`{text}` failed with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        ))
    }
}

fn show(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|w| w.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// True if a program can be started.
pub fn exists(program: &str) -> bool {
    Command::new(program).arg("--version").stdin(Stdio::null()).output().is_ok_and(|o| o.status.success())
}

/// Builds the native binary with the given features (dev profile) and gives its path.
///
/// # Errors
/// Says that the build failed.
pub fn build_binary(features: &[&str]) -> Result<PathBuf, String> {
    run(&mut cargo(&["build", "--package", "lowshot", "--features", &features.join(",")]))?;
    Ok(target().join("debug").join(format!("lowshot{}", env::consts::EXE_SUFFIX)))
}
