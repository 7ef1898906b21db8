//! The fields of a configuration, read from its JSON schema.
//!
//! A method writes its configuration once, as a Rust type with doc comments and ranges. Everything else is made from
//! the [`Field`]s found here: the browser's form, `--set` on the command line, URL parameters, element attributes,
//! and the table in the documentation. [`resolve`] is the one place where a configuration is checked.

use serde_json::{Map, Value};
use std::fmt;

/// One field of a configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Name in files, flags and URLs.
    pub name: String,
    /// What it means, from the doc comment.
    pub help: String,
    /// Type and range.
    pub kind: FieldKind,
    /// Default value.
    pub default: Value,
    /// Heading it is shown under (schema key `x-group`); empty for the main ones.
    pub group: String,
    /// Shown only if each named field has one of the values (schema key `x-when`: `{"task": ["cluster"]}`).
    pub when: Vec<(String, Vec<Value>)>,
}

/// Type and range of a field.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldKind {
    /// `true` or `false`.
    Bool,
    /// A whole number within bounds.
    Integer {
        /// Smallest value.
        min: i64,
        /// Largest value.
        max: i64,
    },
    /// A number within bounds, or one of a few words (such as `tune`).
    Number {
        /// Smallest value.
        min: f64,
        /// Largest value.
        max: f64,
        /// Words accepted besides numbers.
        words: Vec<String>,
    },
    /// One of several words.
    Choice {
        /// The words with their explanations.
        options: Vec<ChoiceOption>,
    },
    /// A text of a given form.
    Text {
        /// Examples of right values (schema key `examples`).
        examples: Vec<String>,
    },
}

/// One word of a [`FieldKind::Choice`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChoiceOption {
    /// The word.
    pub value: String,
    /// What it means, from the doc comment.
    pub help: String,
}

/// A configuration field that is not right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Name of the field.
    pub field: String,
    /// What is wrong.
    pub problem: String,
    /// What would be right.
    pub expected: String,
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "field `{}` {}; expected {}", self.field, self.problem, self.expected)
    }
}

impl std::error::Error for FieldError {}

/// Reads the fields of an object schema, in declaration order (schema key `x-order`).
pub fn fields(schema: &Value) -> Vec<Field> {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return Vec::new() };
    let order: Vec<&str> = match schema.get("x-order").and_then(Value::as_array) {
        Some(names) => names.iter().filter_map(Value::as_str).collect(),
        None => properties.keys().map(String::as_str).collect(),
    };
    order.iter().filter_map(|name| properties.get(*name).map(|p| field(schema, name, p))).collect()
}

fn field(root: &Value, name: &str, property: &Value) -> Field {
    let text = |key: &str| property.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let when = property.get("x-when").and_then(Value::as_object).map(conditions).unwrap_or_default();
    Field {
        name: name.to_owned(),
        help: sentence(property),
        kind: kind(root, property),
        default: property.get("default").cloned().unwrap_or(Value::Null),
        group: text("x-group"),
        when,
    }
}

fn conditions(map: &Map<String, Value>) -> Vec<(String, Vec<Value>)> {
    map.iter().map(|(k, v)| (k.clone(), v.as_array().cloned().unwrap_or_else(|| vec![v.clone()]))).collect()
}

fn follow<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    schema.get("$ref").and_then(Value::as_str).and_then(|path| root.pointer(&path[1..])).unwrap_or(schema)
}

fn kind(root: &Value, property: &Value) -> FieldKind {
    let schema = follow(root, property);
    let bound = |key: &str| [property, schema].iter().find_map(|s| s.get(key).and_then(Value::as_f64));
    match schema.get("type").and_then(Value::as_str) {
        Some("boolean") => return FieldKind::Bool,
        Some("integer") => {
            // Above 2^53 a number is not exact in JSON, so neither bound goes beyond.
            let limit = 9_007_199_254_740_992.0;
            return FieldKind::Integer {
                min: bound("minimum").unwrap_or(-limit) as i64,
                max: bound("maximum").unwrap_or(limit) as i64,
            };
        }
        Some("number") => return number(&bound, Vec::new()),
        _ => {}
    }
    let variants = ["oneOf", "anyOf"].iter().find_map(|key| schema.get(*key).and_then(Value::as_array));
    if let Some(variants) = variants {
        let variants: Vec<&Value> = variants.iter().map(|v| follow(root, v)).collect();
        let options: Vec<ChoiceOption> = variants.iter().flat_map(|v| words(root, v)).collect();
        return match variants.iter().find(|v| v.get("type").and_then(Value::as_str) == Some("number")) {
            Some(number_schema) => number(
                &|key| bound(key).or_else(|| number_schema.get(key).and_then(Value::as_f64)),
                options.into_iter().map(|o| o.value).collect(),
            ),
            None => FieldKind::Choice { options },
        };
    }
    let options = words(root, schema);
    if options.is_empty() {
        let list = property.get("examples").or(schema.get("examples")).and_then(Value::as_array);
        let examples = list.map(|a| a.iter().filter_map(Value::as_str).map(str::to_owned).collect());
        FieldKind::Text { examples: examples.unwrap_or_default() }
    } else {
        FieldKind::Choice { options }
    }
}

