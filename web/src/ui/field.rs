//! One field of the form, made from its schema.

use super::Around;
use crate::demo::Demo;
use crate::form::{self, Slider};
use crate::format::humanise;
use crate::html::{escape, rich};
use leptos::prelude::*;
use lowshot_protocol::schema::{ChoiceOption, Field, FieldKind};
use std::cell::Cell;
use std::rc::Rc;

/// A field with its label, its control, its help, and what is wrong with it.
pub fn field_row(demo: Demo, around: Around, field: Field) -> AnyView {
    let id = around.id(&field.name);
    let name = StoredValue::new(field.name.clone());
    let hidden = move || name.with_value(|n| demo.is_hidden(n));
    let problem = move || rich(&name.with_value(|n| demo.problem(n)).unwrap_or_default());
    let label = humanise(&field.name);
    let row = Row { demo, name, id: id.clone(), label: label.clone() };
    let mut class = "ls-field";
    let control = match field.kind.clone() {
        FieldKind::Bool => {
            class = "ls-field ls-switch-row";
            row.switch()
        }
        FieldKind::Choice { options } => row.choice(options),
        FieldKind::Text { examples } => row.text(examples),
        FieldKind::Integer { .. } | FieldKind::Number { .. } => row.number(&field),
    };
    // Always there, so that a screen reader hears it change.
    view! {
        <div class=class data-field=field.name hidden=hidden>
            {control}
            <p class="ls-help" id=format!("{id}-help") inner_html=rich(&field.help)></p>
            <p class="ls-problem" id=format!("{id}-problem") aria-live="polite" inner_html=problem></p>
        </div>
    }
    .into_any()
}

struct Row {
    demo: Demo,
    name: StoredValue<String>,
    id: String,
    label: String,
}

impl Row {
    fn described(&self) -> String {
        format!("{0}-help {0}-problem", self.id)
    }

