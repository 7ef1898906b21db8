//! The method API.

use crate::{Context, Error};
use futures::future::LocalBoxFuture;
use lowshot_protocol::{MethodCard, MethodInfo, Report};
use schemars::JsonSchema;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserializer, Serialize};
use serde_json::Value;
use std::fmt;

/// One runnable method. The browser, the command line, the server and the embedded demo all call exactly this.
#[expect(
    async_fn_in_trait,
    reason = "runs stay on the thread that owns the device, so no Send bound is wanted"
)]
pub trait Method {
    /// The configuration: ranges and help texts in the type, see [`lowshot_protocol::schema`].
    type Config: Serialize + DeserializeOwned + JsonSchema + Default;

    /// What the method says about itself.
    fn card() -> MethodCard;

    /// Runs it. Start from [`Context::report`] and fill in metrics, tables and notes.
    async fn run(config: Self::Config, cx: &mut Context) -> Result<Report, Error>;
}

/// A method without its types, as the registry holds it.
#[derive(Clone, Copy)]
pub struct MethodEntry {
    info: fn() -> MethodInfo,
    run: for<'a> fn(Value, &'a mut Context) -> LocalBoxFuture<'a, Result<Report, Error>>,
}

impl MethodEntry {
    /// The entry of a method.
    pub const fn of<M: Method>() -> MethodEntry {
        MethodEntry {
            info: || MethodInfo { card: M::card(), schema: schema_of::<M::Config>() },
            run: |config, cx| {
                Box::pin(async move {
                    // `config` was resolved against the schema, so a failure here is a range the schema cannot say.
                    let config =
                        serde_json::from_value(config).map_err(|e| crate::runner::config_error(&e))?;
                    M::run(config, cx).await
                })
            },
        }
    }

    /// Card and schema.
    pub fn info(&self) -> MethodInfo {
        (self.info)()
    }

    pub(crate) fn run<'a>(
        &self,
        config: Value,
        cx: &'a mut Context,
    ) -> LocalBoxFuture<'a, Result<Report, Error>> {
        (self.run)(config, cx)
    }
}

/// JSON schema of a configuration with the defaults and the declaration order of its fields.
fn schema_of<C: Serialize + JsonSchema + Default>() -> Value {
    let mut schema = schemars::schema_for!(C).to_value();
    let text = serde_json::to_string(&C::default()).unwrap_or_default();
    let defaults = ordered(&text);
    if let Some(object) = schema.as_object_mut() {
        object.insert("x-order".to_owned(), defaults.iter().map(|(name, _)| name.as_str()).collect());
        object.insert("additionalProperties".to_owned(), Value::Bool(false));
        if let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) {
            for (name, value) in defaults {
                if let Some(property) = properties.get_mut(&name).and_then(Value::as_object_mut) {
                    property.insert("default".to_owned(), value);
                }
            }
        }
    }
    schema
}

/// Names and values of a JSON object in the order they are written, which `serde_json::Value` forgets.
fn ordered(json: &str) -> Vec<(String, Value)> {
    struct Pairs;
    impl<'de> Visitor<'de> for Pairs {
        type Value = Vec<(String, Value)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut pairs = Vec::new();
            while let Some(pair) = map.next_entry()? {
                pairs.push(pair);
            }
            Ok(pairs)
        }
    }
    serde_json::Deserializer::from_str(json).deserialize_map(Pairs).unwrap_or_default()
}
