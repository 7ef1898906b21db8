//! Where the data comes from: a bundled set, or a file of the visitor.

use super::Around;
use crate::demo::{Choice, Demo, hub};
use crate::engine::{Kind, Status};
use crate::format;
use crate::html::{escape, icon, rich};
use leptos::prelude::*;
use lowshot_protocol::{InputSource, InputSpec};
use wasm_bindgen::JsCast;

/// The inputs of a demo; optional ones are folded away.
pub fn data(demo: Demo, around: Around) -> AnyView {
    let info = demo.method();
    let rows = |optional: bool| -> Vec<AnyView> {
        let specs = info.card.inputs.iter().filter(|spec| spec.optional == optional);
        specs.map(|spec| input(demo, around, spec)).collect()
    };
    let more = rows(true);
    let more = if more.is_empty() {
        ().into_any()
    } else {
        view! {
            <details class="ls-group">
                <summary>"More inputs"</summary>
                <div class="ls-fields">{more}</div>
            </details>
        }
        .into_any()
    };
    view! { <div class="ls-fields ls-data" part="data">{rows(false)}</div>{more} }.into_any()
}

fn input(demo: Demo, around: Around, spec: &InputSpec) -> AnyView {
    let id = around.id(&format!("input-{}", spec.name));
    let name = StoredValue::new(spec.name.clone());
    let choice = move || name.with_value(|n| demo.choice(n));
    let default = StoredValue::new(spec.default_bundled().unwrap_or_default().to_owned());
    let chosen = move || match choice() {
        Some(Choice::Source(InputSource::Builtin { name })) => name,
        Some(Choice::Source(_)) => "path:".to_owned(),
        Some(Choice::File { .. }) => "file:".to_owned(),
        None => default.get_value(),
    };
    let mut bundled = String::new();
    if spec.optional {
        bundled += "<option value=\"\">none</option>";
    }
    for set in &spec.bundled {
        bundled += &format!("<option value=\"{}\">{}</option>", escape(&set.name), escape(&set.title));
    }
    let options = move || {
        bundled.clone()
            + &match choice() {
                Some(Choice::File { name, .. }) => {
                    format!("<option value=\"file:\">{}</option>", escape(&name))
                }
                Some(Choice::Source(source @ InputSource::Path { .. })) => {
                    format!("<option value=\"path:\">{}</option>", escape(&source.to_string()))
                }
                _ => String::new(),
            }
    };
    // The options have to be there before one of them can be chosen.
    let value = move || {
        let value = chosen();
        let _ = choice();
        value
    };
    let problem = move || {
        let told = name.with_value(|n| demo.problem(n));
        told.or_else(|| match (choice(), hub().status()) {
            (Some(Choice::Source(InputSource::Path { path })), Status::Ready { kind, .. })
                if kind != Kind::Server =>
            {
                Some(format!("{path} is a path on some machine; this engine cannot read it. Drop the file here instead."))
            }
            _ => None,
        })
        .map(|text| rich(&text))
        .unwrap_or_default()
    };
    let promise = move || match hub().status() {
        Status::Ready { kind: Kind::Server, info } => {
            format!(" A file goes to the server engine ({}) and nowhere else.", info.device.name)
        }
        _ => " A file stays on this device, it is never uploaded.".to_owned(),
    };
    let help = rich(&spec.help);
    view! {
        <div class="ls-field" data-input=spec.name.clone()>
            <div class="ls-field-head"><label for=id.clone()>{format::humanise(&spec.name)}</label></div>
            <select id=id.clone() name=format!("input.{}", spec.name) aria-describedby=format!("{id}-help {id}-problem")
                inner_html=options prop:value=value
                on:change=move |e| {
                    let value = event_target_value(&e);
                    if !value.ends_with(':') {
                        let set = Some(value.as_str()).filter(|v| !v.is_empty());
                        name.with_value(|n| demo.choose_input(n, set));
                    }
                }></select>
            {move || match choice() {
                Some(Choice::File { name: file, size, .. }) => own_file(demo, name, &file, size),
                _ => ().into_any(),
            }}
            {drop_zone(demo, name, format!("{id}-file"))}
            <p class="ls-help" id=format!("{id}-help") inner_html=move || help.clone() + &escape(&promise())></p>
            <p class="ls-problem" id=format!("{id}-problem") aria-live="polite" inner_html=problem></p>
        </div>
    }
    .into_any()
}

fn own_file(demo: Demo, input: StoredValue<String>, file: &str, size: f64) -> AnyView {
    let text = format!("{}<span>{}<small>{}</small></span>", icon("file"), escape(file), format::bytes(size));
    view! {
        <div class="ls-file">
            <div class="ls-file-name" inner_html=text></div>
            <button type="button" class="ls-quiet ls-square" aria-label=format!("Remove {file}") inner_html=icon("close")
                on:click=move |_| input.with_value(|i| demo.choose_input(i, None))></button>
        </div>
    }
    .into_any()
}

fn drop_zone(demo: Demo, input: StoredValue<String>, id: String) -> AnyView {
    let formats = input.with_value(|i| demo.formats(i));
    let dotted: Vec<String> = formats.iter().map(|e| format!(".{e}")).collect();
    let listed = match dotted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    };
    let over = RwSignal::new(0u32);
    let take = move |files: Option<web_sys::FileList>| {
        if let Some(file) = files.and_then(|f| f.get(0)) {
            input.with_value(|i| demo.attach(i, file));
        }
    };
    view! {
        <div class=move || if over.get() == 1 { "ls-drop ls-over" } else { "ls-drop" }
            on:dragover=move |e| { e.prevent_default(); over.set(1); }
            on:dragleave=move |_| over.set(0)
            on:drop=move |e| {
                e.prevent_default();
                over.set(0);
                take(e.data_transfer().and_then(|d| d.files()));
            }>
            <input type="file" class="ls-unseen" id=id.clone() accept=format!("{},.gz", dotted.join(","))
                on:change=move |e| {
                    let target = e.target().and_then(|t| t.dyn_into::<web_sys::HtmlInputElement>().ok());
                    if let Some(element) = target {
                        take(element.files());
                        // The same file may be chosen again after it changed.
                        element.set_value("");
                    }
                }/>
            <label for=id inner_html=format!("Drop a {} file here, or <u>browse</u>", escape(&listed))></label>
        </div>
    }
    .into_any()
}
