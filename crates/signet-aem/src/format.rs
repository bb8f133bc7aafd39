//! The formats of an installation, from bytes: for fuzzing, and for whoever has them from elsewhere than a folder.

use std::io::{self, Read};

use crate::felix::{BundleInfo, manifest};
use crate::scan::Scanner;

/// The value of `Bundle-SymbolicName` in a manifest, without directives.
#[must_use]
pub fn symbolic_name(manifest: &[u8]) -> Option<String> {
    manifest::symbolic_name(manifest)
}

/// Number and location of a bundle from the content of its `bundle.info`; `None` if that is none.
#[must_use]
pub fn bundle_info(content: &[u8]) -> Option<(u64, String)> {
    let info = BundleInfo::parse(content).ok()?;
    Some((info.id, info.location))
}

/// A protected string, or what cannot be told from one without a key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProtectedString {
    /// Where its first digit is, in bytes from the start.
    pub offset: u64,
    /// The line it is in, from 1.
    pub line: u64,
    /// How many digits it has.
    pub digits: usize,
}

/// The protected strings in content, in order.
///
/// # Errors
///
/// The content cannot be read.
pub fn protected_strings(content: impl Read) -> io::Result<Vec<ProtectedString>> {
    let mut found = Vec::new();
    Scanner::new().scan::<io::Error>(
        content,
        |_| {},
        |sighting| {
            found.push(ProtectedString {
                offset: sighting.offset,
                line: sighting.line,
                digits: sighting.digits.len(),
            });
            Ok(())
        },
    )?;
    Ok(found)
}
