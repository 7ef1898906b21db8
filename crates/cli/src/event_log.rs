//! `events.jsonl`: what happened, one JSON object a line, bounded however long a run is.

use lowshot_protocol::Event;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// Values of one series written before they are thinned out.
const SCALARS: u64 = 1000;
/// Pictures of one id written before they are thinned out; a picture can be a hundred kilobytes.
const VIEWS: u64 = 4;
/// Progress lines are no closer than this.
const PROGRESS: Duration = Duration::from_millis(500);

/// The file, flushed after every line.
///
/// Scalars and views beyond the first few are thinned out: after every `n` lines kept, every second, fourth, eighth…
/// is kept, so that a file grows with the logarithm of a run's length. The last of each is always written.
pub(crate) struct EventLog {
    file: File,
    thinned: BTreeMap<String, Thin>,
    progress: Option<Instant>,
    last_progress: Option<Event>,
}

struct Thin {
    seen: u64,
    stride: u64,
    kept: u64,
    /// The latest one that was left out.
    pending: Option<Event>,
}

impl EventLog {
    /// Opens the file for appending; a line that a crash cut off is ended.
    pub(crate) fn open(path: &Path) -> io::Result<EventLog> {
        let mut file = OpenOptions::new().create(true).read(true).append(true).open(path)?;
        if file.seek(SeekFrom::End(0))? > 0 {
            file.seek(SeekFrom::End(-1))?;
            let mut last = [0];
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                file.write_all(b"\n")?;
            }
        }
        Ok(EventLog { file, thinned: BTreeMap::new(), progress: None, last_progress: None })
    }

    /// Writes an event, or leaves it out if there are many of its kind.
    pub(crate) fn write(&mut self, event: Event) -> io::Result<()> {
        match &event {
            Event::Scalar { series, .. } => {
                let key = format!("scalar {series}");
                self.thin(key, SCALARS, event)
            }
            Event::View { id, .. } => {
                let key = format!("view {id}");
                self.thin(key, VIEWS, event)
            }
            Event::Progress { .. } => {
                if self.progress.is_some_and(|last| last.elapsed() < PROGRESS) {
                    self.last_progress = Some(event);
                    return Ok(());
                }
                self.progress = Some(Instant::now());
                self.last_progress = None;
                self.line(&event)
            }
            Event::Finished { .. } | Event::Failed { .. } => {
                self.flush_pending()?;
                self.line(&event)
            }
            _ => self.line(&event),
        }
    }

    fn thin(&mut self, key: String, limit: u64, event: Event) -> io::Result<()> {
        let thin = self.thinned.entry(key).or_insert(Thin { seen: 0, stride: 1, kept: 0, pending: None });
        let keep = thin.seen.is_multiple_of(thin.stride);
        thin.seen += 1;
        if !keep {
            thin.pending = Some(event);
            return Ok(());
        }
        thin.pending = None;
        thin.kept += 1;
        if thin.kept.is_multiple_of(limit) {
            thin.stride = thin.stride.saturating_mul(2);
        }
        self.line(&event)
    }

    fn flush_pending(&mut self) -> io::Result<()> {
        let thinned = self.thinned.values_mut().filter_map(|thin| thin.pending.take());
        let pending: Vec<Event> = thinned.chain(self.last_progress.take()).collect();
        pending.iter().try_for_each(|event| self.line(event))
    }

    fn line(&mut self, event: &Event) -> io::Result<()> {
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        // One write, so that a crash cuts at most the last line.
        self.file.write_all(&line)
    }
}

/// How far a run was by its log: the last progress, as `120 of 600 episodes`.
pub(crate) fn last_progress(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    text.lines().rev().find_map(|line| match serde_json::from_str(line) {
        Ok(Event::Progress { done, total: 0, unit }) => Some(format!("{done} {unit}")),
        Ok(Event::Progress { done, total, unit }) => Some(format!("{done} of {total} {unit}")),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(step: u64) -> Event {
        Event::Scalar { series: "loss".to_owned(), step, value: 0.5 }
    }

    fn steps(path: &Path) -> Vec<u64> {
        let text = std::fs::read_to_string(path).unwrap();
        let read = |line| match serde_json::from_str(line).unwrap() {
            Event::Scalar { step, .. } => Some(step),
            _ => None,
        };
        text.lines().filter_map(read).collect()
    }

    #[test]
    fn a_flood_is_bounded_and_keeps_its_ends() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.jsonl");
        let mut log = EventLog::open(&path).unwrap();
        for step in 0..100_000 {
            log.write(scalar(step)).unwrap();
        }
        let error = lowshot_protocol::RunError {
            code: "x".to_owned(),
            message: String::new(),
            remedy: String::new(),
            field: None,
        };
        log.write(Event::Failed { error }).unwrap();
        let steps = steps(&path);
        assert!(steps.len() < 8000, "{}", steps.len());
        assert_eq!(steps[..1000], (0..1000).collect::<Vec<_>>());
        assert_eq!(steps.last(), Some(&99_999));
    }

    #[test]
    fn a_cut_line_does_not_spoil_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.jsonl");
        std::fs::write(&path, "{\"event\":\"sca").unwrap();
        EventLog::open(&path).unwrap().write(scalar(1)).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 2);
        assert!(serde_json::from_str::<Event>(text.lines().last().unwrap()).is_ok());
        assert!(text.ends_with('\n'));
    }

    #[test]
    fn progress_is_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.jsonl");
        let mut log = EventLog::open(&path).unwrap();
        log.write(Event::Progress { done: 120, total: 250, unit: "episodes".to_owned() }).unwrap();
        log.write(scalar(1)).unwrap();
        assert_eq!(last_progress(&path).as_deref(), Some("120 of 250 episodes"));
        assert_eq!(last_progress(&dir.path().join("none")), None);
    }
}
