//! What a form shows and what it says back, without any page: texts in, configuration and errors out.

use crate::named::Named;
use lowshot_protocol::schema::{Field, FieldError, FieldKind};
use serde_json::{Map, Value};

/// The outcome of reading all fields of a form.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// Every field; a wrong one is here with its default.
    pub config: Value,
    /// What is wrong, by field.
    pub errors: Named<FieldError>,
    /// Fields that do not matter for this configuration.
    pub hidden: Vec<String>,
}

/// A value as the form writes it; whole numbers without a decimal point, so that equal values have equal texts.
pub fn text_of(field: &Field, value: &Value) -> String {
    match (&field.kind, value) {
        (FieldKind::Number { .. }, Value::Number(number)) => {
            number.as_f64().map_or_else(|| number.to_string(), |v| v.to_string())
        }
        _ => Field::display(value),
    }
}

/// The texts of a configuration, defaults filled in.
pub fn texts(fields: &[Field], config: &Value) -> Named<String> {
    let mut texts = Named::default();
    for field in fields {
        let value = config.get(&field.name).unwrap_or(&field.default);
        texts.insert(field.name.clone(), text_of(field, value));
    }
    texts
}

/// Reads the texts of a form. Fields that do not apply are not errors: they keep their value if it is right.
pub fn read(fields: &[Field], text: impl Fn(&str) -> String) -> Reading {
    let mut config = Map::new();
    let mut errors = Named::default();
    for field in fields {
        let value = field.parse(&text(&field.name)).unwrap_or_else(|error| {
            errors.insert(field.name.clone(), error);
            field.default.clone()
        });
        config.insert(field.name.clone(), value);
    }
    let config = Value::Object(config);
    let hidden: Vec<String> = fields.iter().filter(|f| !f.applies(&config)).map(|f| f.name.clone()).collect();
    errors.retain(|name, _| !hidden.iter().any(|h| h == name));
    Reading { config, errors, hidden }
}

/// The fields by heading, in the order of the schema; the main ones come first, without a heading.
pub fn groups(fields: &[Field]) -> Vec<(String, Vec<Field>)> {
    let mut groups: Vec<(String, Vec<Field>)> = vec![(String::new(), Vec::new())];
    for field in fields {
        match groups.iter_mut().find(|(name, _)| *name == field.group) {
            Some((_, members)) => members.push(field.clone()),
            None => groups.push((field.group.clone(), vec![field.clone()])),
        }
    }
    groups.retain(|(_, members)| !members.is_empty());
    groups
}

/// True if only whole numbers are right.
pub fn is_whole(field: &Field) -> bool {
    matches!(field.kind, FieldKind::Integer { .. })
}

/// Words accepted besides numbers.
pub fn words(field: &Field) -> Vec<String> {
    match &field.kind {
        FieldKind::Number { words, .. } => words.clone(),
        _ => Vec::new(),
    }
}

/// Bounds of a number as attributes; none where there is no bound.
pub fn bounds(field: &Field) -> (Option<String>, Option<String>) {
    let (min, max) = match field.kind {
        FieldKind::Integer { min, max } => (min as f64, max as f64),
        FieldKind::Number { min, max, .. } => (min, max),
        _ => return (None, None),
    };
    let text = |bound: f64| (bound.abs() < 1e15).then(|| bound.to_string());
    (text(min), text(max))
}

/// How the position of a slider becomes a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// In equal steps; the slider carries the value itself.
    Linear {
        /// Step of the slider.
        step: f64,
    },
    /// In equal ratios, for ranges of several orders of magnitude.
    Log,
    /// In ratios above `knee`, equal steps below it: for ranges that begin at zero and end far away.
    Soft {
        /// Where steps turn into ratios.
        knee: f64,
    },
}

/// Positions of a slider that is not linear.
pub const POSITIONS: f64 = 1000.0;

/// A slider for a bounded number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slider {
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// True if only whole numbers are right.
    pub whole: bool,
    /// How positions become values.
    pub scale: Scale,
}

/// The slider of a field, if it is a number within bounds that a slider can cover.
pub fn slider(field: &Field) -> Option<Slider> {
    let (min, max, whole) = match field.kind {
        FieldKind::Integer { min, max } => (min as f64, max as f64, true),
        FieldKind::Number { min, max, .. } => (min, max, false),
        _ => return None,
    };
    if max - min > 1e9 || max <= min {
        return None;
    }
    let default = field.default.as_f64().unwrap_or((min + max) / 2.0);
    let wide = (max - min) / (default - min).abs().max(1e-12) > 12.0;
    let scale = if min > 0.0 && max / min >= 500.0 && wide {
        Scale::Log
    } else if min >= 0.0 && wide && default > min && (!whole || max - min > 100.0) {
        Scale::Soft { knee: (default - min) / 2.0 }
    } else if whole {
        Scale::Linear { step: 1.0 }
    } else {
        Scale::Linear { step: nice_step((max - min) / 100.0) }
    };
    Some(Slider { min, max, whole, scale })
}

/// The largest of 1, 2, 5 times a power of ten that is not above `step`.
fn nice_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let lead = step / power;
    // The tolerance keeps 0.1 from falling to 0.05 by rounding.
    let lead = [5.0, 2.0].into_iter().find(|l| lead >= l - 1e-9).unwrap_or(1.0);
    lead * power
}

impl Slider {
    /// `min`, `max` and `step` of the input element.
    pub fn bounds(&self) -> (f64, f64, f64) {
        match self.scale {
            Scale::Linear { step } => (self.min, self.max, step),
            _ => (0.0, POSITIONS, 1.0),
        }
    }

