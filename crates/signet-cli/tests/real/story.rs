//! The story of an installation that kept its keys where the new version did not look, from its beginning to its end.

use std::fs;
use std::path::{Path, PathBuf};

use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;

use crate::stage::http::Request;
use crate::stage::oidc::{Oidc, SECRET, Transport, with_secret};
use crate::stage::ports;
use crate::stage::signet::{Data, Person, Signet};
use crate::stage::wait::until;

const CLIENT: &str = "ims";

/// An instance with one OAuth client, whose endpoint is a real one.
struct Installation {
    signet: Signet,
    admin: u16,
    _provider: Oidc,
}

/// What the instance says about itself.
struct Health {
    result: String,
    /// Everything that is not in order, each in a line.
    complaints: String,
}

impl Installation {
    /// With its keys in the repository, where versions of old had them.
    fn start() -> Self {
        let clients = [with_secret(CLIENT, "client_secret_post")];
        let provider = Oidc::start(Transport::Http, &clients);
        let (port, admin) = (ports::free(), ports::free());
        let config = format!("public_url = \"http://localhost:{port}\"\n");
        let listen = [port, admin].map(|port| format!("127.0.0.1:{port}"));
        let options = ["--listen", &listen[0], "--admin-listen", &listen[1]];
        let signet = Data::new(&config).serve(port, &options);
        signet.run(&["keys", "relocate", "--to", "repository"], "");
        signet.add_user("alice", Person::default());
        let endpoint = provider.token_endpoint();
        let add = [
            &["client", "add", CLIENT, "--token-endpoint", &endpoint][..],
            &[
                "--client-id",
                CLIENT,
                "--auth",
                "client_secret_post",
                "--secret-file",
                "-",
            ],
        ];
        signet.run(&add.concat(), SECRET);
        Self {
            signet,
            admin,
            _provider: provider,
        }
    }

    /// Its administrator installs a version that looks for files, and does not move the keys.
    fn upgrade_wrongly(&mut self) {
        self.signet.program.end();
        fs::write(self.signet.data().join("keys/storage"), "file").unwrap();
        self.signet.start_again_unready();
    }

    /// The kid of the only key of this ring.
    fn key(&self, ring: &str) -> String {
        let list = self.signet.run(&["keys", "list", "--json"], "");
        let list: Value = serde_json::from_str(&list).unwrap();
        let mut keys = list["keys"].as_array().unwrap().iter();
        let key = keys.find(|key| key["ring"] == ring).unwrap();
        key["kid"].as_str().unwrap().to_owned()
    }

    /// `GET /system/health`
    fn health(&self) -> Health {
        let answer = Request::get("/system/health").to(self.admin);
        let report: Value = serde_json::from_slice(&answer.body)
            .unwrap_or_else(|error| panic!("{error}: {}", answer.text()));
        let checks = report["results"].as_array().unwrap().iter();
        let messages = checks.flat_map(|check| check["messages"].as_array().unwrap());
        let complaints: Vec<&str> = messages
            .filter(|message| !matches!(message["status"].as_str(), Some("OK" | "INFO")))
            .map(|message| message["message"].as_str().unwrap())
            .collect();
        Health {
            result: report["overallResult"].as_str().unwrap().to_owned(),
            complaints: complaints.join("\n"),
        }
    }

    /// `signet health`: the exit status that monitoring gets, and the first words.
    fn monitored(&self) -> (Option<i32>, String) {
        let output = self.signet.command(&["health"], "");
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
        )
    }

    /// `signet client check`: nothing if there is a token, or why there is none.
    fn diagnosis(&self) -> Option<Value> {
        let output = self
            .signet
            .command(&["client", "check", CLIENT, "--json"], "");
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        let found = document["clients"][0]["diagnosis"].clone();
        let status = if found.is_null() { 0 } else { 1 };
        assert_eq!(output.status.code(), Some(status), "{document:#}");
        (!found.is_null()).then_some(found)
    }

    fn accepts(&self, token: &str) -> bool {
        let output = self.signet.command(&["token", "verify"], token);
        output.status.success()
    }

    /// The public way: what a proxy hears about this token.
    fn verdict(&self, token: &str) -> u16 {
        let cookie = format!("login-token={token}");
        let ask = Request::get("/auth/request").cookie(&cookie);
        ask.to(self.signet.port).status
    }

    #[track_caller]
    fn assert_well(&self) {
        let health = self.health();
        assert_eq!(health.result, "OK", "{}", health.complaints);
        let (status, said) = self.monitored();
        assert_eq!(status, Some(0), "{said}");
        assert_eq!(self.diagnosis(), None);
    }
}

