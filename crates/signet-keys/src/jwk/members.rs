//! The members of a key file's object, as they stand there: known ones only, each once, nothing copied.

use core::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;

use super::KeyFileError;

const NAMES: [&str; 9] = [
    "kty",
    "k",
    "kid",
    "use",
    "alg",
    "iss",
    "created",
    "activated",
    "state",
];

/// The members of the object. Texts are borrowed from the file's bytes, so that no copy of a key stays behind.
#[derive(Default)]
pub(crate) struct Members<'b>([Option<Value<'b>>; NAMES.len()]);

enum Value<'b> {
    Text(&'b str),
    Number(u64),
    Other,
}

impl<'b> Members<'b> {
    pub(super) fn read(bytes: &'b [u8]) -> Result<Self, KeyFileError> {
        let mut fault = None;
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let read = Object(&mut fault).deserialize(&mut json);
        read.and_then(|members| json.end().map(|()| members))
            .map_err(|error| described(fault, &error))
    }

    pub(crate) fn text(&self, name: &'static str) -> Result<&'b str, KeyFileError> {
        match self.value(name) {
            Some(Value::Text(text)) => Ok(text),
            Some(_) => Err(KeyFileError::NotText(name)),
            None => Err(KeyFileError::Missing(name)),
        }
    }

    pub(crate) fn seconds(&self, name: &'static str) -> Result<u64, KeyFileError> {
        self.optional_seconds(name)?
            .ok_or(KeyFileError::Missing(name))
    }

    pub(super) fn optional_seconds(&self, name: &'static str) -> Result<Option<u64>, KeyFileError> {
        match self.value(name) {
            Some(Value::Number(seconds)) => Ok(Some(*seconds)),
            Some(_) => Err(KeyFileError::NotSeconds(name)),
            None => Ok(None),
        }
    }

    fn value(&self, name: &str) -> Option<&Value<'b>> {
        let index = NAMES.iter().position(|known| *known == name)?;
        self.0.get(index)?.as_ref()
    }
}

/// What serde says may repeat the content, so only its kind and place are taken from it.
fn described(fault: Option<Fault>, error: &serde_json::Error) -> KeyFileError {
    let (line, column) = (error.line(), error.column());
    match (fault, error.classify()) {
        (Some(Fault::Unknown), _) => KeyFileError::UnknownMember { line, column },
        (Some(Fault::Duplicate(name)), _) => KeyFileError::Duplicate(name),
        (None, Category::Eof) => KeyFileError::Truncated,
        (None, Category::Data) => KeyFileError::NotAnObject,
        (None, Category::Syntax | Category::Io) => KeyFileError::NotJson { line, column },
    }
}

enum Fault {
    Unknown,
    Duplicate(&'static str),
}

struct Object<'f>(&'f mut Option<Fault>);

impl Object<'_> {
    fn fail<E: Error>(self, fault: Fault) -> E {
        *self.0 = Some(fault);
        E::custom("")
    }
}

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = Members<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Members::default();
        while let Some(name) = map.next_key_seed(Name)? {
            let Some((name, slot)) =
                name.and_then(|index| NAMES.get(index).zip(members.0.get_mut(index)))
            else {
                return Err(self.fail(Fault::Unknown));
            };
            if slot.is_some() {
                return Err(self.fail(Fault::Duplicate(name)));
            }
            *slot = Some(map.next_value_seed(Any)?);
        }
        Ok(members)
    }
}

/// A member's name: its place in [`NAMES`].
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(NAMES.iter().position(|name| *name == text))
    }
}

/// A member's value, whatever its type.
struct Any;

impl<'de> DeserializeSeed<'de> for Any {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Any {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Value::Other)
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Value::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Value::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Value::Other)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Value::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }
}
