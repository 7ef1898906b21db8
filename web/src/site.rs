//! The files of the site that the page reads: methods, recorded runs, posters.

use crate::dom;
use lowshot_protocol::schema::{self, Field};
use lowshot_protocol::{Event, Message, MethodCard};
use std::cell::RefCell;
use std::sync::Arc;

/// A method: its card and the fields of its configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Info {
    /// The card.
    pub card: MethodCard,
    /// The fields, in the order of the form.
    pub fields: Vec<Field>,
}

const HELLO: &str = r#"{"message":"hello","engine":{"protocol":0,"kind":"native","version":"","device":{"id":"","name":"","software":false}},"methods":"#;

thread_local! {
    static TEXTS: RefCell<Vec<(String, Arc<str>)>> = const { RefCell::new(Vec::new()) };
}

/// Fetches a file of the site once.
///
/// # Errors
/// A sentence naming the address.
pub async fn text(base: &str, path: &str) -> Result<Arc<str>, String> {
    if let Some(known) =
        TEXTS.with_borrow(|texts| texts.iter().find(|(known, _)| known == path).map(|(_, t)| t.clone()))
    {
        return Ok(known);
    }
    let text: Arc<str> = dom::fetch_text(&format!("{base}{path}")).await?.into();
    TEXTS.with_borrow_mut(|texts| texts.push((path.to_owned(), text.clone())));
    Ok(text)
}

/// The methods of the site.
///
/// # Errors
/// A sentence saying what is wrong with `methods.json`.
pub async fn methods(base: &str) -> Result<Vec<Arc<Info>>, String> {
    let text = text(base, "methods.json").await?;
    // Read as part of a message, because the code for that is there anyway and code for a second way is a download.
    let message = format!("{HELLO}{text}}}");
    match serde_json::from_slice(message.as_bytes()) {
        Ok(Message::Hello { methods, .. }) => Ok(methods
            .into_iter()
            .map(|m| Arc::new(Info { fields: schema::fields(&m.schema), card: m.card }))
            .collect()),
        Ok(_) => Ok(Vec::new()),
        Err(e) => Err(format!("methods.json is of another version than this page ({e}); rebuild the site.")),
    }
}

/// The recorded first run of a method; nothing if there is none.
pub async fn frame(base: &str, method: &str) -> Option<Vec<Event>> {
    let text = text(base, &format!("frames/{method}.json")).await.ok()?;
    serde_json::from_slice(text.as_bytes()).ok()
}
