//! Commands that work on existing installations of AEM and their content.

mod bundle;
mod online;
mod played;
mod quickstart;
mod rekey;
mod relocate;
mod replicate;

use std::fs;
use std::path::{Path, PathBuf};

/// Every file below `directory`, and what is in it.
fn files(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut waiting = vec![directory.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten() {
            let entry = entry.unwrap();
            let path = entry.path();
            match entry.file_type().unwrap().is_dir() {
                true => waiting.push(path),
                false => found.push((path.clone(), fs::read(path).unwrap())),
            }
        }
    }
    found
}

/// Files that are only there while others are written.
///
/// # Errors
/// There are some, below one of `directories`.
fn nothing_is_left_in(directories: &[PathBuf]) -> Result<(), String> {
    let all = directories.iter().flat_map(|directory| files(directory));
    let left: Vec<PathBuf> = all
        .map(|(path, _)| path)
        .filter(|path| {
            let name = path.file_name().unwrap().as_encoded_bytes();
            name.starts_with(b".") && name != b".lock" && name != b".content.xml"
        })
        .collect();
    match left.as_slice() {
        [] => Ok(()),
        left => Err(format!("{left:?} are left")),
    }
}
