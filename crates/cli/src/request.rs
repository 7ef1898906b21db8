//! From arguments and a configuration file to a checked request.

use crate::args::RunArgs;
use crate::error::CliError;
use lowshot_lab::registry;
use lowshot_protocol::schema::{self, Field};
use lowshot_protocol::{InputSource, InputSpec, RunRequest, Shard};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What a configuration file says: a bare configuration, or the config.json of a run directory.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct ConfigFile {
    method: Option<String>,
    config: Map<String, Value>,
    seed: Option<u64>,
    inputs: BTreeMap<String, InputSource>,
    shard: Option<Shard>,
}

#[derive(Deserialize)]
struct WholeFile {
    method: String,
    config: Map<String, Value>,
    seed: Option<u64>,
    #[serde(default)]
    inputs: BTreeMap<String, Source>,
    shard: Option<Shard>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Source {
    Text(String),
    Tagged(InputSource),
}

impl ConfigFile {
    /// Reads the file.
    ///
    /// # Errors
    /// [`CliError::Usage`] names the file and what is wrong in it.
    pub(crate) fn read(path: &Path) -> Result<ConfigFile, CliError> {
        let wrong = |problem: String| CliError::Usage(format!("--config {}: {problem}", path.display()));
        let text = fs::read_to_string(path).map_err(|e| wrong(format!("cannot be read: {e}")))?;
        ConfigFile::parse(&text).map_err(wrong)
    }

