//! The files of content in which protected strings stand.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Endings of the files that are read: configurations, content, properties. `.cfg.json` is among `.json`.
const ENDINGS: [&str; 4] = ["config", "xml", "json", "properties"];

/// The content files at or below some paths, each once, in a fixed order. Links are not followed, and what Signet itself left there
/// is passed over. Of a tree only the folders on the way to the next file are in memory.
#[derive(Debug)]
pub(crate) struct Files {
    /// The next one is the last.
    waiting: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    path: PathBuf,
    is_directory: bool,
}

/// What could not be read, and why.
pub(crate) type Unread = (PathBuf, io::Error);

impl Files {
    /// Those at or below `paths`. Whoever names a file means it, whatever its ending.
    ///
    /// # Errors
    ///
    /// A path is not there, or cannot be looked at: the one that is named in the error.
    pub(crate) fn below(paths: &[PathBuf]) -> Result<Self, Unread> {
        let mut named = Vec::new();
        for path in paths {
            let at = |error| (path.clone(), error);
            let path = path.canonicalize().map_err(at)?;
            let metadata = fs::metadata(&path).map_err(at)?;
            let is_directory = metadata.is_dir();
            if is_directory || metadata.is_file() {
                named.push(Entry { path, is_directory });
            }
        }
        named.sort_by(|one, other| other.path.cmp(&one.path));
        named.dedup_by(|one, other| one.path == other.path);
        let folders: Vec<_> = named
            .iter()
            .filter(|entry| entry.is_directory)
            .map(|entry| entry.path.clone())
            .collect();
        // What is found below another one anyway.
        named.retain(|entry| {
            let is_found = entry.is_directory || is_content(&entry.path);
            let mut above = folders.iter().filter(|folder| **folder != entry.path);
            !(is_found && above.any(|folder| entry.path.starts_with(folder)))
        });
        Ok(Self { waiting: named })
    }

    fn open(&mut self, directory: &Path) -> Result<(), Unread> {
        let at = |error| (directory.to_owned(), error);
        let first = self.waiting.len();
        for entry in fs::read_dir(directory).map_err(at)? {
            let entry = entry.map_err(at)?;
            let kind = entry.file_type().map_err(at)?;
            let path = entry.path();
            if kind.is_dir() || (kind.is_file() && is_content(&path)) {
                self.waiting.push(Entry {
                    path,
                    is_directory: kind.is_dir(),
                });
            }
        }
        if let Some(found) = self.waiting.get_mut(first..) {
            found.sort_by(|one, other| other.path.cmp(&one.path));
        }
        Ok(())
    }
}

impl Iterator for Files {
    type Item = Result<PathBuf, Unread>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let entry = self.waiting.pop()?;
            if !entry.is_directory {
                return Some(Ok(entry.path));
            }
            if let Err(unread) = self.open(&entry.path) {
                return Some(Err(unread));
            }
        }
    }
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
        let found = files(&[root.clone(), root.join("a"), root.join("a/x.config")]);
        let names: Vec<_> = found
            .iter()
            .map(|path| path.strip_prefix(&root).unwrap().to_str().unwrap())
            .collect();
        assert_eq!(
            names,
            [
                "a/b/.content.xml",
                "a/x.config",
                "a/y.cfg.json",
                "z.PROPERTIES"
            ]
        );
        let named = [root.join("a/image.png"), root.join("a"), root.join("a")];
        assert_eq!(files(&named).len(), 4);
        assert!(Files::below(&[root.join("none")]).is_err());
    }

    fn files(paths: &[PathBuf]) -> Vec<PathBuf> {
        Files::below(paths).unwrap().map(Result::unwrap).collect()
    }
}
