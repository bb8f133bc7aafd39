//! HAProxy balances two instances, with the files of `examples/haproxy` as they are.

use std::net::Ipv4Addr;

use crate::stage::example::Example;
use crate::stage::http::{Answer, Request};
use crate::stage::load::Load;
use crate::stage::ports::Ports;
use crate::stage::program::{self, Program};
use crate::stage::signet::{Data, Person, Signet};
use crate::stage::visitor::{LoginPage, cookies, log_in};
use crate::stage::wait::until;

const SITE: u16 = 8096;
const ONE: u16 = 8097;
const TWO: u16 = 8098;
const ADMINS: [u16; 2] = [9097, 9098];

const ROUND_ROBIN: &str = "haproxy-round-robin.cfg";
const STICKY: &str = "haproxy-sticky.cfg";
const REPOSITORY_TOKENS: (&str, &str) = ("encapsulated = true", "encapsulated = false");

const USERS: [&str; 3] = ["alice", "bob", "carol"];

/// The parts end in this order; the ports are free for others last.
#[derive(Debug)]
struct Farm {
    _proxy: Program,
    one: Signet,
    two: Signet,
    _example: Example,
    _ports: Ports,
}

impl Farm {
    /// Two instances with the same keys and users, made as the example's README says, behind HAProxy.
    fn start(configuration: &str, changes: &[(&str, &str)]) -> Self {
        let example = Example::new("haproxy");
        let ports = Ports::hold("haproxy", &[&[SITE, ONE, TWO], &ADMINS[..]].concat());
        let config = example.config(changes);
        let one = serve(Data::new(&config), "author", ONE, ADMINS[0]);
        let data = Data::new(&config);
        data.take_keys(&one.data());
        let two = serve(data, "publish", TWO, ADMINS[1]);
        for user in USERS {
            one.add_user(user, Person::default());
            two.add_user(user, Person::default());
        }
        let mut command = program::command("haproxy", "haproxy");
        command.arg("-f").arg(example.file(configuration));
        let log = example.directory("haproxy").join("haproxy.log");
        let mut proxy = Program::start("haproxy", command, &log);
        until("haproxy", || {
            proxy.assert_running();
            Request::get("/livez").send(SITE).ok()
        });
        Self {
            _proxy: proxy,
            one,
            two,
            _example: example,
            _ports: ports,
        }
    }

    /// Sessions of all users, made by either instance.
    fn sessions(&self) -> Vec<String> {
        let made = USERS
            .iter()
            .flat_map(|user| [&self.one, &self.two].map(|instance| instance.mint(user, &[])));
        made.map(|token| format!("login-token={token}")).collect()
    }

    /// Waits until HAProxy uses both instances.
    fn until_both_answer(&self, session: &str) {
        for port in [ONE, TWO] {
            until("both instances", || {
                let answer = whoami(session);
                (answer.status == 200 && answered_by(&answer) == port).then_some(())
            });
        }
    }
}

fn serve(data: Data, role: &str, port: u16, admin: u16) -> Signet {
    let (listen, admin) = (format!("127.0.0.1:{port}"), format!("127.0.0.1:{admin}"));
    data.serve(
        port,
        &[
            "--role",
            role,
            "--listen",
            &listen,
            "--admin-listen",
            &admin,
        ],
    )
}

fn whoami(cookies: &str) -> Answer {
    Request::script("/whoami").cookie(cookies).to(SITE)
}

/// The port of the instance that says who somebody is.
fn answered_by(answer: &Answer) -> u16 {
    let document: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    let name = document["instance"].as_str().unwrap();
    name.rsplit('-').next().unwrap().parse().unwrap()
}

// Invariant 8, and the point of it all.
#[test]
fn nobody_misses_an_instance_that_restarts_or_dies() {
    let mut farm = Farm::start(ROUND_ROBIN, &[]);
    let mut sessions = farm.sessions();
    // One made as people make them: the form may come from one instance and go to the other.
    sessions.push(cookies(&log_in(SITE, "alice")));
    farm.until_both_answer(&sessions[0]);

    let (answered, troubles) = Load::during(SITE, &sessions, |load| {
        load.until_answered(100);
        farm.two.program.end();
        load.until_answered(100);
        farm.two.start_again();
        farm.until_both_answer(&sessions[0]);

        farm.one.program.kill();
        load.until_answered(300);
        farm.one.start_again();
        farm.until_both_answer(&sessions[0]);

        farm.two.program.kill();
        load.until_answered(300);
    });
    assert_eq!(troubles, [""; 0], "of {answered} requests");
}

// What repository tokens cannot do, and why the encapsulated ones are there.
#[test]
fn repository_tokens_need_the_instance_that_made_them() {
    let farm = Farm::start(ROUND_ROBIN, &[REPOSITORY_TOKENS]);
    let session = cookies(&log_in(SITE, "alice"));
    let statuses: Vec<_> = (0..20).map(|_| whoami(&session).status).collect();
    assert!(
        statuses.contains(&200) && statuses.contains(&401),
        "{statuses:?}"
    );
    drop(farm);

    let mut farm = Farm::start(STICKY, &[REPOSITORY_TOKENS]);
    let session = cookies(&log_in(SITE, "alice"));
    assert!(session.contains("signet-instance="), "{session}");
    for _ in 0..20 {
        assert_eq!(whoami(&session).status, 200);
    }
    let home = answered_by(&whoami(&session));
    let home = if home == ONE {
        &mut farm.one
    } else {
        &mut farm.two
    };
    home.program.kill();
    // The other instance answers at once, and does not know her.
    assert_eq!(whoami(&session).status, 401);
}

#[test]
fn encapsulated_tokens_outlive_the_instance_they_stick_to() {
    let mut farm = Farm::start(STICKY, &[]);
    let session = cookies(&log_in(SITE, "alice"));
    let home = answered_by(&whoami(&session));
    for _ in 0..20 {
        assert_eq!(answered_by(&whoami(&session)), home);
    }
    let gone = if home == ONE {
        &mut farm.one
    } else {
        &mut farm.two
    };
    gone.program.kill();
    assert_ne!(answered_by(&whoami(&session)), home);
}

// P1, L7
#[test]
fn clients_do_not_choose_the_address_that_failures_are_counted_for() {
    let few = "renewal_interval = \"5m\"\n\n[login]\naddress_failures = 3\n";
    let _farm = Farm::start(ROUND_ROBIN, &[("renewal_interval = \"5m\"\n", few)]);
    let page = LoginPage::load(SITE, "/login");
    let guesser = Ipv4Addr::new(127, 0, 0, 2);
    let attempts = (0..12).map(|number| {
        let claimed = format!("192.0.2.{number}");
        let headers = [
            ("X-Forwarded-For", claimed.as_str()),
            ("Forwarded", "for=192.0.2.99"),
        ];
        page.submit_from(guesser, &format!("nobody-{number}"), "wrong", &headers)
            .status
    });
    let statuses: Vec<_> = attempts.collect();
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
    // And nobody else pays for it.
    log_in(SITE, "alice");
}
