//! `lowshot methods`: what there is.

use crate::args::MethodsArgs;
use crate::{Outcome, terminal};
use lowshot_lab::registry::METHODS;
use lowshot_protocol::MethodInfo;
use std::collections::BTreeMap;

/// Lists all methods by family, or everything about them as JSON.
pub(crate) fn methods(args: &MethodsArgs) -> Outcome {
    let infos: Vec<MethodInfo> = METHODS.iter().map(|entry| entry.info()).collect();
    if args.json {
        return terminal::print(&String::from_utf8_lossy(&lowshot_data::json_bytes(&infos)?));
    }
    let mut families: BTreeMap<_, Vec<Vec<String>>> = BTreeMap::new();
    for MethodInfo { card, .. } in infos {
        families.entry(card.family).or_default().push(vec![card.id, card.summary]);
    }
    let mut text = String::new();
    for (family, rows) in families {
        text += &format!("{}\n{}\n", family.title(), terminal::columns(&rows, 2));
    }
    text += "`lowshot schema METHOD` describes a configuration, `lowshot run METHOD` runs it.\n";
    terminal::print(&text)
}
