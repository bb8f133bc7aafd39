//! Reading the two formats. What is wrong with a line never repeats more of it than the id.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use anyhow::Context as _;
use csv::{ReaderBuilder, StringRecord};
use zeroize::Zeroizing;

use super::entry::{Entry, Line, Wrong};
use crate::failure::Failure;

/// The columns that a CSV file may have.
const COLUMNS: [&str; 6] = ["id", "name", "mail", "groups", "password_hash", "password"];

/// All of the file, without a byte order mark.
pub(super) fn bytes(file: &Path) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let reading = || format!("{} could not be read", file.display());
    let mut bytes = Zeroizing::new(Vec::new());
    if file == Path::new("-") {
        io::stdin().lock().read_to_end(&mut bytes)
    } else {
        File::open(file).and_then(|mut file| file.read_to_end(&mut bytes))
    }
    .with_context(reading)?;
    if bytes.starts_with(b"\xef\xbb\xbf") {
        bytes.drain(..3);
    }
    Ok(bytes)
}

/// A table with a header.
pub(super) fn csv(bytes: &[u8]) -> anyhow::Result<Vec<Line>> {
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(bytes);
    let header = reader
        .headers()
        .map_err(|_| wrong_header("it is not UTF-8"))?;
    let columns = Columns::of(header)?;
    let records = reader.records().map(|record| {
        let record = record.map_err(|error| Wrong {
            line: error.position().map_or(0, csv::Position::line),
            what: "it is not UTF-8".to_owned(),
        })?;
        columns.entry(&record)
    });
    Ok(records.collect())
}

/// Lines `user:hash`; empty ones and comments are passed over.
pub(super) fn htpasswd(bytes: &[u8]) -> Vec<Line> {
    (1..)
        .zip(bytes.split(|byte| *byte == b'\n'))
        .map(|(line, text)| (line, text.strip_suffix(b"\r").unwrap_or(text)))
        .filter(|(_, text)| !text.trim_ascii().is_empty() && !text.starts_with(b"#"))
        .map(|(line, text)| {
            let wrong = |what: &str| Wrong {
                line,
                what: what.to_owned(),
            };
            let text = std::str::from_utf8(text).map_err(|_| wrong("it is not UTF-8"))?;
            let (id, hash) = text
                .split_once(':')
                .ok_or_else(|| wrong("expected user:hash"))?;
            if hash.is_empty() {
                return Err(wrong("there is no hash behind the user"));
            }
            Ok(Entry {
                line,
                id: id.to_owned(),
                hash: Some(hash.into()),
                ..Entry::default()
            })
        })
        .collect()
}

/// Where each column stands.
struct Columns {
    places: [Option<usize>; COLUMNS.len()],
    count: usize,
}

impl Columns {
    fn of(header: &StringRecord) -> Result<Self, Failure> {
        let mut places = [None; COLUMNS.len()];
        for (place, name) in header.iter().enumerate() {
            let known = COLUMNS.iter().zip(&mut places);
            let Some((_, slot)) = known.into_iter().find(|(known, _)| **known == name.trim())
            else {
                return Err(wrong_header(&format!(
                    "column {} is none of them",
                    place + 1
                )));
            };
            if slot.replace(place).is_some() {
                return Err(wrong_header(&format!("{} stands there twice", name.trim())));
            }
        }
        if places.first().copied().flatten().is_none() {
            return Err(wrong_header("there is no column id"));
        }
        Ok(Self {
            places,
            count: header.len(),
        })
    }

    fn entry(&self, record: &StringRecord) -> Line {
        let line = record.position().map_or(0, csv::Position::line);
        if record.len() != self.count {
            let what = format!(
                "it has {} columns, the header has {}",
                record.len(),
                self.count
            );
            return Err(Wrong { line, what });
        }
        let cell = |column: &str| -> Option<&str> {
            let at = COLUMNS.iter().position(|known| *known == column)?;
            let place = self.places.get(at).copied().flatten()?;
            record.get(place).filter(|text| !text.is_empty())
        };
        let groups = cell("groups").unwrap_or_default().split(';').map(str::trim);
        Ok(Entry {
            line,
            id: cell("id").unwrap_or_default().trim().to_owned(),
            name: cell("name").map(ToOwned::to_owned),
            mail: cell("mail").map(ToOwned::to_owned),
            groups: groups
                .filter(|group| !group.is_empty())
                .map(ToOwned::to_owned)
                .collect(),
            hash: cell("password_hash").map(Into::into),
            password: cell("password").map(Into::into),
        })
    }
}

/// Without its header the file may begin with a password, so nothing of it is repeated.
fn wrong_header(what: &str) -> Failure {
    Failure::new(format!("line 1 is not a header of columns: {what}")).hint(format!(
        "the columns are {}; only id is needed",
        COLUMNS.join(",")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_in_any_order() {
        let text = "groups,id,name\n\"a; b\",zoe,\"Zo\u{eb}, the first\"\n,bob,\n";
        let lines: Vec<_> = csv(text.as_bytes())
            .unwrap()
            .into_iter()
            .map(Result::unwrap)
            .collect();
        let [zoe, bob] = lines.as_slice() else {
            panic!("two lines")
        };
        assert_eq!((zoe.line, zoe.id.as_str()), (2, "zoe"));
        assert_eq!(zoe.groups, ["a", "b"]);
        assert_eq!(zoe.name.as_deref(), Some("Zo\u{eb}, the first"));
        assert_eq!(
            (bob.line, bob.groups.len(), bob.name.as_deref()),
            (3, 0, None)
        );
    }

    #[test]
    fn a_wrong_header_is_refused_without_being_repeated() {
        for text in [
            "alice,hunter2\n",
            "name\n",
            "id,id\n",
            "",
            "id,\u{e9}mail\n",
        ] {
            let error = csv(text.as_bytes()).unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn lines_are_counted_as_editors_do() {
        let lines = htpasswd(b"# users\n\nalice:{SHA}x\r\nbob\ncarol:\n");
        let said: Vec<_> = lines
            .iter()
            .map(|line| match line {
                Ok(entry) => (entry.line, entry.id.clone()),
                Err(wrong) => (wrong.line, wrong.what.clone()),
            })
            .collect();
        assert_eq!(said[0], (3, "alice".to_owned()));
        assert_eq!(said[1], (4, "expected user:hash".to_owned()));
        assert_eq!(said[2].0, 5);
    }
}
