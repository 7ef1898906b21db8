//! `lowshot record-frame`: the picture that a page shows before an engine is there, from a real run.

use crate::args::RecordFrameArgs;
use crate::error::CliError;
use crate::platform::NativePlatform;
use crate::{Outcome, report_html, run, terminal};
use futures::executor::block_on;
use lowshot_data::write_atomic;
use lowshot_lab::device::DeviceKind;
use lowshot_lab::{Control, Resumed, Sink, registry};
use lowshot_protocol::{Event, InputSource, MethodCard, RunRequest, View};
use serde_json::{Number, Value};
use std::cell::RefCell;
use std::fs;
use std::rc::Rc;

/// A page draws this before anything else is loaded, so it has to be small: about 12 kB after gzip.
const BUDGET: usize = 80_000;

/// Keeps the first event, the last picture of each id, and the report.
#[derive(Default)]
struct Keep {
    started: RefCell<Option<Event>>,
    views: RefCell<Vec<(String, View)>>,
    finished: RefCell<Option<Event>>,
}

impl Sink for Keep {
    fn emit(&self, event: Event, _buffers: Vec<Vec<u8>>) {
        match event {
            Event::Started { .. } => *self.started.borrow_mut() = Some(event),
            Event::Finished { .. } => *self.finished.borrow_mut() = Some(event),
            Event::View { id, view } => {
                let mut views = self.views.borrow_mut();
                views.retain(|(other, _)| *other != id);
                views.push((id, view));
            }
            _ => {}
        }
    }
}

/// Runs the first preset and writes METHOD.json and METHOD.svg.
pub(crate) fn record_frame(args: &RecordFrameArgs) -> Outcome {
    let card = registry::find(&args.method)?.info().card;
    let request = lowshot_lab::resolve(&first_preset(&card))?;
    let keep = Rc::new(Keep::default());
    let device = run::open(DeviceKind::Cpu)?;
    let platform = Rc::new(NativePlatform::new(Default::default()));
    block_on(lowshot_lab::run(
        request,
        Vec::new(),
        Resumed::default(),
        device,
        platform,
        keep.clone(),
        Control::new(false),
    ))?;
    let mut views = keep.views.take();
    let place = |id: &str| card.views.iter().position(|spec| spec.id == id).unwrap_or(usize::MAX);
    views.sort_by_key(|(id, _)| place(id));
    let Some((id, main)) = views.first() else {
        return Err(CliError::Failed(format!("{} drew no picture", args.method)));
    };
    let svg = report_html::plot(&card, id, main);

    fs::create_dir_all(&args.out).map_err(CliError::files(&args.out, "create the directory"))?;
    let json = frame(keep.started.take(), &views, keep.finished.take())?;
    if json.len() > BUDGET {
        terminal::complain(&format!(
            "warning: {}.json has {} bytes, more than the {BUDGET} a page should load first",
            args.method,
            json.len()
        ));
    }
    write_atomic(&args.out.join(format!("{}.json", args.method)), &json)?;
    write_atomic(&args.out.join(format!("{}.svg", args.method)), svg.as_bytes())?;
    Ok(())
}

/// The request of the first preset that is meant for a browser.
fn first_preset(card: &MethodCard) -> RunRequest {
    let preset = card.presets.iter().find(|preset| !preset.native).or(card.presets.first());
    let inputs = preset.map(|preset| preset.inputs.clone()).unwrap_or_default();
    RunRequest {
        method: card.id.clone(),
        config: preset.map_or(Value::Null, |preset| preset.config.clone()),
        seed: 1,
        inputs: inputs.into_iter().map(|(name, source)| (name, InputSource::parse(&source))).collect(),
        shard: None,
        paused: false,
    }
}

/// The events as JSON; pictures lose digits nobody sees, and more of them until the whole fits.
fn frame(
    started: Option<Event>,
    views: &[(String, View)],
    finished: Option<Event>,
) -> Result<Vec<u8>, CliError> {
    let wrong = |e: serde_json::Error| CliError::Failed(format!("the frame cannot be written as JSON: {e}"));
    let mut bytes = Vec::new();
    for digits in [4, 3] {
        let mut events = Vec::new();
        if let Some(event) = &started {
            events.push(serde_json::to_value(event).map_err(wrong)?);
        }
        for (id, view) in views {
            let event = Event::View { id: id.clone(), view: view.clone() };
            events.push(rounded(serde_json::to_value(event).map_err(wrong)?, digits));
        }
        if let Some(event) = &finished {
            events.push(serde_json::to_value(event).map_err(wrong)?);
        }
        bytes = serde_json::to_vec(&events).map_err(wrong)?;
        if bytes.len() <= BUDGET {
            break;
        }
    }
    Ok(bytes)
}

/// Fractions with `digits` significant digits; whole numbers stay as they are.
fn rounded(value: Value, digits: usize) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => {
            let short = number.as_f64().and_then(|v| format!("{v:.*e}", digits - 1).parse().ok());
            short.and_then(Number::from_f64).map_or(Value::Number(number), Value::Number)
        }
        Value::Array(items) => items.into_iter().map(|item| rounded(item, digits)).collect(),
        Value::Object(map) => map.into_iter().map(|(name, item)| (name, rounded(item, digits))).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pictures_keep_four_digits_and_all_whole_numbers() {
        let value =
            json!({"x": [0.123_456_789, -1_234.567_8, 3, 9_007_199_254_740_993u64, 0.5], "text": "0.123456"});
        assert_eq!(
            rounded(value, 4),
            json!({"x": [0.1235, -1235.0, 3, 9_007_199_254_740_993u64, 0.5], "text": "0.123456"})
        );
    }
}
