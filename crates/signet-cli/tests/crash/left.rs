//! What a crash left behind, as one number.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

/// Equal where the files are equal: their names, modes and bytes.
pub(crate) type Left = [u8; 32];

/// What is left below `root`. The index of SQLite's log (`-shm`) is memory, and begins anew whatever is in it.
pub(crate) fn left_in(root: &Path) -> Left {
    let mut digest = Sha256::new();
    add(&mut digest, root);
    digest.finalize().into()
}

fn add(digest: &mut Sha256, directory: &Path) {
    let entries = fs::read_dir(directory).unwrap();
    let mut entries: Vec<_> = entries.map(|entry| entry.unwrap()).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        let metadata = entry.metadata().unwrap();
        let bytes = match metadata.is_file() && !name.as_encoded_bytes().ends_with(b"-shm") {
            true => fs::read(entry.path()).unwrap(),
            false => Vec::new(),
        };
        digest.update(name.as_encoded_bytes());
        digest.update([0]);
        digest.update(metadata.permissions().mode().to_be_bytes());
        digest.update(bytes.len().to_be_bytes());
        digest.update(bytes);
        if metadata.is_dir() {
            add(digest, &entry.path());
            digest.update([1]);
        }
    }
}
