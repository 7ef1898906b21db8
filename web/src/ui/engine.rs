//! Which engine computes, why, and how to take another one.

use super::Around;
use crate::demo::hub;
use crate::dom;
use crate::engine::{Kind, Status, Wanted, offer};
use crate::html::{escape, icon, label};
use leptos::prelude::*;
use lowshot_protocol::EngineInfo;
use std::cell::Cell;

fn short(kind: Kind, info: &EngineInfo) -> String {
    let name = info.device.name.split(" (").next().unwrap_or_default();
    match kind {
        Kind::Cpu => "CPU · WebAssembly".to_owned(),
        Kind::WebGpu => format!("WebGPU · {name}"),
        Kind::Server => format!("Server · {name}"),
    }
}

fn state(status: &Status) -> &'static str {
    match status {
        Status::Off => "off",
        Status::Starting { .. } | Status::Building | Status::Reconnecting { .. } => "wait",
        Status::Ready { .. } => "ready",
        Status::Down { .. } => "down",
    }
}

/// What stands on the chip.
fn summary() -> String {
    let status = hub().status();
    let text = match &status {
        Status::Off => "not started".to_owned(),
        Status::Starting { kind, .. } => format!("Starting {}", kind.title()),
        Status::Building => "Being built".to_owned(),
        Status::Reconnecting { .. } => "Reconnecting".to_owned(),
        Status::Ready { kind, info } => short(*kind, info),
        Status::Down { .. } => "Stopped".to_owned(),
    };
    let software = matches!(&status, Status::Ready { info, .. } if info.device.software);
    let software = if software { "<span class=\"ls-tag\">software</span>" } else { "" };
    format!(
        "<span class=\"ls-light\" data-state=\"{}\"></span><span class=\"ls-unseen\">Engine: </span>\
         <span class=\"ls-engine-name\">{}</span>{software}",
        state(&status),
        escape(&text)
    )
}

/// What the engine is, and why no other was taken.
fn explanation() -> String {
    let text = match hub().status() {
        Status::Off => "It starts with the first run.".to_owned(),
        Status::Starting { kind, detail } if detail.is_empty() => {
            format!("Starting {}: {}.", kind.title(), kind.place())
        }
        Status::Starting { kind, detail } => format!("Fetching {}: {detail} so far.", kind.title()),
        Status::Building => "The engine is still being built; this page waits for it.".to_owned(),
        Status::Reconnecting { attempt } => format!("Connection lost; attempt {attempt} to get it back."),
        Status::Ready { kind, info } => {
            let software = if info.device.software { " An adapter emulated on the CPU." } else { "" };
            let note = &info.device.note;
            let space = if note.is_empty() { "" } else { " " };
            format!("{}, on {}.{software}{space}{note}", info.device.name, kind.place())
        }
        Status::Down { error } => error.to_string(),
    };
    let mut out = format!("<p>{}</p>", escape(&text));
    let tried = hub().tried();
    if !tried.is_empty() {
        out += "<div class=\"ls-tried\"><p>Not taken:</p><ul>";
        for engine in tried {
            out += &format!("<li><strong>{}</strong>: {}</li>", engine.kind.title(), escape(&engine.reason));
        }
        out += "</ul></div>";
    }
    out
}

fn choices(around: Around) -> Vec<AnyView> {
    let facts = hub().facts();
    let mut rows = Vec::new();
    for option in [Wanted::Auto].into_iter().chain(Kind::ALL.map(Wanted::Only)) {
        let (title, hint, off) = match option {
            Wanted::Auto => ("Automatic", "the best that works".to_owned(), false),
            Wanted::Only(kind) => match offer(kind, &facts) {
                Ok(()) => (kind.title(), kind.place().to_owned(), false),
                // Few pages come from a server; the others do not speak of it.
                Err(_) if kind == Kind::Server => continue,
                Err(reason) => (kind.title(), reason, true),
            },
        };
        let id = around.id(&format!("engine-{}", option.word()));
        let text = format!("<span>{title}</span><small>{}</small>", escape(&hint));
        rows.push(
            view! {
                <div class="ls-radio">
                    <input type="radio" id=id.clone() name=around.id("engine") value=option.word() disabled=off
                        prop:checked=move || hub().wanted() == option on:change=move |_| hub().choose(option)/>
                    <label for=id inner_html=text></label>
                </div>
            }
            .into_any(),
        );
    }
    rows
}

/// The chip: a summary that opens into facts and choices.
pub fn chip(around: Around) -> AnyView {
    view! {
        <details class="ls-engine" part="engine" on:keydown=|e| if e.key() == "Escape" {
                dom::close_details(&e, true);
            }
            on:focusout=|e| dom::close_details(&e, false)>
            <summary inner_html=summary></summary>
            <div class="ls-popover">
                <div inner_html=explanation></div>
                <fieldset class="ls-plain"><legend>"Compute on"</legend>{move || choices(around)}</fieldset>
                <button type="button" class="ls-button" inner_html=label("reset", "Restart engine")
                    on:click=|_| hub().start()></button>
            </div>
        </details>
    }
    .into_any()
}

/// What is wrong with the engine, and what to do; nothing when all is well.
pub fn banner() -> AnyView {
    (move || {
        let hub = hub();
        let (status, facts) = (hub.status(), hub.facts());
        match status {
            Status::Down { error } => {
                let text = format!(
                    "<p><strong>{}</strong></p><p>{}</p>",
                    escape(&error.message),
                    escape(&error.remedy)
                );
                let action = if error.code == "connection" { "Retry" } else { "Restart engine" };
                return bar("ls-bad", "alert", text, action, |h| h.start());
            }
            Status::Reconnecting { attempt } => {
                let text = format!("Connection to the server lost. Trying again (attempt {attempt}).");
                return bar("ls-warn", "alert", text, "Retry now", |h| h.start());
            }
            Status::Ready { .. } if hub.silent() => {
                let text =
                    "The engine has said nothing for 30 seconds. One step of a large run can take that long.";
                return bar("ls-warn", "status", text.to_owned(), "Restart engine", |h| h.start());
            }
            _ => {}
        }
        // Said once, when WebGPU was built behind the page's back.
        thread_local!(static WAS_BUILDING: Cell<bool> = const { Cell::new(false) });
        let offered = offer(Kind::WebGpu, &facts);
        if matches!(&offered, Err(reason) if reason.contains("being built")) {
            WAS_BUILDING.set(true);
        }
        let on_cpu = matches!(status, Status::Ready { kind: Kind::Cpu, .. });
        if WAS_BUILDING.get() && offered.is_ok() && on_cpu {
            let text = "The WebGPU engine has been built.".to_owned();
            return bar("", "status", text, "Use it", |h| {
                WAS_BUILDING.set(false);
                h.choose(Wanted::Only(Kind::WebGpu));
            });
        }
        ().into_any()
    })
    .into_any()
}

fn bar(
    class: &str,
    role: &'static str,
    text: String,
    action: &'static str,
    act: fn(&crate::engine::Hub),
) -> AnyView {
    let picture = icon(if class.is_empty() { "info" } else { "alert" });
    view! {
        <div class=format!("ls-banner {class}") role=role>
            <div class="ls-banner-text" inner_html=format!("{picture}<div>{text}</div>")></div>
            <button type="button" class="ls-button" on:click=move |_| act(&hub())>{action}</button>
        </div>
    }
    .into_any()
}
