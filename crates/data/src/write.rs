//! Storing results so that a crash leaves the old file or the new one, never half of one.

use serde::Serialize;

use crate::error::WriteError;

/// A value as indented JSON with a final newline. NaN and infinities become `null`, as JSON has no word for them.
///
/// # Errors
/// A value that JSON cannot hold, such as a map whose keys are no strings.
pub fn json_bytes<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, WriteError> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Writes `bytes` to `path` in one step: into a new file beside it, synced to the disk, then renamed over `path`.
///
/// The directory must exist. On failure `path` is as it was and the new file is removed.
///
/// # Errors
/// What the file system refused, with the path and the step.
#[cfg(not(target_arch = "wasm32"))]
pub fn write_atomic(path: &std::path::Path, bytes: &[u8]) -> Result<(), WriteError> {
    use std::fs;
    use std::path::Path;

    let failed = |action, source| WriteError::Io { path: path.display().to_string(), action, source };
    let Some(name) = path.file_name() else {
        let source = std::io::Error::new(std::io::ErrorKind::InvalidInput, "it names no file");
        return Err(failed("write", source));
    };
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (temporary, file) =
        new_beside(folder, name).map_err(|source| failed("create a file beside it", source))?;
    let written = fill(file, bytes).map_err(|source| failed("write", source)).and_then(|()| {
        fs::rename(&temporary, path).map_err(|source| failed("put the new file in its place", source))
    });
    if written.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_file(&temporary);
        return written;
    }
    // The rename itself must reach the disk too; only Unix lets a folder be opened for that.
    #[cfg(unix)]
    fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|source| failed("sync its folder", source))?;
    Ok(())
}

/// A file that did not exist before, named after `name`, this process and a counter.
#[cfg(not(target_arch = "wasm32"))]
fn new_beside(
    folder: &std::path::Path,
    name: &std::ffi::OsStr,
) -> std::io::Result<(std::path::PathBuf, std::fs::File)> {
    use std::sync::atomic::{AtomicU64, Ordering};

    static COUNTER: AtomicU64 = AtomicU64::new(0);
    loop {
        let mut unique = std::ffi::OsString::from(".");
        unique.push(name);
        unique.push(format!(".{}-{}.tmp", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed)));
        let path = folder.join(unique);
        match std::fs::File::create_new(&path) {
            Ok(file) => return Ok((path, file)),
            // Left behind by a crashed process of the same number.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn fill(mut file: std::fs::File, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;

    file.write_all(bytes)?;
    file.sync_all()
}
