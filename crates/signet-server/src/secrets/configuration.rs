//! The sealed values in the text of `signet.toml`: found where they stand, and replaced there without touching the rest.

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;

use signet_secret::SealedValue;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Standing, Written};
use crate::config::Config;
use crate::data::{DataDirectory, DataError};

/// The text of the configuration, and the sealed values in it.
#[derive(Debug)]
pub(super) struct ConfigurationText {
    text: String,
    values: Vec<(Range<usize>, Written)>,
}

impl ConfigurationText {
    /// Reads the file, which must be a valid configuration.
    pub(super) fn read(data: &DataDirectory) -> Result<Self, DataError> {
        let path = data.config_path();
        let text = data.config_text()?;
        Config::parse(&text, &path)?;
        Ok(Self::new(&path, text))
    }

    fn new(path: &Path, text: String) -> Self {
        let mut found = Vec::new();
        // What a configuration was read from can be read once more.
        if let Ok(table) = DeTable::parse(&text) {
            in_table(table.get_ref(), &mut Vec::new(), &mut found);
        }
        found.sort_by_key(|found| found.span.start);
        let standing = |offset: usize| Standing::Configuration {
            path: path.to_owned(),
            line: text.get(..offset).unwrap_or_default().matches('\n').count() + 1,
        };
        let written = |found: Found| {
            let written = Written {
                place: found.place,
                value: found.value,
                standing: standing(found.span.start),
            };
            (found.span, written)
        };
        let values = found.into_iter().map(written).collect();
        Self { text, values }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The values, in the order in which they stand there.
    pub(super) fn values(&self) -> impl ExactSizeIterator<Item = &Written> {
        self.values.iter().map(|(_, written)| written)
    }

    /// The text with other values in some places, and how many those are; the rest is the same to the byte.
    pub(super) fn with<E>(
        &self,
        mut other: impl FnMut(&Written) -> Result<Option<SealedValue>, E>,
    ) -> Result<(String, u64), E> {
        let (mut text, mut end, mut count) = (String::new(), 0, 0);
        for (span, written) in &self.values {
            let Some(new) = other(written)? else {
                continue;
            };
            text.push_str(self.text.get(end..span.start).unwrap_or_default());
            // A sealed value has no character that a string of TOML would have to escape.
            text.push('"');
            text.push_str(&new.to_string());
            text.push('"');
            end = span.end;
            count += 1;
        }
        text.push_str(self.text.get(end..).unwrap_or_default());
        Ok((text, count))
    }
}

/// A sealed value, and where it stands with its quotes.
struct Found {
    place: String,
    value: String,
    span: Range<usize>,
}

/// The place that the names of tables and key make: with slashes between them, and with `-` where the key has `_`.
pub(super) fn place_of<'p>(path: impl IntoIterator<Item = &'p str>) -> String {
    let names: Vec<_> = path.into_iter().collect();
    let Some((key, tables)) = names.split_last() else {
        return String::new();
    };
    let key = key.replace('_', "-");
    let all: Vec<_> = tables.iter().copied().chain([key.as_str()]).collect();
    all.join("/")
}

fn in_table(table: &DeTable<'_>, path: &mut Vec<String>, found: &mut Vec<Found>) {
    for (key, value) in table {
        let name: &Cow<'_, str> = key.get_ref();
        path.push(name.to_string());
        in_value(value, path, found);
        path.pop();
    }
}

fn in_value(value: &Spanned<DeValue<'_>>, path: &mut Vec<String>, found: &mut Vec<Found>) {
    match value.get_ref() {
        DeValue::String(text) if SealedValue::is_meant_by(text) => found.push(Found {
            place: place_of(path.iter().map(String::as_str)),
            value: text.to_string(),
            span: value.span(),
        }),
        DeValue::Table(table) => in_table(table, path, found),
        DeValue::Array(array) => {
            for (index, value) in array.iter().enumerate() {
                path.push(index.to_string());
                in_value(value, path, found);
                path.pop();
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
