//! Runs a request: the one entry for command line, workers and server.

use crate::cores::Cores;
use crate::{Context, Control, Error, Platform, ResolvedInput, Sink, VERSION, registry};
use lowshot_core::rng::Rng;
use lowshot_kernels::device::{DeviceKind, OpenDevice};
use lowshot_protocol::schema::{self, FieldError};
use lowshot_protocol::{DeviceInfo, Event, InputSource, Report, RunRequest};
use serde_json::Value;
use std::collections::BTreeMap;
use std::rc::Rc;

/// What an earlier, interrupted run of the same request left.
#[derive(Clone, Debug, Default)]
pub struct Resumed {
    /// Recorded items.
    pub records: BTreeMap<u64, Vec<u8>>,
}

/// What people are told about a device.
pub fn device_info(device: &OpenDevice) -> DeviceInfo {
    let id = match device.kind {
        DeviceKind::Wgpu(None) if cfg!(target_family = "wasm") => "webgpu".to_owned(),
        kind => kind.to_string(),
    };
    let name = match (&device.driver, device.backend.as_str()) {
        (Some(driver), backend) => format!("{} ({backend}, {driver})", device.adapter),
        (None, "flex") => device.adapter.clone(),
        (None, backend) => format!("{} ({backend})", device.adapter),
    };
    DeviceInfo { id, name, software: device.software, note: String::new() }
}

/// Versions that a result depends on.
pub fn versions() -> BTreeMap<String, String> {
    BTreeMap::from([("lowshot".to_owned(), VERSION.to_owned()), ("burn".to_owned(), "0.22.1".to_owned())])
}

pub(crate) fn config_error(error: &serde_json::Error) -> Error {
    Error::Config(FieldError {
        field: "(whole configuration)".to_owned(),
        problem: format!("cannot be read: {error}"),
        expected: "a configuration as `lowshot schema` describes it".to_owned(),
    })
}

/// Checks the configuration of a request and fills in the defaults.
///
/// # Errors
/// [`Error::UnknownMethod`] or [`Error::Config`].
pub fn resolve(request: &RunRequest) -> Result<RunRequest, Error> {
    let info = registry::find(&request.method)?.info();
    let config = schema::resolve(&schema::fields(&info.schema), &request.config)?;
    Ok(RunRequest { config, ..request.clone() })
}

/// Runs a request to its end. Everything that happens goes to the sink, the last event being `Finished` or `Failed`;
/// the same outcome is returned.
///
/// # Errors
/// [`Error`] says what was wrong and what would be right.
pub async fn run(
    request: RunRequest,
    buffers: Vec<Vec<u8>>,
    resumed: Resumed,
    device: OpenDevice,
    platform: Rc<dyn Platform>,
    sink: Rc<dyn Sink>,
    control: Control,
) -> Result<Report, Error> {
    let outcome = attempt(request, buffers, resumed, device, platform, sink.clone(), control).await;
    let last = match &outcome {
        Ok(report) => Event::Finished { report: Box::new(report.clone()) },
        Err(error) => Event::Failed { error: error.to_run_error() },
    };
    sink.emit(last, Vec::new());
    outcome
}

async fn attempt(
    request: RunRequest,
    buffers: Vec<Vec<u8>>,
    resumed: Resumed,
    device: OpenDevice,
    platform: Rc<dyn Platform>,
    sink: Rc<dyn Sink>,
    control: Control,
) -> Result<Report, Error> {
    let start = platform.now();
    let entry = registry::find(&request.method)?;
    let request = resolve(&request)?;
    let card = entry.info().card;
    let inputs = inputs(&request, buffers)?;
    if let Some(name) = inputs.keys().find(|name| !card.inputs.iter().any(|spec| spec.name == **name)) {
        let known = card.inputs.iter().map(|spec| spec.name.as_str()).collect::<Vec<_>>().join(", ");
        return Err(Error::Input {
            input: name.clone(),
            origin: request.inputs[name].to_string(),
            problem: format!("{} has no such input; there is: {known}", request.method),
        });
    }
    let template = Report {
        method: request.method.clone(),
        metrics: BTreeMap::new(),
        tables: Vec::new(),
        config: request.config.clone(),
        seed: request.seed,
        inputs: BTreeMap::new(),
        shard: request.shard,
        device: device_info(&device),
        versions: versions(),
        wall_seconds: 0.0,
        state_bytes: 0,
        notes: Vec::new(),
    };
    let started = Event::Started {
        method: request.method.clone(),
        config: request.config.clone(),
        seed: request.seed,
        device: template.device.clone(),
        versions: template.versions.clone(),
    };
    sink.emit(started, Vec::new());
    let mut cx = Context {
        cores: Cores::of(device.kind),
        device,
        rng: Rng::new(request.seed),
        specs: card.inputs,
        inputs,
        facts: BTreeMap::new(),
        records: resumed.records,
        template,
        platform,
        sink,
        control,
    };
    let mut report = entry.run(Value::clone(cx.config()), &mut cx).await?;
    report.wall_seconds = cx.now() - start;
    Ok(report)
}

fn inputs(request: &RunRequest, buffers: Vec<Vec<u8>>) -> Result<BTreeMap<String, ResolvedInput>, Error> {
    let buffers: Vec<Rc<Vec<u8>>> = buffers.into_iter().map(Rc::new).collect();
    let resolve = |(name, source): (&String, &InputSource)| {
        let input = match source {
            InputSource::Builtin { name } => ResolvedInput::Builtin(name.clone()),
            InputSource::Path { path } => ResolvedInput::Path(path.clone()),
            InputSource::Attached { file, buffer } => {
                let bytes = buffers.get(*buffer).cloned().ok_or_else(|| Error::Input {
                    input: name.clone(),
                    origin: file.clone(),
                    problem: format!("attachment {buffer} did not come with the request"),
                })?;
                ResolvedInput::Bytes { file: file.clone(), bytes }
            }
        };
        Ok((name.clone(), input))
    };
    request.inputs.iter().map(resolve).collect()
}