    fn read(&self) -> impl Fn() -> String + Copy + Send + Sync + 'static {
        let (demo, name) = (self.demo, self.name);
        move || name.with_value(|n| demo.text(n))
    }

    fn write(&self) -> impl Fn(String) + Copy + Send + Sync + 'static {
        let (demo, name) = (self.demo, self.name);
        move |text| name.with_value(|n| demo.write(n, text))
    }

    fn invalid(&self) -> impl Fn() -> Option<String> + Copy + Send + Sync + 'static {
        let (demo, name) = (self.demo, self.name);
        move || name.with_value(|n| demo.problem(n)).map(|_| "true".to_owned())
    }

    fn switch(self) -> AnyView {
        let (read, write) = (self.read(), self.write());
        view! {
            <input type="checkbox" role="switch" class="ls-switch" id=self.id.clone() name=self.name.get_value()
                aria-describedby=self.described() prop:checked=move || read() == "true"
                on:change=move |e| write(event_target_checked(&e).to_string())/>
            <label for=self.id.clone()>{self.label.clone()}</label>
        }
        .into_any()
    }

    fn choice(self, options: Vec<ChoiceOption>) -> AnyView {
        let (read, write) = (self.read(), self.write());
        let items: String =
            options.iter().map(|o| format!("<option value=\"{0}\">{0}</option>", escape(&o.value))).collect();
        let meaning = move || {
            let now = read();
            options.iter().find(|o| o.value == now).map(|o| rich(&o.help)).unwrap_or_default()
        };
        view! {
            <div class="ls-field-head"><label for=self.id.clone()>{self.label.clone()}</label></div>
            <select id=self.id.clone() name=self.name.get_value() aria-describedby=self.described()
                aria-invalid=self.invalid() inner_html=items
                prop:value=read on:change=move |e| write(event_target_value(&e))></select>
            <p class="ls-help ls-chosen" inner_html=meaning></p>
        }
        .into_any()
    }

    fn text(self, examples: Vec<String>) -> AnyView {
        let (read, write) = (self.read(), self.write());
        let list = format!("{}-examples", self.id);
        let items: String =
            examples.iter().map(|e| format!("<option value=\"{}\"></option>", escape(e))).collect();
        view! {
            <div class="ls-field-head"><label for=self.id.clone()>{self.label.clone()}</label></div>
            <input type="text" id=self.id.clone() name=self.name.get_value() list=list.clone()
                placeholder=examples.last().cloned() autocomplete="off" spellcheck="false"
                aria-describedby=self.described() aria-invalid=self.invalid()
                prop:value=read on:input=move |e| write(event_target_value(&e))/>
            <datalist id=list inner_html=items></datalist>
        }
        .into_any()
    }

    /// Box, slider where there are bounds, words beside.
    fn number(self, field: &Field) -> AnyView {
        let (read, write) = (self.read(), self.write());
        let words = StoredValue::new(form::words(field));
        let slider = form::slider(field);
        let whole = form::is_whole(field);
        let is_word = move || {
            let text = read();
            words.with_value(|w| w.contains(&text))
        };
        let middle = slider.map_or(0.0, |s| (s.min + s.max) / 2.0);
        // The number to go back to when a word is taken away again.
        let last = Rc::new(Cell::new(field.default.as_f64().unwrap_or(middle)));
        let last = StoredValue::new_local(last);
        let number = move || {
            let last = last.get_value();
            if let Ok(value) = read().trim().parse::<f64>() {
                last.set(value);
            }
            last.get()
        };
        let box_text = move || if is_word() { String::new() } else { read() };
        let hint = move || if is_word() { read() } else { String::new() };
        let bounds = form::bounds(field);
        let range = match slider {
            None => ().into_any(),
            Some(slider) => {
                let (low, high, step) = slider.bounds();
                view! {
                    <input type="range" class="ls-range" min=low.to_string() max=high.to_string() step=step.to_string()
                        aria-label=format!("{}, slider", self.label) aria-describedby=self.described()
                        aria-valuetext=read disabled=is_word
                        style=move || format!("--part:{:.4}", part(slider, number()))
                        prop:value=move || slider.position(number()).to_string()
                        on:input=move |e| {
                            if let Ok(position) = event_target_value(&e).parse::<f64>() {
                                write(slider.value(position).to_string());
                            }
                        }/>
                }
                .into_any()
            }
        };
        let list = words.get_value();
        let beside = match list.as_slice() {
            [] => ().into_any(),
            [word] => {
                let (id, word) = (format!("{}-word", self.id), word.clone());
                let set = word.clone();
                view! {
                    <span class="ls-word">
                        <input type="checkbox" id=id.clone() prop:checked=is_word
                            on:change=move |e| write(match event_target_checked(&e) {
                                true => set.clone(),
                                false => untrack(number).to_string(),
                            })/>
                        <label for=id>{word}</label>
                    </span>
                }
                .into_any()
            }
            several => {
                let items: String =
                    several.iter().map(|w| format!("<option>{}</option>", escape(w))).collect();
                view! {
                    <select class="ls-words" aria-label=format!("{}, number or word", self.label)
                        inner_html=format!("<option value=\"\">number</option>{items}")
                        prop:value=hint
                        on:change=move |e| write(match event_target_value(&e) {
                            word if word.is_empty() => untrack(number).to_string(),
                            word => word,
                        })></select>
                }
                .into_any()
            }
        };
        view! {
            <div class="ls-field-head">
                <label for=self.id.clone()>{self.label.clone()}</label>
                {beside}
                <input type="number" class="ls-number" id=self.id.clone() name=self.name.get_value()
                    min=bounds.0 max=bounds.1 step=if whole { "1" } else { "any" }
                    inputmode=if whole { "numeric" } else { "decimal" }
                    placeholder=hint aria-describedby=self.described() aria-invalid=self.invalid()
                    prop:value=box_text on:input=move |e| write(event_target_value(&e))/>
            </div>
            {range}
        }
        .into_any()
    }
}

/// How far along a slider is, for its coloured part.
fn part(slider: Slider, value: f64) -> f64 {
    let (low, high, _) = slider.bounds();
    ((slider.position(value) - low) / (high - low)).clamp(0.0, 1.0)
}
