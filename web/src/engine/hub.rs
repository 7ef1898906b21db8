//! The one engine of a page: starts it, falls back, restarts it, and shares it between demos.

use super::transport::{Incoming, Transport, browser};
use super::{Action, Build, Facts, Kind, Queue, Tried, Wanted, plan};
use crate::dom;
use leptos::prelude::*;
use lowshot_protocol::frame::Frame;
use lowshot_protocol::{Command, EngineInfo, Event, Message, PROTOCOL_VERSION, RunError, RunId, RunRequest};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use wasm_bindgen_futures::spawn_local;

/// A demo of this page.
pub type ClientId = super::queue::Client;
type Sink = Rc<dyn Fn(Event, Vec<Vec<u8>>)>;

/// Without a sign of life for so long, a start has failed.
const START_LIMIT: Duration = Duration::from_secs(20);
/// An engine asked for by hand may be slow.
const PATIENT_LIMIT: Duration = Duration::from_secs(60);
/// A working engine that is silent for so long may be stuck; the visitor decides.
const SILENCE: f64 = 30_000.0;
const RECONNECTS: u32 = 6;

/// What people are told about the engine.
#[derive(Clone, Debug, PartialEq)]
pub enum Status {
    /// Not started; it starts with the first run.
    Off,
    /// On its way.
    Starting {
        /// Which.
        kind: Kind,
        /// How far, if that is known.
        detail: String,
    },
    /// Nothing to start yet, because it is still being built.
    Building,
    /// Ready.
    Ready {
        /// Which.
        kind: Kind,
        /// Facts.
        info: Box<EngineInfo>,
    },
    /// The server's connection was lost; trying again.
    Reconnecting {
        /// Number of the attempt.
        attempt: u32,
    },
    /// Out of order until restarted.
    Down {
        /// Why and what to do.
        error: RunError,
    },
}

/// The engine of this page, shared by its demos.
#[derive(Clone)]
pub struct Hub {
    inner: Rc<RefCell<Inner>>,
    /// Counts changes of what people are told.
    told: ArcRwSignal<u32>,
}

struct Inner {
    status: Status,
    tried: Vec<Tried>,
    wanted: Wanted,
    facts: Facts,
    silent: bool,
    base: String,
    token: Option<String>,
    socket: String,
    transport: Option<Transport>,
    generation: u32,
    /// What is left to try, the next one last.
    plan: Vec<Kind>,
    kind: Option<Kind>,
    info: Option<EngineInfo>,
    queue: Queue,
    jobs: Vec<Job>,
    next: u64,
    heard: f64,
    asked: bool,
    probed: bool,
}

struct Job {
    run: RunId,
    request: RunRequest,
    buffers: Vec<Vec<u8>>,
    sink: Sink,
}

thread_local! {
    static HUB: RefCell<Option<Hub>> = const { RefCell::new(None) };
}

fn error(code: &str, message: impl Into<String>, remedy: &str) -> RunError {
    RunError { code: code.to_owned(), message: message.into(), remedy: remedy.to_owned(), field: None }
}

impl Hub {
    /// The hub of this page; the first call says where the site lies.
    pub fn of_page(base: &str) -> Hub {
        HUB.with_borrow_mut(|hub| hub.get_or_insert_with(|| Hub::new(base)).clone())
    }

    fn new(base: &str) -> Hub {
        let inner = Inner {
            status: Status::Off,
            tried: Vec::new(),
            wanted: Wanted::Auto,
            facts: Facts::default(),
            silent: false,
            base: base.to_owned(),
            token: dom::session_get("lowshot-token"),
            socket: String::new(),
            transport: None,
            generation: 0,
            plan: Vec::new(),
            kind: None,
            info: None,
            queue: Queue::default(),
            jobs: Vec::new(),
            next: 1,
            heard: 0.0,
            asked: false,
            probed: false,
        };
        let hub = Hub { inner: Rc::new(RefCell::new(inner)), told: ArcRwSignal::new(0) };
        hub.clone().probe();
        hub
    }

