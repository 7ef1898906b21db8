//! What a running method has at hand.

use crate::cores::Cores;
use crate::{Control, Error, Platform, Sink};
use burn::tensor::Device;
use lowshot_core::rng::{Rng, fnv1a};
use lowshot_data::bundled::{BundledSet, CATALOG, find_table};
use lowshot_data::{CellTable, Features, Limits, read_cells};
use lowshot_kernels::device::{DeviceKind, OpenDevice};
use lowshot_protocol::{Event, InputFacts, InputSpec, NoteLevel, Report, Shard, View};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Bytes of an input, or the name of a generated one.
#[derive(Clone, Debug)]
pub enum ResolvedInput {
    /// `builtin:NAME`.
    Builtin(String),
    /// A file of the visitor.
    Bytes {
        /// File name.
        file: String,
        /// Its bytes.
        bytes: Rc<Vec<u8>>,
    },
    /// A file on this machine.
    Path(String),
}

/// Features from a file or a bundled set, or a bundled generator that the method has to call itself.
pub enum FeatureInput {
    /// Feature vectors.
    Features(Features),
    /// A generator of tasks, by name (`synthetic`).
    Generator(String),
}

/// A table from a file or a bundled one, or a bundled generator that the method has to call itself.
pub enum TableInput {
    /// Named columns of text.
    Table(CellTable),
    /// A generator, by name.
    Generator(String),
}

/// Values of a batch that stay in the caches of a core: 2 MiB.
const CACHED_VALUES: usize = 512 << 10;
/// Values of a batch of a GPU: bounds the memory of a solver to some hundred megabytes.
const GPU_VALUES: usize = 8 << 20;

/// What a running method has at hand: device, randomness, inputs, and the way to tell what happens.
pub struct Context {
    pub(crate) device: OpenDevice,
    pub(crate) rng: Rng,
    pub(crate) specs: Vec<InputSpec>,
    pub(crate) inputs: BTreeMap<String, ResolvedInput>,
    pub(crate) facts: BTreeMap<String, InputFacts>,
    pub(crate) records: BTreeMap<u64, Vec<u8>>,
    pub(crate) template: Report,
    pub(crate) platform: Rc<dyn Platform>,
    pub(crate) sink: Rc<dyn Sink>,
    pub(crate) control: Control,
    pub(crate) cores: Cores,
}

impl Context {
    /// The device to make tensors on.
    pub fn device(&self) -> &Device {
        &self.device.device
    }

    /// How many `f32` values a batch should hold: of a CPU as many as its caches keep through all operations, of a GPU
    /// as many as keep it busy.
    pub fn batch_values(&self) -> usize {
        match self.device.kind {
            DeviceKind::Cpu => self.cores.count() * CACHED_VALUES,
            _ => GPU_VALUES,
        }
    }

    /// Random numbers of this run for one named purpose; the same name gives the same numbers.
    pub fn rng(&self, name: &str) -> Rng {
        self.rng.split(name)
    }

    /// The seed of the run.
    pub fn seed(&self) -> u64 {
        self.template.seed
    }

    /// A report with everything filled in that does not depend on the method.
    pub fn report(&self) -> Report {
        Report { inputs: self.facts.clone(), ..self.template.clone() }
    }

    /// Seconds on a monotonic clock.
    pub fn now(&self) -> f64 {
        self.platform.now()
    }

    /// The surroundings, for a part of a run that asks a language model while the context is busy elsewhere.
    pub fn platform(&self) -> Rc<dyn Platform> {
        self.platform.clone()
    }

    /// The place where a run is paused, stepped and stopped, and where a browser gets its event loop back.
    ///
    /// # Errors
    /// [`Error::Stopped`] if the run is to end; pass it on.
    pub async fn tick(&mut self) -> Result<(), Error> {
        self.platform.yield_now().await;
        let sink = self.sink.clone();
        Ok(self.control.pass(move || sink.emit(Event::Held, Vec::new())).await?)
    }

    /// True if a person holds or steps the run, so that every step should be drawn.
    pub fn stepping(&self) -> bool {
        self.control.is_held()
    }

    /// Tells an event.
    pub fn emit(&self, event: Event) {
        self.sink.emit(event, Vec::new());
    }

    /// Shows a picture, replacing the earlier one of this id.
    pub fn view(&self, id: &str, view: View) {
        self.emit(Event::View { id: id.to_owned(), view });
    }

    /// Tells one value of a series.
    pub fn scalar(&self, series: &str, step: u64, value: f64) {
        self.emit(Event::Scalar { series: series.to_owned(), step, value });
    }

