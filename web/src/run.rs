//! The state of one run, built up from its events.

use crate::named::Named;
use lowshot_protocol::{DeviceInfo, Event, NoteLevel, Report, RunError, View};
use serde_json::Value;
use std::sync::Arc;

/// Where a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Nothing to show yet.
    #[default]
    Empty,
    /// A recorded run is shown.
    Recorded,
    /// Asked for; the engine has not begun.
    Waiting,
    /// Going on.
    Running,
    /// Held at a tick.
    Held,
    /// Ended with a report.
    Finished,
    /// Ended by the visitor.
    Stopped,
    /// Ended with an error.
    Failed,
}

impl Phase {
    /// True between the start and the end of a run.
    pub fn active(self) -> bool {
        matches!(self, Phase::Waiting | Phase::Running | Phase::Held)
    }
}

/// How far a run is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Units done.
    pub done: u64,
    /// Units in all; 0 if not known.
    pub total: u64,
    /// What is counted.
    pub unit: String,
}

impl Progress {
    /// From 0 to 1, if the total is known.
    pub fn fraction(&self) -> Option<f64> {
        (self.total > 0).then(|| (self.done as f64 / self.total as f64).min(1.0))
    }

    /// `40 of 600 episodes`.
    pub fn text(&self) -> String {
        match self.total {
            0 => format!("{} {}", self.done, self.unit),
            total => format!("{} of {total} {}", self.done, self.unit),
        }
    }
}

/// A file of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Artifact {
    /// File name.
    pub name: String,
    /// Media type.
    pub media_type: String,
    /// Its bytes.
    pub bytes: Arc<Vec<u8>>,
}

/// Where a picture comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Recorded when the site was built.
    Recorded,
    /// An earlier run of this page; its successor has not come yet.
    Earlier,
    /// The run that is shown.
    Live,
}

/// A picture and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// The picture.
    pub view: Arc<View>,
    /// Where it comes from.
    pub origin: Origin,
}

/// What began.
#[derive(Clone, Debug, PartialEq)]
pub struct Started {
    /// The resolved configuration.
    pub config: Value,
    /// The seed.
    pub seed: u64,
    /// What it computes on.
    pub device: DeviceInfo,
}

/// One run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunState {
    /// Where it is.
    pub phase: Phase,
    /// What began, once it has.
    pub started: Option<Started>,
    /// How far it is.
    pub progress: Option<Progress>,
    /// How often it was held.
    pub holds: u32,
    /// The newest picture of each id.
    pub views: Named<Shown>,
    /// The newest value of each series.
    pub scalars: Named<(u64, f64)>,
    /// Remarks.
    pub notes: Vec<(NoteLevel, String)>,
    /// Files.
    pub artifacts: Vec<Artifact>,
    /// The outcome.
    pub report: Option<Arc<Report>>,
    /// Why it failed.
    pub error: Option<RunError>,
}

impl RunState {
    /// A run that has been asked for. Pictures stay until its own arrive; recorded ones only if they are of the same
    /// settings.
    pub fn waiting(before: &RunState, keep_recorded: bool) -> RunState {
        let mut views = before.views.clone();
        views.retain(|_, shown| shown.origin != Origin::Recorded || keep_recorded);
        for shown in views.values_mut().filter(|s| s.origin == Origin::Live) {
            shown.origin = Origin::Earlier;
        }
        RunState { phase: Phase::Waiting, views, ..RunState::default() }
    }

    /// A recorded run.
    pub fn recorded(events: Vec<Event>) -> RunState {
        let mut state = RunState::default();
        for event in events {
            state.apply(event, &[]);
        }
        for shown in state.views.values_mut() {
            shown.origin = Origin::Recorded;
        }
        RunState { phase: Phase::Recorded, artifacts: Vec::new(), error: None, ..state }
    }

