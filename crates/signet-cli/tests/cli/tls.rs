//! A certificate for the listeners: shown, renewed, refused, and looked after.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use sha2::{Digest as _, Sha256};
use signet_core::UnixSeconds;
use signet_http::{Answer, ExchangeError, Limits, Pin, Plain, Server, exchange, exchange_pinned};
use url::Url;

use crate::scratch::Scratch;
use crate::serving::{Running, SERVE};

const CONFIG: &str = "public_url = \"https://localhost\"\n\n[tls]\ncertificate = \"tls/cert.pem\"\nkey_file = \"tls/key.pem\"\n";
const PATIENCE: Duration = Duration::from_secs(30);

/// A certificate that signs itself.
struct Made {
    certificate: String,
    key: String,
    pin: Pin,
}

impl Made {
    fn new() -> Self {
        Self::between(2020, 2090)
    }

    fn between(from: i32, to: i32) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        let certificate = params.self_signed(&key).unwrap();
        Self {
            pin: Pin(Sha256::digest(certificate.der()).into()),
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }

    fn fingerprint(&self) -> String {
        self.pin.0.map(|byte| format!("{byte:02x}")).concat()
    }
}

fn files(scratch: &Scratch) -> (PathBuf, PathBuf) {
    let directory = scratch.data().join("tls");
    fs::create_dir_all(&directory).unwrap();
    (directory.join("cert.pem"), directory.join("key.pem"))
}

fn put(scratch: &Scratch, made: &Made) {
    let (certificate, key) = files(scratch);
    fs::write(certificate, &made.certificate).unwrap();
    put_key(&key, &made.key);
}