    /// Tells how far the run is.
    pub fn progress(&self, done: u64, total: u64, unit: &str) {
        self.emit(Event::Progress { done, total, unit: unit.to_owned() });
    }

    /// Tells people something.
    pub fn note(&self, level: NoteLevel, text: impl Into<String>) {
        self.emit(Event::Note { level, text: text.into() });
    }

    /// Leaves a file under a name from the card.
    pub fn artifact(&self, name: &str, media_type: &str, bytes: Vec<u8>) {
        let event = Event::Artifact { name: name.to_owned(), media_type: media_type.to_owned(), buffer: 0 };
        self.sink.emit(event, vec![bytes]);
    }

    /// Leaves a JSON file under a name from the card.
    ///
    /// # Errors
    /// [`Error::Files`] if the value cannot be written as JSON.
    pub fn artifact_json(&self, name: &str, value: &impl Serialize) -> Result<(), Error> {
        let bytes = serde_json::to_vec(value)
            .map_err(|e| Error::Files { what: format!("writing {name}"), problem: e.to_string() })?;
        self.artifact(name, "application/json", bytes);
        Ok(())
    }

    /// The part of the work this run does; `None` for all of it.
    pub fn shard(&self) -> Option<Shard> {
        self.template.shard
    }

    /// The items out of `total` that this run still has to do: its shard, less what is recorded.
    pub fn remaining(&self, total: u64) -> Vec<u64> {
        let range = self.shard().map_or(0..total, |shard| shard.range(total));
        range.filter(|index| !self.records.contains_key(index)).collect()
    }

    /// Keeps the result of one item, so that a killed run can go on after it.
    ///
    /// # Errors
    /// [`Error::Files`] if it cannot be stored.
    pub fn record(&mut self, index: u64, value: &impl Serialize) -> Result<(), Error> {
        let bytes = postcard::to_stdvec(value)
            .map_err(|e| Error::Files { what: format!("recording item {index}"), problem: e.to_string() })?;
        self.sink.record(index, &bytes)?;
        self.records.insert(index, bytes);
        Ok(())
    }

    /// The results recorded so far, in index order.
    ///
    /// # Errors
    /// [`Error::Resume`] if they were written by another version.
    pub fn recorded<T: DeserializeOwned>(&self) -> Result<BTreeMap<u64, T>, Error> {
        let read = |(index, bytes): (&u64, &Vec<u8>)| {
            let value = postcard::from_bytes(bytes).map_err(|e| {
                Error::Resume(format!("item {index} cannot be read ({e}); it was written by another version"))
            })?;
            Ok((*index, value))
        };
        self.records.iter().map(read).collect()
    }

    fn spec(&self, name: &str) -> Result<&InputSpec, Error> {
        self.specs.iter().find(|spec| spec.name == name).ok_or_else(|| Error::Input {
            input: name.to_owned(),
            origin: "request".to_owned(),
            problem: format!(
                "there is no such input; there is: {}",
                self.specs.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(", ")
            ),
        })
    }

    fn source(&self, name: &str) -> Result<Option<ResolvedInput>, Error> {
        let spec = self.spec(name)?;
        let default = || spec.default_bundled().map(|name| ResolvedInput::Builtin(name.to_owned()));
        Ok(self.inputs.get(name).cloned().or_else(default))
    }

    /// Features of an input; `None` if it is optional and not given.
    ///
    /// # Errors
    /// [`Error::Input`] names the input and says what is wrong with it.
    pub async fn features(&mut self, name: &str) -> Result<Option<FeatureInput>, Error> {
        let Some(source) = self.source(name)? else { return Ok(None) };
        let (origin, features, digest) = match source {
            ResolvedInput::Builtin(set) => {
                let origin = format!("builtin:{set}");
                self.offered(name, &set)?;
                let Some(entry) = CATALOG.iter().find(|entry| entry.name == set) else {
                    let facts =
                        InputFacts { source: origin, description: "generated".into(), digest: String::new() };
                    self.facts.insert(name.to_owned(), facts);
                    return Ok(Some(FeatureInput::Generator(set)));
                };
                let files = self.bundled_files(name, &origin, entry).await?;
                let features = entry.decode(&files).map_err(|e| Error::read(name, &origin, &e))?;
                (origin, features, fnv1a(&files.concat()))
            }
            other => {
                let (origin, bytes) = self.bytes_of(name, other)?;
                let features = lowshot_data::read_features(&origin, &bytes, &Limits::default())
                    .map_err(|e| Error::read(name, &origin, &e))?;
                (origin, features, fnv1a(&bytes))
            }
        };
        let labels = match features.class_index() {
            Some(index) => format!(", {} classes", index.classes()),
            None => ", no labels".to_owned(),
        };
        let description = format!("{} rows of {} features{labels}", features.rows(), features.dims());
        self.facts.insert(
            name.to_owned(),
            InputFacts { source: origin, description, digest: format!("{digest:016x}") },
        );
        Ok(Some(FeatureInput::Features(features)))
    }

