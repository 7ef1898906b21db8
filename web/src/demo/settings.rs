//! What a visitor does with the form.

use super::*;

impl Demo {
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

    pub(super) fn form_changed(&self) {
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
    pub(super) fn settings_rest(&self) {
        if !self.alive() {
            return;
        }
        let (follow, phase) = self.get(|s| (s.follow, s.run.phase));
        let shows_a_run = matches!(phase, Phase::Waiting | Phase::Running | Phase::Finished | Phase::Failed);
        if follow && shows_a_run && untrack(|| self.outdated() && self.key().is_some()) {
            self.begin(false);
        }
    }
}