fn put_key(path: &Path, key: &str) {
    fs::write(path, key).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// A data directory whose listeners speak TLS.
fn scratch(made: &Made) -> Scratch {
    let scratch = Scratch::configured(CONFIG);
    put(&scratch, made);
    scratch
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

/// As a client that trusts the certificate in `ca` asks, and looks at name and time.
fn get(address: SocketAddr, target: &str, ca: &Path) -> Result<Answer, ExchangeError> {
    let url = Url::parse(&format!("https://localhost:{}", address.port())).unwrap();
    let server = Server {
        url: &url,
        ca_file: Some(ca),
        plain: Plain::OnThisMachine,
    };
    let now = UnixSeconds(1_790_000_000);
    block_on(exchange(&server, request(target), LIMITS, now))
}

/// Whether this is the certificate that is shown.
fn shows(address: SocketAddr, made: &Made) -> bool {
    let url = Url::parse(&format!("https://{address}")).unwrap();
    let server = Server {
        url: &url,
        ca_file: None,
        plain: Plain::OnThisMachine,
    };
    block_on(exchange_pinned(
        &server,
        made.pin,
        request("/livez"),
        LIMITS,
    ))
    .is_ok()
}

const LIMITS: Limits = Limits {
    deadline: PATIENCE,
    longest_body: 1_024 * 1_024,
};

fn request(target: &str) -> Request<Full<Bytes>> {
    Request::get(target).body(Full::default()).unwrap()
}

fn log(scratch: &Scratch) -> String {
    fs::read_to_string(scratch.path().join("log")).unwrap()
}

#[test]
fn both_listeners_speak_tls_and_commands_find_their_way() {
    let made = Made::new();
    let scratch = scratch(&made);
    scratch.add("alice");
    let running = Running::start(&scratch);
    let (certificate, _) = files(&scratch);
    for (address, target, body) in [
        (running.public(), "/livez", "alive\n"),
        (running.admin_address(), "/readyz", "ready\n"),
    ] {
        let answer = get(address, target, &certificate).unwrap();
        assert_eq!(answer.body.as_deref(), Some(body.as_bytes()));
    }
    let health = scratch.run(&["health", "--tags", "tls"]).done();
    assert!(
        health.stdout.starts_with("SIGNET OK") && health.stdout.contains("2090-01-01"),
        "{health:?}"
    );
    // How many sessions would end is asked of the running instance.
    let keys = scratch.json(&["keys", "list"]);
    let kid = keys["keys"][0]["kid"].as_str().unwrap();
    let revoked = scratch
        .run(&["keys", "revoke", kid, "--rotate", "--yes"])
        .done();
    assert!(
        !format!("{}{}", revoked.stdout, revoked.stderr).contains("cannot be known"),
        "{revoked:?}"
    );
    assert_eq!(scratch.json(&["user", "show", "alice"])["id"], "alice");
    running.terminate();
    let log = log(&scratch);
    assert!(
        log.contains(&made.fingerprint()) && log.contains("listen.public=\"https://127.0.0.1:"),
        "{log}"
    );
}

#[test]
fn plain_http_is_told_to_come_with_tls() {
    let scratch = scratch(&Made::new());
    let running = Running::start(&scratch);
    for address in [running.public(), running.admin_address()] {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 400 ") && answer.ends_with("begin the URL with https://"),
            "{answer}"
        );
    }
    let (certificate, _) = files(&scratch);
    let metrics = get(running.admin_address(), "/metrics", &certificate).unwrap();
    let metrics = String::from_utf8(metrics.body.unwrap().to_vec()).unwrap();
    assert!(
        metrics.contains("\nsignet_tls_handshake_failures_total 2\n"),
        "{metrics}"
    );
}

#[test]
fn one_listener_may_speak_tls_alone() {
    let made = Made::new();
    let scratch = Scratch::configured(&format!("{CONFIG}admin = false\n"));
    put(&scratch, &made);
    let running = Running::start(&scratch);
    assert!(shows(running.public(), &made));
    assert_eq!(running.admin("/livez").0, 200);
    scratch.run(&["health", "--tags", "tls"]).done();
    drop(running);

    let config = CONFIG.replace("https://localhost", "http://localhost:8080");
    let scratch = Scratch::configured(&format!("{config}public = false\n"));
    put(&scratch, &made);
    let running = Running::start(&scratch);
    assert!(shows(running.admin_address(), &made));
    assert_eq!(running.whoami("no token"), 401);
}

// K9, invariant 4: and no line of the log holds a key.
#[test]
fn a_renewed_certificate_is_taken_and_a_bad_one_is_not() {
    let (made, newer) = (Made::new(), Made::new());
    let scratch = scratch(&made);
    let running = Running::start(&scratch);
    let (certificate, key) = files(&scratch);
    assert!(shows(running.public(), &made));
    put(&scratch, &newer);
    scratch.run(&["keys", "refresh"]).done();
    for address in [running.public(), running.admin_address()] {
        assert!(shows(address, &newer) && !shows(address, &made));
    }
    let health = scratch.run(&["health", "--tags", "tls"]).done();
    assert!(health.stdout.contains(&newer.fingerprint()), "{health:?}");
    let taken = scratch.json(&["audit", "show", "--action", "certificate.take"]);
    assert!(taken.to_string().contains(&newer.fingerprint()), "{taken}");

    let half = &newer.certificate[..newer.certificate.len() / 2];
    for (certificate_text, key_text, words) in [
        (
            newer.certificate.as_str(),
            made.key.as_str(),
            "is not that of",
        ),
        (half, &newer.key, "is cut off"),
        ("", &newer.key, "is empty"),
        (&newer.certificate, "", "is empty"),
    ] {
        fs::write(&certificate, certificate_text).unwrap();
        put_key(&key, key_text);
        scratch.run(&["keys", "refresh"]).failed(words);
        assert!(shows(running.public(), &newer), "{words}");
        let health = scratch.run(&["health", "--tags", "tls"]);
        assert_eq!(health.status, 2, "{health:?}");
        assert!(
            health.stdout.contains("TLS_REFUSED") && health.stdout.contains(words),
            "{health:?}"
        );
    }
    put(&scratch, &newer);
    scratch.run(&["keys", "refresh"]).done();
    scratch.run(&["health", "--tags", "tls"]).done();
    assert!(shows(running.public(), &newer));
    running.terminate();
    let log = log(&scratch);
    for key in [&made.key, &newer.key] {
        let line = key.lines().nth(1).unwrap();
        assert!(!log.contains(&line[..20]), "{log}");
    }
}

#[test]
fn a_renewal_is_noticed_by_itself() {
    let (made, newer) = (Made::new(), Made::new());
    let scratch = scratch(&made);
    let running = Running::start(&scratch);
    put(&scratch, &newer);
    let begun = Instant::now();
    while !shows(running.public(), &newer) {
        assert!(begun.elapsed() < PATIENCE, "{}", log(&scratch));
    }
}

/// What is served while another certificate comes every moment: always one of them, whole.
#[test]
fn whoever_asks_during_renewals_is_answered() {
    let all = [Made::new(), Made::new()];
    let scratch = scratch(&all[0]);
    let running = Running::start(&scratch);
    let public = running.public();
    std::thread::scope(|scope| {
        let renewing = scope.spawn(|| {
            for made in all.iter().cycle().take(12) {
                put(&scratch, made);
                // Whoever looks between the two files is told, and keeps what was.
                let _ = scratch.run(&["keys", "refresh"]);
            }
        });
        let mut answered = 0;
        while !renewing.is_finished() || answered == 0 {
            // Between the two questions another may have come.
            let is_answered = (0..10).any(|_| all.iter().any(|made| shows(public, made)));
            assert!(is_answered);
            answered += 1;
        }
    });
    scratch.run(&["health", "--tags", "tls"]).done();
}

#[test]
fn an_expired_certificate_is_shown_and_told() {
    let made = Made::between(2020, 2021);
    let scratch = scratch(&made);
    let said = scratch.run(&["config", "check"]).done();
    assert!(
        said.stdout
            .contains("But the certificate for localhost ended on 2021-01-01"),
        "{said:?}"
    );
    let running = Running::start(&scratch);
    assert!(shows(running.public(), &made));
    for _ in 0..2 {
        // Over the admin listener, which shows the same one, and then without an instance.
        let health = scratch.run(&["health", "--tags", "tls"]);
        assert_eq!(health.status, 2, "{health:?}");
        assert!(
            health.stdout.contains("TLS_EXPIRED") && !health.stdout.contains("SILENT"),
            "{health:?}"
        );
    }
    running.terminate();
    assert!(log(&scratch).contains("TLS_EXPIRED"));
    let doctor = scratch.run(&["doctor"]);
    assert!(doctor.stdout.contains("TLS_EXPIRED"), "{doctor:?}");
}

#[test]
fn commands_believe_no_other_certificate() {
    let made = Made::new();
    let scratch = scratch(&made);
    let _running = Running::start(&scratch);
    let file = scratch.data().join("run/admin");
    let told = fs::read_to_string(&file).unwrap();
    assert!(told.starts_with("https://127.0.0.1:") && told.contains(&made.fingerprint()));
    let other = told.replace(&made.fingerprint(), &Made::new().fingerprint());
    fs::write(&file, other).unwrap();
    let health = scratch.run(&["health"]);
    assert_eq!(health.status, 2, "{health:?}");
    assert!(
        health.stdout.contains("INSTANCE_SILENT")
            && health.stdout.contains("shows another certificate"),
        "{health:?}"
    );
    // One who answers in plain HTTP is not believed either.
    let plain = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = plain.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = plain.accept().unwrap();
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
    });
    fs::write(&file, format!("https://{address} {}\n", made.fingerprint())).unwrap();
    let health = scratch.run(&["health"]);
    assert!(health.stdout.contains("INSTANCE_SILENT"), "{health:?}");
}

