//! Clock, event loop and bundled files of a worker.

use futures::future::LocalBoxFuture;
use js_sys::{ArrayBuffer, Function, Promise, Uint8Array};
use lowshot_lab::Platform;
use std::cell::Cell;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{DedicatedWorkerGlobalScope, MessageChannel, Response};

/// Seconds of computing after which the event loop gets a turn, so that a pause or a stop is seen at once.
const TURN: f64 = 0.015;

/// A worker as the surroundings of a run.
pub(crate) struct WorkerPlatform {
    scope: DedicatedWorkerGlobalScope,
    base: String,
    channel: MessageChannel,
    last_turn: Cell<f64>,
}

impl WorkerPlatform {
    pub(crate) fn new(scope: DedicatedWorkerGlobalScope, base: String) -> Result<WorkerPlatform, JsValue> {
        Ok(WorkerPlatform { scope, base, channel: MessageChannel::new()?, last_turn: Cell::new(0.0) })
    }

    async fn fetch(&self, file: &str) -> Result<Vec<u8>, JsValue> {
        let url = format!("{}data/{file}", self.base);
        let response: Response = JsFuture::from(self.scope.fetch_with_str(&url)).await?.dyn_into()?;
        if !response.ok() {
            return Err(JsValue::from_str(&format!("{url} answered with status {}", response.status())));
        }
        let buffer: ArrayBuffer = JsFuture::from(response.array_buffer()?).await?.dyn_into()?;
        Ok(Uint8Array::new(&buffer).to_vec())
    }
}

impl Platform for WorkerPlatform {
    fn now(&self) -> f64 {
        self.scope.performance().map_or(0.0, |p| p.now() / 1000.0)
    }

    fn yield_now(&self) -> LocalBoxFuture<'_, ()> {
        Box::pin(async {
            if self.now() - self.last_turn.get() < TURN {
                return;
            }
            // A message to oneself is a new task, unlike a resolved promise, and unlike a timer it is not delayed.
            let turn = Promise::new(&mut |resolve: Function, _reject: Function| {
                self.channel.port1().set_onmessage(Some(&resolve));
                // Posting `null` to an open port cannot fail.
                self.channel.port2().post_message(&JsValue::NULL).ok();
            });
            JsFuture::from(turn).await.ok();
            self.last_turn.set(self.now());
        })
    }

    fn bundled<'a>(&'a self, file: &'a str) -> LocalBoxFuture<'a, Result<Vec<u8>, String>> {
        Box::pin(async move {
            self.fetch(file).await.map_err(|error| {
                let text = error
                    .as_string()
                    .or_else(|| error.dyn_ref::<js_sys::Error>().map(|e| e.message().into()));
                format!("bundled file {file} could not be fetched: {}", text.unwrap_or_default())
            })
        })
    }

    fn read_path(&self, path: &str) -> Result<Vec<u8>, String> {
        Err(format!("{path} is a path on a machine; a browser can only take a file that you choose or drop"))
    }
}
