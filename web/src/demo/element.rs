//! What the page around an element does with it.

use super::*;

impl Demo {
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
    pub(super) fn settle(&self, outcome: Result<Option<&Report>, &RunError>) {
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
