//! Signet with a certificate of a private authority: a browser, proxies that verify it, and another TLS.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use data_encoding::BASE64;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, PublicKeyData as _,
};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::stage::PASSWORD;
use crate::stage::browser::Browser;
use crate::stage::http::Request;
use crate::stage::ports;
use crate::stage::program::{self, Program};
use crate::stage::signet::{Data, Person, Signet};
use crate::stage::wait::until;

const COOKIE: &str = "__Host-login-token";

/// Asks with the TLS of Python, which is OpenSSL's: authorities, URL, version. Prints the status.
const CLIENT: &str = "
import ssl, sys, urllib.error, urllib.request
context = ssl.create_default_context(cafile=sys.argv[1])
context.minimum_version = context.maximum_version = ssl.TLSVersion[sys.argv[3]]
try:
    print(urllib.request.urlopen(sys.argv[2], context=context, timeout=20).status)
except urllib.error.HTTPError as error:
    print(error.code)
";

/// An instance that speaks TLS, with a certificate of an authority that was made for it.
struct Secure {
    signet: Signet,
    authorities: TempDir,
    /// The key of the certificate, as Chromium is told it.
    key: String,
}

impl Secure {
    fn start() -> Self {
        let port = ports::free_row(2);
        let data = Data::new(&format!(
            "public_url = \"https://localhost:{port}\"\n\n[listen]\ntrusted_proxies = [\"127.0.0.1\"]\n\n[tls]\ncertificate = \"tls/fullchain.pem\"\nkey_file = \"tls/privkey.pem\"\n"
        ));
        let authorities = tempfile::tempdir().unwrap();
        let key = certify(&data.path().join("tls"), &authorities.path().join("ca.pem"));
        certify(
            &authorities.path().join("other"),
            &authorities.path().join("other.pem"),
        );
        let (listen, admin) = (
            format!("127.0.0.1:{port}"),
            format!("127.0.0.1:{}", port + 1),
        );
        let arguments = ["--listen", &listen, "--admin-listen", &admin];
        let authority = authorities.path().join("ca.pem");
        let signet = data.serve_until(port, &arguments, || {
            let url = format!("https://localhost:{port}/readyz");
            (ask(&authority, &url, "TLSv1_3")? == 200).then_some(())
        });
        signet.add_user("alice", Person::default());
        Self {
            signet,
            authorities,
            key,
        }
    }

    /// Who issued the certificate.
    fn authority(&self) -> PathBuf {
        self.authorities.path().join("ca.pem")
    }

    /// Somebody who did not.
    fn stranger(&self) -> PathBuf {
        self.authorities.path().join("other.pem")
    }

    fn url(&self, target: &str) -> String {
        format!("https://localhost:{}{target}", self.signet.port)
    }
}

