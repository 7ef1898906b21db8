//! The page of a method: presets, settings, controls, pictures, result.

use super::controls::controls;
use super::engine::banner;
use super::figures::figures;
use super::outcome::{failure, outcome};
use super::settings::settings;
use super::share::share;
use super::{Around, Mode};
use crate::demo::Demo;
use crate::dom;
use crate::html::{self, escape, icon, rich};
use leptos::prelude::*;

/// One demo.
pub fn method(demo: Demo, around: Around) -> AnyView {
    let info = demo.method();
    let part = |name: &str, make: &dyn Fn() -> AnyView| {
        if demo.hides(name) { ().into_any() } else { make() }
    };
    let level = if around.mode == Mode::Page { 1 } else { 2 };
    let head = part("header", &|| {
        view! { <header class="ls-method-head" part="header" inner_html=html::method_head(&info.card, level)></header> }
            .into_any()
    });
    let class = if demo.hides("form") { "ls-method ls-no-form" } else { "ls-method" };
    let root = NodeRef::<leptos::html::Article>::new();
    demo.on_refused(move || {
        if let Some(root) = root.get_untracked() {
            dom::focus_wrong(&root);
        }
    });
    view! {
        <article node_ref=root class=class aria-label=info.card.title.clone()>
            {head}
            {part("presets", &|| presets(demo))}
            {move || problems(demo)}
            <div class="ls-layout">
                <div class="ls-bar-slot">
                    {banner()}
                    {part("controls", &|| controls(demo, around))}
                </div>
                {part("form", &|| settings(demo, around))}
                <div class="ls-stage">{failure(demo)}{part("views", &|| figures(demo, around))}</div>
                <div class="ls-rest">
                    {part("result", &|| outcome(demo))}
                    {part("share", &|| share(demo, around))}
                </div>
            </div>
            <p class="ls-unseen" role="status" aria-live="polite">{move || demo.announcement()}</p>
        </article>
    }
    .into_any()
}

/// What of the address was not understood.
fn problems(demo: Demo) -> AnyView {
    let list: String = demo.problems().iter().map(|p| format!("<li>{}</li>", rich(&p.to_string()))).collect();
    if list.is_empty() {
        return ().into_any();
    }
    let text = format!("<p><strong>Part of this address was not understood.</strong></p><ul>{list}</ul>");
    view! {
        <div class="ls-banner ls-warn" role="alert">
            <div inner_html=text></div>
            <button type="button" class="ls-quiet ls-square" aria-label="Dismiss" inner_html=icon("close")
                on:click=move |_| demo.dismiss_problems()></button>
        </div>
    }
    .into_any()
}

/// Ready configurations.
fn presets(demo: Demo) -> AnyView {
    let info = demo.method();
    let chips: Vec<AnyView> = info
        .card
        .presets
        .iter()
        .enumerate()
        .map(|(at, preset)| {
            let large = if preset.native { "<span class=\"ls-tag\">large</span>" } else { "" };
            view! {
                <button type="button" class="ls-chip" title=preset.summary.clone()
                    inner_html=escape(&preset.title) + large
                    aria-pressed=move || (demo.preset() == Some(at)).to_string()
                    on:click=move |_| demo.apply_preset(at)></button>
            }
            .into_any()
        })
        .collect();
    let summary = move || match demo.preset().and_then(|at| info.card.presets.get(at)) {
        Some(preset) if preset.native => format!(
            "{} Made for a native run: copy it as a command line below, or use a server engine.",
            preset.summary
        ),
        Some(preset) => preset.summary.clone(),
        None => "Your own settings.".to_owned(),
    };
    view! {
        <div class="ls-presets" role="group" aria-label="Presets" part="presets">
            <div class="ls-chips">{chips}</div>
            <p class="ls-preset-text" inner_html=move || rich(&summary())></p>
        </div>
    }
    .into_any()
}
