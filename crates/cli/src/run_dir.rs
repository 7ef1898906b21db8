//! A run directory: never half-written, never overwritten by accident, good for going on after a crash.
//!
//! ```text
//! config.json              the request with all defaults filled in, and the device
//! events.jsonl             what happened
//! checkpoint/records.bin   finished items; count.json: how many there are in the end; inputs.json: digests of the
//!                          files read; lock: held while a run writes
//! plots/*.svg, artifacts   results
//! report.html, report.json the outcome; report.json comes last, so its presence means that the run is finished
//! ```

use crate::error::CliError;
use lowshot_data::{json_bytes, write_atomic};
use lowshot_lab::{records, registry};
use lowshot_protocol::{Report, RunRequest, Shard};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What `config.json` holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Saved {
    /// The request.
    #[serde(flatten)]
    pub(crate) request: RunRequest,
    /// What it was begun on, as `--device` takes it.
    pub(crate) device: String,
}

/// A run directory that this process alone writes to.
#[derive(Debug)]
pub(crate) struct RunDir {
    path: PathBuf,
    /// Held until this value is dropped; the system lets go of it when the process dies, however it dies.
    _lock: File,
}

/// What an interrupted run left.
pub(crate) struct Interrupted {
    /// The directory, locked.
    pub(crate) dir: RunDir,
    /// Its finished items.
    pub(crate) records: BTreeMap<u64, Vec<u8>>,
    /// Digests of the input files read, by path.
    pub(crate) digests: BTreeMap<String, String>,
}

/// The directory a run gets when none is given.
pub(crate) fn default_path(method: &str, seed: u64, shard: Option<Shard>) -> PathBuf {
    let part = shard.map_or(String::new(), |s| format!("-shard-{}-of-{}", s.index(), s.count()));
    PathBuf::from("runs").join(format!("{method}-seed{seed}{part}"))
}

/// Reads `config.json` of a run directory.
///
/// # Errors
/// [`CliError::Usage`] if there is none, or it is damaged.
pub(crate) fn saved(dir: &Path) -> Result<Saved, CliError> {
    let path = dir.join("config.json");
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(_) if !dir.exists() => {
            return Err(CliError::Usage(format!("{}: there is no such run directory", dir.display())));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(CliError::Usage(format!(
                "{} is not a run directory: it has no config.json",
                dir.display()
            )));
        }
        Err(error) => return Err(CliError::files(&path, "read")(error)),
    };
    serde_json::from_slice(&bytes)
        .map_err(|e| CliError::Usage(format!("{} is not the config.json of a run: {e}", path.display())))
}