    fn parse(text: &str) -> Result<ConfigFile, String> {
        let value: Value = serde_json::from_str(text).map_err(|e| format!("is not JSON: {e}"))?;
        let Value::Object(config) = value else {
            return Err("holds no JSON object; wanted {\"field\": value, …}".to_owned());
        };
        let whole = config.get("config").is_some_and(Value::is_object);
        if !whole {
            return Ok(ConfigFile { config, ..ConfigFile::default() });
        }
        let file: WholeFile = serde_json::from_value(Value::Object(config))
            .map_err(|e| format!("is not the config.json of a run: {e}"))?;
        let inputs = file.inputs.into_iter().map(|(name, source)| match source {
            Source::Text(text) => Ok((name, InputSource::parse(&text))),
            Source::Tagged(InputSource::Attached { file, .. }) => {
                Err(format!("input `{name}` was attached ({file}); give it with --input {name}=PATH"))
            }
            Source::Tagged(source) => Ok((name, source)),
        });
        Ok(ConfigFile {
            method: Some(file.method),
            config: file.config,
            seed: file.seed,
            inputs: inputs.collect::<Result<_, _>>()?,
            shard: file.shard,
        })
    }
}

/// The request that the arguments describe, checked and with all defaults filled in.
///
/// # Errors
/// [`CliError`] of exit code 2, naming the flag or field and what would be right.
pub(crate) fn build(method: &str, args: &RunArgs) -> Result<RunRequest, CliError> {
    let info = registry::find(method)?.info();
    let fields = schema::fields(&info.schema);
    let file = match &args.config {
        Some(path) => ConfigFile::read(path)?,
        None => ConfigFile::default(),
    };
    if let Some(other) = file.method.as_deref().filter(|other| *other != method) {
        return Err(CliError::Usage(format!(
            "--config is of method `{other}`, but the method to run is `{method}`"
        )));
    }
    let mut config = file.config;
    config.extend(parse_sets(&fields, &args.set)?);
    let mut inputs = file.inputs;
    inputs.extend(parse_inputs(method, &info.card.inputs, &args.input)?);
    check_inputs(method, &info.card.inputs, inputs.keys())?;
    let request = RunRequest {
        method: method.to_owned(),
        config: Value::Object(config),
        seed: args.seed.or(file.seed).unwrap_or(1),
        inputs,
        shard: args.shard.or(file.shard),
        paused: false,
    };
    Ok(lowshot_lab::resolve(&request)?)
}

/// Values given with `--set`.
pub(crate) fn parse_sets(fields: &[Field], sets: &[String]) -> Result<Map<String, Value>, CliError> {
    let mut config = Map::new();
    for text in sets {
        let (name, value) = text.split_once('=').ok_or_else(|| {
            CliError::Usage(format!("--set {text}: wanted FIELD=VALUE, for example --set shots=5"))
        })?;
        let name = name.trim();
        let field =
            fields.iter().find(|field| field.name == name).ok_or_else(|| schema::unknown(fields, name))?;
        config.insert(name.to_owned(), field.parse(value)?);
    }
    Ok(config)
}

/// Sources given with `--input`; paths become absolute, so that a run can be resumed from anywhere.
pub(crate) fn parse_inputs(
    method: &str,
    specs: &[InputSpec],
    inputs: &[String],
) -> Result<BTreeMap<String, InputSource>, CliError> {
    let mut sources = BTreeMap::new();
    for text in inputs {
        let (name, source) = text.split_once('=').filter(|(_, source)| !source.is_empty()).ok_or_else(|| {
            CliError::Usage(format!(
                "--input {text}: wanted NAME=PATH or NAME=builtin:SET, for example --input features=my.npz"
            ))
        })?;
        let name = name.trim();
        check_inputs(method, specs, [name].iter())?;
        let source = match InputSource::parse(source) {
            InputSource::Path { path } => InputSource::Path { path: absolute(&path) },
            other => other,
        };
        if sources.insert(name.to_owned(), source).is_some() {
            return Err(CliError::Usage(format!("--input {name} is given twice")));
        }
    }
    Ok(sources)
}

fn absolute(path: &str) -> String {
    match std::path::absolute(path) {
        Ok(full) => full.into_os_string().into_string().unwrap_or_else(|_| path.to_owned()),
        Err(_) => path.to_owned(),
    }
}

fn check_inputs<S: AsRef<str>>(
    method: &str,
    specs: &[InputSpec],
    mut names: impl Iterator<Item = S>,
) -> Result<(), CliError> {
    match names.find(|name| !specs.iter().any(|spec| spec.name == name.as_ref())) {
        None => Ok(()),
        Some(name) => {
            let known = specs.iter().map(|spec| spec.name.as_str()).collect::<Vec<_>>().join(", ");
            Err(CliError::Usage(format!(
                "--input {}: {method} has no such input; there is: {known}",
                name.as_ref()
            )))
        }
    }
}

/// Checks that no other argument contradicts the run that `--resume` goes on with.
///
/// # Errors
/// [`CliError::Usage`] names the flag, the value given and the run's value.
pub(crate) fn check_resume(args: &RunArgs, dir: &Path, saved: &RunRequest) -> Result<(), CliError> {
    let contradiction = |flag: &str, given: String, was: String| {
        Err(CliError::Usage(format!(
            "{flag} {given} contradicts the run in {}, which has {was}; leave it out, or begin a new run",
            dir.display()
        )))
    };
    if let Some(method) = args.method.as_ref().filter(|method| **method != saved.method) {
        return contradiction("METHOD", method.clone(), saved.method.clone());
    }
    let info = registry::find(&saved.method)?.info();
    let value_of = |name: &str| saved.config.get(name).cloned().unwrap_or(Value::Null);
    for (name, value) in parse_sets(&schema::fields(&info.schema), &args.set)? {
        if value_of(&name) != value {
            return contradiction("--set", format!("{name}={}", Field::display(&value)), {
                format!("{name}={}", Field::display(&value_of(&name)))
            });
        }
    }
    if let Some(path) = &args.config {
        let file = ConfigFile::read(path)?;
        for (name, value) in &file.config {
            if value_of(name) != *value {
                return contradiction(
                    "--config",
                    format!("{} ({name}={})", path.display(), Field::display(value)),
                    format!("{name}={}", Field::display(&value_of(name))),
                );
            }
        }
    }
    if let Some(seed) = args.seed.filter(|seed| *seed != saved.seed) {
        return contradiction("--seed", seed.to_string(), format!("seed {}", saved.seed));
    }
    if let Some(shard) = args.shard.filter(|shard| Some(*shard) != saved.shard) {
        let was = saved.shard.map_or("no shard".to_owned(), |shard| format!("shard {shard}"));
        return contradiction("--shard", shard.to_string(), was);
    }
    for (name, source) in parse_inputs(&saved.method, &info.card.inputs, &args.input)? {
        let was = saved.inputs.get(&name);
        if was != Some(&source) {
            let was = was.map_or("the bundled default".to_owned(), InputSource::to_string);
            return contradiction("--input", format!("{name}={source}"), format!("{name}={was}"));
        }
    }
    if let Some(out) = args.out.as_ref().filter(|out| out.canonicalize().ok() != dir.canonicalize().ok()) {
        return contradiction("--out", out.display().to_string(), "its own directory".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_file_is_a_configuration_or_a_whole_request() {
        let bare = ConfigFile::parse(r#"{"shots": 5}"#).unwrap();
        assert_eq!(bare.config.get("shots"), Some(&json!(5)));
        assert_eq!(bare.method, None);
        let whole = ConfigFile::parse(
            r#"{"method": "m", "config": {"shots": 5}, "seed": 7, "shard": "2/3", "device": "cuda",
                "inputs": {"a": "builtin:digits", "b": {"source": "path", "path": "/x.npz"}}}"#,
        )
        .unwrap();
        assert_eq!(whole.method.as_deref(), Some("m"));
        assert_eq!(whole.seed, Some(7));
        assert_eq!(whole.shard.map(|s| s.to_string()).as_deref(), Some("2/3"));
        assert_eq!(whole.inputs["a"], InputSource::Builtin { name: "digits".to_owned() });
        assert_eq!(whole.inputs["b"], InputSource::Path { path: "/x.npz".to_owned() });
    }

    #[test]
    fn wrong_files_say_what_is_wrong() {
        for (bad, says) in [
            ("", "not JSON"),
            ("[1]", "JSON object"),
            (r#"{"method": 3, "config": {}}"#, "expected a string"),
            (r#"{"method": "m", "config": {}, "shard": "9/3"}"#, "for example 3/8"),
            (
                r#"{"method": "m", "config": {}, "inputs": {"a": {"source": "attached", "file": "f", "buffer": 0}}}"#,
                "--input a=PATH",
            ),
        ] {
            let error = ConfigFile::parse(bad).unwrap_err();
            assert!(error.contains(says), "{bad}: {error}");
        }
    }
}
