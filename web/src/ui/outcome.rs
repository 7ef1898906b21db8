//! What came out: numbers, tables, remarks, files, and the facts needed to believe it.

use crate::demo::Demo;
use crate::dom;
use crate::format;
use crate::html::{self, escape, icon, label, rich};
use crate::run::{Artifact, Phase};
use leptos::prelude::*;
use lowshot_protocol::{NoteLevel, Report};
use std::sync::Arc;

/// Why a run failed, above the pictures; nothing when all is well.
pub fn failure(demo: Demo) -> AnyView {
    let text = move || {
        // What has happened to the engine stands in its own banner.
        let error = demo.error().filter(|e| e.code != "engine" && e.code != "connection");
        let Some(error) = error else { return String::new() };
        let field = error.field.as_ref().map(|f| format!("<code>{}</code>: ", escape(f))).unwrap_or_default();
        format!(
            "<div class=\"ls-banner ls-bad\" role=\"alert\"><div class=\"ls-banner-text\">{}<div>\
             <p><strong>{field}{}</strong></p><p>{}</p></div></div></div>",
            icon("alert"),
            rich(&error.message),
            rich(&error.remedy)
        )
    };
    view! { <div class="ls-told" inner_html=text></div> }.into_any()
}

/// Remarks and report of a demo.
pub fn outcome(demo: Demo) -> AnyView {
    let notes = move || {
        let run = demo.outcome();
        html::notes(run.notes.iter().map(|(level, text)| (*level, text.as_str())))
    };
    let report = move || {
        let run = demo.outcome();
        match run.report {
            Some(report) => result(demo, report, run.artifacts, run.phase == Phase::Recorded, &run.notes),
            None => ().into_any(),
        }
    };
    view! { <div class="ls-told" inner_html=notes></div>{report} }.into_any()
}

fn result(
    demo: Demo,
    report: Arc<Report>,
    files: Vec<Artifact>,
    recorded: bool,
    told: &[(NoteLevel, String)],
) -> AnyView {
    let info = demo.method();
    let title = if recorded { "Result of the recorded run" } else { "Result" };
    let mut text = format!("<h3>{title}</h3>{}", html::metrics(&info.card, &report));
    for table in &report.tables {
        text += &format!(
            "<div class=\"ls-table-box\" tabindex=\"0\" role=\"region\" aria-label=\"{}\">{}</div>",
            escape(&table.title),
            lowshot_plot::table_html(table)
        );
    }
    let fresh = report.notes.iter().filter(|text| !told.iter().any(|(_, known)| known == *text));
    text += &html::notes(fresh.map(|text| (NoteLevel::Info, text.as_str())));
    let downloads =
        if demo.hides("downloads") { ().into_any() } else { downloads(demo, report.clone(), files) };
    view! {
        <section class="ls-result" part="result" aria-label=title>
            <div class="ls-result-text" inner_html=text></div>
            {downloads}
            <div inner_html=html::facts(&report)></div>
        </section>
    }
    .into_any()
}

fn downloads(demo: Demo, report: Arc<Report>, files: Vec<Artifact>) -> AnyView {
    let info = demo.method();
    let button = |name: &str, help: &str, size: Option<usize>, save: Box<dyn Fn()>| {
        let size = size.map(|s| format!("<small>{}</small>", format::bytes(s as f64))).unwrap_or_default();
        view! {
            <li><button type="button" class="ls-button" title=help.to_owned() inner_html=label("download", name) + &size
                on:click=move |_| save()></button></li>
        }
        .into_any()
    };
    let save = move || dom::download("report.json", "application/json", dom::pretty(&*report).as_bytes());
    let mut list = vec![button("report.json", "Everything about this run as JSON", None, Box::new(save))];
    for file in files {
        let help = info.card.artifacts.iter().find(|a| a.name == file.name).map(|a| a.help.as_str());
        let (name, size) = (file.name.clone(), file.bytes.len());
        let save = move || dom::download(&file.name, &file.media_type, &file.bytes);
        list.push(button(&name, help.unwrap_or_default(), Some(size), Box::new(save)));
    }
    view! { <ul class="ls-files" role="list" aria-label="Downloads">{list}</ul> }.into_any()
}
