//! One demo: its form, its run, and what a visitor, a page or an element can do with them.
//!
//! The state is plain data behind one handle; signals are only counters that say that a part of it has changed. That
//! keeps the reactive machinery to one type, and the download small.

mod element;
mod running;
mod settings;

use crate::dom;
use crate::engine::{ClientId, Hub};
use crate::form::{self, Reading};
use crate::link::{self, Place};
use crate::named::Named;
use crate::run::{Phase, Progress, RunState, Shown};
use crate::site::{self, Info};
use js_sys::Function;
use leptos::prelude::*;
use lowshot_protocol::schema::FieldError;
use lowshot_protocol::{Event, InputSource, Report, RunError, RunId, RunRequest, share};
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;

/// The largest file that is handed to an engine in the browser: a worker has 4 GiB, and needs several copies.
const FILE_LIMIT: f64 = 512e6;

/// Where an input comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice {
    /// A bundled set, or a path on the server's machine.
    Source(InputSource),
    /// A file of the visitor.
    File {
        /// Its name.
        name: String,
        /// Its size in bytes.
        size: f64,
        /// Index among the kept files.
        key: usize,
    },
}

struct Waiter {
    until_held: bool,
    resolve: Function,
    reject: Function,
}

/// What changes over time.
struct State {
    texts: Named<String>,
    seed: String,
    reading: Reading,
    inputs: Named<Choice>,
    files: Vec<web_sys::File>,
    problems: Vec<FieldError>,
    follow: bool,
    run: RunState,
    /// What went wrong, before or in the run.
    error: Option<RunError>,
    announcement: String,
    /// Counter of each picture, in the order shown.
    views: Vec<(String, RwSignal<u32>)>,
    id: Option<RunId>,
    /// Settings of the run that is shown.
    shown_key: Option<String>,
    recorded: Option<RunState>,
    recorded_key: Option<String>,
    waiters: Vec<Waiter>,
    timer: Option<TimeoutHandle>,
}

struct Inner {
    info: Arc<Info>,
    base: String,
    hide: Vec<String>,
    emit: Option<Function>,
    changed: RefCell<Option<Box<dyn Fn()>>>,
    refused: RefCell<Option<Box<dyn Fn()>>>,
    state: RefCell<State>,
}

/// A demo; a handle that can be copied.
#[derive(Clone, Copy)]
pub struct Demo {
    inner: StoredValue<Rc<Inner>, LocalStorage>,
    form: RwSignal<u32>,
    run: RwSignal<u32>,
    list: RwSignal<u32>,
    client: ClientId,
}

/// Says that something has changed, unless nobody can see it any more.
fn bump(signal: RwSignal<u32>) {
    let _ = signal.try_update(|count| *count = count.wrapping_add(1));
}

fn stopped() -> RunError {
    RunError {
        code: "stopped".to_owned(),
        message: "The run was stopped.".to_owned(),
        remedy: String::new(),
        field: None,
    }
}

impl Demo {
    /// A demo of a method as an address describes it; lives as long as the current owner.
    pub fn new(base: &str, info: Arc<Info>, place: &Place, emit: Option<Function>) -> Demo {
        let start = link::start(&info.card, &info.fields, &place.rest);
        let reading = read(&info, &start.texts);
        let state = State {
            reading,
            texts: start.texts,
            seed: start.seed,
            inputs: choices(start.inputs),
            files: Vec::new(),
            problems: start.problems,
            follow: true,
            run: RunState::default(),
            error: None,
            announcement: String::new(),
            views: info.card.views.iter().map(|v| (v.id.clone(), RwSignal::new(0))).collect(),
            id: None,
            shown_key: None,
            recorded: None,
            recorded_key: None,
            waiters: Vec::new(),
            timer: None,
        };
        let client = Hub::of_page(base).join();
        let inner = Rc::new(Inner {
            info,
            base: base.to_owned(),
            hide: place.hide.clone(),
            emit,
            changed: RefCell::new(None),
            refused: RefCell::new(None),
            state: RefCell::new(state),
        });
        let demo = Demo {
            inner: StoredValue::new_local(inner),
            form: RwSignal::new(0),
            run: RwSignal::new(0),
            list: RwSignal::new(0),
            client,
        };
        on_cleanup(move || {
            if let Some(inner) = demo.inner.try_get_value() {
                let state = inner.state.borrow();
                if let Some(timer) = state.timer {
                    timer.clear();
                }
                let run = state.id;
                drop(state);
                if let Some(run) = run {
                    hub().stop(run);
                }
            }
            hub().show(client, true);
        });
        demo
    }

