//! Key files as an administrator handles them: looked at, and copied between instances.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::LabError;

/// The rings whose files every instance of a farm shares.
pub(crate) const RINGS: [&str; 2] = ["hmac", "master"];

/// The ids of the keys in one ring of a data directory, which are the names of their files.
pub(crate) fn kids(data: &Path, ring: &str) -> Result<BTreeSet<String>, LabError> {
    let directory = directory(data, ring);
    let names = files(&directory).map_err(|source| LabError::File {
        action: "read",
        path: directory,
        source,
    })?;
    Ok(names
        .iter()
        .filter_map(|path| path.file_stem().and_then(|stem| stem.to_str()))
        .map(str::to_owned)
        .collect())
}

/// Copies the key files that `to` does not have, and changes none that it has.
///
/// Each is complete from its first moment under its name, and readable to its owner alone.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), LabError> {
    for ring in RINGS {
        let source = directory(from, ring);
        let target = directory(to, ring);
        copy_ring(&source, &target).map_err(|source| LabError::File {
            action: "copy keys to",
            path: target,
            source,
        })?;
    }
    Ok(())
}

fn copy_ring(source: &Path, target: &Path) -> io::Result<()> {
    make_private(target)?;
    for file in files(source)? {
        let Some(name) = file.file_name() else {
            continue;
        };
        // A temporary file has mode 0600 from the start.
        let mut copy = tempfile::NamedTempFile::new_in(target)?;
        copy.write_all(&zeroize::Zeroizing::new(fs::read(&file)?))?;
        copy.as_file().sync_all()?;
        match copy.persist_noclobber(target.join(name)) {
            Ok(_) => {}
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.error),
        }
    }
    fs::File::open(target)?.sync_all()
}

/// Creates a directory, and those above it, for their owner alone.
pub(crate) fn make_private(directory: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
}

fn directory(data: &Path, ring: &str) -> PathBuf {
    data.join("keys").join(ring)
}

fn files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "jwk") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn copying_adds_and_never_overwrites() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for ring in RINGS {
            make_private(&directory(from.path(), ring)).unwrap();
        }
        let hmac = |root: &tempfile::TempDir, name| directory(root.path(), "hmac").join(name);
        fs::write(hmac(&from, "a.jwk"), "first").unwrap();
        fs::write(hmac(&from, "notes.txt"), "no key").unwrap();
        copy(from.path(), to.path()).unwrap();
        fs::write(hmac(&from, "a.jwk"), "changed").unwrap();
        fs::write(hmac(&from, "b.jwk"), "second").unwrap();
        copy(from.path(), to.path()).unwrap();

        assert_eq!(
            kids(to.path(), "hmac").unwrap(),
            ["a", "b"].map(str::to_owned).into()
        );
        assert_eq!(kids(to.path(), "master").unwrap(), BTreeSet::new());
        assert_eq!(fs::read_to_string(hmac(&to, "a.jwk")).unwrap(), "first");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&hmac(&to, "b.jwk")), 0o600);
        assert_eq!(mode(&directory(to.path(), "hmac")), 0o700);
    }

    #[test]
    fn a_missing_ring_is_named() {
        let empty = tempfile::tempdir().unwrap();
        let error = kids(empty.path(), "hmac").unwrap_err();
        assert!(error.to_string().contains("keys/hmac"));
    }
}
