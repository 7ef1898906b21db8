//! The two ways to an engine: a worker of this page, a WebSocket to a server. Both carry frames.

use js_sys::{Array, ArrayBuffer, JsString, Object, Reflect, Uint8Array};
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use web_sys::{
    BinaryType, Blob, BlobPropertyBag, ErrorEvent, MessageEvent, Url, WebSocket, Worker, WorkerOptions,
    WorkerType,
};

/// What comes from the other side.
pub enum Incoming {
    /// A frame.
    Frame(Vec<u8>),
    /// Still starting; a sentence about it.
    Alive(String),
    /// It is broken for good.
    Fatal(String),
    /// The connection is gone.
    Closed(String),
}

type Receiver = Rc<dyn Fn(Incoming)>;

/// A connection to an engine; dropping it ends the engine or the connection.
pub struct Transport {
    end: End,
    closures: Vec<Closure<dyn FnMut(JsValue)>>,
}

enum End {
    Worker(Worker),
    Socket(WebSocket),
}

fn say(error: &JsValue) -> String {
    error
        .dyn_ref::<js_sys::Error>()
        .map(|e| String::from(e.message()))
        .or_else(|| error.as_string())
        .unwrap_or_else(|| "unknown error".to_owned())
}

fn listener(f: impl FnMut(JsValue) + 'static) -> Closure<dyn FnMut(JsValue)> {
    Closure::new(f)
}

impl Transport {
    /// Starts a worker from a module address.
    ///
    /// # Errors
    /// A sentence, if the browser refuses.
    pub fn worker(url: &str, receive: Receiver) -> Result<Transport, String> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let here = web_sys::window().and_then(|w| w.location().origin().ok()).unwrap_or_default();
        let worker = if url.starts_with(&format!("{here}/")) {
            Worker::new_with_options(url, &options)
        } else {
            // Browsers start workers only from their own origin; a blob of it may import from another. Not by a static
            // import: policies judge that by `worker-src`, where the other origin is not allowed.
            let code = format!("import({url:?}).catch((e) => postMessage(String(e)));");
            let code = Array::of1(&JsString::from(code));
            let kind = BlobPropertyBag::new();
            kind.set_type("text/javascript");
            Blob::new_with_str_sequence_and_options(&code, &kind)
                .and_then(|blob| Url::create_object_url_with_blob(&blob))
                .and_then(|blob| Worker::new_with_options(&blob, &options))
        }
        .map_err(|e| format!("The browser does not start the worker: {}", say(&e)))?;

        let on = receive.clone();
        let message = listener(move |event| {
            let data = event.unchecked_into::<MessageEvent>().data();
            if let Some(text) = data.as_string() {
                on(Incoming::Fatal(text));
            } else if let Some(buffer) = data.dyn_ref::<ArrayBuffer>() {
                on(Incoming::Frame(Uint8Array::new(buffer).to_vec()));
            } else if let Ok(loaded) = Reflect::get(&data, &"loaded".into()) {
                on(Incoming::Alive(crate::format::bytes(loaded.as_f64().unwrap_or_default())));
            }
        });
        let error = listener(move |event| {
            let text = event.dyn_ref::<ErrorEvent>().map(ErrorEvent::message).unwrap_or_default();
            let text = if text.is_empty() { "it could not be loaded".to_owned() } else { text };
            receive(Incoming::Fatal(text));
        });
        worker.set_onmessage(Some(message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(error.as_ref().unchecked_ref()));
        Ok(Transport { end: End::Worker(worker), closures: vec![message, error] })
    }

    /// Opens a WebSocket.
    ///
    /// # Errors
    /// A sentence, if the browser refuses.
    pub fn socket(url: &str, receive: Receiver) -> Result<Transport, String> {
        let socket = WebSocket::new(url).map_err(|e| format!("The browser refuses {url}: {}", say(&e)))?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let on = receive.clone();
        let message = listener(move |event| {
            if let Ok(buffer) = event.unchecked_into::<MessageEvent>().data().dyn_into::<ArrayBuffer>() {
                on(Incoming::Frame(Uint8Array::new(&buffer).to_vec()));
            }
        });
        let close = listener(move |event| {
            let event = event.unchecked_into::<web_sys::CloseEvent>();
            let reason = match (event.code(), event.reason()) {
                (_, reason) if !reason.is_empty() => reason,
                (1008, _) => "the server refused the token".to_owned(),
                _ => "the connection to the server ended".to_owned(),
            };
            receive(Incoming::Closed(reason));
        });
        socket.set_onmessage(Some(message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(close.as_ref().unchecked_ref()));
        Ok(Transport { end: End::Socket(socket), closures: vec![message, close] })
    }

    /// Sends a frame.
    ///
    /// # Errors
    /// A sentence, if it does not go out.
    pub fn send(&self, bytes: &[u8]) -> Result<(), String> {
        let array = Uint8Array::from(bytes);
        match &self.end {
            End::Worker(worker) => {
                let buffer = array.buffer();
                worker.post_message_with_transfer(&buffer, &Array::of1(&buffer))
            }
            End::Socket(socket) => socket.send_with_array_buffer(&array.buffer()),
        }
        .map_err(|e| format!("The engine cannot be reached: {}", say(&e)))
    }
}

impl Drop for Transport {
    fn drop(&mut self) {
        match &self.end {
            End::Worker(worker) => {
                worker.set_onmessage(None);
                worker.set_onerror(None);
                worker.terminate();
            }
            End::Socket(socket) => {
                socket.set_onmessage(None);
                socket.set_onclose(None);
                let _ = socket.close();
            }
        }
        // This may run inside one of the closures, which must not be freed while it runs.
        let closures = std::mem::take(&mut self.closures);
        wasm_bindgen_futures::spawn_local(async move { drop(closures) });
    }
}

/// Facts about the browser that decide which engines can be tried.
pub fn browser() -> (bool, bool, bool) {
    let Some(window) = web_sys::window() else { return (false, false, false) };
    let navigator: Object = window.navigator().unchecked_into();
    let get = |object: &JsValue, key: &str| Reflect::get(object, &key.into()).unwrap_or(JsValue::UNDEFINED);
    let gpu = get(&navigator, "gpu").is_object();
    let secure = get(&window, "isSecureContext").is_truthy();
    let saving = get(&get(&navigator, "connection"), "saveData").is_truthy();
    (gpu, secure, saving)
}