    fn inner(&self) -> Rc<Inner> {
        self.inner.get_value()
    }

    fn get<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.inner().state.borrow())
    }

    fn set<T>(&self, write: impl FnOnce(&mut State) -> T) -> T {
        write(&mut self.inner().state.borrow_mut())
    }

    /// True while it is on the page; what comes later from a file or an engine asks first.
    fn alive(&self) -> bool {
        self.inner.try_get_value().is_some()
    }

    /// The card and the fields.
    pub fn method(&self) -> Arc<Info> {
        self.inner().info.clone()
    }

    /// True if a part or a field is to be left out.
    pub fn hides(&self, part: &str) -> bool {
        self.inner().hide.iter().any(|h| h == part)
    }

    /// The text of a field.
    pub fn text(&self, field: &str) -> String {
        self.form.track();
        self.get(|s| s.texts.get(field).cloned().unwrap_or_default())
    }

    /// The seed as written.
    pub fn seed(&self) -> String {
        self.form.track();
        self.get(|s| s.seed.clone())
    }

    /// What is wrong with the seed.
    pub fn seed_problem(&self) -> Option<String> {
        self.form.track();
        self.get(|s| link::seed(&s.seed).err().map(|e| told(&e)))
    }

    /// True if a field does not matter now.
    pub fn is_hidden(&self, field: &str) -> bool {
        self.form.track();
        self.get(|s| s.reading.hidden.iter().any(|h| h == field))
    }

    /// What is wrong with a field, as the form or the engine says.
    pub fn problem(&self, field: &str) -> Option<String> {
        self.form.track();
        self.run.track();
        self.get(|s| {
            let here = s.reading.errors.get(field).map(told);
            here.or_else(|| {
                s.error.as_ref().filter(|e| e.field.as_deref() == Some(field)).map(|e| e.to_string())
            })
        })
    }

    /// Where an input comes from, if not from its default.
    pub fn choice(&self, input: &str) -> Option<Choice> {
        self.form.track();
        self.get(|s| s.inputs.get(input).cloned())
    }

    /// Problems of the address.
    pub fn problems(&self) -> Vec<FieldError> {
        self.form.track();
        self.get(|s| s.problems.clone())
    }

    /// Run again when a setting changes.
    pub fn follows(&self) -> bool {
        self.form.track();
        self.get(|s| s.follow)
    }

    /// Where the run is.
    pub fn phase(&self) -> Phase {
        self.run.track();
        self.get(|s| s.run.phase)
    }

    /// How far it is.
    pub fn progress(&self) -> Option<Progress> {
        self.run.track();
        self.get(|s| s.run.progress.clone())
    }

    /// How often the run was held: the number of the step, for a run that is stepped from the start.
    pub fn holds(&self) -> u32 {
        self.run.track();
        self.get(|s| s.run.holds)
    }

    /// What went wrong.
    pub fn error(&self) -> Option<RunError> {
        self.run.track();
        self.get(|s| s.error.clone())
    }

    /// For screen readers; changes rarely.
    pub fn announcement(&self) -> String {
        self.run.track();
        self.get(|s| s.announcement.clone())
    }

    /// Outcome, remarks and files of the run; follows their changes only.
    pub fn outcome(&self) -> RunState {
        self.list.track();
        self.get(|s| RunState { views: Named::default(), ..s.run.clone() })
    }

    /// Identifiers of the pictures, in the order shown.
    pub fn view_ids(&self) -> Vec<String> {
        self.list.track();
        // A finished run has made all the pictures that its settings make.
        let finished = self.phase() == Phase::Finished;
        self.get(|s| {
            let shown = s.views.iter().filter(|(id, _)| !finished || s.run.views.contains(id));
            shown.map(|(id, _)| id.clone()).collect()
        })
    }

    /// A picture.
    pub fn view(&self, id: &str) -> Option<Shown> {
        if let Some(counter) = self.get(|s| s.views.iter().find(|(known, _)| known == id).map(|(_, c)| *c)) {
            counter.track();
        }
        self.get(|s| s.run.views.get(id).cloned())
    }

    /// True if the form has the settings of the recorded run.
    pub fn as_recorded(&self) -> bool {
        self.form.track();
        let first = self.method().card.presets.first().map(|p| link::sources(&p.inputs)).unwrap_or_default();
        let inner = self.inner();
        let state = inner.state.borrow();
        let key = link::seed(&state.seed).ok().map(|seed| key_of(&inner.info, &state.reading.config, seed));
        key.is_some()
            && key == state.recorded_key
            && (state.inputs.is_empty() || same_inputs(&inner.info, &state.inputs, &first))
    }

    /// The preset that the form shows.
    pub fn preset(&self) -> Option<usize> {
        self.form.track();
        let inner = self.inner();
        let state = inner.state.borrow();
        let texts = form::texts(&inner.info.fields, &state.reading.config);
        inner.info.card.presets.iter().position(|preset| {
            form::texts(&inner.info.fields, &preset.config) == texts
                && same_inputs(&inner.info, &state.inputs, &link::sources(&preset.inputs))
        })
    }

    /// The request that the form describes, if it is right; files are named, not yet attached.
    pub fn request(&self) -> Option<RunRequest> {
        self.form.track();
        let inner = self.inner();
        let state = inner.state.borrow();
        let seed = link::seed(&state.seed).ok()?;
        if !state.reading.errors.is_empty() {
            return None;
        }
        let mut inputs = BTreeMap::new();
        for (name, choice) in state.inputs.iter() {
            let source = match choice.clone() {
                Choice::Source(source) => source,
                Choice::File { name: file, .. } => InputSource::Attached { file, buffer: inputs.len() },
            };
            inputs.insert(name.clone(), source);
        }
        let config = state.reading.config.clone();
        Some(RunRequest {
            method: inner.info.card.id.clone(),
            config,
            seed,
            inputs,
            shard: None,
            paused: false,
        })
    }

    /// The query of a link to this demo.
    pub fn query(&self) -> Option<String> {
        self.request().map(|request| share::query(&request))
    }

    /// The same run on the command line.
    pub fn command_line(&self) -> Option<String> {
        self.request().map(|request| share::command_line(&self.method().fields, &request))
    }

    /// Tells equal settings from different ones, files included.
    fn key(&self) -> Option<String> {
        let query = self.query()?;
        Some(self.get(|s| format!("{query}|{:?}", s.inputs)))
    }

    /// True if the pictures belong to other settings than the form has.
    pub fn outdated(&self) -> bool {
        self.run.track();
        let shown = self.get(|s| s.shown_key.clone());
        shown.is_some() && shown != self.key()
    }
}

