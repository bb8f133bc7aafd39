//! Jars of Maven Central that tests start, installed once below `target`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use crate::tree::Tree;

/// The stage of the tests: where the list of its jars is committed, and where they are installed.
const SOURCE: &str = "crates/signet-cli/tests/real/sling";
const TARGET: &str = "target/maven/sling";

/// Maven's own repository, so that nothing is left in the home directory and nothing comes from there.
const REPOSITORY: &str = "target/maven/repository";

/// What is fetched, as Maven and as `sha256sum` write it.
const PROJECT: &str = "pom.xml";
const SUMS: &str = "SHA256SUMS";

/// The list that was installed, so that later runs need no network. The tests compare it, too.
const STAMP: &str = "installed";

const JARS: &str = "jars";

/// Makes sure that the jars are there, exactly the bytes that the list says.
///
/// # Errors
///
/// When Maven fails, or fetched something else; the error says what.
pub(super) fn ensure(tree: &Tree) -> Result<()> {
    let (source, target) = (tree.path(SOURCE), tree.path(TARGET));
    if is_installed(&source, &target) {
        return Ok(());
    }
    install(&source, &target, &tree.path(REPOSITORY))
        .with_context(|| format!("the jars of {SOURCE}/{PROJECT} cannot be installed"))
}

fn is_installed(source: &Path, target: &Path) -> bool {
    let read = |file| fs::read(file).ok();
    let wanted = read(source.join(SUMS));
    wanted.is_some() && wanted == read(target.join(STAMP)) && target.join(JARS).is_dir()
}

fn install(source: &Path, target: &Path, repository: &Path) -> Result<()> {
    let jars = target.join(JARS);
    if jars.is_dir() {
        fs::remove_dir_all(&jars)?;
    }
    fs::create_dir_all(target)?;
    // Maven writes beside the project, which is to stay as it is committed.
    fs::copy(source.join(PROJECT), target.join(PROJECT))?;
    println!("    mvn dependency:copy ({JARS} of {SOURCE}: about 100 MB, once)");
    let output = Command::new("mvn")
        .current_dir(target)
        .args([
            "--batch-mode",
            "--quiet",
            "--no-transfer-progress",
            "-Dstyle.color=never",
        ])
        .arg(format!("-Dmaven.repo.local={}", repository.display()))
        .arg(format!("-DoutputDirectory={}", jars.display()))
        .arg("dependency:copy")
        .stdin(Stdio::null())
        .output()
        .context("mvn cannot be started")?;
    // It writes its complaints there, too.
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success(),
        "`mvn dependency:copy` ended with {}\n{}",
        output.status,
        said.trim()
    );
    let sums = fs::read_to_string(source.join(SUMS))?;
    compare(&sums, &jars)?;
    // Last, so that what was broken off is done again.
    fs::copy(source.join(SUMS), target.join(STAMP))?;
    Ok(())
}

/// Every jar of the list is there, with its bytes, and no other.
fn compare(sums: &str, jars: &Path) -> Result<()> {
    let mut wanted = parse(sums)?;
    for entry in fs::read_dir(jars)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let found = HEXLOWER.encode(&Sha256::digest(fs::read(entry.path())?));
        let Some(sum) = wanted.remove(name.as_str()) else {
            bail!("{name} is not in {SUMS}: {found}");
        };
        ensure!(
            found == sum,
            "{name} is not what {SUMS} says: SHA-256 {found}, expected {sum}"
        );
    }
    if let Some(name) = wanted.keys().next() {
        bail!("{name} is in {SUMS}, and was not fetched");
    }
    Ok(())
}

/// Name and sum of each line, as `sha256sum` prints them.
fn parse(sums: &str) -> Result<BTreeMap<&str, &str>> {
    sums.lines()
        .map(|line| {
            let (sum, name) = line
                .split_once("  ")
                .with_context(|| format!("{SUMS} has the line {line:?}"))?;
            Ok((name, sum))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn only_what_was_finished_counts() {
        let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (source, target) = (source.path(), target.path());
        assert!(!is_installed(source, target));
        fs::write(source.join(SUMS), "a").unwrap();
        fs::create_dir(target.join(JARS)).unwrap();
        assert!(!is_installed(source, target));
        fs::write(target.join(STAMP), "a").unwrap();
        assert!(is_installed(source, target));
        fs::write(source.join(SUMS), "b").unwrap();
        assert!(!is_installed(source, target));
    }

    #[test]
    fn other_bytes_are_refused() {
        let jars = tempfile::tempdir().unwrap();
        let sums = format!("{EMPTY}  a.jar\n");
        let said = |sums: &str| compare(sums, jars.path()).unwrap_err().to_string();
        assert!(said(&sums).contains("was not fetched"));
        fs::write(jars.path().join("a.jar"), "").unwrap();
        compare(&sums, jars.path()).unwrap();
        fs::write(jars.path().join("b.jar"), "").unwrap();
        assert!(said(&sums).contains("b.jar is not in"));
        fs::remove_file(jars.path().join("b.jar")).unwrap();
        fs::write(jars.path().join("a.jar"), "other").unwrap();
        assert!(said(&sums).contains("a.jar is not what"));
        assert!(said("no sums").contains("no sums"));
    }

    // Whoever installs gets the same bytes, and from their own registry.
    #[test]
    fn the_list_names_bytes_and_no_machine() {
        let tree = Tree::here().unwrap();
        let read = |file| fs::read_to_string(tree.path(SOURCE).join(file)).unwrap();
        let (project, sums) = (read(PROJECT), read(SUMS));
        let sums = parse(&sums).unwrap();
        assert!(sums.len() > 10);
        assert_eq!(project.matches("<artifactItem>").count(), sums.len());
        for (name, sum) in sums {
            assert_eq!(HEXLOWER.decode(sum.as_bytes()).unwrap().len(), 32, "{name}");
        }
        assert!(!project.contains("<repositor"), "{project}");
    }
}
