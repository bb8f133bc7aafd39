//! A running instance, and what commands do to it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::scratch::{Said, Scratch};

/// An instance that ends with the test.
pub(crate) struct Running {
    child: Child,
    public: SocketAddr,
    admin: SocketAddr,
    ended: bool,
}

/// An instance, at whatever ports are free.
pub(crate) const SERVE: [&str; 5] = [
    "serve",
    "--listen",
    "127.0.0.1:0",
    "--admin-listen",
    "127.0.0.1:0",
];

impl Running {
    pub(crate) fn start(scratch: &Scratch) -> Self {
        let mut child = scratch
            .command()
            .args(SERVE)
            .arg("--json")
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(scratch.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut document = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready: Value = loop {
            let Some(line) = lines.next() else {
                let _ = child.kill();
                let log = std::fs::read_to_string(scratch.path().join("log"));
                panic!("it ended before it was ready: {log:?}");
            };
            document.push_str(&line.unwrap());
            if let Ok(ready) = serde_json::from_str(&document) {
                break ready;
            }
        };
        assert_eq!(ready["event"], "ready");
        Self {
            public: address(&ready["public"]),
            admin: address(&ready["admin"]),
            child,
            ended: false,
        }
    }

    /// Where browsers and proxies reach it.
    pub(crate) fn public(&self) -> SocketAddr {
        self.public
    }

    /// Where operators reach it.
    pub(crate) fn admin_address(&self) -> SocketAddr {
        self.admin
    }

    /// The status that `/whoami` answers a token with. By default the site is called localhost:8080.
    pub(crate) fn whoami(&self, token: &str) -> u16 {
        let cookie = format!("Cookie: login-token={token}\r\n");
        get(self.public, "/whoami", "localhost:8080", &cookie).0
    }

    /// What it tells whoever watches it.
    pub(crate) fn metrics(&self) -> String {
        get(self.admin, "/metrics", &self.admin.to_string(), "").1
    }

    /// What the admin listener answers.
    pub(crate) fn admin(&self, target: &str) -> (u16, String) {
        get(self.admin, target, &self.admin.to_string(), "")
    }

    /// Ends it without warning.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.ended = true;
    }