fn number(bound: &dyn Fn(&str) -> Option<f64>, words: Vec<String>) -> FieldKind {
    FieldKind::Number {
        min: bound("minimum").unwrap_or(f64::MIN),
        max: bound("maximum").unwrap_or(f64::MAX),
        words,
    }
}

/// The words a schema allows, also those of the schemas it is made of.
fn words(root: &Value, schema: &Value) -> Vec<ChoiceOption> {
    let help = sentence(schema);
    let listed = schema.get("enum").and_then(Value::as_array).cloned().unwrap_or_default();
    let all = schema.get("const").cloned().into_iter().chain(listed);
    let own = all.filter_map(|v| Some(ChoiceOption { value: v.as_str()?.to_owned(), help: help.clone() }));
    let parts = schema.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    own.chain(parts.flat_map(|part| words(root, follow(root, part)))).collect()
}

/// The doc comment, which is broken into lines where the source is.
fn sentence(schema: &Value) -> String {
    schema.get("description").and_then(Value::as_str).unwrap_or_default().replace('\n', " ")
}

impl Field {
    /// What a right value looks like, e.g. `a whole number from 2 to 20`.
    pub fn expected(&self) -> String {
        match &self.kind {
            FieldKind::Bool => "true or false".to_owned(),
            FieldKind::Integer { min, max } => format!("a whole number from {min} to {max}"),
            FieldKind::Number { min, max, words } => {
                let or = words.iter().map(|w| format!(" or `{w}`")).collect::<String>();
                match (*min == f64::MIN, *max == f64::MAX) {
                    (true, true) => format!("a number{or}"),
                    (false, true) => format!("a number from {min}{or}"),
                    (true, false) => format!("a number up to {max}{or}"),
                    (false, false) => format!("a number from {min} to {max}{or}"),
                }
            }
            FieldKind::Choice { options } => {
                format!("one of {}", options.iter().map(|o| o.value.as_str()).collect::<Vec<_>>().join(", "))
            }
            FieldKind::Text { examples } if examples.is_empty() => "a text".to_owned(),
            FieldKind::Text { examples } => format!("a text like {}", examples.join(" or ")),
        }
    }

    fn error(&self, problem: String) -> FieldError {
        FieldError { field: self.name.clone(), problem, expected: self.expected() }
    }

    /// Checks type and range of a value.
    ///
    /// # Errors
    /// [`FieldError`] with the field, the problem and the range.
    pub fn check(&self, value: &Value) -> Result<(), FieldError> {
        let right = match &self.kind {
            FieldKind::Bool => value.is_boolean(),
            FieldKind::Integer { min, max } => value.as_i64().is_some_and(|v| (*min..=*max).contains(&v)),
            FieldKind::Number { min, max, words } => match value {
                Value::String(word) => words.contains(word),
                other => other.as_f64().is_some_and(|v| (*min..=*max).contains(&v)),
            },
            FieldKind::Choice { options } => {
                value.as_str().is_some_and(|v| options.iter().any(|o| o.value == v))
            }
            FieldKind::Text { .. } => value.is_string(),
        };
        if right { Ok(()) } else { Err(self.error(format!("is {value}"))) }
    }

    /// Reads a value written by a person (`--set`, URL, attribute, form).
    ///
    /// # Errors
    /// [`FieldError`] with the field, the problem and the range.
    pub fn parse(&self, text: &str) -> Result<Value, FieldError> {
        let text = text.trim();
        let value = match &self.kind {
            FieldKind::Bool => text.parse().ok().map(Value::Bool),
            FieldKind::Integer { .. } => text.parse::<i64>().ok().map(Value::from),
            FieldKind::Number { words, .. } if words.iter().any(|w| w == text) => Some(Value::from(text)),
            FieldKind::Number { .. } => text.parse::<f64>().ok().filter(|v| v.is_finite()).map(Value::from),
            FieldKind::Choice { .. } | FieldKind::Text { .. } => Some(Value::from(text)),
        };
        let value = value.ok_or_else(|| self.error(format!("is `{text}`")))?;
        self.check(&value)?;
        Ok(value)
    }

    /// True if the field matters for this configuration.
    pub fn applies(&self, config: &Value) -> bool {
        self.when.iter().all(|(name, values)| config.get(name).is_none_or(|v| values.contains(v)))
    }

