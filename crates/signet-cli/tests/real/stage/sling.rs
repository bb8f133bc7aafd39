//! A real Apache Sling on Oak, in the shape of AEM: Felix with its web console, servlets, authentication, health checks.
//!
//! The two bundles of the keys are ours, and behave as AEM's publicly do: see `tests/real/sling/bundles`.
//! [`Sling::start`] takes about six seconds, after the first that asks has made an installation for all (about a minute).
//!
//! A `Sling` belongs to the thread that started it, which is that of the test: the process ends with it.

mod client;
mod installation;
mod process;
mod quickstart;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use self::client::Client;
use self::installation::Installation;
use super::http::{Answer, Request};
use super::program::Program;
use super::{PASSWORD, ports, wait};

/// Its administrator, whose password is [`PASSWORD`].
pub(crate) const USER: &str = "admin";

/// The bundle that uses the keys, and notes in `storage` where they are.
pub(crate) const CRYPTO: &str = "com.adobe.granite.crypto";

/// The bundle whose data folder has the keys.
pub(crate) const CRYPTO_FILE: &str = "com.adobe.granite.crypto.file";

/// The bundle of the web console.
pub(crate) const WEB_CONSOLE: &str = "org.apache.felix.webconsole";

/// The configuration in which encapsulated tokens are switched on.
pub(crate) const TOKEN_HANDLER: &str =
    "com.day.crx.security.token.impl.impl.TokenAuthenticationHandler";

/// Where an installation keeps its keys when it is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    /// In files: `storage` says `Bundle`. New random keys.
    Files,
    /// In the repository, as after an upgrade: `storage` says `JCR`, and the files are never made. New random keys.
    Repository,
}

/// A Sling with an installation of its own, which goes with the value.
#[derive(Debug)]
pub(crate) struct Sling {
    program: Option<Program>,
    client: Client,
    keys: Keys,
    pub(crate) port: u16,
    root: TempDir,
}

impl Sling {
    /// Makes a new installation, starts it, and waits until it is ready.
    ///
    /// # Panics
    /// When Java or the jars are not installed; the message says what to type.
    pub(crate) fn start(keys: Keys) -> Self {
        let mut sling = Self::install(keys);
        sling.start_again();
        sling
    }

    /// Makes a new installation that has not been started: it has no keys yet.
    pub(crate) fn install(keys: Keys) -> Self {
        let port = ports::free();
        let sling = Self {
            program: None,
            client: Client::new(port, USER, PASSWORD),
            keys,
            port,
            root: tempfile::tempdir().unwrap(),
        };
        Installation::get().copy_to(&sling.folder());
        for bundle in [CRYPTO, CRYPTO_FILE] {
            fs::remove_dir_all(sling.data(bundle)).unwrap();
        }
        sling
    }

    /// Gives an installation that does not run a web console of 4.6 or later, in the place of the starter's.
    pub(crate) fn put_newer_web_console(&self) {
        assert!(self.program.is_none(), "it runs");
        // The framework reads whatever jar lies there when it starts.
        let jar = self
            .bundle_folder(WEB_CONSOLE)
            .join("version0.0/bundle.jar");
        fs::copy(quickstart::newer_web_console(), jar).unwrap();
    }

    /// Its address, without a path.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its `crx-quickstart`: what `signet aem` is given as DIR.
    pub(crate) fn folder(&self) -> PathBuf {
        self.root.path().join("crx-quickstart")
    }

    /// The process, while it runs.
    pub(crate) fn process(&self) -> Option<u32> {
        self.program.as_ref().map(Program::id)
    }

    /// A place beside it, for whatever a test writes.
    pub(crate) fn scratch(&self) -> &Path {
        self.root.path()
    }

    /// Stops it as an administrator does, and returns when the process is gone.
    pub(crate) fn stop(&mut self) {
        let mut program = self.program.take().unwrap();
        process::stop(&mut program);
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.program.take().unwrap().kill();
    }

    /// Starts it after it was stopped, on the same port, and waits until it is ready.
    pub(crate) fn start_again(&mut self) {
        assert!(self.program.is_none(), "it runs");
        let properties: &[&str] = match self.keys {
            Keys::Files => &[],
            Keys::Repository => &["com.adobe.granite.crypto.file.disable=true"],
        };
        let jar = &Installation::get().quickstart;
        let log = self.root.path().join("sling.log");
        let mut program = process::start(jar, &self.folder(), self.port, properties, &log);
        process::until(&mut program, "Sling is ready", || self.client.is_ready());
        self.program = Some(program);
    }

    /// Waits until it is ready, as after something that made a bundle or all of it start again.
    pub(crate) fn until_ready(&mut self) {
        let program = self.program.as_mut().unwrap();
        process::until(program, "Sling is ready again", || self.client.is_ready());
    }

