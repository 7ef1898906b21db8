//! The one engine of a page: starts it, falls back, restarts it, and shares it between demos.

mod starting;
mod talking;

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