/// The report of a finished run; `None` if it is not finished.
///
/// # Errors
/// [`CliError`] if it cannot be read.
pub(crate) fn report(dir: &Path) -> Result<Option<Report>, CliError> {
    let path = dir.join("report.json");
    match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|e| CliError::Usage(format!("{} is not the report of a run: {e}", path.display()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(CliError::files(&path, "read")(error)),
    }
}

/// Finished items of a run directory, and whether some are damaged or missing that were there when it finished.
///
/// # Errors
/// [`CliError::Files`] if the file is there and cannot be read.
pub(crate) fn read_records(dir: &Path) -> Result<(BTreeMap<u64, Vec<u8>>, bool), CliError> {
    let bytes = read_if_there(&records_path(dir))?.unwrap_or_default();
    let (records, good) = records::decode(&bytes);
    let count =
        read_if_there(&count_path(dir))?.and_then(|bytes| serde_json::from_slice::<usize>(&bytes).ok());
    let lost = count.is_some_and(|count| count != records.len());
    Ok((records, lost || good < bytes.len()))
}

fn records_path(dir: &Path) -> PathBuf {
    dir.join("checkpoint").join("records.bin")
}

fn count_path(dir: &Path) -> PathBuf {
    dir.join("checkpoint").join("count.json")
}

impl RunDir {
    /// Makes the directory ready for a new run. Gives back the request as a later reader of `config.json` will see
    /// it, so that the run and its continuation compute with the very same numbers.
    ///
    /// # Errors
    /// [`CliError::Usage`] if there is a run whose results would be lost, and `force` is not set.
    pub(crate) fn create(path: &Path, wanted: &Saved, force: bool) -> Result<(RunDir, Saved), CliError> {
        let bytes = json_bytes(wanted)?;
        let wanted: Saved = serde_json::from_slice(&bytes)
            .map_err(|e| CliError::Failed(format!("the request cannot be written as JSON: {e}")))?;
        let old = check_free(path, &wanted.request, force)?;
        let dir = RunDir::lock(path)?;
        if let Some(old) = old {
            dir.clear(&old)?;
        }
        write_atomic(&path.join("config.json"), &bytes)?;
        Ok((dir, wanted))
    }

    /// Takes up an interrupted run: cuts off a torn end of its records.
    ///
    /// # Errors
    /// [`CliError`] if another process is writing to it, or it cannot be read.
    pub(crate) fn resume(path: &Path) -> Result<Interrupted, CliError> {
        let dir = RunDir::lock(path)?;
        let file = records_path(path);
        let mut records = BTreeMap::new();
        if let Some(bytes) = read_if_there(&file)? {
            let (found, good) = records::decode(&bytes);
            if good < bytes.len() {
                let open = OpenOptions::new().write(true).open(&file);
                open.and_then(|f| f.set_len(good as u64).and_then(|()| f.sync_all()))
                    .map_err(CliError::files(&file, "cut off its torn end"))?;
            }
            records = found;
        }
        let digests = match read_if_there(&path.join("checkpoint").join("inputs.json"))? {
            Some(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
            None => BTreeMap::new(),
        };
        Ok(Interrupted { dir, records, digests })
    }

    fn lock(path: &Path) -> Result<RunDir, CliError> {
        let checkpoint = path.join("checkpoint");
        fs::create_dir_all(&checkpoint).map_err(CliError::files(&checkpoint, "create the directory"))?;
        let name = checkpoint.join("lock");
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&name);
        let lock = lock.map_err(CliError::files(&name, "create the file"))?;
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => Err(CliError::Failed(format!(
                "{}: another lowshot process is writing to this run directory; wait for it or stop it",
                path.display()
            ))),
            // Some network file systems have no locks; then the user has to take care.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(RunDir { path: path.to_owned(), _lock: lock }),
        }
    }

    /// The directory.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file of the directory in one step.
    ///
    /// # Errors
    /// [`CliError::Write`] names the path; a name that is no plain file name is refused.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), CliError> {
        let plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0', ':']);
        if !plain {
            return Err(CliError::Failed(format!("`{name}` is no name for a file of a run directory")));
        }
        Ok(write_atomic(&self.path.join(name), bytes)?)
    }

    /// Writes `plots/ID.svg`.
    ///
    /// # Errors
    /// [`CliError`] names the path.
    pub(crate) fn write_plot(&self, id: &str, svg: &str) -> Result<(), CliError> {
        let plots = self.path.join("plots");
        fs::create_dir_all(&plots).map_err(CliError::files(&plots, "create the directory"))?;
        let id: String = id.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        Ok(write_atomic(&plots.join(format!("{id}.svg")), svg.as_bytes())?)
    }

    /// Keeps the digests of the input files.
    ///
    /// # Errors
    /// [`CliError`] names the path.
    pub(crate) fn write_digests(&self, digests: &BTreeMap<String, String>) -> Result<(), CliError> {
        Ok(write_atomic(&self.path.join("checkpoint").join("inputs.json"), &json_bytes(digests)?)?)
    }

    /// Keeps the number of items of a finished run, so that lost ones are noticed.
    ///
    /// # Errors
    /// [`CliError`] names the path.
    pub(crate) fn write_count(&self, items: u64) -> Result<(), CliError> {
        Ok(write_atomic(&count_path(&self.path), &json_bytes(&items)?)?)
    }

    /// The file of finished items, for appending.
    pub(crate) fn records(&self) -> RecordFile {
        RecordFile { path: records_path(&self.path), file: None, synced: Instant::now(), dirty: false }
    }

    /// Removes what an earlier run left, and nothing else.
    fn clear(&self, old: &Saved) -> Result<(), CliError> {
        // First the report: from here on the directory is an unfinished run.
        let files = ["report.json", "report.html", "events.jsonl", "config.json"];
        let card = registry::find(&old.request.method).ok().map(|entry| entry.info().card);
        let artifacts = card.iter().flat_map(|card| card.artifacts.iter().map(|a| a.name.as_str()));
        let mut paths: Vec<PathBuf> = files.into_iter().chain(artifacts).map(|f| self.path.join(f)).collect();
        paths.extend(
            ["records.bin", "count.json", "inputs.json"].map(|f| self.path.join("checkpoint").join(f)),
        );
        if let Ok(plots) = fs::read_dir(self.path.join("plots")) {
            let plots = plots.filter_map(Result::ok).map(|entry| entry.path());
            paths.extend(plots.filter(|path| path.extension().is_some_and(|ending| ending == "svg")));
        }
        for path in paths {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(CliError::files(&path, "remove the old file")(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Takes a directory away again in which nothing worth keeping was done.
    pub(crate) fn discard(self, saved: &Saved) {
        // Leftovers do no harm: a run without results may be replaced.
        let _ = self.clear(saved);
        let RunDir { path, _lock } = self;
        drop(_lock);
        let _ = fs::remove_file(path.join("checkpoint").join("lock"));
        for dir in [path.join("checkpoint"), path.join("plots"), path] {
            let _ = fs::remove_dir(dir);
        }
    }
}

fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, CliError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(CliError::files(path, "read")(error)),
    }
}

/// Checks that a new run may be put into `path`; gives the run that is to be cleared away, if there is one.
fn check_free(path: &Path, wanted: &RunRequest, force: bool) -> Result<Option<Saved>, CliError> {
    let shown = path.display();
    match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(CliError::Usage(format!("{shown} is a file; give a directory with --out")));
        }
        Err(error) => return Err(CliError::files(path, "open the directory")(error)),
        Ok(mut entries) => {
            let other = |e: io::Result<fs::DirEntry>| e.is_ok_and(|e| e.file_name() != "checkpoint");
            if !entries.any(other) {
                return Ok(None);
            }
        }
    }
    if !path.join("config.json").exists() {
        return Err(CliError::Usage(format!(
            "{shown} is not empty and not a run directory; give another one with --out"
        )));
    }
    let old = match saved(path) {
        Ok(old) => old,
        Err(error) if !force => return Err(error),
        Err(_) => Saved { request: wanted.clone(), device: String::new() },
    };
    let finished = path.join("report.json").exists();
    let recorded = !finished && !read_records(path)?.0.is_empty();
    let same = old.request == *wanted;
    if force || (finished && same) || !(finished || recorded) {
        return Ok(Some(old));
    }
    if same {
        return Err(CliError::Usage(format!(
            "{shown} holds this run, begun and not finished: go on with `lowshot run --resume {shown}`, \
             or begin it again with --force"
        )));
    }
    let what = if finished { "a finished run" } else { "an unfinished run" };
    Err(CliError::Usage(format!(
        "{shown} holds {what} with another request ({}); give another directory with --out, \
         or replace it with --force",
        difference(&old.request, wanted)
    )))
}

