//! The manifest inside a jar.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use zip::ZipArchive;
use zip::result::ZipError;

use crate::felix::manifest::{self, MAX_MANIFEST_BYTES};
use crate::file;

const MANIFEST: &str = "META-INF/MANIFEST.MF";

/// What a jar says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JarIdentity {
    pub(crate) symbolic_name: String,
    pub(crate) version: Option<String>,
}

/// Why a jar does not say which bundle it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JarError {
    #[error("its jar is missing")]
    Missing,
    #[error("its jar cannot be read")]
    Unreadable,
    #[error("its jar is damaged or was cut off")]
    Damaged,
    #[error("its jar has no manifest, or one that is too large")]
    NoManifest,
    #[error("the manifest of its jar names no bundle")]
    NoName,
}

/// Reads the identity of the bundle in the jar at `path`.
pub(crate) fn identity(path: &Path) -> Result<JarIdentity, JarError> {
    let (file, _) = file::open(path)
        .map_err(|_| JarError::Unreadable)?
        .ok_or(JarError::Missing)?;
    let mut jar = ZipArchive::new(file).map_err(|_| JarError::Damaged)?;
    let name = manifest_name(&jar).ok_or(JarError::NoManifest)?;
    let manifest = match entry(&mut jar, &name) {
        Ok(manifest) => manifest,
        Err(ZipError::FileNotFound) => return Err(JarError::NoManifest),
        Err(_) => return Err(JarError::Damaged),
    };
    if manifest.len() as u64 > MAX_MANIFEST_BYTES {
        return Err(JarError::NoManifest);
    }
    Ok(JarIdentity {
        symbolic_name: manifest::symbolic_name(&manifest).ok_or(JarError::NoName)?,
        version: manifest::version(&manifest),
    })
}

/// Its name is compared without regard to case (JAR File Specification, "The META-INF directory").
fn manifest_name(jar: &ZipArchive<File>) -> Option<String> {
    jar.file_names()
        .flatten()
        .find(|name| name.eq_ignore_ascii_case(MANIFEST))
        .map(std::borrow::Cow::into_owned)
}

/// The content of an entry; of a too large one a byte more than is allowed.
fn entry(jar: &mut ZipArchive<File>, name: &str) -> Result<Vec<u8>, ZipError> {
    let mut content = Vec::new();
    jar.by_name(name)?
        .take(MAX_MANIFEST_BYTES + 1)
        .read_to_end(&mut content)?;
    Ok(content)
}
