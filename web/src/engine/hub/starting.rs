//! Which engine is tried, in which order, and for how long.

use super::*;

impl Hub {
    /// Looks for a server and for the engines of the site.
    pub(super) fn probe(self) {
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

    pub(super) fn watch_build(&self) {
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

    pub(super) fn watch_silence(&self) {
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
    pub(super) fn attempt(&self) {
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

    pub(super) fn open(&self, kind: Kind) {
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

    pub(super) fn guard_start(&self, generation: u32, limit: Duration) {
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

    pub(super) fn pass_over(&self, kind: Kind, reason: String) {
        self.drop_transport();
        self.tell(|inner| inner.tried.push(Tried { kind, reason }));
        self.attempt();
    }

    pub(super) fn drop_transport(&self) {
        let mut inner = self.inner.borrow_mut();
        inner.generation += 1;
        inner.info = None;
        let old = inner.transport.take();
        drop(inner);
        drop(old);
    }

    /// Ends the engine; the runs that it had fail with `why`.
    pub(super) fn drop_engine(&self, why: &RunError) {
        self.drop_transport();
        let (lost, _) = self.inner.borrow_mut().queue.ready(false);
        for run in lost {
            if let Some(job) = self.take(run) {
                (job.sink)(Event::Failed { error: why.clone() }, Vec::new());
            }
        }
    }

    pub(super) fn take(&self, run: RunId) -> Option<Job> {
        let mut inner = self.inner.borrow_mut();
        let at = inner.jobs.iter().position(|job| job.run == run)?;
        Some(inner.jobs.remove(at))
    }
}

async fn read_build(base: &str) -> Option<Build> {
    // `play` rewrites it while engines are being built, so no copy of the browser will do.
    let now = js_sys::Date::now();
    let text = dom::fetch_text(&format!("{base}build.json?{now}")).await.ok()?;
    serde_json::from_slice(text.as_bytes()).ok()
}
