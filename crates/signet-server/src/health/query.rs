//! What is asked for: the parameters of Felix's servlet, read strictly.

use std::collections::BTreeMap;
use std::time::Duration;

use http::StatusCode;
use url::form_urlencoded;

use super::answer::PATH;
use super::round::Freshness;
use super::{HealthCheck, Status};

/// The longest query that is read, in bytes.
const LONGEST: usize = 4_096;
/// How many tags and names may be asked for at once.
const MOST_WORDS: usize = 64;
/// How long checks are waited for unless it is said otherwise, and at most.
const PATIENCE: Duration = Duration::from_secs(2);
const PATIENCE_MOST: Duration = Duration::from_secs(60);

/// How the answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// The document with every message.
    #[default]
    Json,
    /// The overall status, one word.
    Text,
    /// A table with every message.
    VerboseText,
}

/// Why a query is not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// Longer than anybody would write it.
    #[error("the query is longer than {LONGEST} bytes")]
    TooLong,
    /// More than anybody would ask for.
    #[error("more than {MOST_WORDS} tags and names are asked for")]
    TooMany,
    /// A format that there is not.
    #[error("there is no such format; there is json, txt and verbose.txt")]
    Format,
    /// Not a mapping.
    #[error(
        "httpStatus must be written like CRITICAL:503,WARN:418, with statuses of Felix health checks and numbers from 200 to 599"
    )]
    Mapping,
    /// Not a number.
    #[error("timeout must be a number of milliseconds")]
    Timeout,
    /// A path that means nothing.
    #[error("there is {PATH}, which may end in .json, .txt or .verbose.txt, and {PATH}/TAGS")]
    Path,
}

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Which checks.
    pub selection: Selection,
    /// How the answer is written.
    pub format: Format,
    /// The status of the HTTP answer.
    pub mapping: StatusMapping,
    /// How long the checks are waited for.
    pub patience: Option<Duration>,
    /// Whether a result of a moment ago will do.
    pub freshness: Freshness,
}

/// Which checks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    tags: Words,
    names: Words,
    all_tags: bool,
}

/// Words that are wanted, and words that are not: written with `-` before them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Words {
    wanted: Vec<String>,
    unwanted: Vec<String>,
}

/// Which HTTP status each status has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatusMapping(BTreeMap<Status, StatusCode>);

impl Query {
    /// Reads path and query of a request.
    ///
    /// As in Felix, unknown parameters mean nothing, and of one that is there twice the first counts.
    ///
    /// # Errors
    /// [`QueryError`] says what cannot be answered.
    pub fn parse(path: &str, query: &str) -> Result<Self, QueryError> {
        if path.len() + query.len() > LONGEST {
            return Err(QueryError::TooLong);
        }
        let rest = path.strip_prefix(PATH).ok_or(QueryError::Path)?;
        let (rest, extension) = split_format(rest);
        let in_path = match rest.strip_prefix('/') {
            Some(words) => words,
            None if rest.is_empty() => "",
            None => return Err(QueryError::Path),
        };
        let parameter = |name: &str| {
            form_urlencoded::parse(query.as_bytes())
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        let format = match (extension, parameter("format").as_deref()) {
            (Some(format), _) => format,
            (None, None | Some("")) => Format::default(),
            (None, Some(name)) => Format::named(name).ok_or(QueryError::Format)?,
        };
        let tags = match in_path {
            "" => parameter("tags").unwrap_or_default(),
            words => words.to_owned(),
        };
        let selection = Selection {
            tags: Words::parse(&tags)?,
            names: Words::parse(&parameter("names").unwrap_or_default())?,
            all_tags: parameter("combineTagsWithOr").is_some_and(|value| !is_true(&value)),
        };
        let mapping = match parameter("httpStatus") {
            Some(text) => StatusMapping::parse(&text)?,
            None => StatusMapping::default(),
        };
        let freshness = match parameter("forceInstantExecution") {
            Some(value) if is_true(&value) => Freshness::Instant,
            _ => Freshness::Recent,
        };
        let patience = match parameter("timeout").as_deref() {
            None | Some("") => None,
            Some(text) => {
                let milliseconds: u32 = text.parse().map_err(|_| QueryError::Timeout)?;
                (milliseconds > 0).then(|| Duration::from_millis(milliseconds.into()))
            }
        };
        Ok(Self {
            selection,
            format,
            mapping,
            patience,
            freshness,
        })
    }

    /// How long the checks are waited for.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.patience.unwrap_or(PATIENCE).min(PATIENCE_MOST)
    }
}