// K10, O4, O6
#[test]
fn keys_that_were_left_behind_are_found_and_moved() {
    let mut installation = Installation::start();
    installation.assert_well();
    let master = installation.key("master");
    let token = installation.signet.mint("alice", &[]);
    assert_eq!(installation.verdict(&token), 200);
    assert!(!files(&installation).exists() || kids(&files(&installation)).is_empty());

    installation.upgrade_wrongly();

    // Not "invalid_client": which key is missing, where it lies, and what to type.
    let health = installation.health();
    assert_eq!(health.result, "CRITICAL", "{}", health.complaints);
    for words in [
        "keys/storage says \"file\"",
        "are in the repository",
        master.as_str(),
        "signet keys relocate --to file",
    ] {
        assert!(
            health.complaints.contains(words),
            "{words}: {}",
            health.complaints
        );
    }
    assert!(
        !health.complaints.contains("invalid_client"),
        "{}",
        health.complaints
    );
    let (status, said) = installation.monitored();
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("signet keys relocate --to file"), "{said}");
    let diagnosis = installation.diagnosis().unwrap();
    assert_eq!(diagnosis["code"], "SECRET_KEY_MISSING", "{diagnosis:#}");
    let text = diagnosis.to_string();
    assert!(
        text.contains(&master) && text.contains("was not asked"),
        "{text}"
    );
    assert!(!installation.accepts(&token));
    assert_eq!(installation.verdict(&token), 401);

    let moved = installation
        .signet
        .run(&["keys", "relocate", "--to", "file"], "");
    assert!(moved.contains("15"), "fifteen steps: {moved}");

    // Everything is as it was, and nobody restarted anything.
    installation.signet.until_ready();
    until("health", || {
        (installation.health().result == "OK").then_some(())
    });
    installation.signet.program.assert_running();
    installation.assert_well();
    assert_eq!(installation.key("master"), master);
    assert!(installation.accepts(&token));
    assert_eq!(installation.verdict(&token), 200);
    assert_eq!(kids(&files(&installation)), [master]);
    nothing_is_left_in_the_repository_of(&installation.signet.data());
}

fn files(installation: &Installation) -> PathBuf {
    installation.signet.data().join("keys/master")
}

/// The keys that have a file in this directory.
fn kids(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let keys = paths.filter(|path| path.extension().is_some_and(|kind| kind == "jwk"));
    keys.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect()
}

/// Neither the bits of a key nor the text that stands for them is in any part of the database.
fn nothing_is_left_in_the_repository_of(data: &Path) {
    let mut searched = 0;
    for ring in ["hmac", "master"] {
        let directory = data.join("keys").join(ring);
        for kid in kids(&directory) {
            let file = fs::read(directory.join(format!("{kid}.jwk"))).unwrap();
            let jwk: Value = serde_json::from_slice(&file).unwrap();
            let text = jwk["k"].as_str().unwrap().as_bytes();
            let bits = BASE64URL_NOPAD.decode(text).unwrap();
            for part in ["repository.db", "repository.db-wal", "repository.db-shm"] {
                let bytes = fs::read(data.join(part)).unwrap_or_default();
                for needle in [text, &bits] {
                    let found = bytes.windows(needle.len()).any(|window| window == needle);
                    assert!(!found, "key {kid} is still in {part}");
                }
            }
            searched += 1;
        }
    }
    assert_eq!(searched, 2);
}
