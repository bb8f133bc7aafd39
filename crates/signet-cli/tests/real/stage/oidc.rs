//! A certified OpenID provider (`oidc-provider` of npm) as a token endpoint that knows client credentials.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::http::Request;
use super::ports;
use super::program::{self, Program};
use super::wait::until;

/// What its clients may ask for; [`FORBIDDEN_SCOPE`] exists, too, but is for nobody.
pub(crate) const SCOPE: &str = "api:read";
pub(crate) const FORBIDDEN_SCOPE: &str = "api:write";

/// The secret of its clients.
pub(crate) const SECRET: &str = "p8e-s3cret:with/odd+characters&=%";

/// A running provider.
#[derive(Debug)]
pub(crate) struct Oidc {
    program: Program,
    port: u16,
    transport: Transport,
    scratch: TempDir,
}

/// How the provider is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Http,
    /// With a certificate that issued itself: [`Oidc::ca_file`].
    Https,
}

/// A client that is known by [`SECRET`], which it presents by `method`.
pub(crate) fn with_secret(id: &str, method: &str) -> Value {
    json!({
        "client_id": id,
        "client_secret": SECRET,
        "token_endpoint_auth_method": method,
        "scope": SCOPE,
    })
}

/// A client that signs with `key`.
pub(crate) fn with_key(id: &str, key: &KeyPair) -> Value {
    json!({
        "client_id": id,
        "token_endpoint_auth_method": "private_key_jwt",
        "public_key": key.public_key_pem(),
        "scope": SCOPE,
    })
}

impl Oidc {
    /// Starts one that has these clients, and waits until it listens.
    ///
    /// # Panics
    /// When Node.js or the package is not installed; the message says what to type.
    pub(crate) fn start(transport: Transport, clients: &[Value]) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let port = ports::free();
        let mut provider = Self {
            program: launch(transport, port, clients, scratch.path()),
            port,
            transport,
            scratch,
        };
        until("the token endpoint", || {
            provider.program.assert_running();
            std::net::TcpStream::connect(("127.0.0.1", port)).ok()
        });
        provider
    }

    /// Where tokens are asked for.
    pub(crate) fn token_endpoint(&self) -> String {
        format!("{}/token", issuer(self.transport, self.port))
    }

    /// The certificate to trust.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.scratch.path().join("ca.pem")
    }

    /// What the provider itself says about a token (RFC 7662), asked by a client with a secret.
    pub(crate) fn introspect(&self, client: &str, token: &str) -> Value {
        let answer = Request::new("POST", "/token/introspection")
            .form(&[
                ("client_id", client),
                ("client_secret", SECRET),
                ("token", token),
            ])
            .to(self.port);
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// Ends it.
    pub(crate) fn end(&mut self) {
        self.program.end();
    }
}

fn launch(transport: Transport, port: u16, clients: &[Value], scratch: &Path) -> Program {
    let mut configuration = json!({
        "issuer": issuer(transport, port),
        "port": port,
        "scopes": [SCOPE, FORBIDDEN_SCOPE],
        "clients": clients,
    });
    if transport == Transport::Https {
        let key = KeyPair::generate().unwrap();
        let parameters = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = parameters.self_signed(&key).unwrap().pem();
        fs::write(scratch.join("ca.pem"), &certificate).unwrap();
        configuration["tls"] = json!({ "cert": certificate, "key": key.serialize_pem() });
    }
    let file = scratch.join("provider.json");
    fs::write(&file, configuration.to_string()).unwrap();
    let mut command: Command = program::command("node", "nodejs");
    command
        .arg(source("provider.mjs"))
        .arg(installed())
        .arg(file);
    Program::start("oidc-provider", command, &scratch.join("log"))
}

fn issuer(transport: Transport, port: u16) -> String {
    let scheme = match transport {
        Transport::Http => "http",
        Transport::Https => "https",
    };
    format!("{scheme}://localhost:{port}")
}

/// Where npm installed the provider, exactly as the lock file says.
fn installed() -> PathBuf {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/npm/oidc");
    let lock = fs::read(directory.join("installed.json")).unwrap_or_default();
    assert!(
        lock == fs::read(source("package-lock.json")).unwrap(),
        "oidc-provider is not installed: `cargo xtask needs`"
    );
    directory.canonicalize().unwrap()
}

fn source(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/real/oidc")
        .join(file)
}