    /// Runs `signet WORDS…` as an administrator who knows [`USER`] and [`PASSWORD`]. `input` is its standard input.
    pub(crate) fn signet(&self, words: &[&str], input: &str) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_signet"))
            .args(words)
            .current_dir(self.scratch())
            .env("HOME", self.scratch())
            .env("SIGNET_DATA", self.scratch().join("signet-data"))
            .env("SIGNET_AEM_CREDENTIALS", format!("{USER}:{PASSWORD}"))
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

    /// Sends a request as its administrator.
    #[track_caller]
    pub(crate) fn send(&self, request: Request) -> Answer {
        self.client.send(request)
    }

    /// The JSON that a path has for its administrator.
    #[track_caller]
    pub(crate) fn json(&self, target: &str) -> Value {
        self.client.json(Request::get(target))
    }

    /// The data folder of a bundle on the disk, running or not: `…/felix/bundle<N>/data`.
    pub(crate) fn data(&self, bundle: &str) -> PathBuf {
        self.bundle_folder(bundle).join("data")
    }

    /// The folder of a bundle on the disk, running or not: `…/felix/bundle<N>`.
    pub(crate) fn bundle_folder(&self, bundle: &str) -> PathBuf {
        let end = |path: &Path| {
            let info = fs::read_to_string(path.join("bundle.info")).unwrap_or_default();
            let location = info.lines().nth(1).unwrap_or_default();
            let file = location.rsplit('/').next().unwrap().to_owned();
            let version = file.strip_prefix(bundle)?.strip_prefix('-')?;
            version
                .starts_with(|first: char| first.is_ascii_digit())
                .then_some(())
        };
        let felix = self.folder().join("launchpad/felix");
        let mut found = fs::read_dir(felix).unwrap().filter_map(|entry| {
            let path = entry.unwrap().path();
            end(&path).map(|()| path)
        });
        let only = found
            .next()
            .unwrap_or_else(|| panic!("{bundle} is not installed"));
        assert!(found.next().is_none(), "{bundle} is installed twice");
        only
    }

    /// The bytes of `storage`, which say where the keys are.
    pub(crate) fn storage(&self) -> Vec<u8> {
        fs::read(self.data(CRYPTO).join("storage")).unwrap()
    }

    /// Writes these bytes into `storage`; they count from the next start of the bundle.
    pub(crate) fn set_storage(&self, bytes: &[u8]) {
        let data = self.data(CRYPTO);
        fs::create_dir_all(&data).unwrap();
        fs::write(data.join("storage"), bytes).unwrap();
    }

    /// A key file: `hmac` or `master`.
    pub(crate) fn key_file(&self, name: &str) -> PathBuf {
        self.data(CRYPTO_FILE).join(name)
    }

    /// Writes both key files; they count from the next start of the bundle that uses them.
    pub(crate) fn put_keys_in_files(&self, hmac: &[u8], master: &[u8]) {
        fs::create_dir_all(self.data(CRYPTO_FILE)).unwrap();
        fs::write(self.key_file("hmac"), hmac).unwrap();
        fs::write(self.key_file("master"), master).unwrap();
    }

    /// Writes both keys as binary properties of `/etc/key`; they count from the next start of the bundle that uses them.
    pub(crate) fn put_keys_in_repository(&self, hmac: &[u8], master: &[u8]) {
        self.remove_keys_from_repository();
        for (name, key) in [("hmac", hmac), ("master", master)] {
            let target = format!("/crx/server/crx.default/jcr:root/etc/key/{name}");
            let put = Request::new("PUT", &target).header("Content-Type", "jcr-value/binary");
            self.client.expect(201, put.body(key));
        }
    }

    /// The same as `nt:file`: what some packages make of them.
    pub(crate) fn put_key_files_in_repository(&self, hmac: &[u8], master: &[u8]) {
        self.remove_keys_from_repository();
        for (name, key) in [("hmac", hmac), ("master", master)] {
            let hint = format!("{name}@TypeHint");
            let parts = [
                (hint.as_str(), None, &b"nt:file"[..]),
                (name, Some("key"), key),
            ];
            self.client.expect(200, client::upload("/etc/key", &parts));
        }
    }

    /// Removes both from `/etc/key`, whatever their shape.
    pub(crate) fn remove_keys_from_repository(&self) {
        let delete = [("hmac@Delete", ""), ("master@Delete", "")];
        let post = Request::new("POST", "/etc/key").form(&delete);
        self.client.expect(200, post);
    }

    /// A key in `/etc/key`, whatever its shape.
    pub(crate) fn key_in_repository(&self, name: &str) -> Option<Vec<u8>> {
        let answer = self.send(Request::get(&format!("/etc/key/{name}")));
        match answer.status {
            200 => Some(answer.body),
            404 => None,
            status => panic!("{status}: {}", answer.text()),
        }
    }

