//! A configuration from the JSON that fills the form of the web console.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use super::{Configuration, Further, Property, PropertyValue, Shape};

/// `AttributeDefinition.PASSWORD` (OSGi Compendium, section 105.13), and what consoles before it was standardised say.
const PASSWORD: [i64; 2] = [12, -1];
/// What a console says instead of a password.
const PLACEHOLDER: &str = "unmodified";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Form {
    #[serde(default)]
    pid: Option<String>,
    #[serde(default)]
    factory_pid: Option<String>,
    #[serde(default)]
    properties: BTreeMap<String, Field>,
    /// Names with commas between them.
    #[serde(default)]
    additional_properties: Option<String>,
    /// Only there if there is a configuration, and then perhaps null.
    #[serde(default, rename = "bundle_location", deserialize_with = "even_if_null")]
    location: Option<Option<String>>,
}

#[derive(Deserialize)]
struct Field {
    #[serde(default)]
    is_set: Option<bool>,
    /// A number, or the choices there are.
    #[serde(default, rename = "type")]
    kind: Value,
    #[serde(default)]
    value: Option<Value>,
    #[serde(default)]
    values: Option<Vec<Value>>,
}

fn even_if_null<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(deserializer).map(Some)
}

/// The configuration `pid` from the answer to a question for it.
pub(super) fn one(body: &[u8], pid: &str) -> Option<Configuration> {
    let form: Form = serde_json::from_slice(body).ok()?;
    let found = configuration(form)?;
    (found.pid == pid).then_some(found)
}

/// Several, in the order of the console.
pub(super) fn list(body: &[u8]) -> Option<Vec<Configuration>> {
    let forms: Vec<Form> = serde_json::from_slice(body).ok()?;
    forms.into_iter().map(configuration).collect()
}

fn configuration(form: Form) -> Option<Configuration> {
    let properties = form
        .properties
        .into_iter()
        .map(|(name, field)| Some((name, property(field)?)))
        .collect::<Option<BTreeMap<_, _>>>()?;
    let further = form.additional_properties.unwrap_or_default();
    let further = further
        .split(',')
        .filter(|name| !name.is_empty())
        .map(|name| (name.to_owned(), Further::Named))
        .collect();
    Some(Configuration {
        pid: form.pid?,
        factory: form.factory_pid,
        is_there: form.location.is_some(),
        location: form.location.flatten().filter(|place| !place.is_empty()),
        properties,
        further,
        is_whole: false,
    })
}

fn property(field: Field) -> Option<Property> {
    let is_password = field
        .kind
        .as_i64()
        .is_some_and(|kind| PASSWORD.contains(&kind));
    let value = match (field.value, field.values) {
        (Some(value), _) => {
            let text = text(&value)?;
            match is_password && *text == PLACEHOLDER {
                true => PropertyValue::Hidden(Shape::One),
                false => PropertyValue::One(text),
            }
        }
        (None, Some(values)) => {
            let texts = values.iter().map(text).collect::<Option<Vec<_>>>()?;
            match is_password && texts.iter().all(|text| **text == PLACEHOLDER) {
                true => PropertyValue::Hidden(Shape::Many(texts.len())),
                false => PropertyValue::Many(texts),
            }
        }
        (None, None) => return None,
    };
    Some(Property {
        value,
        // A console that does not say so shows nothing but what is set.
        is_set: field.is_set.unwrap_or(true),
    })
}

/// A value as it stands in a form. Of numbers it is the shortest text that means the same number.
fn text(value: &Value) -> Option<Zeroizing<String>> {
    Some(Zeroizing::new(match value {
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        _ => return None,
    }))
}
