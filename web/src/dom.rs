//! The few things that are asked of the browser.

use js_sys::{Array, JsString, Reflect, Uint8Array};
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, Response, Url, Window};

/// The window; this code only runs in one.
#[allow(clippy::expect_used, reason = "a page without a window is no page")]
pub fn window() -> Window {
    web_sys::window().expect("a window")
}

/// Fetches a text file.
///
/// # Errors
/// A sentence naming the address.
pub async fn fetch_text(url: &str) -> Result<String, String> {
    let failed = |e: JsValue| format!("{url} cannot be fetched: {}", describe(&e));
    let response: Response =
        JsFuture::from(window().fetch_with_str(url)).await.map_err(failed)?.unchecked_into();
    if !response.ok() {
        return Err(format!("{url} answers {}", response.status()));
    }
    let text = JsFuture::from(response.text().map_err(failed)?).await.map_err(failed)?;
    Ok(text.as_string().unwrap_or_default())
}

/// An exception as text.
pub fn describe(error: &JsValue) -> String {
    match error.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => error.as_string().unwrap_or_else(|| "unknown error".to_owned()),
    }
}

/// The bytes of a file of the visitor.
///
/// # Errors
/// A sentence naming the file.
pub async fn file_bytes(file: &web_sys::File) -> Result<Vec<u8>, String> {
    let failed = |e: JsValue| format!("{} cannot be read: {}", file.name(), describe(&e));
    let buffer = JsFuture::from(file.array_buffer()).await.map_err(failed)?;
    Ok(Uint8Array::new(&buffer).to_vec())
}

/// Offers bytes as a download.
pub fn download(name: &str, media_type: &str, bytes: &[u8]) {
    let parts = Array::of1(&Uint8Array::from(bytes));
    let kind = BlobPropertyBag::new();
    kind.set_type(media_type);
    let Ok(url) = Blob::new_with_u8_array_sequence_and_options(&parts, &kind)
        .and_then(|blob| Url::create_object_url_with_blob(&blob))
    else {
        return;
    };
    let document = window().document();
    if let Some(link) = document.and_then(|d| d.create_element("a").ok()) {
        let link: HtmlAnchorElement = link.unchecked_into();
        link.set_href(&url);
        link.set_download(name);
        link.click();
    }
    // Some browsers read the blob a moment later.
    set_timeout(move || _ = Url::revoke_object_url(&url), std::time::Duration::from_secs(30));
}

/// Copies a text; false if the browser does not let us.
pub async fn copy(text: &str) -> bool {
    let navigator = window().navigator();
    // Missing on pages that are not secure.
    match Reflect::get(&navigator, &"clipboard".into()) {
        Ok(value) if value.is_object() => {
            JsFuture::from(navigator.clipboard().write_text(text)).await.is_ok()
        }
        _ => false,
    }
}

/// A value kept for this tab.
pub fn session_get(key: &str) -> Option<String> {
    window().session_storage().ok()??.get_item(key).ok()?
}

/// Keeps a value for this tab.
pub fn session_set(key: &str, value: &str) {
    if let Ok(Some(storage)) = window().session_storage() {
        let _ = storage.set_item(key, value);
    }
}

/// A value kept between visits.
pub fn local_get(key: &str) -> Option<String> {
    window().local_storage().ok()??.get_item(key).ok()?
}

/// Keeps a value between visits.
pub fn local_set(key: &str, value: &str) {
    if let Ok(Some(storage)) = window().local_storage() {
        let _ = storage.set_item(key, value);
    }
}

/// Replaces the address without a new entry in the history.
pub fn replace_address(url: &str) {
    if let Ok(history) = window().history() {
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(url));
    }
}

/// JSON text as a JavaScript value.
pub fn to_js(value: &impl serde::Serialize) -> JsValue {
    serde_json::to_string(value).ok().and_then(|t| js_sys::JSON::parse(&t).ok()).unwrap_or(JsValue::NULL)
}

