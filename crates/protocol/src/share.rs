//! A run written as a URL query and as a command line, so that what is found in a browser can be sent to a friend
//! or to a larger machine.

use crate::schema::{self, Field, FieldError};
use crate::{InputSource, RunRequest};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The query of a link that draws the same picture again: seed, every field, every bundled input.
///
/// Attached files cannot travel in a link; their inputs are left out.
pub fn query(request: &RunRequest) -> String {
    let mut out = form_urlencoded::Serializer::new(String::new());
    out.append_pair("seed", &request.seed.to_string());
    for (name, value) in request.config.as_object().into_iter().flatten() {
        out.append_pair(name, &Field::display(value));
    }
    for (name, source) in &request.inputs {
        if let InputSource::Builtin { .. } = source {
            out.append_pair(&format!("input.{name}"), &source.to_string());
        }
    }
    out.finish()
}

/// Reads a query (with or without a leading `?`) for a method with the given fields; missing fields take their
/// defaults, names in `ignore` belong to somebody else.
///
/// # Errors
/// [`FieldError`] for an unknown name, a wrong seed, or a value out of range.
pub fn parse_query(
    method: &str,
    fields: &[Field],
    query: &str,
    ignore: &[&str],
) -> Result<RunRequest, FieldError> {
    let mut config = Map::new();
    let mut inputs = BTreeMap::new();
    let mut seed = 1;
    for (name, text) in form_urlencoded::parse(query.trim_start_matches('?').as_bytes()) {
        if ignore.contains(&name.as_ref()) {
            continue;
        }
        if name == "seed" {
            seed = parse_seed(&text)?;
        } else if let Some(input) = name.strip_prefix("input.") {
            inputs.insert(input.to_owned(), InputSource::parse(&text));
        } else {
            let field =
                fields.iter().find(|f| f.name == name).ok_or_else(|| schema::unknown(fields, &name))?;
            config.insert(name.into_owned(), field.parse(&text)?);
        }
    }
    let config = schema::resolve(fields, &Value::Object(config))?;
    Ok(RunRequest { method: method.to_owned(), config, seed, inputs, shard: None, paused: false })
}

/// Reads a seed: a whole number from 0 to 2^53, the largest that JSON and browsers carry exactly.
///
/// # Errors
/// [`FieldError`] named `seed`.
pub fn parse_seed(text: &str) -> Result<u64, FieldError> {
    text.trim().parse().ok().filter(|seed| *seed <= 1 << 53).ok_or_else(|| FieldError {
        field: "seed".to_owned(),
        problem: format!("is `{text}`"),
        expected: "a whole number from 0 to 9007199254740992".to_owned(),
    })
}

/// The command line of the same run; fields at their default are left out.
pub fn command_line(fields: &[Field], request: &RunRequest) -> String {
    let mut line = format!("lowshot run {}", request.method);
    for field in fields {
        if let Some(value) = request.config.get(&field.name).filter(|v| **v != field.default) {
            line += &format!(" --set {}", quote(&format!("{}={}", field.name, Field::display(value))));
        }
    }
    for (name, source) in &request.inputs {
        line += &format!(" --input {}", quote(&format!("{name}={source}")));
    }
    line + &format!(" --seed {}", request.seed)
}

/// Quotes a word for a POSIX shell if it needs it.
fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=.:/,+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields() -> Vec<Field> {
        schema::fields(&json!({"x-order": ["shots", "lambda", "imbalance"], "properties": {
            "shots": {"type": "integer", "minimum": 1, "maximum": 50, "default": 1},
            "lambda": {"type": "number", "minimum": 0.0, "default": 0.7},
            "imbalance": {"type": "string", "default": "none"},
        }}))
    }

    fn request() -> RunRequest {
        RunRequest {
            method: "m".to_owned(),
            config: json!({"shots": 5, "lambda": 0.7, "imbalance": "it's & more"}),
            seed: 42,
            inputs: BTreeMap::from([(
                "features".to_owned(),
                InputSource::Builtin { name: "digits".to_owned() },
            )]),
            shard: None,
            paused: false,
        }
    }

    #[test]
    fn a_link_brings_the_same_run_back() {
        assert_eq!(parse_query("m", &fields(), &query(&request()), &[]), Ok(request()));
    }

    #[test]
    fn a_command_line_names_what_differs_from_the_defaults() {
        assert_eq!(
            command_line(&fields(), &request()),
            r"lowshot run m --set shots=5 --set 'imbalance=it'\''s & more' --input features=builtin:digits --seed 42"
        );
    }

    #[test]
    fn wrong_queries_name_the_field() {
        for (bad, field) in
            [("shots=0", "shots"), ("x=1", "x"), ("seed=-1", "seed"), ("lambda=abc", "lambda")]
        {
            assert_eq!(parse_query("m", &fields(), bad, &[]).unwrap_err().field, field);
        }
        assert!(parse_query("m", &fields(), "?hide=header&shots=2", &["hide"]).is_ok());
    }
}
