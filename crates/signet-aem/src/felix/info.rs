//! What the framework notes about a bundle: `bundle.info`, or before 2011 one file for each fact.

use std::path::Path;

use crate::file;

/// The most that is read of such a file, in bytes. The only long line is the location.
const MAX_INFO_BYTES: u64 = 64 * 1024;

/// What is noted about one bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BundleInfo {
    /// The number that the framework gave it.
    pub(crate) id: u64,
    /// Where it was installed from.
    pub(crate) location: String,
    /// How often it was refreshed: names the directory of its newest revision.
    pub(crate) refreshes: u64,
}

/// Why nothing is known about a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InfoError {
    #[error("bundle.info cannot be read")]
    Unreadable,
    #[error("bundle.info has fewer than 6 lines: it was cut off")]
    Truncated,
    #[error("bundle.info does not hold the numbers that belong there")]
    Malformed,
}

impl BundleInfo {
    /// Reads what is noted in the directory of a bundle; `None` where nothing is.
    pub(crate) fn read(directory: &Path) -> Result<Option<Self>, InfoError> {
        match file::read(&directory.join("bundle.info"), MAX_INFO_BYTES) {
            Ok(Some(bytes)) => Self::parse(&bytes).map(Some),
            Ok(None) => Self::read_old(directory),
            Err(_) => Err(InfoError::Unreadable),
        }
    }

    /// Six lines: id, location, state, start level, time of change, count of refreshes.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, InfoError> {
        let text = std::str::from_utf8(bytes).map_err(|_| InfoError::Malformed)?;
        let lines: Vec<_> = text.lines().collect();
        let [id, location, state, level, modified, refreshes, ..] = lines[..] else {
            return Err(InfoError::Truncated);
        };
        let number = |text: &str| text.trim().parse::<u64>().map_err(|_| InfoError::Malformed);
        number(state)?;
        number(level)?;
        number(modified)?;
        Ok(Self {
            id: number(id)?,
            location: location.to_owned(),
            refreshes: number(refreshes)?,
        })
    }

    fn read_old(directory: &Path) -> Result<Option<Self>, InfoError> {
        let fact = |name: &str| -> Result<Option<String>, InfoError> {
            let bytes = file::read(&directory.join(name), MAX_INFO_BYTES)
                .map_err(|_| InfoError::Unreadable)?;
            let text =
                bytes.map(|bytes| String::from_utf8(bytes).map_err(|_| InfoError::Malformed));
            Ok(text.transpose()?.map(|text| text.trim().to_owned()))
        };
        let (Some(id), Some(location)) = (fact("bundle.id")?, fact("bundle.location")?) else {
            return Ok(None);
        };
        let refreshes = fact("refresh.counter")?.unwrap_or_else(|| "0".to_owned());
        Ok(Some(Self {
            id: id.parse().map_err(|_| InfoError::Malformed)?,
            location,
            refreshes: refreshes.parse().map_err(|_| InfoError::Malformed)?,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn six_lines_are_read() {
        let info = BundleInfo {
            id: 25,
            location: "launchpad:resources/install/0/crypto.file-1.jar".to_owned(),
            refreshes: 3,
        };
        for end in ["\n", "\r\n"] {
            let text = ["25", &info.location, "32", "20", "1767225600000", "3", ""].join(end);
            assert_eq!(BundleInfo::parse(text.as_bytes()), Ok(info.clone()));
        }
    }

    #[test]
    fn what_is_not_whole_is_refused() {
        for (text, why) in [
            ("", InfoError::Truncated),
            (
                "25\nlocation\n32\n20\n1767225600000\n",
                InfoError::Truncated,
            ),
            ("x\nlocation\n32\n20\n1\n3\n", InfoError::Malformed),
            ("25\nlocation\n32\n20\n1\n-3\n", InfoError::Malformed),
            ("<html>\n<head>\n<title>\n\n\n\n", InfoError::Malformed),
        ] {
            assert_eq!(BundleInfo::parse(text.as_bytes()), Err(why), "{text:?}");
        }
    }

    #[test]
    fn the_old_format_has_a_file_for_each_fact() {
        let scratch = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(scratch.path().join(name), text).unwrap();
        assert_eq!(BundleInfo::read(scratch.path()), Ok(None));
        write("bundle.id", "7\n");
        write("bundle.location", "launchpad:x.jar");
        write("refresh.counter", "2");
        let info = BundleInfo::read(scratch.path()).unwrap().unwrap();
        assert_eq!(
            (info.id, info.location.as_str(), info.refreshes),
            (7, "launchpad:x.jar", 2)
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = BundleInfo::parse(&bytes);
        }
    }
}
