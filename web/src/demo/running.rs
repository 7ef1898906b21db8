//! What a visitor does with the run, and what comes back from the engine.

use super::*;

impl Demo {
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

    pub(super) fn say(&self, text: String) {
        self.set(|s| s.announcement = text);
        bump(self.run);
    }

    pub(super) fn cancel(&self) {
        if let Some(run) = self.set(|s| s.id.take()) {
            hub().stop(run);
            self.settle(Err(&stopped()));
        }
    }

    pub(super) fn begin(&self, held: bool) {
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

    pub(super) fn happened(&self, event: Event, buffers: Vec<Vec<u8>>) {
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
    pub(super) fn changed_soon(&self, view: Option<RwSignal<u32>>, list: bool, now: bool) {
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

    pub(super) fn all_changed(&self) {
        let views: Vec<_> = self.get(|s| s.views.iter().map(|(_, counter)| *counter).collect());
        for counter in views.into_iter().chain([self.run, self.list]) {
            bump(counter);
        }
    }

    /// Shows another run.
    pub(super) fn show(&self, run: RunState) {
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
    pub(super) fn headline(&self, report: &Report) -> String {
        let info = self.method();
        let first = info.card.metrics.iter().find_map(|spec| Some((spec, report.metrics.get(&spec.name)?)));
        first.map_or_else(String::new, |(spec, metric)| {
            let text = crate::format::metric(metric);
            let interval = text.interval.map(|i| format!(" {i}")).unwrap_or_default();
            format!("{}: {}{interval}", spec.title, text.value)
        })
    }
}
