//! The engine side of a connection: commands in, messages out.
//!
//! The worker engines and the server use the same session; a transport only moves the bytes.

use crate::{Control, Platform, Resumed, Sink, VERSION, device_info, registry, run};
use futures::future::{FutureExt, LocalBoxFuture};
use lowshot_kernels::device::OpenDevice;
use lowshot_protocol::frame::Frame;
use lowshot_protocol::{
    Command, EngineInfo, EngineKind, Event, Message, PROTOCOL_VERSION, RunError, RunId, RunRequest,
};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Bounds that protect a shared engine.
#[derive(Clone, Copy, Debug)]
pub struct SessionLimits {
    /// Runs at the same time in one session.
    pub runs: usize,
}

impl Default for SessionLimits {
    fn default() -> SessionLimits {
        SessionLimits { runs: 8 }
    }
}

/// One connection of a user interface to an engine.
pub struct Session {
    kind: EngineKind,
    device: OpenDevice,
    platform: Rc<dyn Platform>,
    send: Rc<dyn Fn(Vec<u8>)>,
    limits: SessionLimits,
    runs: Rc<RefCell<BTreeMap<RunId, Control>>>,
}

impl Session {
    /// A session that answers through `send`, which gets whole frames.
    pub fn new(
        kind: EngineKind,
        device: OpenDevice,
        platform: Rc<dyn Platform>,
        limits: SessionLimits,
        send: Rc<dyn Fn(Vec<u8>)>,
    ) -> Session {
        Session { kind, device, platform, send, limits, runs: Rc::default() }
    }

    /// Says who is there and what can be run.
    pub fn hello(&self) {
        let engine = EngineInfo {
            protocol: PROTOCOL_VERSION,
            kind: self.kind,
            version: VERSION.to_owned(),
            device: device_info(&self.device),
        };
        let methods = registry::METHODS.iter().map(|entry| entry.info()).collect();
        post(&self.send, Frame::new(Message::Hello { engine, methods }));
    }

    /// Takes a frame from the user interface. A run comes back as a future, to be spawned on this thread.
    pub fn handle(&self, bytes: &[u8]) -> Option<LocalBoxFuture<'static, ()>> {
        let frame = match Frame::<Command>::decode(bytes) {
            Ok(frame) => frame,
            Err(error) => {
                self.reject("malformed", error.to_string(), "Reload the page; it may be of another version.");
                return None;
            }
        };
        match frame.message {
            Command::Hello { protocol } if protocol != PROTOCOL_VERSION => self.reject(
                "protocol",
                format!("this engine speaks protocol {PROTOCOL_VERSION}, the page speaks {protocol}"),
                "Reload the page, or build page and engine from the same version.",
            ),
            Command::Hello { .. } => self.hello(),
            Command::Run { run, request } => return self.start(run, request, frame.buffers),
            Command::Pause { run } => self.control(run, Control::pause),
            Command::Resume { run } => self.control(run, Control::resume),
            Command::Step { run } => self.control(run, Control::step),
            Command::Stop { run } => self.control(run, Control::stop),
        }
        None
    }

    /// Ends all runs, when the other side has gone.
    pub fn close(&self) {
        for control in self.runs.borrow().values() {
            control.stop();
        }
    }

    fn control(&self, run: RunId, act: fn(&Control)) {
        // A command for a run that has just ended is no error: the two messages crossed.
        if let Some(control) = self.runs.borrow().get(&run) {
            act(control);
        }
    }

    fn reject(&self, code: &str, message: String, remedy: &str) {
        let error = RunError { code: code.to_owned(), message, remedy: remedy.to_owned(), field: None };
        post(&self.send, Frame::new(Message::Rejected { error }));
    }

    fn start(
        &self,
        id: RunId,
        request: RunRequest,
        buffers: Vec<Vec<u8>>,
    ) -> Option<LocalBoxFuture<'static, ()>> {
        let running = self.runs.borrow().len();
        if self.runs.borrow().contains_key(&id) {
            self.reject(
                "duplicate-run",
                format!("run {id} is already there"),
                "Give every run its own number.",
            );
            return None;
        }
        let sink = Rc::new(FrameSink { run: id, send: self.send.clone() });
        if running >= self.limits.runs {
            let error = RunError {
                code: "busy".to_owned(),
                message: format!("this engine already has {running} runs, its limit"),
                remedy: "Wait for one to end, or stop one.".to_owned(),
                field: None,
            };
            sink.emit(Event::Failed { error }, Vec::new());
            return None;
        }
        let control = Control::new(request.paused);
        self.runs.borrow_mut().insert(id, control.clone());
        let runs = self.runs.clone();
        let (device, platform) = (self.device.clone(), self.platform.clone());
        let run = async move {
            // The outcome has gone to the sink as the last event.
            run(request, buffers, Resumed::default(), device, platform, sink, control).await.ok();
            runs.borrow_mut().remove(&id);
        };
        Some(run.boxed_local())
    }
}

struct FrameSink {
    run: RunId,
    send: Rc<dyn Fn(Vec<u8>)>,
}

impl Sink for FrameSink {
    fn emit(&self, event: Event, buffers: Vec<Vec<u8>>) {
        post(&self.send, Frame { message: Message::Event { run: self.run, event }, buffers });
    }
}

fn post(send: &Rc<dyn Fn(Vec<u8>)>, frame: Frame<Message>) {
    let bytes = frame.encode().or_else(|error| {
        // Only an attachment over 4 GiB gets here; the run goes on, the page is told.
        let error = RunError {
            code: "too-large".to_owned(),
            message: format!("a message could not be sent: {error}"),
            remedy: "Run it on the command line.".to_owned(),
            field: None,
        };
        Frame::new(Message::Rejected { error }).encode()
    });
    if let Ok(bytes) = bytes {
        send(bytes);
    }
}