    /// The position that shows a value.
    pub fn position(&self, value: f64) -> f64 {
        let value = value.clamp(self.min, self.max);
        let part = match self.scale {
            Scale::Linear { .. } => return value,
            Scale::Log => (value / self.min).ln() / (self.max / self.min).ln(),
            Scale::Soft { knee } => {
                ((value - self.min) / knee).ln_1p() / ((self.max - self.min) / knee).ln_1p()
            }
        };
        (part * POSITIONS).round()
    }

    /// The value at a position, rounded to what a person would write.
    pub fn value(&self, position: f64) -> f64 {
        let part = (position / POSITIONS).clamp(0.0, 1.0);
        let value = match self.scale {
            Scale::Linear { step } => {
                let decimals = (-step.log10().floor()).clamp(0.0, 12.0);
                round_to(position, decimals)
            }
            Scale::Log => two_digits(self.min * (self.max / self.min).powf(part)),
            Scale::Soft { knee } => {
                let reach = ((self.max - self.min) / knee).ln_1p();
                self.min + two_digits(knee * (part * reach).exp_m1())
            }
        };
        let value = if self.whole { value.round() } else { value };
        value.clamp(self.min, self.max)
    }
}

fn round_to(value: f64, decimals: f64) -> f64 {
    let power = 10f64.powf(decimals);
    (value * power).round() / power
}

fn two_digits(value: f64) -> f64 {
    if value <= 0.0 { 0.0 } else { round_to(value, 1.0 - value.log10().floor()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lowshot_protocol::schema;
    use serde_json::json;

    fn fields() -> Vec<Field> {
        schema::fields(&json!({
            "x-order": ["task", "lambda", "knn", "tol", "clamp", "rows"],
            "properties": {
                "task": {"enum": ["few-shot", "cluster"], "default": "few-shot"},
                "lambda": {"anyOf": [{"type": "number", "minimum": 0.0, "maximum": 100.0},
                                     {"enum": ["tune"]}], "default": 0.7},
                "knn": {"type": "integer", "minimum": 2, "maximum": 20, "default": 3,
                        "x-group": "Graph", "x-when": {"task": ["few-shot"]}},
                "tol": {"type": "number", "minimum": 1e-9, "maximum": 0.1, "default": 1e-6, "x-group": "Stop"},
                "clamp": {"type": "boolean", "default": false, "x-group": "Graph"},
                "rows": {"type": "integer", "minimum": 0, "default": 5},
            }
        }))
    }

    fn named(name: &str) -> Field {
        fields().into_iter().find(|f| f.name == name).unwrap()
    }

    #[test]
    fn texts_and_configuration_round_trip() {
        let fields = fields();
        let config = json!({"task": "cluster", "lambda": 2, "knn": 4, "tol": 1e-6, "clamp": true, "rows": 7});
        let texts = texts(&fields, &config);
        assert_eq!(texts["lambda"], "2");
        let reading = read(&fields, |name| texts[name].clone());
        assert!(reading.errors.is_empty());
        assert_eq!(reading.config["lambda"], json!(2.0));
        assert_eq!(reading.hidden, ["knn"]);
        assert_eq!(super::texts(&fields, &reading.config), texts);
    }

    #[test]
    fn a_wrong_text_is_an_error_only_where_it_shows() {
        let fields = fields();
        let mut texts = texts(&fields, &Value::Null);
        texts.insert("knn".to_owned(), "99".to_owned());
        let reading = read(&fields, |name| texts[name].clone());
        assert!(reading.errors["knn"].expected.contains("from 2 to 20"));
        assert_eq!(reading.config["knn"], json!(3));
        texts.insert("task".to_owned(), "cluster".to_owned());
        assert!(read(&fields, |name| texts[name].clone()).errors.is_empty());
    }

    #[test]
    fn groups_keep_the_order_of_the_schema() {
        let groups = groups(&fields());
        assert_eq!(groups.iter().map(|g| g.0.as_str()).collect::<Vec<_>>(), ["", "Graph", "Stop"]);
        assert_eq!(groups[1].1.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["knn", "clamp"]);
    }

    #[test]
    fn sliders_fit_the_range() {
        let knn = slider(&named("knn")).unwrap();
        assert_eq!(knn.bounds(), (2.0, 20.0, 1.0));
        assert_eq!(slider(&named("tol")).unwrap().scale, Scale::Log);
        assert!(matches!(slider(&named("lambda")).unwrap().scale, Scale::Soft { .. }));
        assert_eq!(slider(&named("rows")), None);
        assert_eq!(slider(&named("clamp")), None);
    }

    #[test]
    fn positions_come_back_and_stay_in_range() {
        for name in ["lambda", "tol", "knn"] {
            let slider = slider(&named(name)).unwrap();
            let (low, high, step) = slider.bounds();
            assert!((slider.value(low) - slider.min).abs() < 1e-12, "{name}");
            assert!((slider.value(high) - slider.max).abs() < 1e-9 * slider.max, "{name}");
            let mut at = low;
            let mut last = f64::MIN;
            while at <= high {
                let value = slider.value(at);
                assert!(value >= last && (slider.min..=slider.max).contains(&value), "{name} {at} {value}");
                last = value;
                at += step;
            }
        }
        let lambda = slider(&named("lambda")).unwrap();
        assert_eq!(lambda.value(lambda.position(0.7)), 0.7);
    }

    #[test]
    fn steps_are_round_numbers() {
        assert_eq!(nice_step(0.01), 0.01);
        assert!((nice_step(0.037) - 0.02).abs() < 1e-12);
        assert_eq!(nice_step(7.0), 5.0);
    }
}
