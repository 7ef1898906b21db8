//! Where the events of a native run go: log, record file, artifacts, progress.

use crate::error::CliError;
use crate::event_log::EventLog;
use crate::platform::NativePlatform;
use crate::progress::Progress;
use crate::run_dir::{RecordFile, RunDir};
use lowshot_lab::{Control, Error, Sink};
use lowshot_protocol::{Event, View};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

/// The sink of one run directory. A failure to write ends the run; [`RunSink::close`] then says why.
pub(crate) struct RunSink {
    dir: Rc<RunDir>,
    log_path: PathBuf,
    log: RefCell<EventLog>,
    records: RefCell<RecordFile>,
    progress: RefCell<Progress>,
    platform: Rc<NativePlatform>,
    control: Control,
    /// False if all items have to be there already (`merge`).
    new_items: bool,
    recorded: Cell<u64>,
    views: RefCell<BTreeMap<String, View>>,
    artifacts: RefCell<Vec<String>>,
    failure: RefCell<Option<CliError>>,
}

/// What a run left besides its report.
pub(crate) struct Left {
    /// The last picture of each id.
    pub(crate) views: BTreeMap<String, View>,
    /// Names of the artifacts.
    pub(crate) artifacts: Vec<String>,
    /// Items recorded by this process.
    pub(crate) recorded: u64,
}

impl RunSink {
    /// Opens the log of the directory.
    ///
    /// # Errors
    /// [`CliError::Files`] names the path.
    pub(crate) fn new(
        dir: Rc<RunDir>,
        platform: Rc<NativePlatform>,
        control: Control,
        quiet: bool,
        new_items: bool,
    ) -> Result<RunSink, CliError> {
        let log_path = dir.path().join("events.jsonl");
        let log = EventLog::open(&log_path).map_err(CliError::files(&log_path, "open the file"))?;
        let records = dir.records();
        Ok(RunSink {
            dir,
            log_path,
            log: RefCell::new(log),
            records: RefCell::new(records),
            progress: RefCell::new(Progress::new(quiet)),
            platform,
            control,
            new_items,
            recorded: Cell::new(0),
            views: RefCell::default(),
            artifacts: RefCell::default(),
            failure: RefCell::default(),
        })
    }

    fn take(&self, event: Event, buffers: Vec<Vec<u8>>) -> Result<(), CliError> {
        match &event {
            Event::Progress { done, total, unit } => self.progress.borrow_mut().update(*done, *total, unit),
            Event::Note { level, text } => self.progress.borrow().note(*level, text),
            Event::View { id, view } => {
                self.views.borrow_mut().insert(id.clone(), view.clone());
            }
            Event::Artifact { name, buffer, .. } => {
                let bytes = buffers.get(*buffer).map(Vec::as_slice).unwrap_or_default();
                self.dir.write(name, bytes)?;
                let mut artifacts = self.artifacts.borrow_mut();
                if !artifacts.contains(name) {
                    artifacts.push(name.clone());
                }
            }
            // Written by the caller, who may still add to the report.
            Event::Finished { .. } => return Ok(()),
            _ => {}
        }
        self.write_log(event)
    }

    /// Writes a line of the log.
    ///
    /// # Errors
    /// [`CliError::Files`] names the path.
    pub(crate) fn write_log(&self, event: Event) -> Result<(), CliError> {
        self.log.borrow_mut().write(event).map_err(CliError::files(&self.log_path, "write"))
    }

    /// Ends the writing: everything on disk, or the first failure to write.
    ///
    /// # Errors
    /// The first [`CliError`] that a write met.
    pub(crate) fn close(&self) -> Result<Left, CliError> {
        self.progress.borrow().finish();
        let synced = self.records.borrow_mut().sync();
        if let Some(failure) = self.failure.borrow_mut().take() {
            return Err(failure);
        }
        synced?;
        Ok(Left { views: self.views.take(), artifacts: self.artifacts.take(), recorded: self.recorded.get() })
    }
}

impl Sink for RunSink {
    fn emit(&self, event: Event, buffers: Vec<Vec<u8>>) {
        if self.failure.borrow().is_some() {
            return;
        }
        if let Err(error) = self.take(event, buffers) {
            *self.failure.borrow_mut() = Some(error);
            self.control.stop();
        }
    }

    fn record(&self, index: u64, bytes: &[u8]) -> Result<(), Error> {
        if !self.new_items {
            return Err(Error::Resume(format!("item {index} is in none of the shards")));
        }
        let kept = if self.recorded.get() == 0 {
            // The items belong to the files as they were read before the first of them.
            self.dir.write_digests(&self.platform.digests())
        } else {
            Ok(())
        };
        kept.and_then(|()| self.records.borrow_mut().append(index, bytes)).map_err(|error| Error::Files {
            what: "saving results".to_owned(),
            problem: error.to_string(),
        })?;
        self.recorded.set(self.recorded.get() + 1);
        Ok(())
    }
}