/// The first thing in which two requests differ, `old` and `new`.
pub(crate) fn difference(old: &RunRequest, new: &RunRequest) -> String {
    if old.method != new.method {
        return format!("method {} there, {} here", old.method, new.method);
    }
    if old.seed != new.seed {
        return format!("seed {} there, {} here", old.seed, new.seed);
    }
    if let (Some(a), Some(b)) = (old.config.as_object(), new.config.as_object()) {
        for name in a.keys().chain(b.keys()) {
            let (a, b) = (a.get(name), b.get(name));
            if a != b {
                let shown = |v: Option<&serde_json::Value>| v.map_or("nothing".to_owned(), |v| v.to_string());
                return format!("{name} is {} there, {} here", shown(a), shown(b));
            }
        }
    }
    for name in old.inputs.keys().chain(new.inputs.keys()) {
        let (a, b) = (old.inputs.get(name), new.inputs.get(name));
        if a != b {
            let shown = |s: Option<&lowshot_protocol::InputSource>| {
                s.map_or("the default".to_owned(), |s| s.to_string())
            };
            return format!("input {name} is {} there, {} here", shown(a), shown(b));
        }
    }
    let shown = |s: Option<Shard>| s.map_or("all".to_owned(), |s| s.to_string());
    format!("shard {} there, {} here", shown(old.shard), shown(new.shard))
}

/// The file of finished items.
///
/// Each item is handed to the system at once, so that a killed process loses none; once a second the system is
/// asked to bring them to the disk, so that a power cut loses a second's work.
pub(crate) struct RecordFile {
    path: PathBuf,
    file: Option<File>,
    synced: Instant,
    dirty: bool,
}