#[test]
fn a_start_forgets_where_the_last_instance_listened() {
    let scratch = scratch(&Made::new());
    drop(Running::start(&scratch));
    let told = scratch.data().join("run/admin");
    assert!(told.exists());
    // This start comes no further than to the certificate.
    fs::remove_file(files(&scratch).0).unwrap();
    scratch.run(&["serve"]).failed("cert.pem could not be read");
    assert!(!told.exists());
}

#[test]
fn what_cannot_be_used_is_found_before_and_at_the_start() {
    let made = Made::new();
    let scratch = scratch(&made);
    let (certificate, key) = files(&scratch);
    let check = |place: &str, words: &str, hint: &str| {
        let said = scratch.run(&["config", "check"]);
        said.failed(&format!("signet.toml:{place}: tls."))
            .hints(hint);
        scratch.run(&["config", "check"]).failed(words);
        scratch.run(&SERVE).failed(words).hints(hint);
        let doctor = scratch.run(&["doctor"]);
        assert!(
            doctor.stdout.contains("TLS_REFUSED") && doctor.stdout.contains(words),
            "{doctor:?}"
        );
    };
    let said = scratch.run(&["config", "check"]).done();
    assert!(
        said.stdout
            .contains("The certificate for localhost ends on 2090-01-01"),
        "{said:?}"
    );
    put_key(&key, &Made::new().key);
    check("5:12", "is not that of the certificate", "openssl pkey");
    put_key(&key, &made.key);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    check("5:12", "has the mode 0644", "chmod 6");
    put_key(&key, &made.key);
    let git = certificate.with_file_name(".git");
    fs::create_dir(&git).unwrap();
    check("5:12", "is inside the git work tree", "copy it out");
    fs::remove_dir(&git).unwrap();
    fs::remove_file(&key).unwrap();
    check("5:12", "key.pem could not be read", "tls.key_file");
    put_key(
        &key,
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    check("5:12", "is encrypted with a password", "openssl pkey -in");
    put_key(&key, &made.key);
    fs::write(&certificate, "").unwrap();
    check("4:15", "cert.pem is empty", "copy it anew");
    // Nothing was made or changed by starts that failed.
    assert!(!scratch.data().join("initialised").exists());

    for (config, words) in [
        (
            "public_url = \"https://localhost\"\n[tls]\ncertificate = \"a\"\n",
            "signet.toml:3:15: tls.certificate: expected tls.key_file",
        ),
        (
            "[tls]\nkey_file = \"a\"\n",
            "signet.toml:2:12: tls.key_file: expected tls.certificate",
        ),
        (
            "public_url = \"http://localhost:8080\"\n[tls]\ncertificate = \"a\"\nkey_file = \"b\"\n",
            "signet.toml:1:1: public_url: the public listener speaks TLS",
        ),
    ] {
        fs::write(scratch.data().join("signet.toml"), config).unwrap();
        scratch.run(&["config", "check"]).failed(words);
    }
}

#[test]
fn links_are_followed_and_switching_on_needs_a_restart() {
    let made = Made::new();
    let scratch = Scratch::configured("");
    let (certificate, key) = files(&scratch);
    let live = scratch.path().join("live");
    fs::create_dir(&live).unwrap();
    fs::write(live.join("fullchain.pem"), &made.certificate).unwrap();
    put_key(&live.join("privkey.pem"), &made.key);
    symlink(live.join("fullchain.pem"), &certificate).unwrap();
    symlink(live.join("privkey.pem"), &key).unwrap();
    let running = Running::start(&scratch);
    fs::write(scratch.data().join("signet.toml"), CONFIG).unwrap();
    scratch.run(&["keys", "refresh"]).done();
    let health = scratch.run(&["health", "--tags", "tls"]);
    assert_eq!(health.status, 1, "{health:?}");
    assert!(health.stdout.contains("TLS_RESTART"), "{health:?}");
    running.terminate();
    let running = Running::start(&scratch);
    assert!(shows(running.public(), &made));
}
