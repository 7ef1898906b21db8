//! Addresses: what a link, an attribute list, or a command line says about a demo.

use crate::engine::Wanted;
use crate::named::Named;
use lowshot_protocol::schema::{self, Field, FieldError, FieldKind};
use lowshot_protocol::{InputSource, MethodCard, share};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Colours asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the surroundings say.
    #[default]
    Auto,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// Reads `auto`, `light` or `dark`; anything else is `auto`.
    pub fn parse(text: &str) -> Theme {
        match text {
            "light" => Theme::Light,
            "dark" => Theme::Dark,
            _ => Theme::Auto,
        }
    }

    /// The word for attributes and addresses.
    pub fn word(self) -> &'static str {
        match self {
            Theme::Auto => "auto",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }
}

/// Everything in a query that is not about the configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Place {
    /// The method, where the query names it.
    pub method: Option<String>,
    /// Engine asked for.
    pub device: Wanted,
    /// Colours asked for.
    pub theme: Theme,
    /// Parts and fields not shown.
    pub hide: Vec<String>,
    /// Run as soon as it can be seen.
    pub autoplay: bool,
    /// The pairs about configuration, seed and inputs.
    pub rest: Vec<(String, String)>,
}

/// Splits `#/METHOD?query` into the method and the query; no method is the gallery.
pub fn route(hash: &str) -> (Option<String>, &str) {
    let path = hash.trim_start_matches('#').trim_start_matches('/');
    let (method, query) = path.split_once('?').unwrap_or((path, ""));
    let method = method.trim_end_matches('/');
    ((!method.is_empty()).then(|| method.to_owned()), query)
}

/// Reads a query (with or without a leading `?`).
pub fn place(query: &str) -> Place {
    let mut place = Place::default();
    for (name, text) in form_urlencoded::parse(query.trim_start_matches(['?', '#']).as_bytes()) {
        match name.as_ref() {
            "method" => place.method = Some(text.into_owned()).filter(|m| !m.is_empty()),
            "device" => place.device = Wanted::parse(&text),
            "theme" => place.theme = Theme::parse(&text),
            "hide" => {
                let words = text.split([',', ' ']).map(str::trim).filter(|w| !w.is_empty());
                place.hide.extend(words.map(str::to_owned));
            }
            // An HTML attribute without a value is there.
            "autoplay" => place.autoplay = text != "false",
            "loading" | "token" | "base" => {}
            _ => place.rest.push((name.into_owned(), text.into_owned())),
        }
    }
    place
}

/// Where a demo starts: the texts of its form, and what was wrong with the address.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Start {
    /// Text of every field; a wrong one as it was written, so that it can be mended in place.
    pub texts: Named<String>,
    /// The seed as text.
    pub seed: String,
    /// Inputs that differ from the defaults.
    pub inputs: BTreeMap<String, InputSource>,
    /// Wrong values, names that belong to nothing, unreadable JSON.
    pub problems: Vec<FieldError>,
}

/// Reads the pairs of a query. Nothing about the configuration means the first preset; otherwise missing fields take
/// their defaults, as on the command line.
pub fn start(card: &MethodCard, fields: &[Field], pairs: &[(String, String)]) -> Start {
    let mut start = Start { seed: "1".to_owned(), ..Start::default() };
    let mut config = Map::new();
    let mut wrong = Vec::new();
    let mut bare = true;
    let preset = pairs.iter().find(|(name, _)| name == "preset").map(|(_, id)| id.as_str());
    if let Some(id) = preset {
        match card.presets.iter().find(|p| p.id == id) {
            Some(preset) => {
                bare = false;
                config = preset.config.as_object().cloned().unwrap_or_default();
                start.inputs = sources(&preset.inputs);
            }
            None => start.problems.push(FieldError {
                field: "preset".to_owned(),
                problem: format!("is `{id}`"),
                expected: list(card.presets.iter().map(|p| p.id.as_str())),
            }),
        }
    }
    for (name, text) in pairs {
        if name == "preset" {
            continue;
        }
        if name == "seed" {
            start.seed = text.trim().to_owned();
            continue;
        }
        bare = false;
        if name == "config" {
            match serde_json::from_slice::<Value>(text.as_bytes()) {
                Ok(Value::Object(map)) => {
                    for (name, value) in map {
                        match fields.iter().find(|f| f.name == name) {
                            Some(_) => _ = config.insert(name, value),
                            None => start.problems.push(schema::unknown(fields, &name)),
                        }
                    }
                }
                _ => start.problems.push(FieldError {
                    field: "config".to_owned(),
                    problem: format!("is `{text}`"),
                    expected: "a JSON object such as {\"seed\": 1} with the names of fields".to_owned(),
                }),
            }
        } else if let Some(input) = name.strip_prefix("input.") {
            if card.inputs.iter().any(|spec| spec.name == input) {
                start.inputs.insert(input.to_owned(), InputSource::parse(text));
            } else {
                start.problems.push(FieldError {
                    field: name.clone(),
                    problem: "does not exist".to_owned(),
                    expected: list(card.inputs.iter().map(|i| i.name.as_str())),
                });
            }
        } else if let Some(field) = fields.iter().find(|f| f.name == *name) {
            let text = match (&field.kind, text.as_str()) {
                // <lowshot-demo clamp_support>
                (FieldKind::Bool, "") => "true",
                (_, text) => text,
            };
            match field.parse(text) {
                Ok(value) => _ = config.insert(name.clone(), value),
                Err(problem) => {
                    wrong.push((name.clone(), text.to_owned()));
                    start.problems.push(problem);
                }
            }
        } else {
            start.problems.push(schema::unknown(fields, name));
        }
    }
    if bare && let Some(first) = card.presets.first() {
        config = first.config.as_object().cloned().unwrap_or_default();
        start.inputs = sources(&first.inputs);
    }
    start.texts = crate::form::texts(fields, &Value::Object(config));
    for (name, text) in wrong {
        start.texts.insert(name, text);
    }
    start
}

