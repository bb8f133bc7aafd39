//! A real Chromium, driven through chromedriver.

mod command;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::key::Key;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::http::Request;
use super::ports;
use super::program::{self, Program};
use super::wait::until;
use command::DriverCommand;

/// How long a page may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(40);

/// A browser with a fresh profile. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Browser {
    pub(crate) client: Client,
    session: String,
    port: u16,
    _driver: Program,
    _profile: TempDir,
}

/// Whether pages may run scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Script {
    On,
    Off,
}

impl Browser {
    pub(crate) async fn start(script: Script) -> Self {
        Self::start_with(script, &[]).await
    }

    /// One that trusts certificates with this key, the SHA-256 of which is written in Base64, and no others more than usual.
    pub(crate) async fn trusting(key: &str) -> Self {
        let argument = format!("--ignore-certificate-errors-spki-list={key}");
        Self::start_with(Script::On, &[argument]).await
    }

    async fn start_with(script: Script, more: &[String]) -> Self {
        // Chromedriver starts it; here it is only made sure that there is one.
        let chromium = program::command("chromium", "chromium");
        let profile = tempfile::tempdir().unwrap();
        let port = ports::free();
        let mut command = program::command("chromedriver", "chromium-driver");
        command.arg(format!("--port={port}"));
        // What Chromium forgets to remove goes with the profile.
        command.env("TMPDIR", profile.path());
        let log = profile.path().join("chromedriver.log");
        let mut driver = Program::start("chromedriver", command, &log);
        until("chromedriver", || {
            driver.assert_running();
            Request::get("/status").send(port).ok()
        });
        let mut options = ClientBuilder::new(HttpConnector::new());
        options.capabilities(capabilities(
            Path::new(chromium.get_program()),
            profile.path(),
            script,
            more,
        ));
        let client = options
            .connect(&format!("http://localhost:{port}"))
            .await
            .unwrap();
        let session = client.session_id().await.unwrap().unwrap();
        Self {
            client,
            session,
            port,
            _driver: driver,
            _profile: profile,
        }
    }

    pub(crate) async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// Waits until the page has such an element, and returns its text.
    pub(crate) async fn text(&self, css: &str) -> String {
        let wait = self.client.wait().at_most(PATIENCE);
        let element = wait.for_element(Locator::Css(css)).await;
        element.unwrap().text().await.unwrap()
    }

    pub(crate) async fn has(&self, css: &str) -> bool {
        let found = self.client.find_all(Locator::Css(css)).await.unwrap();
        !found.is_empty()
    }

    pub(crate) async fn click(&self, css: &str) {
        let wait = self.client.wait().at_most(PATIENCE);
        let element = wait.for_element(Locator::Css(css)).await.unwrap();
        element.click().await.unwrap();
    }

    pub(crate) async fn path(&self) -> String {
        self.client.current_url().await.unwrap().path().to_owned()
    }

    /// Types on the keyboard, wherever the focus is.
    pub(crate) async fn type_keys(&self, text: &str) {
        let keys = text
            .chars()
            .fold(KeyActions::new("keyboard".to_owned()), |keys, value| {
                keys.then(KeyAction::Down { value })
                    .then(KeyAction::Up { value })
            });
        self.client.perform_actions(keys).await.unwrap();
    }

    pub(crate) async fn press(&self, key: Key) {
        self.type_keys(&char::from(key).to_string()).await;
    }

    /// A property of the element that has the focus.
    pub(crate) async fn focused(&self, property: &str) -> String {
        let element = self.client.active_element().await.unwrap();
        element.prop(property).await.unwrap().unwrap_or_default()
    }

    /// A command of the DevTools protocol.
    pub(crate) async fn devtools(&self, name: &str, parameters: Value) {
        let command = DriverCommand {
            path: "goog/cdp/execute",
            body: json!({ "cmd": name, "params": parameters }),
        };
        self.client.issue_cmd(command).await.unwrap();
    }

    /// What the browser has to say about the pages since it was last asked.
    pub(crate) async fn console(&self) -> Vec<String> {
        let command = DriverCommand {
            path: "se/log",
            body: json!({ "type": "browser" }),
        };
        let entries = self.client.issue_cmd(command).await.unwrap();
        let entries = entries.as_array().unwrap().iter();
        entries
            .map(|entry| entry["message"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Writes what is to be seen into `target/screenshots`.
    pub(crate) async fn photograph(&self, name: &str) {
        let picture = self.client.screenshot().await.unwrap();
        fs::write(gallery().join(format!("{name}.png")), picture).unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ends Chromium, which chromedriver would leave behind.
        let _ = Request::new("DELETE", &format!("/session/{}", self.session)).send(self.port);
    }
}

fn capabilities(
    chromium: &Path,
    profile: &Path,
    script: Script,
    more: &[String],
) -> serde_json::Map<String, Value> {
    let arguments = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1100,900",
        // Nothing leaves this machine.
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
    ];
    let mut arguments: Vec<_> = arguments.map(str::to_owned).to_vec();
    let directory = profile.join("profile");
    arguments.push(format!("--user-data-dir={}", directory.display()));
    arguments.extend_from_slice(more);
    let preferences = match script {
        Script::On => json!({}),
        Script::Off => json!({ "profile.managed_default_content_settings.javascript": 2 }),
    };
    let capabilities = json!({
        "browserName": "chrome",
        "goog:loggingPrefs": { "browser": "ALL" },
        "goog:chromeOptions": { "args": arguments, "binary": chromium, "prefs": preferences },
    });
    match capabilities {
        Value::Object(capabilities) => capabilities,
        _ => unreachable!(),
    }
}

fn gallery() -> PathBuf {
    let gallery = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../screenshots");
    fs::create_dir_all(&gallery).unwrap();
    gallery
}
