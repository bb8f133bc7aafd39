//! The key that makes tokens is replaced again and again while users ask without pause.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::stage::http::Request;
use crate::stage::load::Load;
use crate::stage::ports;
use crate::stage::signet::{Data, Person, Signet};

const USERS: [&str; 4] = ["alice", "bob", "carol", "dave"];
const ROTATIONS: usize = 6;

fn start() -> Signet {
    let (port, admin) = (ports::free(), ports::free());
    let config =
        format!("public_url = \"http://localhost:{port}\"\n[token]\nrenewal_interval = \"1m\"\n");
    let (listen, admin) = (format!("127.0.0.1:{port}"), format!("127.0.0.1:{admin}"));
    let signet = Data::new(&config).serve(port, &["--listen", &listen, "--admin-listen", &admin]);
    for user in USERS {
        signet.add_user(user, Person::default());
    }
    signet
}

fn cookie(token: &str) -> String {
    format!("login-token={token}")
}

fn keys(signet: &Signet) -> Vec<(String, String)> {
    let list: Value = serde_json::from_str(&signet.run(&["keys", "list", "--json"], "")).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let keys = list["keys"].as_array().unwrap().iter();
    keys.filter(|key| key["ring"] == "hmac")
        .map(|key| (text(&key["kid"]), text(&key["state"])))
        .collect()
}

// K6, K8: nobody whose token is good is refused at any moment of a rotation, nor when a key is revoked that made none of
// the tokens in use.
#[test]
fn no_request_is_refused_while_keys_are_rotated() {
    let signet = start();
    let sessions: Vec<_> = USERS
        .iter()
        .map(|user| cookie(&signet.mint(user, &[])))
        .collect();
    let (answered, troubles) = Load::during(signet.port, &sessions, |load| {
        load.until_answered(200);
        for _ in 0..ROTATIONS {
            signet.run(&["keys", "rotate"], "");
            // A token of the new key is good from the moment the command returns, and the former ones go on.
            let new = cookie(&signet.mint(USERS[0], &[]));
            let answer = Request::script("/whoami").cookie(&new).to(signet.port);
            assert_eq!(answer.status, 200);
            load.until_answered(100);
        }
        let unused = &keys(&signet)[1].0;
        // The last but one made only the token that was shown once above.
        signet.run(&["keys", "revoke", unused, "--yes"], "");
        load.until_answered(200);
    });
    assert_eq!(troubles, [""; 0], "of {answered} requests");

    let keys = keys(&signet);
    let kids: BTreeSet<_> = keys.iter().map(|(kid, _)| kid).collect();
    assert_eq!(kids.len(), ROTATIONS + 1);
    let active = keys.iter().filter(|(_, state)| state == "active");
    assert_eq!(active.count(), 1);
    signet.run(&["audit", "verify"], "");
}

// K8: what a stolen key made is refused from the moment the command returns, and everybody else goes on.
#[test]
fn a_revoked_key_is_refused_at_once_and_others_are_not() {
    let signet = start();
    let stolen = keys(&signet).remove(0).0;
    let old = cookie(&signet.mint("alice", &[]));
    signet.run(&["keys", "rotate"], "");
    let sessions: Vec<_> = USERS
        .iter()
        .map(|user| cookie(&signet.mint(user, &[])))
        .collect();
    let (answered, troubles) = Load::during(signet.port, &sessions, |load| {
        load.until_answered(200);
        let ask = || {
            Request::script("/whoami")
                .cookie(&old)
                .to(signet.port)
                .status
        };
        assert_eq!(ask(), 200);
        signet.run(&["keys", "revoke", &stolen, "--yes"], "");
        assert_eq!(ask(), 401);
        load.until_answered(200);
    });
    assert_eq!(troubles, [""; 0], "of {answered} requests");
}

// Two at once, with the real program, while the instance looks on.
#[test]
fn administrators_who_rotate_at_once_leave_one_active_key() {
    let signet = start();
    let session = [cookie(&signet.mint("alice", &[]))];
    let (_, troubles) = Load::during(signet.port, &session, |load| {
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| signet.run(&["keys", "rotate"], ""));
            }
        });
        load.until_answered(100);
    });
    assert_eq!(troubles, [""; 0]);
    let active: Vec<_> = keys(&signet)
        .into_iter()
        .filter(|(_, state)| state == "active")
        .collect();
    assert_eq!(active.len(), 1);
    let shown = signet.run(&["audit", "show", "--action", "key.rotate", "--json"], "");
    let lines: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(lines.as_array().unwrap().len(), 3);
}
