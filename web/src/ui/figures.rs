//! The pictures of a run, in the order of the card.

use super::Around;
use crate::demo::Demo;
use crate::dom;
use crate::html::{escape, icon, rich};
use crate::run::{Origin, Phase};
use leptos::prelude::*;
use lowshot_plot::{Options, Theme};
use lowshot_protocol::View;

/// Pictures beside each other need so much room.
const TWO_COLUMNS: u32 = 660;
const GAP: u32 = 20;
/// Space inside a figure, left and right together.
const INSET: u32 = 34;

/// The pictures; the first one is the main one.
pub fn figures(demo: Demo, around: Around) -> AnyView {
    let stage = NodeRef::<leptos::html::Div>::new();
    let width = RwSignal::new(640u32);
    dom::watch_width(stage, width);
    let list = move || {
        let ids: Vec<String> = demo.view_ids().into_iter().filter(|id| !demo.hides(id)).collect();
        let count = ids.len();
        let mut views = Vec::new();
        for (at, id) in ids.into_iter().enumerate() {
            // A last one without a neighbour is not left half empty.
            let wide = at == 0 || (at + 1 == count && at % 2 == 1);
            views.push(figure(demo, around, id, wide, width));
        }
        views
    };
    // Made anew only when a picture is added to the list.
    let seen = StoredValue::new(Vec::<String>::new());
    let ids = RwSignal::new(0u32);
    Effect::new(move |_| {
        let now = demo.view_ids();
        if seen.get_value() != now {
            seen.set_value(now);
            ids.update(|n| *n += 1);
        }
    });
    let content = move || {
        ids.track();
        untrack(list)
    };
    let class = move || if width.get() >= TWO_COLUMNS { "ls-figures ls-two" } else { "ls-figures" };
    view! { <div class=class node_ref=stage>{content}</div> }.into_any()
}

/// Width and height of a picture.
fn size(stage: u32, wide: bool) -> (u32, u32) {
    let outer = if !wide && stage >= TWO_COLUMNS { (stage - GAP) / 2 } else { stage };
    let width = outer.saturating_sub(INSET).max(200);
    let height = if wide { (width * 9 / 16).clamp(330, 460) } else { (width * 2 / 3).clamp(230, 340) };
    (width, height)
}

fn figure(demo: Demo, around: Around, id: String, wide: bool, stage: RwSignal<u32>) -> AnyView {
    let info = demo.method();
    let spec = info.card.views.iter().find(|v| v.id == id);
    let title = spec.map_or_else(|| crate::format::humanise(&id), |v| v.title.clone());
    let help = spec.map(|v| v.help.clone()).unwrap_or_default();
    let file = format!("{}-{id}.svg", info.card.id);
    let heading = around.id(&format!("figure-{id}"));
    let prefix = around.id(&format!("plot-{id}"));
    let id = StoredValue::new(id);
    let shown = move || id.with_value(|id| demo.view(id));
    let picture = move || {
        let (width, height) = size(stage.get(), wide);
        let Some(shown) = shown() else {
            let text = if demo.phase().active() {
                "Waiting for the first picture"
            } else {
                "Press Play to draw this"
            };
            return format!(
                "<p class=\"ls-nothing ls-dotted\" style=\"height:{height}px\"><span>{text}</span></p>"
            );
        };
        match &*shown.view {
            View::Table(table) => lowshot_plot::table_html(table),
            View::Tokens(tokens) => lowshot_plot::tokens_html(tokens),
            view => {
                let id_prefix = prefix.clone();
                lowshot_plot::svg(
                    view,
                    &Options { width, height, theme: Theme::Inherit, title: String::new(), id_prefix },
                )
            }
        }
    };
    let class = move || {
        let faded = shown().is_some_and(|s| s.origin == Origin::Earlier);
        if faded { "ls-plot-box ls-faded" } else { "ls-plot-box" }
    };
    let tag = move || {
        let Some(shown) = shown() else { return String::new() };
        let (text, hint) = match shown.origin {
            Origin::Recorded if demo.as_recorded() => {
                ("recorded", "From a run that was recorded when this site was built.")
            }
            Origin::Recorded => ("recorded, other settings", "Press Play to run it with your settings."),
            Origin::Earlier => ("previous run", "The new picture has not come yet."),
            Origin::Live if demo.outdated() && demo.phase() != Phase::Waiting => {
                ("settings changed", "Press Play to run again.")
            }
            Origin::Live => return String::new(),
        };
        format!("<span class=\"ls-tag\" title=\"{hint}\">{text}</span>")
    };
    let head = format!("<h3 id=\"{heading}\">{}</h3>", escape(&title));
    let save_name = format!("Download {title} as SVG");
    let save = move |_| {
        let Some(shown) = untrack(shown) else { return };
        let options = Options { title: title.clone(), id_prefix: "plot".to_owned(), ..Options::default() };
        dom::download(&file, "image/svg+xml", lowshot_plot::svg(&shown.view, &options).as_bytes());
    };
    view! {
        <figure class=if wide { "ls-figure ls-wide" } else { "ls-figure" } part="figure" aria-labelledby=heading>
            <figcaption>
                <div class="ls-figure-head">
                    <div inner_html=move || format!("{head}{}", tag())></div>
                    <button type="button" class="ls-quiet ls-square" aria-label=save_name.clone() title=save_name
                        inner_html=icon("download") disabled=move || shown().is_none() on:click=save></button>
                </div>
                <p class="ls-help" inner_html=rich(&help)></p>
            </figcaption>
            <div class=class data-view=id.get_value() inner_html=picture></div>
        </figure>
    }
    .into_any()
}
