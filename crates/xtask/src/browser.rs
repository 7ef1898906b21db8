//! The browser tests: real Chromium, driven by Playwright.

use crate::process::{command, exists, root, run};
use crate::stages::Miss;
use std::env;
use std::path::Path;

/// Runs tests/browser on the built site.
///
/// # Errors
/// A gap if Node, npm or Chromium is missing.
pub fn test() -> Result<(), Miss> {
    let chromium = chromium().ok_or_else(|| {
        Miss::Gap(
            "no Chromium; install it (Debian: apt-get install chromium) or set LOWSHOT_CHROMIUM".to_owned(),
        )
    })?;
    if !exists("node") || !exists("npm") {
        return Err(Miss::Gap("no Node.js with npm, which drives Chromium".to_owned()));
    }
    let folder = root().join("tests/browser");
    run(command("npm", &["ci", "--no-audit", "--no-fund", "--silent"]).current_dir(&folder))?;
    let binary = crate::process::build_binary(&["wgpu"])?;
    let mut tests = command("node", &["--test", "--test-concurrency=1"]);
    tests.current_dir(&folder).env("LOWSHOT_CHROMIUM", chromium).env("LOWSHOT_BIN", binary);
    Ok(run(tests.env("LOWSHOT_DIST", crate::site::dist()))?)
}

fn chromium() -> Option<String> {
    if let Ok(path) = env::var("LOWSHOT_CHROMIUM") {
        return Some(path);
    }
    let places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    places.into_iter().find(|p| Path::new(p).exists()).map(str::to_owned)
}