/// A value as JSON for people.
pub fn pretty(value: &impl serde::Serialize) -> String {
    // The browser's own printer: another one would be code to download.
    js_sys::JSON::stringify_with_replacer_and_space(&to_js(value), &JsValue::NULL, &JsValue::from_f64(2.0))
        .map(String::from)
        .unwrap_or_default()
}

/// A JavaScript value as JSON.
pub fn from_js(value: &JsValue) -> Option<serde_json::Value> {
    let text: JsString = js_sys::JSON::stringify(value).ok()?;
    serde_json::from_slice(String::from(text).as_bytes()).ok()
}

/// Sets the title of the page.
pub fn set_title(title: &str) {
    if let Some(document) = window().document() {
        document.set_title(title);
    }
}

/// Moves the focus to an element of the page.
pub fn focus(id: &str) {
    let element = window().document().and_then(|d| d.get_element_by_id(id));
    if let Some(element) = element.and_then(|e| e.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = element.focus();
    }
}

/// An address of the site as seen from anywhere.
pub fn absolute(url: &str) -> String {
    let here = window().location().href().unwrap_or_default();
    Url::new_with_base(url, &here).map(|u| u.href()).unwrap_or_else(|_| url.to_owned())
}

/// Sets the colours of the page.
pub fn set_theme(word: &str) {
    if let Some(root) = window().document().and_then(|d| d.document_element()) {
        let _ = root.set_attribute("data-theme", word);
    }
}

/// A new page begins at its top.
pub fn scroll_to_top() {
    window().scroll_to_with_x_and_y(0.0, 0.0);
}

/// Puts a picture into its place.
pub fn set_poster(id: &str, svg: &str) {
    if let Some(element) = window().document().and_then(|d| d.get_element_by_id(id)) {
        element.set_inner_html(svg);
        let _ = element.class_list().remove_1("ls-dotted");
    }
}

/// Closes the `<details>` of an event: at once, or if the focus went elsewhere.
pub fn close_details(event: &web_sys::Event, at_once: bool) {
    let Some(details) = event.current_target().and_then(|t| t.dyn_into::<web_sys::HtmlDetailsElement>().ok())
    else {
        return;
    };
    let goes_to =
        Reflect::get(event, &"relatedTarget".into()).ok().and_then(|t| t.dyn_into::<web_sys::Node>().ok());
    // Without a target the focus went to nothing, e.g. by a click on text.
    if at_once || goes_to.is_some_and(|node| !details.contains(Some(&node))) {
        details.set_open(false);
    }
    if at_once && let Ok(Some(summary)) = details.query_selector("summary") {
        let _ = summary.unchecked_into::<web_sys::HtmlElement>().focus();
    }
}

/// Keeps a signal at the width of an element, in steps of 8 pixels so that dragging a window does not draw at every
/// pixel.
pub fn watch_width(stage: NodeRef<leptos::html::Div>, width: RwSignal<u32>) {
    let kept = StoredValue::new_local(None::<web_sys::ResizeObserver>);
    Effect::new(move |_| {
        let Some(element) = stage.get() else { return };
        let measured = element.clone();
        let measure = move || {
            let now = (measured.client_width().max(0) as u32) / 8 * 8;
            if now > 0 && width.try_get_untracked().is_some_and(|old| old != now) {
                width.set(now);
            }
        };
        measure();
        // Lives as long as the observer refers to it.
        let closure = Closure::<dyn FnMut()>::new(measure).into_js_value();
        if let Ok(observer) = web_sys::ResizeObserver::new(closure.unchecked_ref()) {
            observer.observe(&element);
            kept.set_value(Some(observer));
        }
    });
    on_cleanup(move || {
        if let Some(Some(observer)) = kept.try_update_value(Option::take) {
            observer.disconnect();
        }
    });
}

/// Moves the focus to the first control that is not right, unfolding what hides it.
pub fn focus_wrong(root: &web_sys::Element) {
    let Ok(Some(control)) = root.query_selector("[aria-invalid=true]") else { return };
    if let Ok(Some(details)) = control.closest("details") {
        let _ = details.set_attribute("open", "");
    }
    let _ = control.unchecked_into::<web_sys::HtmlElement>().focus();
}
