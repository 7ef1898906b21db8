//! Entry point of the worker.

use crate::platform::WorkerPlatform;
use js_sys::{Array, ArrayBuffer, Uint8Array};
use lowshot_lab::{Platform, Session, SessionLimits, device, device::DeviceKind};
use lowshot_protocol::frame::Frame;
use lowshot_protocol::{EngineKind, Message, RunError};
use std::rc::Rc;
use wasm_bindgen::prelude::{Closure, wasm_bindgen};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

#[cfg(all(feature = "cpu", feature = "webgpu"))]
compile_error!("build lowshot-engine with exactly one of the features `cpu` and `webgpu`");

/// Opens the device, tests it, and serves the page from then on. `base` is the URL of the site, ending in a slash.
///
/// Says `Hello`, or `Unavailable` with the reason; after a panic a string with its message is posted, because the
/// promises of a dead module never settle.
///
/// # Errors
/// A value from JavaScript if this is not a worker.
#[wasm_bindgen]
pub async fn start(base: String) -> Result<(), JsValue> {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().dyn_into().map_err(JsValue::from)?;
    let mourner = scope.clone();
    std::panic::set_hook(Box::new(move |info| {
        console_error_panic_hook::hook(info);
        // Nobody is left to tell if even this fails.
        mourner.post_message(&JsValue::from_str(&format!("the engine stopped: {info}"))).ok();
    }));
    let send = sender(scope.clone());
    let (kind, wanted) = if cfg!(feature = "webgpu") {
        (EngineKind::WasmWebgpu, DeviceKind::Wgpu(None))
    } else {
        (EngineKind::WasmCpu, DeviceKind::Cpu)
    };
    let opened = match device::open(wanted).await {
        Ok(opened) => opened,
        Err(error) => return unavailable(&send, "no-device", &error.to_string()),
    };
    if let Err(error) = lowshot_lab::self_test(&opened.device).await {
        return unavailable(&send, "self-test", &format!("this device gives wrong results: {error}"));
    }
    let platform: Rc<dyn Platform> = Rc::new(WorkerPlatform::new(scope.clone(), base)?);
    let session = Rc::new(Session::new(kind, opened, platform, SessionLimits::default(), send));
    let listener = session.clone();
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        let bytes =
            event.data().dyn_into::<ArrayBuffer>().map(|b| Uint8Array::new(&b).to_vec()).unwrap_or_default();
        if let Some(run) = listener.handle(&bytes) {
            wasm_bindgen_futures::spawn_local(run);
        }
    });
    scope.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget(); // lives as long as the worker
    session.hello();
    Ok(())
}

fn sender(scope: DedicatedWorkerGlobalScope) -> Rc<dyn Fn(Vec<u8>)> {
    Rc::new(move |bytes: Vec<u8>| {
        let buffer = Uint8Array::from(bytes.as_slice()).buffer();
        // Fails only if the page is gone, and then nobody waits for it.
        scope.post_message_with_transfer(&buffer, &Array::of1(&buffer)).ok();
    })
}

fn unavailable(send: &Rc<dyn Fn(Vec<u8>)>, code: &str, message: &str) -> Result<(), JsValue> {
    let error = RunError {
        code: code.to_owned(),
        message: message.to_owned(),
        remedy: "The CPU engine takes over.".to_owned(),
        field: None,
    };
    let frame =
        Frame::new(Message::Unavailable { error }).encode().map_err(|e| JsValue::from_str(&e.to_string()))?;
    send(frame);
    Ok(())
}
