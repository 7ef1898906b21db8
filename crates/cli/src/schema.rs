//! `lowshot schema`: the JSON schema of a configuration.

use crate::args::SchemaArgs;
use crate::{Outcome, terminal};
use lowshot_lab::registry;

/// Prints the schema of a method's configuration, with defaults.
pub(crate) fn schema(args: &SchemaArgs) -> Outcome {
    let info = registry::find(&args.method)?.info();
    terminal::print(&String::from_utf8_lossy(&lowshot_data::json_bytes(&info.schema)?))
}