/// Writes a certificate for localhost with that of its issuer behind it, its key, and the authority that vouches for the
/// issuer; returns what is pinned of its key.
fn certify(directory: &Path, authority: &Path) -> String {
    fs::create_dir_all(directory).unwrap();
    let issuer = |name: &str| {
        let mut params = named(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        (params, KeyPair::generate().unwrap())
    };
    let (params, key) = issuer("an authority");
    let root = CertifiedIssuer::self_signed(params, key).unwrap();
    let (params, key) = issuer("its deputy");
    let deputy = CertifiedIssuer::signed_by(params, key, &root).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = named("a server", &["localhost"])
        .signed_by(&key, &deputy)
        .unwrap();
    let chain = format!("{}{}", certificate.pem(), deputy.pem());
    fs::write(directory.join("fullchain.pem"), chain).unwrap();
    let file = directory.join("privkey.pem");
    fs::write(&file, key.serialize_pem()).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(authority, root.pem()).unwrap();
    BASE64.encode(&Sha256::digest(key.subject_public_key_info()))
}

fn named(name: &str, hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(hosts).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// The status, if the connection was trusted.
fn ask(authority: &Path, url: &str, version: &str) -> Option<u16> {
    let mut client = program::command("python3", "python3");
    client
        .args(["-c", CLIENT])
        .arg(authority)
        .args([url, version]);
    let output = client.output().unwrap();
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

// C1
#[tokio::test]
async fn a_person_logs_in_over_tls() {
    let secure = Secure::start();
    let browser = Browser::trusting(&secure.key).await;
    browser.open(&secure.url("/login")).await;
    browser.text("#username").await;
    browser.type_keys("alice").await;
    browser.press(fantoccini::key::Key::Tab).await;
    browser.type_keys(PASSWORD).await;
    browser.press(fantoccini::key::Key::Enter).await;
    browser.text("main.wide").await;
    let cookie = browser.client.get_named_cookie(COOKIE).await.unwrap();
    assert_eq!(cookie.secure(), Some(true), "{cookie}");
    assert_eq!(cookie.http_only(), Some(true), "{cookie}");
    assert_eq!(cookie.path(), Some("/"), "{cookie}");
    // Nobody else's pages, and not those of a host below.
    assert!(
        !cookie.domain().unwrap_or_default().starts_with('.'),
        "{cookie}"
    );
    browser.click("header a[href='/logout']").await;
    browser.click("main form button.primary").await;
    browser.text("#username").await;
    assert!(browser.client.get_named_cookie(COOKIE).await.is_err());
    assert_eq!(browser.console().await, [""; 0]);
}

#[test]
fn another_tls_verifies_chain_and_name() {
    let secure = Secure::start();
    for version in ["TLSv1_2", "TLSv1_3"] {
        let ask = |authority: &Path, url: &str| ask(authority, url, version);
        let (authority, stranger) = (secure.authority(), secure.stranger());
        assert_eq!(ask(&authority, &secure.url("/livez")), Some(200));
        assert_eq!(ask(&authority, &secure.url("/whoami")), Some(401));
        assert_eq!(ask(&stranger, &secure.url("/livez")), None);
        let other = secure.url("/livez").replace("localhost", "127.0.0.1");
        assert_eq!(ask(&authority, &other), None);
    }
}

#[test]
fn nginx_verifies_what_it_passes_to() {
    let secure = Secure::start();
    let session = format!("{COOKIE}={}", secure.signet.mint("alice", &[]));
    for (authority, status) in [(secure.authority(), 200), (secure.stranger(), 502)] {
        let site = ports::free();
        let prefix = tempfile::tempdir().unwrap();
        let config = prefix.path().join("nginx.conf");
        let text = format!(
            "pid nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen 127.0.0.1:{site};
        location / {{
            proxy_pass https://127.0.0.1:{port};
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
            proxy_set_header Host localhost:{port};
            proxy_ssl_verify on;
            proxy_ssl_verify_depth 2;
            proxy_ssl_trusted_certificate {authority};
            proxy_ssl_name localhost;
            proxy_ssl_server_name on;
        }}
    }}
}}
",
            port = secure.signet.port,
            authority = authority.display(),
        );
        fs::write(&config, text).unwrap();
        let mut command = program::command("nginx", "nginx");
        command.arg("-p").arg(prefix.path()).arg("-c").arg(&config);
        command.args(["-g", "daemon off;"]);
        let proxy = Program::start("nginx", command, &prefix.path().join("log"));
        check(proxy, site, &session, status);
    }
}

#[test]
fn haproxy_verifies_what_it_passes_to() {
    let secure = Secure::start();
    let session = format!("{COOKIE}={}", secure.signet.mint("alice", &[]));
    for (authority, status) in [(secure.authority(), 200), (secure.stranger(), 503)] {
        let site = ports::free();
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join("haproxy.cfg");
        let text = format!(
            "defaults
    mode http
    retries 0
    timeout connect 5s
    timeout client 30s
    timeout server 30s

frontend site
    bind 127.0.0.1:{site}
    http-request set-header Host localhost:{port}
    default_backend signet

backend signet
    server one 127.0.0.1:{port} ssl verify required ca-file {authority} sni str(localhost) verifyhost localhost
",
            port = secure.signet.port,
            authority = authority.display(),
        );
        fs::write(&config, text).unwrap();
        let mut command = program::command("haproxy", "haproxy");
        command.arg("-f").arg(&config);
        let proxy = Program::start("haproxy", command, &directory.path().join("log"));
        check(proxy, site, &session, status);
    }
}

/// What comes through a proxy, as it should be.
fn check(mut proxy: Program, site: u16, session: &str, status: u16) {
    until("the proxy", || {
        proxy.assert_running();
        Request::get("/livez").send(site).ok()
    });
    for _ in 0..3 {
        let answer = Request::script("/whoami").cookie(session).to(site);
        assert_eq!(answer.status, status, "{answer:?}");
    }
    if status == 200 {
        assert_eq!(Request::script("/whoami").to(site).status, 401);
    }
}