    /// Raw bytes of an input file with its name; `None` if it is optional and not given.
    ///
    /// # Errors
    /// [`Error::Input`] names the input and says what is wrong with it.
    pub async fn bytes(&mut self, name: &str) -> Result<Option<(String, Rc<Vec<u8>>)>, Error> {
        let Some(source) = self.source(name)? else { return Ok(None) };
        let (origin, bytes) = match source {
            ResolvedInput::Builtin(set) => {
                self.offered(name, &set)?;
                let origin = format!("builtin:{set}");
                match find_table(&set) {
                    Some(table) => {
                        let read = self.platform.bundled(table.file).await;
                        let of = |problem| Error::Input {
                            input: name.to_owned(),
                            origin: origin.clone(),
                            problem,
                        };
                        let bytes = read.map_err(of)?;
                        (origin, Rc::new(bytes))
                    }
                    None => self.bytes_of(name, ResolvedInput::Builtin(set))?,
                }
            }
            other => self.bytes_of(name, other)?,
        };
        let facts = InputFacts {
            source: origin.clone(),
            description: format!("{} bytes", bytes.len()),
            digest: format!("{:016x}", fnv1a(&bytes)),
        };
        self.facts.insert(name.to_owned(), facts);
        Ok(Some((origin, bytes)))
    }

    /// A table of named columns, or a bundled generator that the method has to call itself; `None` if the input is
    /// optional and not given.
    ///
    /// # Errors
    /// [`Error::Input`] names the input and says what is wrong with it.
    pub async fn table(&mut self, name: &str) -> Result<Option<TableInput>, Error> {
        if let Some(ResolvedInput::Builtin(set)) = self.source(name)?
            && find_table(&set).is_none()
        {
            self.offered(name, &set)?;
            let (source, digest) = (format!("builtin:{set}"), String::new());
            let facts = InputFacts { source, description: "generated".into(), digest };
            self.facts.insert(name.to_owned(), facts);
            return Ok(Some(TableInput::Generator(set)));
        }
        let Some((origin, bytes)) = self.bytes(name).await? else { return Ok(None) };
        let table =
            read_cells(&origin, &bytes, &Limits::default()).map_err(|e| Error::read(name, &origin, &e))?;
        if let Some(facts) = self.facts.get_mut(name) {
            facts.description = format!("{} rows of {} columns", table.rows(), table.columns().len());
        }
        Ok(Some(TableInput::Table(table)))
    }

    fn offered(&self, input: &str, set: &str) -> Result<(), Error> {
        let offered = &self.spec(input)?.bundled;
        if offered.iter().any(|b| b.name == set) {
            return Ok(());
        }
        let names = offered.iter().map(|b| format!("builtin:{}", b.name)).collect::<Vec<_>>().join(", ");
        Err(Error::Input {
            input: input.to_owned(),
            origin: format!("builtin:{set}"),
            problem: if names.is_empty() {
                "there is no bundled data for this input; give a file".to_owned()
            } else {
                format!("there is no such bundled data set; there is: {names}")
            },
        })
    }

    async fn bundled_files(
        &self,
        input: &str,
        origin: &str,
        set: &BundledSet,
    ) -> Result<Vec<Vec<u8>>, Error> {
        let mut files = Vec::with_capacity(set.files.len());
        for file in set.files {
            files.push(self.platform.bundled(file).await.map_err(|problem| Error::Input {
                input: input.to_owned(),
                origin: origin.to_owned(),
                problem,
            })?);
        }
        Ok(files)
    }

    fn bytes_of(&self, input: &str, source: ResolvedInput) -> Result<(String, Rc<Vec<u8>>), Error> {
        match source {
            ResolvedInput::Bytes { file, bytes } => Ok((file, bytes)),
            ResolvedInput::Path(path) => match self.platform.read_path(&path) {
                Ok(bytes) => Ok((path, Rc::new(bytes))),
                Err(problem) => Err(Error::Input { input: input.to_owned(), origin: path, problem }),
            },
            ResolvedInput::Builtin(set) => Err(Error::Input {
                input: input.to_owned(),
                origin: format!("builtin:{set}"),
                problem: "this data set has no single file".to_owned(),
            }),
        }
    }

    /// The resolved configuration as JSON.
    pub fn config(&self) -> &Value {
        &self.template.config
    }
}
