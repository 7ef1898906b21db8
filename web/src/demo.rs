//! One demo: its form, its run, and what a visitor, a page or an element can do with them.
//!
//! The state is plain data behind one handle; signals are only counters that say that a part of it has changed. That
//! keeps the reactive machinery to one type, and the download small.

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

    // ---- what is shown; these follow changes

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
        self.get(|s| s.views.iter().map(|(id, _)| id.clone()).collect())
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

    // ---- what a visitor does with the form

    /// Calls back after every change of a setting.
    pub fn on_change(&self, call: impl Fn() + 'static) {
        *self.inner().changed.borrow_mut() = Some(Box::new(call));
    }

    /// Calls back when a run was asked for and a setting is not right.
    pub fn on_refused(&self, call: impl Fn() + 'static) {
        *self.inner().refused.borrow_mut() = Some(Box::new(call));
    }

    /// Writes a field.
    pub fn write(&self, field: &str, text: String) {
        self.set(|s| s.texts.insert(field.to_owned(), text));
        self.form_changed();
    }

    /// Writes the seed.
    pub fn write_seed(&self, text: String) {
        self.set(|s| s.seed = text);
        self.form_changed();
    }

    /// Sets whether to run again when a setting changes.
    pub fn set_follow(&self, follow: bool) {
        self.set(|s| s.follow = follow);
        bump(self.form);
    }

    /// Takes the note about the address away.
    pub fn dismiss_problems(&self) {
        self.set(|s| s.problems.clear());
        bump(self.form);
    }

    /// Sets the fields and inputs of a preset.
    pub fn apply_preset(&self, index: usize) {
        let info = self.method();
        let Some(preset) = info.card.presets.get(index) else { return };
        self.set(|s| {
            s.texts = form::texts(&info.fields, &preset.config);
            s.inputs = choices(link::sources(&preset.inputs));
            s.problems.clear();
        });
        self.form_changed();
    }

    /// Takes a file of the visitor for an input.
    pub fn attach(&self, input: &str, file: web_sys::File) {
        let (name, size) = (file.name(), file.size());
        let formats = self.formats(input);
        let fits = |ending: &String| {
            let name = name.to_ascii_lowercase();
            name.ends_with(&format!(".{ending}")) || name.ends_with(&format!(".{ending}.gz"))
        };
        let problem = if !formats.is_empty() && !formats.iter().any(fits) {
            let remedy = format!("Take a {} file.", formats.join(", "));
            Some((format!("{name} is not a file this input reads."), remedy))
        } else if size > FILE_LIMIT {
            let (has, limit) = (crate::format::bytes(size), crate::format::bytes(FILE_LIMIT));
            let message = format!("{name} has {has}; the browser takes up to {limit}.");
            Some((message, "Run it on the command line.".to_owned()))
        } else {
            None
        };
        if let Some((message, remedy)) = problem {
            let field = Some(input.to_owned());
            self.set(|s| {
                s.error = Some(RunError { code: "invalid-input".to_owned(), message, remedy, field })
            });
            return bump(self.run);
        }
        self.set(|s| {
            let key = s.files.len();
            s.files.push(file);
            s.inputs.insert(input.to_owned(), Choice::File { name, size, key });
        });
        self.form_changed();
    }

    /// File name endings of an input.
    pub fn formats(&self, input: &str) -> Vec<String> {
        let info = self.method();
        let spec = info.card.inputs.iter().find(|s| s.name == input);
        spec.map(|s| s.formats.iter().map(|f| f.extension().to_owned()).collect()).unwrap_or_default()
    }

    /// Takes a bundled set, or with `None` the default, for an input.
    pub fn choose_input(&self, input: &str, name: Option<&str>) {
        self.set(|s| match name {
            Some(name) => {
                let source = InputSource::Builtin { name: name.to_owned() };
                s.inputs.insert(input.to_owned(), Choice::Source(source));
            }
            None => s.inputs.remove(input),
        });
        self.form_changed();
    }

    fn form_changed(&self) {
        let inner = self.inner();
        let gone = {
            let mut state = inner.state.borrow_mut();
            state.reading = read(&inner.info, &state.texts);
            // What the engine said about a field is about its former value.
            let gone = state.error.as_ref().is_some_and(|e| e.field.is_some());
            if gone {
                state.error = None;
            }
            if let Some(timer) = state.timer.take() {
                timer.clear();
            }
            let demo = *self;
            let timer = set_timeout_with_handle(move || demo.settings_rest(), Duration::from_millis(350));
            state.timer = timer.ok();
            gone
        };
        bump(self.form);
        if gone {
            bump(self.run);
        }
        self.send("lowshot-config", &untrack(|| self.config()));
        if let Some(changed) = &*inner.changed.borrow() {
            changed();
        }
    }

    /// A moment after the last change: runs again, if a run is shown.
    fn settings_rest(&self) {
        if !self.alive() {
            return;
        }
        let (follow, phase) = self.get(|s| (s.follow, s.run.phase));
        let shows_a_run = matches!(phase, Phase::Waiting | Phase::Running | Phase::Finished | Phase::Failed);
        if follow && shows_a_run && untrack(|| self.outdated() && self.key().is_some()) {
            self.begin(false);
        }
    }

    // ---- what a visitor does with the run

    /// Loads the recorded run, unless a live one is there already.
    pub async fn load_frame(self) {
        let Some(inner) = self.inner.try_get_value() else { return };
        let Some(events) = site::frame(&inner.base, &inner.info.card.id).await else { return };
        let recorded = RunState::recorded(events);
        if !self.alive() || inner.state.borrow().run.phase != Phase::Empty {
            return;
        }
        let mut state = inner.state.borrow_mut();
        state.recorded_key = recorded.started.as_ref().map(|s| key_of(&inner.info, &s.config, s.seed));
        state.recorded = Some(recorded.clone());
        drop(state);
        self.show(recorded);
    }

    /// Starts, or lets a held run go on.
    pub fn play(&self) {
        let (phase, id) = self.get(|s| (s.run.phase, s.id));
        match (phase, id) {
            (Phase::Held, Some(run)) if !untrack(|| self.outdated()) => {
                hub().resume(run);
                self.set(|s| s.run.phase = Phase::Running);
                bump(self.run);
            }
            (Phase::Waiting | Phase::Running, Some(_)) if !untrack(|| self.outdated()) => {}
            _ => self.begin(false),
        }
    }

    /// One tick; starts a held run if there is none.
    pub fn step(&self) {
        let (phase, id) = self.get(|s| (s.run.phase, s.id));
        match id {
            Some(run) if phase.active() => hub().step(run),
            _ => self.begin(true),
        }
    }

    /// Holds the run.
    pub fn pause(&self) {
        if let Some(run) = self.get(|s| s.id) {
            hub().pause(run);
        }
    }

    /// Ends the run and shows what was there at first.
    pub fn reset(&self) {
        self.cancel();
        let first = self.set(|s| {
            s.shown_key = None;
            s.error = None;
            s.recorded.clone().unwrap_or_default()
        });
        self.say("Reset.".to_owned());
        self.show(first);
    }

    fn say(&self, text: String) {
        self.set(|s| s.announcement = text);
        bump(self.run);
    }

    fn cancel(&self) {
        if let Some(run) = self.set(|s| s.id.take()) {
            hub().stop(run);
            self.settle(Err(&stopped()));
        }
    }

    fn begin(&self, held: bool) {
        let Some(mut request) = untrack(|| self.request()) else {
            let first = self.get(|s| {
                let seed = link::seed(&s.seed).err();
                s.reading.errors.iter().next().map(|(_, e)| e.clone()).or(seed)
            });
            let message = first.map(|e| format!("{e}.")).unwrap_or_default();
            self.say(format!("Not started. {message}"));
            let error =
                RunError { code: "invalid-config".to_owned(), message, remedy: String::new(), field: None };
            self.settle(Err(&error));
            if let Some(refused) = &*self.inner().refused.borrow() {
                refused();
            }
            return self.send("lowshot-error", &error);
        };
        self.cancel();
        let keep = untrack(|| self.as_recorded());
        let key = untrack(|| self.key());
        let waiting = self.set(|s| {
            s.shown_key = key;
            s.error = None;
            s.announcement = "Starting.".to_owned();
            RunState::waiting(&s.run, keep)
        });
        self.show(waiting);
        let (demo, inner) = (*self, self.inner());
        let chosen = self.get(|s| s.inputs.clone());
        spawn_local(async move {
            let mut buffers = Vec::new();
            for (name, choice) in chosen.iter() {
                let Choice::File { name: file, key, .. } = choice.clone() else { continue };
                let Some(handle) = inner.state.borrow().files.get(key).cloned() else { continue };
                match dom::file_bytes(&handle).await {
                    Ok(bytes) => {
                        let source = InputSource::Attached { file, buffer: buffers.len() };
                        request.inputs.insert(name.clone(), source);
                        buffers.push(bytes);
                    }
                    Err(message) => {
                        let error = RunError {
                            code: "invalid-input".to_owned(),
                            message,
                            remedy: "The file may have changed on disk; choose it again.".to_owned(),
                            field: Some(name.clone()),
                        };
                        if demo.alive() {
                            demo.happened(Event::Failed { error }, Vec::new());
                        }
                        return;
                    }
                }
            }
            // The demo may have gone, or been reset, meanwhile.
            if !demo.alive() || demo.get(|s| s.run.phase != Phase::Waiting || s.id.is_some()) {
                return;
            }
            let own = Rc::new(Cell::new(0));
            let id = own.clone();
            let sink = Rc::new(move |event, buffers| {
                if demo.alive() && demo.get(|s| s.id) == Some(id.get()) {
                    demo.happened(event, buffers);
                }
            });
            let run = hub().submit(demo.client, request, buffers, held, sink);
            own.set(run);
            demo.set(|s| s.id = Some(run));
            if held {
                hub().step(run);
            }
        });
    }

    fn happened(&self, event: Event, buffers: Vec<Vec<u8>>) {
        let (mut now, mut over) = (false, false);
        match &event {
            Event::Started { .. } => self.say("Running.".to_owned()),
            Event::Held => now = true,
            Event::Finished { .. } | Event::Failed { .. } => (now, over) = (true, true),
            Event::Progress { done, total, unit } => {
                let fraction = (*total > 0).then(|| *done as f64 / *total as f64);
                let detail = json!({"done": done, "total": total, "unit": unit, "fraction": fraction});
                self.send("lowshot-progress", &detail);
            }
            _ => {}
        }
        // Without a copy: a run can bring many and large pictures.
        let ask = self.set(|s| {
            let before = (s.run.notes.len(), s.run.artifacts.len());
            if let Event::View { id, .. } = &event
                && !s.views.iter().any(|(known, _)| known == id)
            {
                s.views.push((id.clone(), RwSignal::new(0)));
            }
            let view = match &event {
                Event::View { id, .. } => s.views.iter().find(|(known, _)| known == id).map(|(_, c)| *c),
                _ => None,
            };
            s.run.apply(event, &buffers);
            if over {
                s.id = None;
                s.error = s.run.error.clone();
            }
            let list = over || before != (s.run.notes.len(), s.run.artifacts.len());
            (view, list)
        });
        self.changed_soon(ask.0, ask.1, now);
        if !now {
            return;
        }
        let (phase, progress, report) =
            self.get(|s| (s.run.phase, s.run.progress.clone(), s.run.report.clone()));
        match (phase, report) {
            (Phase::Held, _) => {
                let step = self.get(|s| format!("step {}", s.run.holds));
                self.say(format!("Held. {}", progress.map_or(step, |p| p.text())));
                self.settle(Ok(None));
            }
            (Phase::Finished, Some(report)) => {
                self.say(format!("Finished. {}", self.headline(&report)));
                self.send("lowshot-result", &*report);
                self.settle(Ok(Some(&report)));
            }
            _ => {
                let error = self.get(|s| s.error.clone()).unwrap_or_else(stopped);
                self.say(error.to_string());
                if error.code != "stopped" {
                    self.send("lowshot-error", &error);
                }
                self.settle(Err(&error));
            }
        }
    }

    /// Tells the parts of the page that changed: those of a picture and of the progress with the next frame.
    fn changed_soon(&self, view: Option<RwSignal<u32>>, list: bool, now: bool) {
        if now {
            self.all_changed();
        } else {
            if list {
                bump(self.list);
            }
            thread_local!(static PENDING: RefCell<Vec<RwSignal<u32>>> = const { RefCell::new(Vec::new()) });
            let first = PENDING.with_borrow_mut(|pending| {
                let first = pending.is_empty();
                for signal in [Some(self.run), view].into_iter().flatten() {
                    if !pending.contains(&signal) {
                        pending.push(signal);
                    }
                }
                first
            });
            if first {
                request_animation_frame(|| {
                    for signal in PENDING.take() {
                        bump(signal);
                    }
                });
            }
        }
    }

    fn all_changed(&self) {
        let views: Vec<_> = self.get(|s| s.views.iter().map(|(_, counter)| *counter).collect());
        for counter in views.into_iter().chain([self.run, self.list]) {
            bump(counter);
        }
    }

    /// Shows another run.
    fn show(&self, run: RunState) {
        self.set(|s| {
            for (id, _) in run.views.iter() {
                if !s.views.iter().any(|(known, _)| known == id) {
                    s.views.push((id.clone(), RwSignal::new(0)));
                }
            }
            s.run = run;
        });
        self.all_changed();
    }

    /// The most important number of a report.
    fn headline(&self, report: &Report) -> String {
        let info = self.method();
        let first = info.card.metrics.iter().find_map(|spec| Some((spec, report.metrics.get(&spec.name)?)));
        first.map_or_else(String::new, |(spec, metric)| {
            let text = crate::format::metric(metric);
            let interval = text.interval.map(|i| format!(" {i}")).unwrap_or_default();
            format!("{}: {}{interval}", spec.title, text.value)
        })
    }

    // ---- what a page does with an element

    /// Scrolled into or out of sight.
    pub fn set_visible(&self, visible: bool) {
        hub().show(self.client, visible);
    }

    /// Method, configuration, seed and inputs as plain data.
    pub fn config(&self) -> Value {
        let inner = self.inner();
        let state = inner.state.borrow();
        let mut inputs = serde_json::Map::new();
        for (name, choice) in state.inputs.iter() {
            let text = match choice {
                Choice::Source(source) => source.to_string(),
                Choice::File { name: file, .. } => file.clone(),
            };
            inputs.insert(name.clone(), Value::String(text));
        }
        json!({
            "method": inner.info.card.id,
            "config": state.reading.config,
            "seed": link::seed(&state.seed).ok(),
            "inputs": inputs,
        })
    }

    /// Sets fields (`{"shots": 1}`), or what [`Demo::config`] gives.
    ///
    /// # Errors
    /// [`FieldError`] for a name that does not exist or a value out of range; then nothing is changed.
    pub fn set_config(&self, given: &Value) -> Result<(), FieldError> {
        let info = self.method();
        let nested = given.get("config").and_then(Value::as_object);
        let empty = serde_json::Map::new();
        let fields = nested.or(given.as_object()).unwrap_or(&empty);
        let mut texts = self.get(|s| s.texts.clone());
        for (name, value) in fields {
            let field = info.fields.iter().find(|f| f.name == *name);
            let field = field.ok_or_else(|| lowshot_protocol::schema::unknown(&info.fields, name))?;
            field.check(value)?;
            texts.insert(name.clone(), form::text_of(field, value));
        }
        self.set(|s| {
            s.texts = texts;
            if nested.is_none() {
                return;
            }
            if let Some(seed) = given.get("seed").and_then(Value::as_u64) {
                s.seed = seed.to_string();
            }
            for (name, source) in given.get("inputs").and_then(Value::as_object).unwrap_or(&empty) {
                if let Some(source) = source.as_str().filter(|s| s.starts_with("builtin:")) {
                    s.inputs.insert(name.clone(), Choice::Source(InputSource::parse(source)));
                }
            }
        });
        self.form_changed();
        Ok(())
    }

    /// Tells the page around an element.
    pub fn send(&self, event: &str, detail: &impl serde::Serialize) {
        if let Some(emit) = &self.inner().emit {
            let _ = emit.call2(&JsValue::NULL, &JsValue::from_str(event), &dom::to_js(detail));
        }
    }

    /// A promise of the end of the run, or of the next hold.
    pub fn promise(&self, until_held: bool) -> js_sys::Promise {
        let demo = *self;
        js_sys::Promise::new(&mut |resolve, reject| {
            demo.set(|s| s.waiters.push(Waiter { until_held, resolve, reject }));
        })
    }

    /// Keeps the promises: `Ok(None)` for a hold, `Ok(report)` for an end.
    fn settle(&self, outcome: Result<Option<&Report>, &RunError>) {
        let held = matches!(outcome, Ok(None));
        let (due, kept) = self
            .set(|s| std::mem::take(&mut s.waiters))
            .into_iter()
            .partition::<Vec<_>, _>(|waiter| waiter.until_held || !held);
        self.set(|s| s.waiters = kept);
        for waiter in due {
            let _ = match &outcome {
                Ok(report) => waiter.resolve.call1(&JsValue::NULL, &dom::to_js(report)),
                Err(error) => {
                    let text = js_sys::Error::new(&error.to_string());
                    let _ = js_sys::Reflect::set(&text, &"code".into(), &error.code.as_str().into());
                    let _ = js_sys::Reflect::set(&text, &"remedy".into(), &error.remedy.as_str().into());
                    waiter.reject.call1(&JsValue::NULL, &text)
                }
            };
        }
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
