//! The page: a bar on top, the gallery or a method under it.

use super::{Around, Mode, method, share};
use crate::demo::{Demo, hub};
use crate::dom;
use crate::html::{self, icon};
use crate::link::{self, Place, Theme};
use crate::site::{self, Info};
use leptos::ev;
use leptos::prelude::*;
use lowshot_protocol::Family;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use wasm_bindgen_futures::spawn_local;

const FAMILIES: [Family; 8] = [
    Family::Fewshot,
    Family::Select,
    Family::Optim,
    Family::Lowrank,
    Family::Finetune,
    Family::Decode,
    Family::Attribute,
    Family::Solve,
];

fn hash() -> String {
    dom::window().location().hash().unwrap_or_default()
}

/// The playground.
pub fn page(base: String, methods: Vec<Arc<Info>>) -> AnyView {
    let asked = link::place(link::route(&hash()).1).theme;
    let kept = Theme::parse(&dom::local_get("lowshot-theme").unwrap_or_default());
    let first = if asked == Theme::Auto { kept } else { asked };
    dom::set_theme(first.word());
    let route = RwSignal::new(hash());
    let listener = window_event_listener(ev::hashchange, move |_| route.set(hash()));
    on_cleanup(move || listener.remove());
    let docs = format!("{base}docs/");
    let base = StoredValue::new(base);
    let methods = StoredValue::new(methods);
    let content = move || content(&route.get(), base, &methods.get_value());
    view! {
        <div class="lowshot ls-page" part="root">
            <a class="ls-skip" href="#ls-main" on:click=move |e| {
                // The address holds the settings, so the jump is made by hand.
                e.prevent_default();
                dom::focus("ls-main");
            }>"Skip to content"</a>
            <header class="ls-top">
                <a class="ls-brand" href="#/" inner_html=html::mark() + "<span>Lowshot</span>"></a>
                <nav class="ls-nav" aria-label="Site">
                    <a href="#/">"Methods"</a>
                    <a href=docs>"Docs"</a>
                    {theme_button(first)}
                </nav>
            </header>
            <main id="ls-main" tabindex="-1">{content}</main>
            <footer class="ls-foot">
                <p>"Your data stays on this device, or goes to the server that you started yourself. No cookies, no tracking."</p>
            </footer>
        </div>
    }
    .into_any()
}

fn content(hash: &str, base: StoredValue<String>, methods: &[Arc<Info>]) -> AnyView {
    let (method, query) = link::route(hash);
    let Some(method) = method else {
        dom::set_title("Lowshot");
        return gallery(base, methods);
    };
    let Some(info) = methods.iter().find(|i| i.card.id == method).cloned() else {
        let text = format!(
            "<h1>No such method</h1><p>There is no method called <code>{}</code> here. The link may be of another \
             version.</p><p><a class=\"ls-button\" href=\"#/\">See all methods</a></p>",
            html::escape(&method)
        );
        return view! { <section class="ls-lost" inner_html=text></section> }.into_any();
    };
    dom::set_title(&format!("{} · Lowshot", info.card.title));
    dom::scroll_to_top();
    let place = link::place(query);
    hub().prefer(place.device);
    let demo = Demo::new(&base.get_value(), info, &place, None);
    follow_address(demo, place.clone());
    spawn_local(async move {
        demo.load_frame().await;
        hub().ensure();
        if place.autoplay {
            demo.play();
        }
    });
    self::method(demo, Around { mode: Mode::Page, number: 0, base })
}

fn gallery(base: StoredValue<String>, methods: &[Arc<Info>]) -> AnyView {
    let mut text = format!(
        "<section class=\"ls-hero\"><div><h1>Learn with less.</h1><p class=\"ls-lead\">Research methods that get by \
         with few labels, low rank, little memory, few queries or few tokens. Each runs right here in your browser, \
         and the same run, at full size, on your GPU machine.</p></div>{}</section>",
        html::field_of_dots()
    );
    for family in FAMILIES {
        let cards: String = methods
            .iter()
            .filter(|info| info.card.family == family)
            .map(|info| html::gallery_card(&info.card))
            .collect();
        if !cards.is_empty() {
            text += &format!(
                "<section class=\"ls-family\"><h2>{}</h2><ul class=\"ls-cards\" role=\"list\">{cards}</ul></section>",
                family.title()
            );
        }
    }
    let ids: Vec<String> = methods.iter().map(|info| info.card.id.clone()).collect();
    spawn_local(async move {
        for id in ids {
            let base = base.get_value();
            if let Ok(svg) = site::text(&base, &format!("frames/{id}.svg")).await {
                dom::set_poster(&format!("ls-poster-{id}"), &svg);
            }
        }
    });
    view! { <div inner_html=text></div> }.into_any()
}

/// Keeps the address in step with the settings.
fn follow_address(demo: Demo, place: Place) {
    let timer = Rc::new(Cell::new(None::<TimeoutHandle>));
    let place = Rc::new(place);
    demo.on_change(move || {
        if let Some(timer) = timer.take() {
            timer.clear();
        }
        let Some(query) = untrack(|| demo.query()) else { return };
        let id = demo.method().card.id.clone();
        let address = share::route(&id, &query, &place);
        let write = move || {
            // Somebody may have gone elsewhere meanwhile.
            if link::route(&hash()).0.as_deref() == Some(id.as_str()) {
                dom::replace_address(&address);
            }
        };
        timer.set(set_timeout_with_handle(write, Duration::from_millis(200)).ok());
    });
}

fn theme_button(first: Theme) -> AnyView {
    const THEMES: [Theme; 3] = [Theme::Auto, Theme::Light, Theme::Dark];
    let at = RwSignal::new(THEMES.iter().position(|t| *t == first).unwrap_or_default() as u32);
    let theme = move |ahead: u32| THEMES[(at.get() + ahead) as usize % 3].word();
    let name = move || format!("Colours: {}. Switch to {}.", theme(0), theme(1));
    view! {
        <button type="button" class="ls-quiet ls-square" aria-label=name title=name
            inner_html=move || icon(theme(0))
            on:click=move |_| {
                let next = untrack(|| theme(1));
                dom::local_set("lowshot-theme", next);
                dom::set_theme(next);
                at.set(untrack(|| at.get()) + 1);
            }></button>
    }
    .into_any()
}