/// What is wrong with a field, beside it.
fn told(error: &FieldError) -> String {
    format!("{} {}; it should be {}.", error.field, error.problem, error.expected)
}

fn read(info: &Info, texts: &Named<String>) -> Reading {
    form::read(&info.fields, |name| texts.get(name).cloned().unwrap_or_default())
}

fn key_of(info: &Info, config: &Value, seed: u64) -> String {
    format!("{:?} {seed}", form::texts(&info.fields, config))
}

/// True if the choices come to the same inputs as a preset's.
fn same_inputs(info: &Info, chosen: &Named<Choice>, preset: &BTreeMap<String, InputSource>) -> bool {
    info.card.inputs.iter().all(|spec| {
        let default = spec.default_bundled().map(|name| InputSource::Builtin { name: name.to_owned() });
        let here = match chosen.get(&spec.name) {
            Some(Choice::File { .. }) => return false,
            Some(Choice::Source(source)) => Some(source.clone()),
            None => default.clone(),
        };
        here == preset.get(&spec.name).cloned().or(default)
    })
}

fn choices(inputs: BTreeMap<String, InputSource>) -> Named<Choice> {
    let mut choices = Named::default();
    for (name, source) in inputs {
        choices.insert(name, Choice::Source(source));
    }
    choices
}

/// The engine of this page, once the page has said where the site lies.
pub fn hub() -> Hub {
    Hub::of_page("")
}
