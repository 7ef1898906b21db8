//! What engines say, and what is said to them.

use super::*;

impl Hub {
    pub(super) fn receive(&self, generation: u32, incoming: Incoming) {
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

    pub(super) fn message(&self, frame: Frame<Message>) {
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

    pub(super) fn hello(&self, info: EngineInfo) {
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
    pub(super) fn broken(&self, text: String) {
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

    pub(super) fn closed(&self, reason: String) {
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

    pub(super) fn act(&self, actions: Vec<Action>) {
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

    pub(super) fn send(&self, frame: &Frame<Command>) {
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
}