impl Selection {
    /// The checks that have one of these tags, written `one,other`; `-one` leaves those out. All of them if it is empty.
    ///
    /// # Errors
    /// There are too many.
    pub fn of_tags(tags: &str) -> Result<Self, QueryError> {
        Ok(Self {
            tags: Words::parse(tags)?,
            ..Self::default()
        })
    }

    /// Those of `checks` that are asked for, in the same order.
    #[must_use]
    pub fn of(&self, checks: &[&'static dyn HealthCheck]) -> Vec<&'static dyn HealthCheck> {
        checks
            .iter()
            .copied()
            .filter(|check| self.selects(check.name(), check.tags()))
            .collect()
    }

    fn selects(&self, name: &str, tags: &[&str]) -> bool {
        let is_tag = |word: &String| tags.contains(&word.as_str());
        let is_name = |word: &String| word == name;
        if self.tags.unwanted.iter().any(is_tag) || self.names.unwanted.iter().any(is_name) {
            return false;
        }
        let (tags, names) = (&self.tags.wanted, &self.names.wanted);
        if tags.is_empty() && names.is_empty() {
            return true;
        }
        let by_tag = match self.all_tags {
            true => !tags.is_empty() && tags.iter().all(is_tag),
            false => tags.iter().any(is_tag),
        };
        by_tag || names.iter().any(is_name)
    }
}

impl Words {
    fn parse(text: &str) -> Result<Self, QueryError> {
        let mut words = Self::default();
        let given = text.split([',', ';']).map(str::trim);
        for (count, word) in given.filter(|word| !word.is_empty()).enumerate() {
            if count == MOST_WORDS {
                return Err(QueryError::TooMany);
            }
            match word.strip_prefix('-') {
                Some(word) => words.unwanted.push(word.to_owned()),
                None => words.wanted.push(word.to_owned()),
            }
        }
        Ok(words)
    }
}

impl Format {
    const ALL: [(&'static str, Self); 3] = [
        ("json", Self::Json),
        // Before `txt`, which it ends with.
        ("verbose.txt", Self::VerboseText),
        ("txt", Self::Text),
    ];

    /// The format of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|(known, _)| *known == name)
            .map(|(_, format)| format)
    }
}

impl StatusMapping {
    fn parse(text: &str) -> Result<Self, QueryError> {
        let mut mapping = BTreeMap::new();
        for pair in text.split(',') {
            let (status, code) = pair.split_once(':').ok_or(QueryError::Mapping)?;
            let status: Status = status.trim().parse().map_err(|_| QueryError::Mapping)?;
            let code: u16 = code.trim().parse().map_err(|_| QueryError::Mapping)?;
            // What is not said of these numbers would be no answer.
            if !(200..600).contains(&code) {
                return Err(QueryError::Mapping);
            }
            let code = StatusCode::from_u16(code).map_err(|_| QueryError::Mapping)?;
            mapping.insert(status, code);
        }
        Ok(Self(mapping))
    }

    /// The HTTP status of an answer with this overall status.
    #[must_use]
    pub fn http(&self, status: Status) -> StatusCode {
        if let Some(code) = self.0.get(&status) {
            return *code;
        }
        match status {
            Status::Ok => StatusCode::OK,
            Status::Warn => self.http(Status::Ok),
            Status::TemporarilyUnavailable | Status::Critical => StatusCode::SERVICE_UNAVAILABLE,
            Status::HealthCheckError => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

fn split_format(rest: &str) -> (&str, Option<Format>) {
    for (name, format) in Format::ALL {
        let bare = rest
            .strip_suffix(name)
            .and_then(|bare| bare.strip_suffix('.'));
        if let Some(bare) = bare {
            return (bare, Some(format));
        }
    }
    (rest, None)
}

/// As Java reads it.
fn is_true(text: &str) -> bool {
    text.eq_ignore_ascii_case("true")
}

#[cfg(test)]
mod tests;