/// The inputs of a preset.
pub fn sources(inputs: &BTreeMap<String, String>) -> BTreeMap<String, InputSource> {
    inputs.iter().map(|(name, text)| (name.clone(), InputSource::parse(text))).collect()
}

fn list<'a>(words: impl Iterator<Item = &'a str>) -> String {
    format!("one of {}", words.collect::<Vec<_>>().join(", "))
}

/// The seed of a form.
///
/// # Errors
/// [`FieldError`] named `seed`.
pub fn seed(text: &str) -> Result<u64, FieldError> {
    share::parse_seed(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lowshot_protocol::{BundledInput, Family, InputKind, InputSpec, Paper, Preset};
    use serde_json::json;

    fn card() -> MethodCard {
        let bundled =
            ["digits", "synthetic"].map(|n| BundledInput { name: n.to_owned(), title: n.to_owned() });
        MethodCard {
            id: "m".to_owned(),
            title: "M".to_owned(),
            summary: String::new(),
            family: Family::Fewshot,
            paper: Paper { title: String::new(), authors: String::new(), year: 2021, url: String::new() },
            inputs: vec![InputSpec {
                name: "features".to_owned(),
                kind: InputKind::Features,
                help: String::new(),
                formats: Vec::new(),
                bundled: bundled.to_vec(),
                optional: false,
            }],
            artifacts: Vec::new(),
            views: Vec::new(),
            metrics: Vec::new(),
            presets: vec![Preset {
                id: "first".to_owned(),
                title: "First".to_owned(),
                summary: String::new(),
                config: json!({"shots": 3}),
                inputs: BTreeMap::from([("features".to_owned(), "builtin:synthetic".to_owned())]),
                native: false,
            }],
        }
    }

    fn fields() -> Vec<Field> {
        schema::fields(&json!({"x-order": ["shots", "clamp"], "properties": {
            "shots": {"type": "integer", "minimum": 1, "maximum": 50, "default": 1},
            "clamp": {"type": "boolean", "default": false},
        }}))
    }

    fn from(query: &str) -> Start {
        start(&card(), &fields(), &place(query).rest)
    }

    #[test]
    fn routes() {
        assert_eq!(route(""), (None, ""));
        assert_eq!(route("#/"), (None, ""));
        assert_eq!(route("#/m"), (Some("m".to_owned()), ""));
        assert_eq!(route("#/m?a=1&b=2"), (Some("m".to_owned()), "a=1&b=2"));
    }

    #[test]
    fn a_bare_address_is_the_first_preset() {
        for query in ["", "seed=9", "theme=dark&hide=header"] {
            assert_eq!(from(query).texts["shots"], "3", "{query}");
            assert_eq!(from(query).inputs["features"].to_string(), "builtin:synthetic");
        }
        assert_eq!(from("seed=9").seed, "9");
        assert_eq!(from("clamp=true").texts["shots"], "1");
        assert_eq!(from("clamp=true").inputs.len(), 0);
        assert_eq!(from("preset=first&shots=4").texts["shots"], "4");
    }

    #[test]
    fn json_attributes_and_bare_attributes_are_read() {
        let start = from("config=%7B%22shots%22%3A7%7D&clamp=");
        assert_eq!((start.texts["shots"].as_str(), start.texts["clamp"].as_str()), ("7", "true"));
        assert_eq!(start.problems, []);
    }

    #[test]
    fn wrong_values_stay_in_the_form_and_wrong_names_are_told() {
        let start = from("shots=99&nonsense=1&input.labels=builtin:x&config=%5B&preset=zzz");
        assert_eq!(start.texts["shots"], "99");
        let names: Vec<&str> = start.problems.iter().map(|p| p.field.as_str()).collect();
        assert_eq!(names, ["preset", "shots", "nonsense", "input.labels", "config"]);
        // A wrong JSON value is caught when the form is read.
        assert_eq!(from("config=%7B%22shots%22%3A0%7D").texts["shots"], "0");
    }

    #[test]
    fn places_know_what_is_not_configuration() {
        let place = place("?method=m&device=cpu&theme=dark&hide=header,%20data&autoplay&shots=2");
        assert_eq!(place.method.as_deref(), Some("m"));
        assert_eq!(place.device, Wanted::Only(crate::engine::Kind::Cpu));
        assert_eq!(place.theme, Theme::Dark);
        assert_eq!(place.hide, ["header", "data"]);
        assert!(place.autoplay);
        assert_eq!(place.rest, [("shots".to_owned(), "2".to_owned())]);
    }
}