impl RecordFile {
    /// Appends an item.
    ///
    /// # Errors
    /// [`CliError::Files`] names the path.
    pub(crate) fn append(&mut self, index: u64, bytes: &[u8]) -> Result<(), CliError> {
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let file = OpenOptions::new().create(true).append(true).open(&self.path);
                none.insert(file.map_err(CliError::files(&self.path, "open the file"))?)
            }
        };
        file.write_all(&records::encode(index, bytes)).map_err(CliError::files(&self.path, "write"))?;
        self.dirty = true;
        if self.synced.elapsed() > Duration::from_secs(1) { self.sync() } else { Ok(()) }
    }

    /// Brings all items to the disk.
    ///
    /// # Errors
    /// [`CliError::Files`] names the path.
    pub(crate) fn sync(&mut self) -> Result<(), CliError> {
        if let Some(file) = self.file.as_mut().filter(|_| self.dirty) {
            file.sync_data().map_err(CliError::files(&self.path, "sync"))?;
        }
        self.dirty = false;
        self.synced = Instant::now();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn saved_with(shots: u64) -> Saved {
        let request = RunRequest {
            method: "m".to_owned(),
            config: json!({"shots": shots, "lambda": 0.1 + 0.2}),
            seed: 1,
            inputs: BTreeMap::new(),
            shard: None,
            paused: false,
        };
        Saved { request, device: "cpu".to_owned() }
    }

    #[test]
    fn results_are_never_overwritten_by_accident() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("run");
        // A run without results may be replaced by any other.
        drop(RunDir::create(&path, &saved_with(1), false).unwrap());
        let (dir, _) = RunDir::create(&path, &saved_with(5), false).unwrap();
        dir.records().append(0, b"x").unwrap();
        drop(dir);
        let says = |shots, force| {
            RunDir::create(&path, &saved_with(shots), force).map(|_| ()).unwrap_err().to_string()
        };
        assert!(says(5, false).contains("--resume"));
        assert!(says(1, false).contains("shots is 5 there, 1 here"));
        fs::write(path.join("report.json"), "{}").unwrap();
        assert!(says(1, false).contains("finished run"));
        // The same finished run may be done again; another one only by force.
        drop(RunDir::create(&path, &saved_with(5), false).unwrap());
        assert!(!path.join("report.json").exists());
        fs::write(path.join("report.json"), "{}").unwrap();
        drop(RunDir::create(&path, &saved_with(1), true).unwrap());
        assert_eq!(saved(&path).unwrap().request.config["shots"], 1);
    }

    #[test]
    fn foreign_directories_are_left_alone() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("thesis.tex"), "x").unwrap();
        for force in [false, true] {
            let error = RunDir::create(root.path(), &saved_with(1), force).unwrap_err();
            assert!(error.to_string().contains("not a run directory"));
        }
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_second_process_is_kept_out() {
        let root = tempfile::tempdir().unwrap();
        let (dir, _) = RunDir::create(&root.path().join("run"), &saved_with(1), false).unwrap();
        let error = RunDir::resume(dir.path()).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("another lowshot process"), "{error}");
    }

    #[test]
    fn a_torn_end_is_cut_off_before_more_is_appended() {
        let root = tempfile::tempdir().unwrap();
        let (dir, _) = RunDir::create(&root.path().join("run"), &saved_with(1), false).unwrap();
        let path = dir.path().to_owned();
        let mut file = dir.records();
        file.append(3, b"three").unwrap();
        file.append(4, b"four").unwrap();
        drop((dir, file));
        let bytes = fs::read(records_path(&path)).unwrap();
        fs::write(records_path(&path), &bytes[..bytes.len() - 2]).unwrap();
        let Interrupted { dir, records, .. } = RunDir::resume(&path).unwrap();
        assert_eq!(records.keys().collect::<Vec<_>>(), [&3]);
        dir.records().append(4, b"again").unwrap();
        let (records, damaged) = read_records(&path).unwrap();
        assert_eq!((records.len(), damaged), (2, false));
        assert_eq!(records[&4], b"again");
    }

    #[test]
    fn discarding_leaves_nothing() {
        let root = tempfile::tempdir().unwrap();
        let (dir, saved) = RunDir::create(&root.path().join("run"), &saved_with(1), false).unwrap();
        dir.discard(&saved);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn names_that_leave_the_directory_are_refused() {
        let root = tempfile::tempdir().unwrap();
        let (dir, _) = RunDir::create(&root.path().join("run"), &saved_with(1), false).unwrap();
        for bad in ["../x", "a/b", "", ".hidden", "c:x"] {
            assert!(dir.write(bad, b"").is_err(), "{bad}");
        }
        dir.write("fine.json", b"{}").unwrap();
    }
}
