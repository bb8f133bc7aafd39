//! The files of content in which protected strings stand.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Endings of the files that are read: configurations, content, properties. `.cfg.json` is among `.json`.
const ENDINGS: [&str; 4] = ["config", "xml", "json", "properties"];

/// The content files at or below `paths`, each once, in a fixed order. Links are not followed, and what Signet itself left there
/// is passed over.
///
/// # Errors
///
/// A path is not there, or a directory cannot be read: the one that is named in the error.
pub(crate) fn files(paths: &[PathBuf]) -> Result<Vec<(PathBuf, u64)>, (PathBuf, io::Error)> {
    let mut files = Vec::new();
    let mut waiting = Vec::new();
    for path in paths {
        let at = |error| (path.clone(), error);
        let path = path.canonicalize().map_err(at)?;
        let metadata = fs::metadata(&path).map_err(at)?;
        if metadata.is_dir() {
            waiting.push(path);
        } else if metadata.is_file() {
            // Whoever names a file means it, whatever its ending.
            files.push((path, metadata.len()));
        }
    }
    while let Some(directory) = waiting.pop() {
        let at = |error| (directory.clone(), error);
        for entry in fs::read_dir(&directory).map_err(at)? {
            let entry = entry.map_err(at)?;
            let kind = entry.file_type().map_err(at)?;
            let path = entry.path();
            if kind.is_dir() {
                waiting.push(path);
            } else if kind.is_file() && is_content(&path) {
                let length = entry.metadata().map_err(at)?.len();
                files.push((path, length));
            }
        }
    }
    files.sort();
    files.dedup();
    Ok(files)
}

fn is_content(path: &Path) -> bool {
    let is_hidden = path
        .file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b".signet-"));
    let ending = path.extension().and_then(|ending| ending.to_str());
    !is_hidden
        && ending.is_some_and(|ending| ENDINGS.iter().any(|e| e.eq_ignore_ascii_case(ending)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_found_once_and_links_are_not_followed() {
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("a/b")).unwrap();
        for name in [
            "a/x.config",
            "a/b/.content.xml",
            "a/y.cfg.json",
            "z.PROPERTIES",
            "a/image.png",
            "a/.signet-1.xml",
        ] {
            fs::write(root.join(name), "12").unwrap();
        }
        std::os::unix::fs::symlink(root.join("a"), root.join("link")).unwrap();
        std::os::unix::fs::symlink(root.join("a/x.config"), root.join("link.config")).unwrap();
        let found = files(&[root.clone(), root.join("a")]).unwrap();
        let names: Vec<_> = found
            .iter()
            .map(|(path, length)| (path.strip_prefix(&root).unwrap().to_str().unwrap(), *length))
            .collect();
        assert_eq!(
            names,
            [
                ("a/b/.content.xml", 2),
                ("a/x.config", 2),
                ("a/y.cfg.json", 2),
                ("z.PROPERTIES", 2)
            ]
        );
        assert_eq!(files(&[root.join("a/image.png")]).unwrap().len(), 1);
        assert!(files(&[root.join("none")]).is_err());
    }
}
