//! The farm that `signet lab` runs.

use std::fs;
use std::process::Command;

use serde::de::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

use super::ports;
use super::program::Program;
use super::wait::until;

/// A running farm.
#[derive(Debug)]
pub(crate) struct Lab {
    _program: Program,
    /// The balancer's address, without a path.
    pub(crate) url: String,
    pub(crate) user: String,
    pub(crate) password: String,
    /// The names of the instances behind the balancer.
    pub(crate) instances: Vec<String>,
    _scratch: TempDir,
}

impl Lab {
    /// Starts author, two publish instances and the balancer on free ports.
    pub(crate) fn start() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_signet"));
        let publish = ports::free_row(2);
        command.args(["lab", "--json"]);
        for (option, port) in [
            ("--port", ports::free()),
            ("--author-port", ports::free()),
            ("--publish-port", publish),
        ] {
            command.args([option, &port.to_string()]);
        }
        let log = scratch.path().join("lab.log");
        let mut program = Program::start("signet lab", command, &log);
        let told = until("the lab", || {
            program.assert_running();
            overview(&fs::read_to_string(&log).unwrap())
        });
        let text = |key: &str| told[key].as_str().unwrap().to_owned();
        let behind = |instance: &&Value| instance["role"] == "publish";
        let instances = told["instances"].as_array().unwrap().iter();
        Self {
            url: text("url").trim_end_matches('/').to_owned(),
            user: text("user"),
            password: text("password"),
            instances: instances
                .filter(behind)
                .map(|instance| instance["name"].as_str().unwrap().to_owned())
                .collect(),
            _program: program,
            _scratch: scratch,
        }
    }
}

/// The document that the lab prints when everything runs.
fn overview(log: &str) -> Option<Value> {
    let start = log.find('{')?;
    let mut document = serde_json::Deserializer::from_str(&log[start..]);
    Value::deserialize(&mut document).ok()
}
