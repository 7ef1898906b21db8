//! Taking a run elsewhere: a link, a command line, an element for another page.

use super::{Around, Mode};
use crate::demo::Demo;
use crate::dom;
use crate::engine::Wanted;
use crate::html::label;
use crate::link::{Place, Theme};
use leptos::prelude::*;
use lowshot_protocol::InputSource;
use std::time::Duration;
use wasm_bindgen_futures::spawn_local;

/// The address of a demo within the page, what is not configuration kept.
pub fn route(method: &str, query: &str, place: &Place) -> String {
    let mut more = form_urlencoded::Serializer::new(String::new());
    if place.device != Wanted::Auto {
        more.append_pair("device", place.device.word());
    }
    if place.theme != Theme::Auto {
        more.append_pair("theme", place.theme.word());
    }
    if !place.hide.is_empty() {
        more.append_pair("hide", &place.hide.join(","));
    }
    let more = more.finish();
    let join = if more.is_empty() { "" } else { "&" };
    format!("#/{method}?{query}{join}{more}")
}

fn link(demo: Demo, around: Around) -> String {
    let page = match around.mode {
        Mode::Page => dom::window().location().href().unwrap_or_default(),
        Mode::Element => dom::absolute(&around.base.get_value()),
    };
    let page = page.split(['#', '?']).next().unwrap_or_default();
    match demo.query() {
        Some(query) => format!("{page}{}", route(&demo.method().card.id, &query, &Place::default())),
        None => String::new(),
    }
}

fn element(demo: Demo, around: Around) -> String {
    let Some(request) = demo.request() else { return String::new() };
    let base = dom::absolute(&around.base.get_value());
    let mut inputs = String::new();
    for (name, source) in &request.inputs {
        if let InputSource::Builtin { .. } = source {
            inputs += &format!(" input.{name}=\"{source}\"");
        }
    }
    let config = request.config.to_string().replace('&', "&amp;").replace('\'', "&#39;");
    format!(
        "<script src=\"{base}lowshot.js\" defer></script> <lowshot-demo method=\"{}\" seed=\"{}\"{inputs} config='{config}'></lowshot-demo>",
        request.method, request.seed
    )
}

/// What can be copied.
pub fn share(demo: Demo, around: Around) -> AnyView {
    let own_file = move || {
        let inputs = demo.request().map(|r| r.inputs).unwrap_or_default();
        let own = inputs.values().any(|s| !matches!(s, InputSource::Builtin { .. }));
        let text = "Your own file does not travel in a link; the command line names it, so run it where the file is.";
        if own { text } else { "" }
    };
    let command = move || demo.command_line().unwrap_or_default();
    view! {
        <section class="ls-share" part="share" aria-label="Take it with you">
            <h3>"Take it with you"</h3>
            {row(around.id("share-command"), "Command line", "Copy as command line", command)}
            {row(around.id("share-link"), "Link", "Copy link", move || link(demo, around))}
            {row(around.id("share-element"), "Element for your page", "Copy element", move || element(demo, around))}
            <p class="ls-help">{own_file}</p>
        </section>
    }
    .into_any()
}

fn row(
    id: String,
    title: &'static str,
    action: &'static str,
    text: impl Fn() -> String + Copy + Send + Sync + 'static,
) -> AnyView {
    // 0: nothing yet, 1: copied, 2: selected, because the browser did not let us.
    let copied = RwSignal::new(0u32);
    let field = NodeRef::<leptos::html::Input>::new();
    let copy = move |_| {
        let text = untrack(text);
        spawn_local(async move {
            let done = dom::copy(&text).await;
            if !done && let Some(field) = field.get_untracked() {
                field.select();
            }
            copied.try_set(if done { 1 } else { 2 });
            set_timeout(move || _ = copied.try_set(0), Duration::from_secs(3));
        });
    };
    let said = move || match copied.get() {
        1 => "Copied",
        2 => "Selected; press Ctrl+C",
        _ => "",
    };
    view! {
        <div class="ls-share-row">
            <label for=id.clone()>{title}</label>
            <input type="text" readonly class="ls-mono-box" id=id node_ref=field prop:value=text/>
            <button type="button" class="ls-button" disabled=move || text().is_empty()
                inner_html=move || label(if copied.get() == 1 { "check" } else { "copy" }, action)
                on:click=copy></button>
            <span class="ls-said" role="status">{said}</span>
        </div>
    }
    .into_any()
}
