//! Running cargo.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::tree::Tree;

/// A cargo command in the root of the tree.
pub(crate) fn command(tree: &Tree) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(tree.root());
    command
}

/// Runs cargo with its output on this terminal.
pub(crate) fn run(tree: &Tree, arguments: &[&str]) -> Result<()> {
    execute(command(tree).args(arguments))
}

/// Runs a command with its output on this terminal.
pub(crate) fn execute(command: &mut Command) -> Result<()> {
    let shown = display(command);
    println!("    {shown}");
    let status = command
        .status()
        .with_context(|| format!("cannot run {shown}"))?;
    ensure!(status.success(), "`{shown}` ended with {status}");
    Ok(())
}

/// Runs cargo and returns what it printed; its messages stay on this terminal.
pub(crate) fn output(tree: &Tree, arguments: &[&str]) -> Result<String> {
    captured(command(tree).args(arguments))
}

/// Builds, and returns the paths of the executables of kind `bin` by name.
pub(crate) fn executables(
    tree: &Tree,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> Result<Vec<(String, String)>> {
    let mut command = command(tree);
    command
        .args(["build", "--message-format=json-render-diagnostics"])
        .args(arguments);
    command.envs(environment.iter().copied());
    println!("    {}", display(&command));
    Ok(captured(&mut command)?
        .lines()
        .filter_map(executable)
        .collect())
}

fn captured(command: &mut Command) -> Result<String> {
    command.stderr(Stdio::inherit());
    let shown = display(command);
    let output = command
        .output()
        .with_context(|| format!("cannot run {shown}"))?;
    ensure!(
        output.status.success(),
        "`{shown}` ended with {}",
        output.status
    );
    String::from_utf8(output.stdout).with_context(|| format!("`{shown}` printed no UTF-8"))
}

fn executable(line: &str) -> Option<(String, String)> {
    let message: Value = serde_json::from_str(line).ok()?;
    let target = message.get("target")?;
    let is_bin = target
        .get("kind")?
        .as_array()?
        .iter()
        .any(|kind| kind == "bin");
    // The test harness of a binary has the same target and kind.
    let is_test = message.get("profile")?.get("test")?.as_bool()?;
    let path = message.get("executable")?.as_str()?;
    (is_bin && !is_test)
        .then(|| Some((target.get("name")?.as_str()?.to_owned(), path.to_owned())))
        .flatten()
}

fn display(command: &Command) -> String {
    let words: Vec<_> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::executable;

    #[test]
    fn the_binary_is_told_from_its_test_harness() {
        let artifact = |test| {
            format!(
                r#"{{"reason":"compiler-artifact","target":{{"kind":["bin"],"name":"signet"}},
                "profile":{{"test":{test}}},"executable":"/t/signet"}}"#
            )
        };
        let found = executable(&artifact(false));
        assert_eq!(found, Some(("signet".to_owned(), "/t/signet".to_owned())));
        assert_eq!(executable(&artifact(true)), None);
        assert_eq!(
            executable(r#"{"reason":"build-finished","success":true}"#),
            None
        );
    }
}
