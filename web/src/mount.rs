//! What the element and the page call.

use crate::demo::{Demo, hub};
use crate::engine::{Hub, Status};
use crate::link::{self, Theme};
use crate::ui::{Around, Mode, method, page};
use crate::{dom, site};
use js_sys::{Function, Promise};
use leptos::prelude::*;
use serde_json::json;
use std::any::Any;
use std::cell::Cell;
use wasm_bindgen::prelude::*;
use web_sys::HtmlElement;

thread_local! {
    static COUNT: Cell<u32> = const { Cell::new(0) };
}

fn prepare(base: &str) {
    console_error_panic_hook::set_once();
    let location = dom::window().location();
    // The address of another page is none of our business.
    if location.href().is_ok_and(|here| here.starts_with(base)) {
        take_token(&location);
    }
    Hub::of_page(base);
}

/// A token comes once in the address bar and is taken out at once, so that it is in no link that is copied.
fn take_token(location: &web_sys::Location) {
    let search = location.search().unwrap_or_default();
    let token = form_urlencoded::parse(search.trim_start_matches('?').as_bytes())
        .find(|(name, _)| name == "token")
        .map(|(_, token)| token.into_owned());
    if let Some(token) = token {
        dom::session_set("lowshot-token", &token);
        let mut rest = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form_urlencoded::parse(search.trim_start_matches('?').as_bytes()) {
            if name != "token" {
                rest.append_pair(&name, &value);
            }
        }
        let rest = rest.finish();
        let query = if rest.is_empty() { String::new() } else { format!("?{rest}") };
        let path = location.pathname().unwrap_or_default();
        dom::replace_address(&format!("{path}{query}{}", location.hash().unwrap_or_default()));
    }
}

/// Shows the playground in an element of the page.
///
/// # Errors
/// A sentence, if the site's files cannot be read.
#[wasm_bindgen(js_name = mountPage)]
pub async fn mount_page(root: HtmlElement, base: String) -> Result<(), JsValue> {
    prepare(&base);
    let methods = site::methods(&base).await.map_err(|e| JsValue::from_str(&e))?;
    root.set_inner_html("");
    leptos::mount::mount_to(root, move || page(base, methods)).forget();
    Ok(())
}

/// Shows one demo in an element; `query` is its attributes as a URL query, `emit(name, detail)` is called for every
/// event of it.
///
/// # Errors
/// A sentence, if the site's files cannot be read or there is no such method.
#[wasm_bindgen(js_name = mountElement)]
pub async fn mount_element(
    root: HtmlElement,
    base: String,
    query: String,
    emit: Function,
) -> Result<Mounted, JsValue> {
    prepare(&base);
    let place = link::place(&query);
    let methods = site::methods(&base).await.map_err(|e| JsValue::from_str(&e))?;
    let wanted = place.method.clone().unwrap_or_default();
    let info = methods.iter().find(|m| m.card.id == wanted).cloned().ok_or_else(|| {
        let known: Vec<&str> = methods.iter().map(|m| m.card.id.as_str()).collect();
        JsValue::from_str(&format!("There is no method `{wanted}`; there is: {}.", known.join(", ")))
    })?;
    // Fetched before the poster goes, so that one picture follows the other.
    site::frame(&base, &wanted).await;
    let number = COUNT.get() + 1;
    COUNT.set(number);
    let theme = ArcRwSignal::new(place.theme.word());
    let shown_theme = theme.clone();
    let slot = std::rc::Rc::new(Cell::new(None));
    let filled = slot.clone();
    let (device, autoplay) = (place.device, place.autoplay);
    let handle = leptos::mount::mount_to(root, move || {
        let around = Around { mode: Mode::Element, number, base: StoredValue::new(base.clone()) };
        let demo = Demo::new(&base, info, &place, Some(emit));
        filled.set(Some(demo));
        wasm_bindgen_futures::spawn_local(demo.load_frame());
        announce_engine(demo);
        // The engine is fetched when somebody shows interest.
        let wake = move || {
            hub().prefer(device);
            hub().ensure();
        };
        view! {
            <div class="lowshot ls-element" data-theme=move || shown_theme.get() part="root"
                on:pointerenter=move |_| wake() on:focusin=move |_| wake()>
                {method(demo, around)}
            </div>
        }
        .into_any()
    });
    let Some(demo) = slot.get() else { return Err(JsValue::from_str("The demo could not be shown.")) };
    let mounted = Mounted { demo, theme, device, shown: Some(Box::new(handle)) };
    if autoplay {
        drop(mounted.run());
    }
    Ok(mounted)
}

/// `lowshot-ready` once the demo can run, with what it runs on.
fn announce_engine(demo: Demo) {
    Effect::new(move |told: Option<bool>| {
        if told == Some(true) {
            return true;
        }
        let Status::Ready { kind, info } = hub().status() else { return false };
        demo.send("lowshot-ready", &json!({"engine": kind.word(), "device": info.device}));
        true
    });
}

/// A demo on the page.
#[wasm_bindgen]
pub struct Mounted {
    demo: Demo,
    theme: ArcRwSignal<&'static str>,
    device: crate::engine::Wanted,
    shown: Option<Box<dyn Any>>,
}

#[wasm_bindgen]
impl Mounted {
    /// Runs to the end; the promise gives the report.
    pub fn run(&self) -> Promise {
        hub().prefer(self.device);
        let promise = self.demo.promise(false);
        self.demo.play();
        promise
    }

    /// One tick; the promise is kept when the run is held again, or has ended.
    pub fn step(&self) -> Promise {
        hub().prefer(self.device);
        let promise = self.demo.promise(true);
        self.demo.step();
        promise
    }

    /// Holds the run; the promise is kept when it is held. Without a run there is nothing to wait for.
    pub fn pause(&self) -> Promise {
        if !untrack(|| self.demo.phase()).active() {
            return Promise::resolve(&JsValue::NULL);
        }
        let promise = self.demo.promise(true);
        self.demo.pause();
        promise
    }

    /// Ends the run and shows what was there at first.
    pub fn reset(&self) -> Promise {
        self.demo.reset();
        Promise::resolve(&JsValue::NULL)
    }

    /// Method, configuration, seed and inputs.
    #[wasm_bindgen(js_name = getConfig)]
    pub fn config(&self) -> JsValue {
        dom::to_js(&untrack(|| self.demo.config()))
    }

    /// Sets fields, or everything that `getConfig` gives.
    ///
    /// # Errors
    /// A sentence naming the field and its range; then nothing has changed.
    #[wasm_bindgen(js_name = setConfig)]
    pub fn set_config(&self, given: &JsValue) -> Result<(), JsValue> {
        let given = dom::from_js(given).unwrap_or_default();
        self.demo.set_config(&given).map_err(|e| js_sys::Error::new(&e.to_string()).into())
    }

    /// `auto`, `light` or `dark`.
    #[wasm_bindgen(js_name = setTheme)]
    pub fn set_theme(&self, theme: &str) {
        self.theme.set(Theme::parse(theme).word());
    }

    /// Scrolled into or out of sight; what is out of sight does not compute.
    #[wasm_bindgen(js_name = setVisible)]
    pub fn set_visible(&self, visible: bool) {
        self.demo.set_visible(visible);
    }

    /// Takes the demo off the page and ends its run.
    pub fn unmount(&mut self) {
        self.shown = None;
    }
}
