//! The form: data, seed, and every field of the schema by its heading.

use super::Around;
use super::data::data;
use super::field::field_row;
use crate::demo::Demo;
use crate::form;
use crate::html::{escape, icon, rich};
use leptos::prelude::*;

/// The form of a demo.
pub fn settings(demo: Demo, around: Around) -> AnyView {
    let info = demo.method();
    let mut parts: Vec<AnyView> = Vec::new();
    if !demo.hides("data") {
        parts.push(data(demo, around));
    }
    if !demo.hides("seed") {
        parts.push(seed(demo, around));
    }
    for (heading, mut fields) in form::groups(&info.fields) {
        fields.retain(|f| !demo.hides(&f.name));
        if fields.is_empty() {
            continue;
        }
        let names: Vec<String> = fields.iter().map(|f| f.name.clone()).collect();
        let rows: Vec<AnyView> = fields.into_iter().map(|f| field_row(demo, around, f)).collect();
        if heading.is_empty() {
            parts.push(view! { <div class="ls-fields">{rows}</div> }.into_any());
            continue;
        }
        let checked = names.clone();
        let title = move || {
            let wrong = checked.iter().any(|n| demo.problem(n).is_some());
            escape(&heading) + if wrong { "<span class=\"ls-tag ls-tag-bad\">check</span>" } else { "" }
        };
        parts.push(
            view! {
                <details class="ls-group" hidden=move || names.iter().all(|n| demo.is_hidden(n))>
                    <summary inner_html=title></summary>
                    <div class="ls-fields">{rows}</div>
                </details>
            }
            .into_any(),
        );
    }
    if !demo.hides("follow") {
        parts.push(follow(demo, around));
    }
    view! {
        <form class="ls-settings" part="form" aria-label="Settings" novalidate
            on:submit=move |e| {
                // Enter in a field means: go.
                e.prevent_default();
                demo.play();
            }>
            {parts}
            <button type="submit" class="ls-unseen" tabindex="-1" aria-hidden="true">"Play"</button>
        </form>
    }
    .into_any()
}

fn seed(demo: Demo, around: Around) -> AnyView {
    let id = around.id("seed");
    view! {
        <div class="ls-field" data-field="seed">
            <div class="ls-field-head">
                <label for=id.clone()>"Seed"</label>
                <input type="text" inputmode="numeric" class="ls-number ls-seed" id=id.clone() name="seed" autocomplete="off"
                    aria-describedby=format!("{id}-help {id}-problem")
                    aria-invalid=move || demo.seed_problem().map(|_| "true".to_owned())
                    prop:value=move || demo.seed() on:input=move |e| demo.write_seed(event_target_value(&e))/>
                <button type="button" class="ls-quiet ls-square" aria-label="Draw another seed" title="Draw another seed"
                    inner_html=icon("dice")
                    on:click=move |_| demo.write_seed(((js_sys::Math::random() * 1e6) as u64).to_string())></button>
            </div>
            <p class="ls-help" id=format!("{id}-help")>"Same seed, same settings, same result: here and on any machine."</p>
            <p class="ls-problem" id=format!("{id}-problem") aria-live="polite"
                inner_html=move || rich(&demo.seed_problem().unwrap_or_default())></p>
        </div>
    }
    .into_any()
}

fn follow(demo: Demo, around: Around) -> AnyView {
    let id = around.id("follow");
    view! {
        <div class="ls-field ls-switch-row ls-follow">
            <input type="checkbox" role="switch" class="ls-switch" id=id.clone()
                prop:checked=move || demo.follows()
                on:change=move |e| demo.set_follow(event_target_checked(&e))/>
            <label for=id>"Run again when a setting changes"</label>
        </div>
    }
    .into_any()
}