    fn tell<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        let outcome = change(&mut self.inner.borrow_mut());
        self.told.update(|count| *count = count.wrapping_add(1));
        outcome
    }

    fn set_status(&self, status: Status) {
        self.tell(|inner| inner.status = status);
    }

    /// What people are told; follows its changes.
    pub fn status(&self) -> Status {
        self.told.track();
        self.inner.borrow().status.clone()
    }

    /// Engines that were passed over, and why.
    pub fn tried(&self) -> Vec<Tried> {
        self.told.track();
        self.inner.borrow().tried.clone()
    }

    /// What is asked for.
    pub fn wanted(&self) -> Wanted {
        self.told.track();
        self.inner.borrow().wanted
    }

    /// What could be asked for.
    pub fn facts(&self) -> Facts {
        self.told.track();
        self.inner.borrow().facts.clone()
    }

    /// True if a run is going on and nothing has been heard for a while.
    pub fn silent(&self) -> bool {
        self.told.track();
        self.inner.borrow().silent
    }

    /// Looks for a server and for the engines of the site.
    fn probe(self) {
        spawn_local(async move {
            let (base, token) = {
                let inner = self.inner.borrow();
                (inner.base.clone(), inner.token.clone())
            };
            let (gpu, secure, save_data) = browser();
            let build = read_build(&base).await;
            let mut server = false;
            // Without a token there is no server to ask, and a static site would answer with an error.
            if token.is_some()
                && let Ok(text) = dom::fetch_text(&format!("{base}server.json")).await
                && let Ok(json) = serde_json::from_slice::<serde_json::Value>(text.as_bytes())
                && let Some(path) = json.get("engine").and_then(|p| p.as_str())
            {
                self.inner.borrow_mut().socket = path.to_owned();
                server = true;
            }
            self.tell(|inner| {
                inner.facts = Facts { build, server, gpu, secure, save_data };
                inner.probed = true;
            });
            let asked = std::mem::take(&mut self.inner.borrow_mut().asked);
            if asked {
                self.start();
            }
            self.watch_build();
            self.watch_silence();
        });
    }

    fn watch_build(&self) {
        if !self.inner.borrow().facts.build.as_ref().is_some_and(Build::building) {
            return;
        }
        let hub = self.clone();
        set_timeout(
            move || {
                spawn_local(async move {
                    let base = hub.inner.borrow().base.clone();
                    if let Some(build) = read_build(&base).await {
                        hub.tell(|inner| inner.facts.build = Some(build));
                    }
                    let waits = hub.inner.borrow().status == Status::Building;
                    if waits {
                        hub.start();
                    }
                    hub.watch_build();
                });
            },
            Duration::from_secs(2),
        );
    }

    fn watch_silence(&self) {
        let hub = self.clone();
        set_interval(
            move || {
                let inner = hub.inner.borrow();
                let silent = inner.queue.busy() && js_sys::Date::now() - inner.heard > SILENCE;
                let before = inner.silent;
                drop(inner);
                if before != silent {
                    hub.tell(|inner| inner.silent = silent);
                }
            },
            Duration::from_secs(5),
        );
    }

    /// Starts an engine if there is none.
    pub fn ensure(&self) {
        let off = self.inner.borrow().status == Status::Off;
        if off {
            self.start();
        }
    }

    /// Takes another engine; runs on the old one end.
    pub fn choose(&self, wanted: Wanted) {
        self.tell(|inner| inner.wanted = wanted);
        self.start();
    }

    /// Says which engine is asked for, before anything was started.
    pub fn prefer(&self, wanted: Wanted) {
        let (now, off) = {
            let inner = self.inner.borrow();
            (inner.wanted, inner.status == Status::Off)
        };
        if wanted != Wanted::Auto && now != wanted {
            self.tell(|inner| inner.wanted = wanted);
            if !off {
                self.start();
            }
        }
    }

    /// Throws the engine away and starts afresh.
    pub fn start(&self) {
        if !self.inner.borrow().probed {
            self.inner.borrow_mut().asked = true;
            let kind = Kind::Cpu;
            return self.set_status(Status::Starting { kind, detail: String::new() });
        }
        self.drop_engine(&error("stopped", "The engine was changed.", "Press Play to run again."));
        let waits = self.tell(|inner| {
            let (kinds, tried) = plan(inner.wanted, &inner.facts);
            inner.tried = tried;
            inner.plan = kinds.into_iter().rev().collect();
            inner.plan.is_empty() && inner.facts.build.as_ref().is_some_and(Build::building)
        });
        if waits { self.set_status(Status::Building) } else { self.attempt() }
    }

    /// Tries the next engine of the plan, in a fresh worker.
    fn attempt(&self) {
        let next = self.inner.borrow_mut().plan.pop();
        let Some(kind) = next else {
            let mut message = "No engine could be started.".to_owned();
            for tried in &self.inner.borrow().tried {
                message += &format!(" {}: {}", tried.kind.title(), tried.reason);
            }
            let error = error("engine", message, "Restart the engine, or reload the page.");
            return self.set_status(Status::Down { error });
        };
        self.set_status(Status::Starting { kind, detail: String::new() });
        self.open(kind);
        let (by_hand, generation) = {
            let inner = self.inner.borrow();
            (inner.wanted == Wanted::Only(kind), inner.generation)
        };
        self.guard_start(generation, if by_hand { PATIENT_LIMIT } else { START_LIMIT });
    }

    fn open(&self, kind: Kind) {
        let (generation, url) = {
            let mut inner = self.inner.borrow_mut();
            inner.generation += 1;
            inner.kind = Some(kind);
            inner.heard = js_sys::Date::now();
            let url = match kind {
                Kind::Server => {
                    let token = inner.token.clone().unwrap_or_default();
                    let page = inner.base.replacen("http", "ws", 1);
                    let query: String =
                        form_urlencoded::Serializer::new(String::new()).append_pair("token", &token).finish();
                    format!("{page}{}?{query}", inner.socket.trim_start_matches('/'))
                }
                // An adapter that is emulated on the CPU is only taken on request.
                Kind::WebGpu if inner.wanted != Wanted::Only(Kind::WebGpu) => {
                    format!("{}engine/worker.js?engine=webgpu&software=no", inner.base)
                }
                kind => format!("{}engine/worker.js?engine={}", inner.base, kind.word()),
            };
            (inner.generation, url)
        };
        let hub = self.clone();
        let receive = Rc::new(move |incoming| hub.receive(generation, incoming));
        let opened = match kind {
            Kind::Server => Transport::socket(&url, receive),
            _ => Transport::worker(&url, receive),
        };
        match opened {
            Ok(transport) => self.inner.borrow_mut().transport = Some(transport),
            Err(reason) => self.pass_over(kind, reason),
        }
    }

    fn guard_start(&self, generation: u32, limit: Duration) {
        let hub = self.clone();
        set_timeout(
            move || {
                let inner = hub.inner.borrow();
                if inner.generation != generation || inner.info.is_some() {
                    return;
                }
                let waited = js_sys::Date::now() - inner.heard;
                let Some(kind) = inner.kind else { return };
                drop(inner);
                // A download that goes on is a sign of life.
                if waited + 50.0 < limit.as_secs_f64() * 1000.0 {
                    return hub.guard_start(generation, limit);
                }
                hub.pass_over(kind, format!("It did not start within {} s.", limit.as_secs()));
            },
            limit,
        );
    }

    fn pass_over(&self, kind: Kind, reason: String) {
        self.drop_transport();
        self.tell(|inner| inner.tried.push(Tried { kind, reason }));
        self.attempt();
    }

    fn drop_transport(&self) {
        let mut inner = self.inner.borrow_mut();
        inner.generation += 1;
        inner.info = None;
        let old = inner.transport.take();
        drop(inner);
        drop(old);
    }

    /// Ends the engine; the runs that it had fail with `why`.
    fn drop_engine(&self, why: &RunError) {
        self.drop_transport();
        let (lost, _) = self.inner.borrow_mut().queue.ready(false);
        for run in lost {
            if let Some(job) = self.take(run) {
                (job.sink)(Event::Failed { error: why.clone() }, Vec::new());
            }
        }
    }

    fn take(&self, run: RunId) -> Option<Job> {
        let mut inner = self.inner.borrow_mut();
        let at = inner.jobs.iter().position(|job| job.run == run)?;
        Some(inner.jobs.remove(at))
    }

    fn receive(&self, generation: u32, incoming: Incoming) {
        if self.inner.borrow().generation != generation {
            return;
        }
        self.inner.borrow_mut().heard = js_sys::Date::now();
        let silent = self.inner.borrow().silent;
        if silent {
            self.tell(|inner| inner.silent = false);
        }
        match incoming {
            Incoming::Frame(bytes) => match Frame::<Message>::decode(&bytes) {
                Ok(frame) => self.message(frame),
                Err(error) => self.broken(format!("The engine sent something unreadable: {error}")),
            },
            Incoming::Alive(detail) => self.tell(|inner| {
                if let Status::Starting { detail: old, .. } = &mut inner.status {
                    *old = detail;
                }
            }),
            Incoming::Fatal(text) => self.broken(text),
            Incoming::Closed(reason) => self.closed(reason),
        }
    }

    fn message(&self, frame: Frame<Message>) {
        match frame.message {
            Message::Hello { engine, .. } => self.hello(engine),
            Message::Unavailable { error } => self.broken(error.to_string()),
            Message::Event { run, event } => {
                let over = matches!(event, Event::Finished { .. } | Event::Failed { .. });
                let sink =
                    self.inner.borrow().jobs.iter().find(|job| job.run == run).map(|job| job.sink.clone());
                if over {
                    self.take(run);
                    let actions = self.inner.borrow_mut().queue.remove(run);
                    self.act(actions);
                }
                if let Some(sink) = sink {
                    sink(event, frame.buffers);
                }
            }
            // Commands name no run when they are refused; the newest run is the one that caused it.
            Message::Rejected { error } => {
                let last = self.inner.borrow().jobs.last().map(|job| job.run);
                if let Some(job) = last.and_then(|run| self.take(run)) {
                    let actions = self.inner.borrow_mut().queue.remove(last.unwrap_or_default());
                    self.act(actions);
                    (job.sink)(Event::Failed { error }, Vec::new());
                }
            }
        }
    }

    fn hello(&self, info: EngineInfo) {
        let Some(kind) = self.inner.borrow().kind else { return };
        if self.inner.borrow().info.is_some() {
            return;
        }
        if info.protocol != PROTOCOL_VERSION {
            let reason = format!(
                "It speaks protocol {}, this page speaks {PROTOCOL_VERSION}; reload the page.",
                info.protocol
            );
            return self.pass_over(kind, reason);
        }
        let by_hand = self.inner.borrow().wanted == Wanted::Only(Kind::WebGpu);
        if kind == Kind::WebGpu && info.device.software && !by_hand {
            let reason = format!("Its adapter ({}) is emulated on the CPU.", info.device.name);
            return self.pass_over(kind, reason);
        }
        self.inner.borrow_mut().info = Some(info.clone());
        self.set_status(Status::Ready { kind, info: Box::new(info) });
        let (_, actions) = self.inner.borrow_mut().queue.ready(true);
        self.act(actions);
    }

    /// The engine has died or never lived.
    fn broken(&self, text: String) {
        let Some(kind) = self.inner.borrow().kind else { return };
        if self.inner.borrow().info.is_none() {
            return self.pass_over(kind, text);
        }
        let text = text.strip_prefix("the engine stopped: ").unwrap_or(&text);
        let why = error(
            "engine",
            format!("The engine stopped: {text}"),
            "Restart the engine; if it happens again, take another engine.",
        );
        self.drop_engine(&why);
        self.set_status(Status::Down { error: why });
    }

    fn closed(&self, reason: String) {
        let was_ready = self.inner.borrow().info.is_some();
        let status = self.inner.borrow().status.clone();
        if !was_ready && !matches!(status, Status::Reconnecting { .. }) {
            return self.pass_over(Kind::Server, format!("{reason}."));
        }
        let why = error("connection", format!("Connection lost: {reason}."), "Press Play to run again.");
        let attempt = match status {
            Status::Reconnecting { attempt } => attempt + 1,
            _ => 1,
        };
        self.drop_engine(&why);
        if attempt > RECONNECTS {
            let remedy = "See whether `lowshot serve` still runs, then retry.";
            return self.set_status(Status::Down { error: error("connection", why.message, remedy) });
        }
        self.set_status(Status::Reconnecting { attempt });
        let generation = self.inner.borrow().generation;
        let hub = self.clone();
        set_timeout(
            move || {
                if hub.inner.borrow().generation == generation {
                    hub.open(Kind::Server);
                }
            },
            Duration::from_millis(500 << (attempt - 1).min(4)),
        );
    }

    fn act(&self, actions: Vec<Action>) {
        for action in actions {
            let frame = match action {
                Action::Pause(run) => Frame::new(Command::Pause { run }),
                Action::Resume(run) => Frame::new(Command::Resume { run }),
                Action::Step(run) => Frame::new(Command::Step { run }),
                Action::Send(run) => {
                    let mut inner = self.inner.borrow_mut();
                    let held = inner.queue.held(run);
                    let Some(job) = inner.jobs.iter_mut().find(|job| job.run == run) else { continue };
                    let mut request = job.request.clone();
                    request.paused = held;
                    Frame {
                        message: Command::Run { run, request },
                        buffers: std::mem::take(&mut job.buffers),
                    }
                }
            };
            self.send(&frame);
        }
    }

    fn send(&self, frame: &Frame<Command>) {
        let mut inner = self.inner.borrow_mut();
        // Silence counts from the last word of either side.
        inner.heard = js_sys::Date::now();
        let outcome = match (&inner.transport, frame.encode()) {
            (Some(transport), Ok(bytes)) => transport.send(&bytes),
            (_, Err(error)) => Err(error.to_string()),
            (None, _) => Err("The engine is gone.".to_owned()),
        };
        drop(inner);
        if let Err(text) = outcome {
            let hub = self.clone();
            // Not from within whatever is going on.
            spawn_local(async move { hub.broken(text) });
        }
    }

    /// A new demo.
    pub fn join(&self) -> ClientId {
        let mut inner = self.inner.borrow_mut();
        inner.next += 1;
        inner.next as ClientId
    }

    /// Asks for a run; everything that happens goes to the sink, `Finished` or `Failed` last.
    pub fn submit(
        &self,
        client: ClientId,
        request: RunRequest,
        buffers: Vec<Vec<u8>>,
        held: bool,
        sink: Sink,
    ) -> RunId {
        let (run, actions) = {
            let mut inner = self.inner.borrow_mut();
            inner.next += 1;
            let run = inner.next;
            inner.jobs.push(Job { run, request, buffers, sink });
            (run, inner.queue.push(run, client, held))
        };
        self.act(actions);
        let idle = matches!(self.inner.borrow().status, Status::Off | Status::Down { .. });
        if idle {
            self.start();
        }
        run
    }

    /// Holds a run.
    pub fn pause(&self, run: RunId) {
        let actions = self.inner.borrow_mut().queue.pause(run);
        self.act(actions);
    }

    /// Lets a run go on.
    pub fn resume(&self, run: RunId) {
        let actions = self.inner.borrow_mut().queue.resume(run);
        self.act(actions);
    }

    /// One tick.
    pub fn step(&self, run: RunId) {
        let actions = self.inner.borrow_mut().queue.step(run);
        self.act(actions);
    }

    /// Ends a run; nothing more is heard of it.
    pub fn stop(&self, run: RunId) {
        if self.take(run).is_none() {
            return;
        }
        let sent = self.inner.borrow().queue.sent(run);
        if sent {
            self.send(&Frame::new(Command::Stop { run }));
        }
        let actions = self.inner.borrow_mut().queue.remove(run);
        self.act(actions);
    }

    /// A demo scrolled into or out of sight.
    pub fn show(&self, client: ClientId, visible: bool) {
        let actions = self.inner.borrow_mut().queue.show(client, visible);
        self.act(actions);
    }
}

async fn read_build(base: &str) -> Option<Build> {
    // `play` rewrites it while engines are being built, so no copy of the browser will do.
    let now = js_sys::Date::now();
    let text = dom::fetch_text(&format!("{base}build.json?{now}")).await.ok()?;
    serde_json::from_slice(text.as_bytes()).ok()
}