    /// Takes in what happened. A wrong attachment index gives an empty file, never a panic.
    pub fn apply(&mut self, event: Event, buffers: &[Vec<u8>]) {
        match event {
            Event::Started { config, seed, device, .. } => {
                self.started = Some(Started { config, seed, device });
                self.phase = Phase::Running;
            }
            Event::Progress { done, total, unit } => {
                self.progress = Some(Progress { done, total, unit });
                // A step of a held run passes a tick; `Held` follows if it stays held.
                if self.phase == Phase::Waiting {
                    self.phase = Phase::Running;
                }
            }
            Event::Scalar { series, step, value } => self.scalars.insert(series, (step, value)),
            Event::View { id, view } => {
                let shown = Shown { view: Arc::new(view), origin: Origin::Live };
                self.views.insert(id, shown);
            }
            Event::Artifact { name, media_type, buffer } => {
                let bytes = Arc::new(buffers.get(buffer).cloned().unwrap_or_default());
                self.artifacts.retain(|a| a.name != name);
                self.artifacts.push(Artifact { name, media_type, bytes });
            }
            Event::Note { level, text } => {
                if !self.notes.iter().any(|(_, known)| *known == text) {
                    self.notes.push((level, text));
                }
            }
            Event::Held => {
                self.phase = Phase::Held;
                self.holds += 1;
            }
            Event::Finished { report } => {
                self.report = Some(Arc::new(*report));
                self.phase = Phase::Finished;
                self.views.retain(|_, shown| shown.origin == Origin::Live);
            }
            Event::Failed { error } if error.code == "stopped" => self.phase = Phase::Stopped,
            Event::Failed { error } => {
                self.error = Some(error);
                self.phase = Phase::Failed;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(code: &str) -> Event {
        let error =
            RunError { code: code.to_owned(), message: "m".to_owned(), remedy: String::new(), field: None };
        Event::Failed { error }
    }

    #[test]
    fn a_run_goes_through_its_phases() {
        let mut run = RunState::waiting(&RunState::default(), false);
        let device = DeviceInfo { id: "cpu".into(), name: "x".into(), software: false, note: String::new() };
        run.apply(
            Event::Started {
                method: "m".into(),
                config: Value::Null,
                seed: 1,
                device,
                versions: Default::default(),
            },
            &[],
        );
        assert_eq!(run.phase, Phase::Running);
        run.apply(Event::Progress { done: 3, total: 4, unit: "episodes".into() }, &[]);
        let progress = run.progress.clone().unwrap();
        assert_eq!((progress.text().as_str(), progress.fraction()), ("3 of 4 episodes", Some(0.75)));
        run.apply(Event::Held, &[]);
        assert_eq!((run.phase, run.holds), (Phase::Held, 1));
        run.apply(failed("stopped"), &[]);
        assert_eq!((run.phase, &run.error), (Phase::Stopped, &None));
        run.apply(failed("invalid-input"), &[]);
        assert_eq!(run.phase, Phase::Failed);
    }

    #[test]
    fn artifacts_replace_each_other_and_survive_wrong_indices() {
        let mut run = RunState::default();
        for (buffer, length) in [(0, 2), (7, 0)] {
            run.apply(
                Event::Artifact { name: "a".into(), media_type: "text/plain".into(), buffer },
                &[vec![1, 2]],
            );
            assert_eq!(run.artifacts.len(), 1);
            assert_eq!(run.artifacts[0].bytes.len(), length);
        }
    }

    #[test]
    fn pictures_stay_until_their_successors_come() {
        let view = |id: &str| {
            let table = lowshot_protocol::Table { title: String::new(), columns: vec![], rows: vec![] };
            Event::View { id: id.into(), view: View::Table(table) }
        };
        let recorded = RunState::recorded(vec![view("a"), view("b")]);
        assert_eq!(recorded.phase, Phase::Recorded);
        assert_eq!(RunState::waiting(&recorded, false).views.len(), 0);
        let mut run = RunState::waiting(&recorded, true);
        run.apply(view("a"), &[]);
        assert_eq!((run.views["a"].origin, run.views["b"].origin), (Origin::Live, Origin::Recorded));
        let next = RunState::waiting(&run, true);
        assert_eq!((next.views["a"].origin, next.views["b"].origin), (Origin::Earlier, Origin::Recorded));
    }

    #[test]
    fn a_note_is_told_once() {
        let mut run = RunState::default();
        for _ in 0..2 {
            run.apply(Event::Note { level: NoteLevel::Info, text: "same".into() }, &[]);
        }
        assert_eq!(run.notes.len(), 1);
    }
}
