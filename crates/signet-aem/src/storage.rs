//! The file `storage`, which says where the keys are.

use std::path::Path;

use serde::Serialize;

use crate::file;

/// More than this is certainly something else.
const MAX_STORAGE_BYTES: u64 = 4096;

/// What the file `storage` in the data folder of `com.adobe.granite.crypto` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "says", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Storage {
    /// `Bundle`: files in the data folder of `com.adobe.granite.crypto.file`.
    Bundle,
    /// `JCR`: binary properties of `/etc/key` in the repository.
    Jcr,
    /// There is no such file: the bundle has not started here yet.
    Absent,
    /// One of the two words with something around it, mostly a newline at its end.
    Untidy {
        /// The word.
        word: &'static str,
        /// How many bytes the file has; the word alone has 3 or 6.
        bytes: usize,
    },
    /// Anything else.
    Unknown {
        /// How many bytes the file has.
        bytes: usize,
    },
    /// It cannot be read.
    Unreadable,
}

impl Storage {
    /// Reads the file at `path`.
    pub(crate) fn read(path: &Path) -> Self {
        match file::read(path, MAX_STORAGE_BYTES) {
            Ok(None) => Self::Absent,
            Ok(Some(bytes)) => Self::parse(&bytes),
            Err(_) => Self::Unreadable,
        }
    }

    fn parse(bytes: &[u8]) -> Self {
        let tidied = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let word = match tidied.trim_ascii() {
            b"Bundle" => "Bundle",
            b"JCR" => "JCR",
            _ => return Self::Unknown { bytes: bytes.len() },
        };
        match bytes {
            b"Bundle" => Self::Bundle,
            b"JCR" => Self::Jcr,
            _ => Self::Untidy {
                word,
                bytes: bytes.len(),
            },
        }
    }

    /// Whether the keys are meant to be in files.
    #[must_use]
    pub fn means_files(&self) -> bool {
        matches!(self, Self::Bundle | Self::Untidy { word: "Bundle", .. })
    }

    /// Whether the keys are meant to be in the repository.
    #[must_use]
    pub fn means_repository(&self) -> bool {
        matches!(self, Self::Jcr | Self::Untidy { word: "JCR", .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_bytes_or_what_is_wrong_with_them() {
        let untidy = |word, bytes| Storage::Untidy { word, bytes };
        for (bytes, storage) in [
            (&b"Bundle"[..], Storage::Bundle),
            (b"JCR", Storage::Jcr),
            (b"Bundle\n", untidy("Bundle", 7)),
            (b"\xef\xbb\xbfJCR\r\n", untidy("JCR", 8)),
            (b"bundle", Storage::Unknown { bytes: 6 }),
            (b"", Storage::Unknown { bytes: 0 }),
        ] {
            assert_eq!(Storage::parse(bytes), storage);
        }
    }
}
