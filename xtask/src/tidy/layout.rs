//! The shape of a crate: folder, README, lints, and no `mod.rs`.

use std::path::Path;

use anyhow::{Context as _, Result};
use toml::Table;

use crate::findings::Findings;
use crate::metadata::Package;
use crate::tree::Tree;

const README_AS_DOCS: &str = "#![doc = include_str!(\"../README.md\")]";

/// Checks every member and every path.
pub(super) fn check<'a>(
    tree: &Tree,
    members: impl Iterator<Item = &'a Package>,
    findings: &mut Findings,
) -> Result<()> {
    for member in members {
        let folder = member
            .manifest_path
            .parent()
            .context("a manifest without a folder")?;
        check_member(&member.name, folder, findings)?;
    }
    for path in tree.files().filter(|path| path.ends_with("/mod.rs")) {
        findings.error(path, "is a mod.rs: name it after its folder, beside it");
    }
    Ok(())
}

fn check_member(name: &str, folder: &Path, findings: &mut Findings) -> Result<()> {
    if folder.file_name().is_none_or(|folder| folder != name) {
        findings.error(name, "lies in a folder of another name");
    }
    match std::fs::read_to_string(folder.join("README.md")) {
        Ok(readme) if !readme.trim().is_empty() => {}
        _ => findings.error(name, "has no README.md that says what it is"),
    }
    let root = ["src/lib.rs", "src/main.rs"]
        .into_iter()
        .find(|root| folder.join(root).is_file());
    let Some(root) = root else {
        findings.error(name, "has neither src/lib.rs nor src/main.rs");
        return Ok(());
    };
    let text = std::fs::read_to_string(folder.join(root))?;
    if !text.starts_with(README_AS_DOCS) {
        findings.error(
            format!("{name}/{root}"),
            format!("does not begin with {README_AS_DOCS}"),
        );
    }
    let manifest: Table = std::fs::read_to_string(folder.join("Cargo.toml"))?.parse()?;
    if !inherits_lints(&manifest) {
        findings.error(name, "Cargo.toml lacks [lints] workspace = true");
    }
    Ok(())
}

fn inherits_lints(manifest: &Table) -> bool {
    manifest
        .get("lints")
        .and_then(|lints| lints.get("workspace"))
        .and_then(toml::Value::as_bool)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_crate_has_the_shape() {
        let mut findings = Findings::default();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        check_member("xtask", folder, &mut findings).unwrap();
        assert_eq!(findings.errors().collect::<Vec<_>>(), Vec::<String>::new());
        check_member("another", folder, &mut findings).unwrap();
        assert_eq!(findings.errors().count(), 1);
    }

    #[test]
    fn lints_of_its_own_are_found() {
        assert!(inherits_lints(
            &"[lints]\nworkspace = true".parse().unwrap()
        ));
        assert!(!inherits_lints(
            &"[lints.rust]\nunsafe_code = \"warn\"".parse().unwrap()
        ));
        assert!(!inherits_lints(&Table::new()));
    }
}
