//! Resident memory of an instance that has nothing to do.

use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::amount::Unit;
use super::data::{self, Program, Size};
use super::figure::Figure;
use super::instance::Place;
use super::measure::{Measure, Target};
use super::{Lane, Progress};

pub(super) fn measure(lane: &Lane<'_>) -> Result<Vec<Measure>> {
    let signet = Program::build(lane.tree)?;
    Ok(vec![
        at(lane, &signet, Size::SMALL, "10 k users")?.target(Target::at_most(24.0)),
        at(lane, &signet, Size::LARGE, "1 M users and 1 M marks")?.target(Target::at_most(128.0)),
    ])
}

fn at(lane: &Lane<'_>, signet: &Program, size: Size, named: &str) -> Result<Measure> {
    let scratch = data::scratch()?;
    let instance = data::instance(lane, signet, size, scratch.path())?;
    let _progress = Progress::new(&format!("memory with {named}"), 1);
    let process = instance.start(Place::Anywhere, scratch.path())?;
    // What a start leaves behind is given back, or is not, before it is measured.
    thread::sleep(
        lane.care
            .pick(Duration::from_secs(8), Duration::from_secs(4)),
    );
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id()))
        .context("cannot read the memory of the instance")?;
    process.stop()?;
    let resident = field(&status, "VmRSS")?;
    Ok(Measure::new(
        format!("resident memory, idle, {named}"),
        Figure::of([resident]),
        Unit::Mebibytes,
    )
    .beside("anonymous", field(&status, "RssAnon")?, Unit::Mebibytes)
    .beside(
        "program and files",
        field(&status, "RssFile")?,
        Unit::Mebibytes,
    )
    .beside("peak", field(&status, "VmHWM")?, Unit::Mebibytes))
}

/// A field of `/proc/…/status`, in MiB.
pub(super) fn field(status: &str, name: &str) -> Result<f64> {
    status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        .and_then(|value| value.trim().strip_suffix(" kB"))
        .and_then(|number| number.trim().parse::<f64>().ok())
        .map(|kibibytes| kibibytes / 1_024.0)
        .with_context(|| format!("the kernel does not say {name}"))
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn fields_are_read_in_mebibytes() {
        let status = "Name:\tsignet\nVmRSS:\t   20480 kB\nRssAnon:\t    1024 kB\n";
        assert_eq!(field(status, "VmRSS").unwrap(), 20.0);
        assert_eq!(field(status, "RssAnon").unwrap(), 1.0);
        assert!(field(status, "RssFile").is_err());
    }
}
