//! `docs/threats.md` answers every security requirement, and the tests it names exist.

use std::collections::BTreeMap;

use anyhow::Result;

use super::RustFile;
use crate::findings::Findings;
use crate::source;
use crate::tree::Tree;

const PAGE: &str = "docs/threats.md";

/// The families of requirements and how many each has.
const FAMILIES: &[(char, u32)] = &[
    ('T', 15),
    ('C', 7),
    ('S', 9),
    ('L', 9),
    ('P', 7),
    ('K', 12),
    ('O', 7),
];

/// Checks the page.
pub(super) fn check(tree: &Tree, sources: &[RustFile], findings: &mut Findings) -> Result<()> {
    let Some(page) = tree
        .tracks(PAGE)
        .then(|| tree.text(PAGE))
        .transpose()?
        .flatten()
    else {
        findings.error(PAGE, "is missing");
        return Ok(());
    };
    let rows = rows(&page);
    for id in ids() {
        match rows
            .iter()
            .filter(|row| row.id == id)
            .collect::<Vec<_>>()
            .as_slice()
        {
            [] => findings.error(PAGE, format!("{id} has no row")),
            [row] if row.tests.is_empty() && row.words.is_empty() => {
                findings.error(
                    format!("{PAGE}:{}", row.line),
                    format!("{id} names no test"),
                );
            }
            [_] => {}
            [_, again, ..] => {
                findings.error(
                    format!("{PAGE}:{}", again.line),
                    format!("{id} has two rows"),
                );
            }
        }
    }
    let functions = functions(sources);
    for row in &rows {
        for test in &row.tests {
            if let Some(complaint) = complaint(test, tree, &functions) {
                findings.error(
                    format!("{PAGE}:{}", row.line),
                    format!("{}: {complaint}", row.id),
                );
            }
        }
    }
    let untested = rows
        .iter()
        .filter(|row| row.tests.is_empty())
        .map(|row| row.id.as_str());
    let untested: Vec<_> = untested.collect();
    if !untested.is_empty() {
        findings.note(PAGE, format!("no test yet for {}", untested.join(", ")));
    }
    Ok(())
}

/// One requirement as the page answers it.
#[derive(Debug)]
struct Row {
    line: usize,
    id: String,
    /// What stands in backticks in the column of tests and is a path.
    tests: Vec<String>,
    /// That column as it stands.
    words: String,
}

fn ids() -> impl Iterator<Item = String> {
    FAMILIES
        .iter()
        .flat_map(|(family, count)| (1..=*count).map(move |number| format!("{family}{number}")))
}

/// The rows of every table whose head has a column "Test" or "Tests".
fn rows(page: &str) -> Vec<Row> {
    let known: Vec<_> = ids().collect();
    let mut column = None;
    let mut rows = Vec::new();
    for (index, line) in page.lines().enumerate() {
        let Some(cells) = cells(line) else {
            column = None;
            continue;
        };
        if column.is_none() {
            column = cells
                .iter()
                .position(|cell| matches!(cell.to_lowercase().as_str(), "test" | "tests"));
        }
        let id = cells
            .first()
            .map_or("", |cell| cell.trim_matches(['*', '`']));
        if let Some(column) = column
            && known.iter().any(|known| known == id)
        {
            let words = cells.get(column).copied().unwrap_or_default();
            rows.push(Row {
                line: index + 1,
                id: id.to_owned(),
                tests: in_backticks(words)
                    .filter(|name| is_path(name))
                    .map(str::to_owned)
                    .collect(),
                words: words.to_owned(),
            });
        }
    }
    rows
}

fn cells(line: &str) -> Option<Vec<&str>> {
    let inner = line.trim().strip_prefix('|')?;
    Some(
        inner
            .strip_suffix('|')
            .unwrap_or(inner)
            .split('|')
            .map(str::trim)
            .collect(),
    )
}

fn in_backticks(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn is_path(name: &str) -> bool {
    name.contains("::") || (name.contains('/') && !name.starts_with('/'))
}

/// Every function of every source by name, with the files that define it.
fn functions(sources: &[RustFile]) -> BTreeMap<&str, Vec<&str>> {
    let mut functions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for file in sources {
        for offset in source::words(&file.code, "fn ") {
            let rest = &file.code[offset + "fn ".len()..];
            let end = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            functions.entry(&rest[..end]).or_default().push(&file.path);
        }
    }
    functions
}

/// What is wrong with a test that the page names.
fn complaint(test: &str, tree: &Tree, functions: &BTreeMap<&str, Vec<&str>>) -> Option<String> {
    let Some((path, name)) = test.rsplit_once("::") else {
        let exists = tree.tracks(test) || tree.files().any(|file| file.starts_with(test));
        return (!exists).then(|| format!("there is no file {test}"));
    };
    let room = path
        .split("::")
        .next()
        .unwrap_or_default()
        .replace('_', "-");
    let folder = if room == "xtask" {
        "xtask/".to_owned()
    } else {
        format!("crates/{room}/")
    };
    let defined = functions
        .get(name)
        .is_some_and(|files| files.iter().any(|file| file.starts_with(&folder)));
    (!defined).then(|| format!("there is no fn {name} in {folder}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
| Line | What | Tests |
|---|---|---|
| T1 | `alg` is fixed | `xtask::tidy::threats::tests::names_are_found`, `none` |
| **C2** | x | later |
| K13 | no such line | `a::b` |

| T2 | outside a table of tests | `a::b` |
";

    #[test]
    fn rows_and_their_tests_are_read() {
        let rows = rows(TABLE);
        assert_eq!(
            rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(),
            ["T1", "C2"]
        );
        assert_eq!(
            rows[0].tests,
            ["xtask::tidy::threats::tests::names_are_found"]
        );
        assert_eq!((rows[1].line, rows[1].words.as_str()), (4, "later"));
    }

    #[test]
    fn names_are_found() {
        let tree = Tree::here().unwrap();
        let sources = [RustFile::new("xtask/src/a.rs", "fn names_are_found() {}")];
        let functions = functions(&sources);
        assert_eq!(
            complaint("xtask::a::names_are_found", &tree, &functions),
            None
        );
        assert!(complaint("signet_core::a::names_are_found", &tree, &functions).is_some());
        assert!(complaint("xtask::a::names_are", &tree, &functions).is_some());
        assert_eq!(complaint("xtask/Cargo.toml", &tree, &functions), None);
        assert!(complaint("xtask/Cargo.lock", &tree, &functions).is_some());
    }

    #[test]
    fn there_are_66_requirements() {
        assert_eq!(ids().count(), 66);
    }
}
