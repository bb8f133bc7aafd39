//! An instance of Signet: the program under test, with a data directory of its own.

use std::fs::{self, DirBuilder};
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use super::PASSWORD;
use super::http::Request;
use super::program::Program;
use super::wait::until;

/// A running instance.
#[derive(Debug)]
pub(crate) struct Signet {
    pub(crate) program: Program,
    /// Its public listener.
    pub(crate) port: u16,
    arguments: Vec<String>,
    data: Data,
}

/// A data directory, which goes when the value is dropped.
#[derive(Debug)]
pub(crate) struct Data {
    root: TempDir,
}

/// Who somebody is, beside the id.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Person<'a> {
    pub(crate) name: &'a str,
    pub(crate) mail: &'a str,
    pub(crate) group: &'a str,
}

impl Data {
    /// A new directory with this configuration.
    pub(crate) fn new(config: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        let data = Self { root };
        private(&data.path());
        fs::write(data.path().join("signet.toml"), config).unwrap();
        data
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.root.path().join("data")
    }

    /// Takes over the keys of another instance, as an administrator would with `cp`.
    pub(crate) fn take_keys(&self, from: &Path) {
        for ring in ["hmac", "master"] {
            let (source, target) = (
                from.join("keys").join(ring),
                self.path().join("keys").join(ring),
            );
            private(&target);
            for entry in fs::read_dir(source).unwrap() {
                let entry = entry.unwrap();
                fs::copy(entry.path(), target.join(entry.file_name())).unwrap();
            }
        }
    }

    /// Starts an instance on this directory, and waits until it is ready.
    pub(crate) fn serve(self, port: u16, arguments: &[&str]) -> Signet {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        let mut signet = Signet {
            program: self.start(port, &arguments),
            port,
            arguments,
            data: self,
        };
        signet.until_ready();
        signet
    }

    /// The same with another way to see that it is ready.
    pub(crate) fn serve_until(
        self,
        port: u16,
        arguments: &[&str],
        is_ready: impl Fn() -> Option<()>,
    ) -> Signet {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        let mut program = self.start(port, &arguments);
        until("signet", || {
            program.assert_running();
            is_ready()
        });
        Signet {
            program,
            port,
            arguments,
            data: self,
        }
    }

    fn start(&self, port: u16, arguments: &[String]) -> Program {
        let mut command = Command::new(env!("CARGO_BIN_EXE_signet"));
        command.arg("serve").args(arguments);
        command.arg("--data").arg(self.path());
        let log = self.root.path().join("signet.log");
        Program::start(&format!("signet on {port}"), command, &log)
    }
}

impl Signet {
    /// Starts it again after it has ended.
    pub(crate) fn start_again(&mut self) {
        self.program = self.data.start(self.port, &self.arguments);
        self.until_ready();
    }

    /// The same, for one that something keeps from being ready.
    pub(crate) fn start_again_unready(&mut self) {
        self.program = self.data.start(self.port, &self.arguments);
        self.until("/livez", 200);
        self.until("/readyz", 503);
    }

    /// Waits until it says that it is ready.
    pub(crate) fn until_ready(&mut self) {
        self.until("/readyz", 200);
    }

    fn until(&mut self, target: &str, status: u16) {
        let port = self.port;
        until(&format!("{status} of signet's {target}"), || {
            self.program.assert_running();
            let answer = Request::get(target).send(port).ok()?;
            (answer.status == status).then_some(())
        });
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.data.path()
    }

    /// Runs a command on the data directory. `input` is its standard input.
    pub(crate) fn command(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_signet"))
            .args(arguments)
            .arg("--data")
            .arg(self.data())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A command that asks for nothing may be gone by now.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        child.wait_with_output().unwrap()
    }

    /// The same, for one that must work; what it printed.
    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> String {
        let output = self.command(arguments, input);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "signet {arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Adds a user with [`PASSWORD`].
    pub(crate) fn add_user(&self, id: &str, person: Person<'_>) {
        let mut arguments = vec!["user", "add", id, "--password-file", "-"];
        for (option, value) in [
            ("--name", person.name),
            ("--mail", person.mail),
            ("--group", person.group),
        ] {
            if !value.is_empty() {
                arguments.extend([option, value]);
            }
        }
        self.run(&arguments, &format!("{PASSWORD}\n"));
    }

    /// A token of this user, whose session begins now.
    pub(crate) fn mint(&self, id: &str, arguments: &[&str]) -> String {
        let arguments = [&["token", "mint", id][..], arguments].concat();
        self.run(&arguments, "").trim().to_owned()
    }
}

fn private(directory: &Path) {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .unwrap();
}