    pub(crate) fn terminate(mut self) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        assert!(self.child.wait().unwrap().success());
        self.ended = true;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Of a listener, whether or not it speaks TLS.
fn address(told: &Value) -> SocketAddr {
    let told = told.as_str().unwrap();
    told.strip_prefix("https://")
        .unwrap_or(told)
        .parse()
        .unwrap()
}

#[test]
fn a_first_start_makes_everything_and_later_ones_find_it() {
    let scratch = Scratch::empty();
    let running = Running::start(&scratch);
    let file = scratch.data().join("first-password");
    let password = std::fs::read_to_string(&file).unwrap();
    assert_eq!(
        std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(password.trim().len(), 23);
    running.terminate();
    let log = std::fs::read_to_string(scratch.path().join("log")).unwrap();
    // O1, invariant 4
    assert!(
        !log.contains(password.trim()) && log.contains("first-password"),
        "{log}"
    );
    assert_eq!(
        scratch.json(&["user", "show", "admin"])["password"],
        "one-time"
    );

    std::fs::remove_file(&file).unwrap();
    Running::start(&scratch).terminate();
    assert!(!file.exists());
}

#[test]
fn a_change_counts_when_the_command_returns() {
    let scratch = Scratch::new();
    let running = Running::start(&scratch);
    let added = scratch.json(&["user", "add", "alice", "--no-password"]);
    assert_eq!(added["instance"]["state"], "applied");
    let token = scratch.mint(&["alice"]);
    assert_eq!(running.whoami(&token), 200);
    scratch.run(&["keys", "rotate"]).done();
    let newer = scratch.mint(&["alice"]);
    assert_eq!((running.whoami(&token), running.whoami(&newer)), (200, 200));
    let disabled = scratch.run(&["user", "disable", "alice"]).done();
    assert!(
        disabled.stderr.contains("In force on the running instance"),
        "{disabled:?}"
    );
    assert_eq!((running.whoami(&token), running.whoami(&newer)), (401, 401));
    running.terminate();
}

#[test]
fn what_the_instance_complains_about_is_passed_on() {
    let scratch = Scratch::new();
    let _running = Running::start(&scratch);
    let stray = scratch
        .data()
        .join("keys/hmac")
        .join(format!("{}.jwk", "0".repeat(32)));
    std::fs::write(&stray, "no key").unwrap();
    std::fs::set_permissions(&stray, std::fs::Permissions::from_mode(0o600)).unwrap();
    scratch
        .run(&["keys", "refresh"])
        .failed("complains")
        .hints("copy");
    let added = scratch
        .run(&["user", "add", "alice", "--no-password"])
        .done();
    assert!(
        added.stderr.starts_with("warning: it is written, but"),
        "{added:?}"
    );
    std::fs::remove_file(&stray).unwrap();
    let refreshed = scratch.run(&["keys", "refresh"]).done();
    assert!(
        refreshed.stdout.contains("has read the keys"),
        "{refreshed:?}"
    );
}

// O5: whichever name a page was pointed here under, it is not answered.
#[test]
fn no_listener_answers_under_a_foreign_name() {
    let scratch = Scratch::new();
    let running = Running::start(&scratch);
    for (address, path) in [
        (running.public, "/login"),
        (running.public, "/auth/request"),
        (running.public, "/whoami"),
        (running.admin, "/metrics"),
        (running.admin, "/readyz"),
    ] {
        assert_eq!(get(address, path, "evil.example", "").0, 421, "{path}");
    }
    let own = running.admin.to_string();
    assert_eq!(
        get(running.admin, "/readyz", &own, ""),
        (200, "ready\n".to_owned())
    );
}

// P5: what operators see is not for visitors, and being alive opens nothing.
#[test]
fn metrics_and_health_are_no_way_in() {
    let scratch = Scratch::new();
    let running = Running::start(&scratch);
    let (status, body) = get(running.public, "/metrics", "localhost:8080", "");
    assert_eq!((status, body.contains("signet_")), (404, false));
    for agent in ["kube-probe/1.31", "GoogleHC/1.0", "ELB-HealthChecker/2.0"] {
        let agent = format!("User-Agent: {agent}\r\n");
        assert_eq!(
            get(running.public, "/auth/request", "localhost:8080", &agent).0,
            401
        );
    }
    for below in ["/livez/../auth/request", "/readyz/auth/request"] {
        assert_ne!(
            get(running.public, below, "localhost:8080", "").0,
            200,
            "{below}"
        );
    }
    let own = running.admin.to_string();
    assert!(
        get(running.admin, "/metrics", &own, "")
            .1
            .contains("signet_verdicts_total")
    );
}

// Invariant 7: an empty repository knows nothing of sessions that were ended, so it never takes the place of a lost one.
#[test]
fn what_was_there_once_is_never_made_anew() {
    let scratch = Scratch::new();
    Running::start(&scratch).terminate();
    let repository = scratch.data().join("repository.db");
    let aside = scratch.path().join("aside.db");
    std::fs::rename(&repository, &aside).unwrap();
    scratch
        .run(&SERVE)
        .failed("there is no repository")
        .hints("is its disk mounted?");
    assert!(!repository.exists());
    std::fs::rename(&aside, &repository).unwrap();
    Running::start(&scratch).terminate();
}

/// Status and body of an answer; `headers` end each in a line break.
fn get(address: SocketAddr, path: &str, host: &str, headers: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {host}\r\n{headers}Connection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let body = answer.split_once("\r\n\r\n").unwrap().1.to_owned();
    (answer[9..12].parse().unwrap(), body)
}

#[test]
fn two_instances_do_not_share_a_directory() {
    let scratch = Scratch::new();
    let _running = Running::start(&scratch);
    let mut second = scratch.command();
    second.args(SERVE);
    Said::new(&second.output().unwrap()).failed("another instance runs on");
}

#[test]
fn a_port_in_use_is_named() {
    let scratch = Scratch::new();
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = held.local_addr().unwrap().to_string();
    scratch
        .run(&[
            "serve",
            "--listen",
            &address,
            "--admin-listen",
            "127.0.0.1:0",
        ])
        .failed(&address)
        .hints("listen.public");
}

#[test]
fn a_lab_ends_when_it_is_told_to() {
    let scratch = Scratch::empty();
    let held: Vec<_> = (0..3)
        .map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap())
        .collect();
    let ports: Vec<_> = held
        .iter()
        .map(|held| held.local_addr().unwrap().port().to_string())
        .collect();
    drop(held);
    let mut command = scratch.command();
    command.args(["lab", "--json", "--publish", "1"]);
    for (name, port) in ["--author-port", "--publish-port", "--port"]
        .iter()
        .zip(&ports)
    {
        command.args([name, port.as_str()]);
    }
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut documents = serde_json::Deserializer::from_reader(&mut stdout).into_iter::<Value>();
    let overview = documents.next().unwrap().unwrap();
    let instances = overview["instances"].as_array().unwrap();
    assert_eq!(instances.len(), 2);
    let pids: Vec<_> = instances
        .iter()
        .map(|instance| instance["pid"].as_u64().unwrap())
        .collect();
    let lab = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &lab])
            .status()
            .unwrap()
            .success()
    );
    assert!(child.wait().unwrap().success());
    for pid in pids {
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    }
    // The data directory of an instance is none of a lab's.
    assert!(!scratch.data().exists());
}

// K9
#[cfg(target_os = "linux")]
#[test]
fn memory_stays_out_of_swap_where_nothing_limits_that() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let unlimited = Rlimit {
        current: None,
        maximum: None,
    };
    // What is started inherits it; who may not raise it sees that the program runs as before.
    let is_unlimited = setrlimit(Resource::Memlock, unlimited).is_ok();
    let scratch = Scratch::new();
    let running = Running::start(&scratch);
    let status = std::fs::read_to_string(format!("/proc/{}/status", running.child.id())).unwrap();
    let locked = status.lines().find(|line| line.starts_with("VmLck:"));
    let words: Vec<_> = locked.unwrap().split_whitespace().collect();
    assert_eq!(words[1] != "0", is_unlimited, "{words:?}");
}

// K9
#[cfg(target_os = "linux")]
#[test]
fn a_crash_leaves_no_dump() {
    let scratch = Scratch::new();
    let running = Running::start(&scratch);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", running.child.id())).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let words: Vec<_> = core.unwrap().split_whitespace().collect();
    assert_eq!(words[4..6], ["0", "0"]);
}
