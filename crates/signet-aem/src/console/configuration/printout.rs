//! One configuration from the printout of all.
//!
//! ```text
//! PID = <pid>
//!   Factory PID = <pid>
//!   BundleLocation = <location>
//!   <name> = <value>
//! <empty line>
//! ```

use zeroize::Zeroizing;

/// With it every printout begins.
const HEAD: &str = "Status: ";
const PID: &str = "PID = ";
/// What is said of each configuration besides its properties, or again with them.
const BESIDES: [&str; 6] = [
    "Factory PID",
    "BundleLocation",
    "ChangeCount",
    "service.pid",
    "service.factoryPid",
    "service.bundleLocation",
];

/// Whether this is a printout of configurations.
pub(super) fn is_one(text: &[u8]) -> bool {
    let start = text.get(..text.len().min(4 * 1024)).unwrap_or_default();
    String::from_utf8_lossy(start)
        .lines()
        .any(|line| line.starts_with(HEAD) && line.contains("onfigurations"))
}

/// Names and values of the properties of `pid`.
///
/// A value may have several lines, and some of them may look like properties: they are taken for such. To keep a property that
/// does not exist costs nothing.
pub(super) fn properties(text: &[u8], pid: &str) -> Vec<(String, Zeroizing<String>)> {
    let text = Zeroizing::new(String::from_utf8_lossy(text).into_owned());
    let mut found: Vec<(String, Zeroizing<String>)> = Vec::new();
    let mut lines = text.lines();
    if !lines.any(|line| line.strip_prefix(PID) == Some(pid)) {
        return found;
    }
    // An empty line may belong to a value; the next configuration does not.
    for line in lines.take_while(|line| !line.starts_with(PID)) {
        let property = line
            .strip_prefix("  ")
            .and_then(|line| line.split_once(" = "));
        match property {
            Some((name, _)) if BESIDES.contains(&name) => {}
            Some((name, value)) => found.push((name.to_owned(), Zeroizing::new(value.to_owned()))),
            None => {
                if let Some((_, value)) = found.last_mut().filter(|_| !line.is_empty()) {
                    value.push('\n');
                    value.push_str(line);
                }
            }
        }
    }
    found
}

/// Whether a value may be a list.
pub(super) fn may_be_list(value: &str) -> bool {
    value.starts_with('[') && value.ends_with(']')
}
