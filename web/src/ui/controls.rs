//! Play, Step, Pause, Reset, how far the run is, and on what it computes.

use super::Around;
use super::engine::chip;
use crate::demo::{Demo, hub};
use crate::engine::Status;
use crate::format;
use crate::html::label;
use crate::run::Phase;
use leptos::prelude::*;

/// The bar above the pictures.
pub fn controls(demo: Demo, around: Around) -> AnyView {
    let busy = move || matches!(demo.phase(), Phase::Waiting | Phase::Running);
    let button = |class: &'static str, name, text, off: fn(Demo) -> bool, act: fn(&Demo)| {
        view! {
            <button type="button" class=class part=name inner_html=label(name, text)
                disabled=move || off(demo) on:click=move |_| act(&demo)></button>
        }
        .into_any()
    };
    let play_off = |demo: Demo| matches!(demo.phase(), Phase::Waiting | Phase::Running) && !demo.outdated();
    let pause_off = |demo: Demo| !matches!(demo.phase(), Phase::Waiting | Phase::Running);
    let reset_off = |demo: Demo| matches!(demo.phase(), Phase::Empty | Phase::Recorded);
    let fraction = move || match demo.phase() {
        Phase::Finished => Some(1.0),
        Phase::Running | Phase::Held => demo.progress().and_then(|p| p.fraction()),
        _ => Some(0.0),
    };
    let waits = move || busy() && (demo.phase() == Phase::Waiting || fraction().is_none());
    view! {
        <div class="ls-bar" role="group" aria-label="Run" part="controls">
            <div class="ls-buttons">
                {button("ls-button ls-primary", "play", "Play", play_off, Demo::play)}
                {button("ls-button", "step", "Step", |d| d.phase() == Phase::Waiting, Demo::step)}
                {button("ls-button", "pause", "Pause", pause_off, Demo::pause)}
                {button("ls-button", "reset", "Reset", reset_off, Demo::reset)}
            </div>
            <div class="ls-progress" data-phase=move || format!("{:?}", demo.phase()).to_ascii_lowercase()>
                <span class="ls-progress-text">{move || words(demo)}</span>
                <progress class=move || if waits() { "ls-waits" } else { "" } aria-label="Progress" max="1"
                    value=move || fraction().unwrap_or(0.0).to_string()></progress>
            </div>
            {if demo.hides("engine") { ().into_any() } else { chip(around) }}
        </div>
    }
    .into_any()
}

fn words(demo: Demo) -> String {
    let progress = demo.progress().map(|p| p.text());
    match demo.phase() {
        Phase::Empty => "Ready".to_owned(),
        Phase::Recorded => "Recorded run".to_owned(),
        Phase::Waiting => match hub().status() {
            Status::Starting { .. } | Status::Building => "Waiting for the engine".to_owned(),
            Status::Reconnecting { .. } => "Waiting for the server".to_owned(),
            _ => "Starting".to_owned(),
        },
        Phase::Running => progress.unwrap_or_else(|| "Running".to_owned()),
        Phase::Held => format!("Held · {}", progress.unwrap_or_else(|| format!("step {}", demo.holds()))),
        Phase::Finished => {
            let seconds = demo.outcome().report.map(|r| format::seconds(r.wall_seconds));
            format!("Finished in {}", seconds.unwrap_or_default())
        }
        Phase::Stopped => "Stopped".to_owned(),
        Phase::Failed => "Failed".to_owned(),
    }
}
