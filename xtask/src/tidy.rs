//! Rules of the house that no compiler checks.

mod layout;
mod purity;
mod rooms;
mod size;
mod text;
mod threats;

use anyhow::Result;

use crate::findings::Findings;
use crate::metadata::Metadata;
use crate::source;
use crate::tree::Tree;

/// A tracked Rust file.
struct RustFile {
    /// Relative to the root.
    path: String,
    /// Its text with comments and literals blanked.
    code: String,
}

/// Checks every rule.
///
/// # Errors
///
/// When one is broken; each breach is printed with its place.
pub(crate) fn check(tree: &Tree) -> Result<()> {
    let mut findings = Findings::default();
    let metadata = Metadata::members_of(tree)?;
    let sources = rust_files(tree)?;
    rooms::check(metadata.members(), &mut findings);
    layout::check(tree, metadata.members(), &mut findings)?;
    for file in &sources {
        size::check(file, &mut findings);
        text::check_code(file, &mut findings);
        purity::check_source(file, &mut findings);
    }
    purity::check_dependencies(tree, &mut findings)?;
    for path in tree.files() {
        if let Some(text) = tree.text(path)? {
            text::check_words(path, &text, &mut findings);
        }
    }
    threats::check(tree, &sources, &mut findings)?;
    println!(
        "    {} Rust files, {} files in all",
        sources.len(),
        tree.files().count()
    );
    findings.conclude("tidy")
}

fn rust_files(tree: &Tree) -> Result<Vec<RustFile>> {
    let mut files = Vec::new();
    for path in tree.files().filter(|path| path.ends_with(".rs")) {
        if let Some(text) = tree.text(path)? {
            files.push(RustFile::new(path, &text));
        }
    }
    Ok(files)
}

impl RustFile {
    fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            code: source::code_only(text),
        }
    }
}
