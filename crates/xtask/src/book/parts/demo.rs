//! `{{#demo …}}`: a live demo, with its picture for readers without script.

use super::tables::escape;
use lowshot_protocol::schema::{self, Field};
use lowshot_protocol::{InputSource, InputSpec, MethodCard, MethodInfo, RunRequest, share};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Attributes of the element that are not about the configuration, with the words they take (none: any).
const ATTRIBUTES: [(&str, &[&str]); 5] = [
    ("height", &[]),
    ("device", &["auto", "cpu", "webgpu", "server"]),
    ("theme", &["auto", "light", "dark"]),
    ("loading", &["lazy", "eager"]),
    ("autoplay", &["", "false"]),
];

/// Parts of the form that are no fields of the configuration; left out where `fields` says what is shown.
const FORM: [&str; 3] = ["data", "seed", "follow"];

/// The element that `words` (`name=value …`) describe. `fields=a,b` leaves out every other setting.
pub fn demo(
    words: &str,
    methods: &[MethodInfo],
    own: Option<&MethodInfo>,
    up: &str,
) -> Result<String, String> {
    let pairs: Vec<(&str, &str)> =
        words.split_whitespace().map(|w| w.split_once('=').unwrap_or((w, ""))).collect();
    let method = match pairs.iter().find(|(name, _)| *name == "method") {
        Some((_, id)) => methods.iter().find(|m| m.card.id == *id).ok_or_else(|| {
            format!(
                "there is no method `{id}`; there is: {}",
                list(methods.iter().map(|m| m.card.id.as_str()))
            )
        })?,
        None => own.ok_or("a demo outside of a method's page needs method=ID")?,
    };
    let card = &method.card;
    let fields = schema::fields(&method.schema);
    let mut attributes = format!(" method=\"{}\"", escape(&card.id));
    let mut add = |name: &str, value: &str| attributes += &format!(" {name}=\"{}\"", escape(value));
    let mut base = Map::new();
    let mut config = Map::new();
    let mut inputs = BTreeMap::new();
    let mut seed = 1;
    let mut hide: Vec<&str> = Vec::new();
    for (name, value) in pairs {
        if name == "method" {
        } else if name == "hide" {
            hide.extend(value.split(','));
        } else if name == "fields" {
            let shown: Vec<&str> = value.split(',').collect();
            if let Some(wrong) = shown.iter().find(|name| !fields.iter().any(|f| f.name == **name)) {
                return Err(schema::unknown(&fields, wrong).to_string());
            }
            hide.extend(FORM);
            // A picture may have the name of a field, and would be left out with it.
            let views = |name: &str| card.views.iter().any(|view| view.id == name);
            hide.extend(
                fields.iter().map(|f| f.name.as_str()).filter(|name| !shown.contains(name) && !views(name)),
            );
        } else if name == "preset" {
            let preset = card.presets.iter().find(|p| p.id == value).ok_or_else(|| {
                format!(
                    "there is no preset `{value}`; there is: {}",
                    list(card.presets.iter().map(|p| p.id.as_str()))
                )
            })?;
            base = preset.config.as_object().cloned().unwrap_or_default();
            inputs.extend(preset.inputs.iter().map(|(name, text)| (name.clone(), InputSource::parse(text))));
            add(name, value);
        } else if name == "seed" {
            seed = share::parse_seed(value).map_err(|e| e.to_string())?;
            add(name, value);
        } else if let Some(input) = name.strip_prefix("input.") {
            check_input(&card.inputs, input, value)?;
            inputs.insert(input.to_owned(), InputSource::parse(value));
            add(name, value);
        } else if let Some((_, words)) = ATTRIBUTES.iter().find(|(attribute, _)| *attribute == name) {
            if !words.is_empty() && !words.contains(&value) {
                return Err(format!("{name} is `{value}`; expected one of {}", list(words.iter().copied())));
            }
            add(name, value);
        } else {
            let field = fields.iter().find(|f| f.name == name);
            let field = field.ok_or_else(|| schema::unknown(&fields, name).to_string())?;
            config.insert(name.to_owned(), field.parse(value).map_err(|e| e.to_string())?);
        }
    }
    if !hide.is_empty() {
        add("hide", &hide.join(","));
    }
    if !config.is_empty() {
        add("config", &Value::Object(config.clone()).to_string());
    }
    base.extend(config);
    let link = link(card, &fields, Value::Object(base), inputs, seed, up)?;
    Ok(format!(
        "<div class=\"demo\">\n<lowshot-demo{attributes}><a href=\"{link}\"><img src=\"{up}frames/{id}.svg\" \
         alt=\"First picture of {title}; open it in the playground\" loading=\"lazy\"></a></lowshot-demo>\n</div>\n",
        id = escape(&card.id),
        title = escape(&card.title),
    ))
}

/// The address of the same run in the playground, for use in an attribute.
pub fn link(
    card: &MethodCard,
    fields: &[Field],
    config: Value,
    inputs: BTreeMap<String, InputSource>,
    seed: u64,
    up: &str,
) -> Result<String, String> {
    let request = request(card, fields, config, inputs, seed)?;
    Ok(escape(&format!("{up}index.html#/{}?{}", card.id, differing(fields, &request))))
}

/// A checked request.
pub fn request(
    card: &MethodCard,
    fields: &[Field],
    config: Value,
    inputs: BTreeMap<String, InputSource>,
    seed: u64,
) -> Result<RunRequest, String> {
    let config = schema::resolve(fields, &config).map_err(|e| e.to_string())?;
    Ok(RunRequest { method: card.id.clone(), config, seed, inputs, shard: None, paused: false })
}

/// The query without what is at its default anyway; at least one field stays, since a query without any means the
/// first preset.
fn differing(fields: &[Field], request: &RunRequest) -> String {
    let mut short = request.clone();
    if let Some(config) = short.config.as_object_mut() {
        let first = fields.first().map(|f| f.name.clone());
        let default = |name: &str| fields.iter().find(|f| f.name == name).map(|f| f.default.clone());
        let all = std::mem::take(config);
        config.extend(
            all.iter().filter(|(n, v)| default(n).as_ref() != Some(*v)).map(|(n, v)| (n.clone(), v.clone())),
        );
        if config.is_empty() {
            config.extend(all.into_iter().filter(|(name, _)| Some(name) == first.as_ref()));
        }
    }
    share::query(&short)
}

fn check_input(specs: &[InputSpec], name: &str, value: &str) -> Result<(), String> {
    let spec = specs.iter().find(|spec| spec.name == name).ok_or_else(|| {
        format!("there is no input `{name}`; there is: {}", list(specs.iter().map(|s| s.name.as_str())))
    })?;
    let known = value.strip_prefix("builtin:").is_some_and(|set| spec.bundled.iter().any(|b| b.name == set));
    if known {
        return Ok(());
    }
    let sets = spec.bundled.iter().map(|b| format!("builtin:{}", b.name)).collect::<Vec<_>>();
    Err(format!("input.{name} is `{value}`; expected one of {}", list(sets.iter().map(String::as_str))))
}

fn list<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.filter(|w| !w.is_empty()).collect::<Vec<_>>().join(", ")
}