    /// The value as a person writes it.
    pub fn display(value: &Value) -> String {
        match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }
}

/// Checks a configuration and fills in the defaults.
///
/// # Errors
/// The first [`FieldError`]: an unknown field, a wrong type, or a value out of range.
pub fn resolve(fields: &[Field], config: &Value) -> Result<Value, FieldError> {
    let empty = Map::new();
    let given = match config {
        Value::Object(map) => map,
        Value::Null => &empty,
        other => {
            return Err(FieldError {
                field: "(whole configuration)".to_owned(),
                problem: format!("is {other}"),
                expected: "a JSON object".to_owned(),
            });
        }
    };
    if let Some(name) = given.keys().find(|name| !fields.iter().any(|f| f.name == **name)) {
        return Err(unknown(fields, name));
    }
    let mut resolved = Map::new();
    for field in fields {
        let value = given.get(&field.name).unwrap_or(&field.default);
        field.check(value)?;
        resolved.insert(field.name.clone(), value.clone());
    }
    Ok(Value::Object(resolved))
}

/// The error for a field that does not exist.
pub fn unknown(fields: &[Field], name: &str) -> FieldError {
    FieldError {
        field: name.to_owned(),
        problem: "does not exist".to_owned(),
        expected: format!("one of {}", fields.iter().map(|f| f.name.as_str()).collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> Value {
        json!({
            "x-order": ["mode", "lambda", "knn", "clamp", "imbalance"],
            "properties": {
                "clamp": {"type": "boolean", "default": false, "description": "Fix support rows."},
                "imbalance": {"type": "string", "default": "none", "examples": ["none", "dirichlet:2"]},
                "knn": {"type": "integer", "minimum": 2, "maximum": 20, "default": 3, "x-group": "Graph",
                        "x-when": {"mode": ["slk-means"]}},
                "lambda": {"$ref": "#/$defs/Lambda", "default": 0.7},
                "mode": {"$ref": "#/$defs/Mode", "default": "slk-means"},
            },
            "$defs": {
                "Mode": {"oneOf": [{"type": "string", "const": "k-means", "description": "Lloyd."},
                                   {"type": "string", "const": "slk-means"}]},
                "Lambda": {"anyOf": [{"type": "number", "minimum": 0.0, "maximum": 100.0},
                                     {"$ref": "#/$defs/Tune"}]},
                "Tune": {"oneOf": [{"type": "string", "const": "tune"}]},
            }
        })
    }

    #[test]
    fn fields_keep_order_kind_and_help() {
        let fields = fields(&schema());
        assert_eq!(
            fields.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(),
            ["mode", "lambda", "knn", "clamp", "imbalance"]
        );
        assert_eq!(fields[0].expected(), "one of k-means, slk-means");
        assert_eq!(fields[1].expected(), "a number from 0 to 100 or `tune`");
        assert_eq!(fields[2].expected(), "a whole number from 2 to 20");
        assert!(!fields[2].applies(&json!({"mode": "k-means"})));
        assert!(fields[2].applies(&json!({"mode": "slk-means"})));
        assert_eq!(fields[4].expected(), "a text like none or dirichlet:2");
    }

    #[test]
    fn resolve_fills_defaults_and_names_what_is_wrong() {
        let fields = fields(&schema());
        let full = resolve(&fields, &json!({"lambda": "tune"})).unwrap();
        assert_eq!(
            full,
            json!({"mode": "slk-means", "lambda": "tune", "knn": 3, "clamp": false, "imbalance": "none"})
        );
        for (bad, field, says) in [
            (json!({"knn": 1}), "knn", "from 2 to 20"),
            (json!({"knn": 2.5}), "knn", "whole number"),
            (json!({"lambda": -1.0}), "lambda", "from 0 to 100"),
            (json!({"lambda": "auto"}), "lambda", "`tune`"),
            (json!({"mode": "x"}), "mode", "k-means"),
            (json!({"kn": 3}), "kn", "lambda"),
            (json!([1]), "(whole configuration)", "object"),
        ] {
            let error = resolve(&fields, &bad).unwrap_err();
            assert_eq!(error.field, field);
            assert!(error.to_string().contains(says), "{error}");
        }
    }

    #[test]
    fn parse_reads_what_people_write() {
        let fields = fields(&schema());
        assert_eq!(fields[1].parse("0.3"), Ok(json!(0.3)));
        assert_eq!(fields[1].parse("tune"), Ok(json!("tune")));
        assert_eq!(fields[3].parse("true"), Ok(json!(true)));
        for (field, bad) in [(1, "NaN"), (1, "inf"), (2, "x"), (2, "21"), (3, "yes"), (0, "lloyd")] {
            assert!(fields[field].parse(bad).is_err(), "{bad}");
        }
    }
}