    /// A text protected with the master key that the instance runs with.
    pub(crate) fn protect(&self, text: &str) -> String {
        let post = Request::new("POST", "/system/console/crypto/.json").form(&[("datum", text)]);
        let answer = self.client.json(post);
        answer["protected"].as_str().unwrap().to_owned()
    }

    /// A token against forged requests, made with the HMAC key that the instance runs with.
    pub(crate) fn csrf_token(&self) -> String {
        let answer = self.json("/libs/granite/csrf/token.json");
        answer["token"].as_str().unwrap().to_owned()
    }

    /// Whether it takes a change that carries this token.
    pub(crate) fn accepts(&self, csrf_token: &str) -> bool {
        let post = Request::new("POST", "/content/accepted").header("CSRF-Token", csrf_token);
        match self.send(post.form(&[("a", "b")])).status {
            200 | 201 => true,
            403 => false,
            status => panic!("{status}"),
        }
    }

    /// What the console knows of a bundle, by its symbolic name.
    pub(crate) fn bundle(&self, name: &str) -> Value {
        let answer = self.json(&format!("/system/console/bundles/{name}.json"));
        answer["data"][0].clone()
    }

    /// `start`, `stop`, `refresh` or `update`.
    pub(crate) fn act(&self, action: &str, bundle: &str) {
        let target = format!("/system/console/bundles/{bundle}");
        let post = Request::new("POST", &target).form(&[("action", action)]);
        self.client.expect(200, post);
    }

    /// Installs a bundle over itself, as with a new version of it: a new revision in the same folder.
    pub(crate) fn install_again(&mut self, bundle: &str) {
        let folder = self.bundle_folder(bundle);
        let revisions = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let jars = revisions.map(|revision| revision.join("bundle.jar"));
        let jar = jars.filter(|jar| jar.is_file()).max().unwrap();
        let parts = [
            ("action", None, &b"install"[..]),
            ("bundlestart", None, b"start"),
            ("refreshPackages", None, b"refresh"),
            ("bundlefile", Some("bundle.jar"), &fs::read(&jar).unwrap()),
        ];
        let post = client::upload("/system/console/bundles", &parts);
        self.client.expect(302, post);
        // It happens after the answer.
        wait::until("the new revision", || (!jar.exists()).then_some(()));
        self.until_ready();
    }

    /// The values of a configuration, defaults included. A list is an array.
    pub(crate) fn configuration(&self, pid: &str) -> Value {
        let target = format!("/system/console/configMgr/{pid}");
        let answer = self.client.json(Request::new("POST", &target).form(&[]));
        let properties = answer["properties"].as_object().unwrap().iter();
        let values = properties.map(|(name, property)| {
            let key = if property["values"].is_array() {
                "values"
            } else {
                "value"
            };
            (name.clone(), property[key].clone())
        });
        values.collect()
    }

    /// Sets a configuration: all of its properties, as the console has it. For a list a name is given several times.
    pub(crate) fn configure(&self, pid: &str, properties: &[(&str, &str)]) {
        self.write_configuration(pid, &[], properties);
    }

    /// Makes a configuration of a factory.
    pub(crate) fn configure_factory(&self, factory: &str, properties: &[(&str, &str)]) {
        let new = "[Temporary PID replaced by real PID upon save]";
        self.write_configuration(new, &[("factoryPid", factory)], properties);
    }

    fn write_configuration(&self, pid: &str, more: &[(&str, &str)], properties: &[(&str, &str)]) {
        let mut names: Vec<_> = properties.iter().map(|(name, _)| *name).collect();
        names.dedup();
        let names = names.join(",");
        let fields = [
            &[
                ("apply", "true"),
                ("action", "ajaxConfigManager"),
                ("propertylist", &names),
            ],
            more,
            properties,
        ]
        .concat();
        let pid = pid
            .replace(' ', "%20")
            .replace('[', "%5B")
            .replace(']', "%5D");
        let target = format!("/system/console/configMgr/{pid}");
        self.client
            .expect(302, Request::new("POST", &target).form(&fields));
    }
}

impl Drop for Sling {
    fn drop(&mut self) {
        let Some(program) = &mut self.program else {
            return;
        };
        if std::thread::panicking() {
            let log = fs::read(self.root.path().join("crx-quickstart/logs/error.log"));
            let log = String::from_utf8_lossy(&log.unwrap_or_default()).into_owned();
            let lines: Vec<_> = log
                .lines()
                .filter(|line| line.contains("*ERROR*"))
                .collect();
            eprintln!(
                "---- errors of Sling on {} ----\n{}",
                self.port,
                lines.join("\n")
            );
        }
        // Nothing of it is needed any more, and a graceful end takes seconds.
        if !program.has_ended() {
            program.kill();
        }
    }
}

/// What the installation is made of.
fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/real/sling")
        .join(path)
}
