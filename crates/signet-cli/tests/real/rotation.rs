//! The key that makes tokens is replaced again and again while users ask without pause.

use serde_json::Value;

use crate::stage::crowd::{Crowd, cookie, key_of};
use crate::stage::http::Request;
use crate::stage::ports;
use crate::stage::signet::{Data, Person, Signet};

const USERS: [&str; 4] = ["alice", "bob", "carol", "dave"];
const ROTATIONS: usize = 3;

/// With every page load a token is renewed that would live longer then, so once in each second.
fn start() -> Signet {
    let (port, admin) = (ports::free(), ports::free());
    let config =
        format!("public_url = \"http://localhost:{port}\"\n[token]\nrenewal_interval = \"0s\"\n");
    let (listen, admin) = (format!("127.0.0.1:{port}"), format!("127.0.0.1:{admin}"));
    let signet = Data::new(&config).serve(port, &["--listen", &listen, "--admin-listen", &admin]);
    for user in USERS {
        signet.add_user(user, Person::default());
    }
    signet
}

fn sessions(signet: &Signet) -> Vec<String> {
    USERS.iter().map(|user| signet.mint(user, &[])).collect()
}

fn keys(signet: &Signet) -> Vec<(String, String)> {
    let list: Value = serde_json::from_str(&signet.run(&["keys", "list", "--json"], "")).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let keys = list["keys"].as_array().unwrap().iter();
    keys.filter(|key| key["ring"] == "hmac")
        .map(|key| (text(&key["kid"]), text(&key["state"])))
        .collect()
}

/// Rotates, and names the new key.
fn rotate(signet: &Signet, options: &[&str]) -> String {
    let words = [&["keys", "rotate", "--json"], options].concat();
    let made: Value = serde_json::from_str(&signet.run(&words, "")).unwrap();
    made["kid"].as_str().unwrap().to_owned()
}

/// What the verdict on `token` is.
fn verdict(signet: &Signet, token: &str) -> u16 {
    let request = Request::script("/auth/request").cookie(&cookie(token));
    request.to(signet.port).status
}

// K6, K8: nobody whose token is good is refused at any moment of a rotation, of an activation, or when a key is revoked
// that made none of the tokens in use.
#[test]
fn no_request_is_refused_while_keys_are_rotated() {
    let signet = start();
    // Two for each, so that there are more than connections on most machines.
    let mut shown = [sessions(&signet), sessions(&signet)].concat();
    let first = key_of(&shown[0]);
    let (answered, troubles) = Crowd::during(signet.port, &shown.clone(), |crowd| {
        let mut join = |key: &str| {
            let token = signet.mint(USERS[0], &[]);
            assert_eq!(key_of(&token), key);
            crowd.join(&token);
            shown.push(token);
        };
        crowd.load.until_answered(500);
        let mut active = first.clone();
        for _ in 0..ROTATIONS {
            join(&active);
            active = rotate(&signet, &[]);
            // A token of the new key is good from the moment the command returns, and the former ones go on.
            join(&active);
            crowd.until_all_have(&active);
            crowd.load.until_answered(500);
        }
        let pending = rotate(&signet, &["--pending"]);
        join(&active);
        crowd.load.until_answered(500);
        assert_eq!(crowd.count_with(&pending), 0);
        signet.run(&["keys", "activate", &pending], "");
        join(&pending);
        crowd.until_all_have(&pending);
        // A token that was replaced is as good as before.
        for token in &shown {
            assert_eq!(verdict(&signet, token), 200);
        }
        // The first key made none of those in use any more.
        signet.run(&["keys", "revoke", &first, "--yes"], "");
        crowd.load.until_answered(500);
    });
    assert_eq!(troubles, [""; 0], "of {answered} requests");
    for token in &shown {
        let expected = if key_of(token) == first { 401 } else { 200 };
        assert_eq!(verdict(&signet, token), expected);
    }

    let keys = keys(&signet);
    assert_eq!(keys.len(), ROTATIONS + 2);
    let count = |is: &str| keys.iter().filter(|(_, state)| state == is).count();
    assert_eq!((count("active"), count("revoked")), (1, 1));
    signet.run(&["audit", "verify"], "");
}

// K8: what a stolen key made is refused from the moment the command returns, and everybody else goes on.
#[test]
fn a_revoked_key_is_refused_at_once_and_others_are_not() {
    let signet = start();
    let old = signet.mint("alice", &[]);
    rotate(&signet, &[]);
    let (answered, troubles) = Crowd::during(signet.port, &sessions(&signet), |crowd| {
        crowd.load.until_answered(200);
        assert_eq!(verdict(&signet, &old), 200);
        signet.run(&["keys", "revoke", &key_of(&old), "--yes"], "");
        assert_eq!(verdict(&signet, &old), 401);
        crowd.load.until_answered(200);
    });
    assert_eq!(troubles, [""; 0], "of {answered} requests");
}

// Two at once, with the real program, while the instance looks on.
#[test]
fn administrators_who_rotate_at_once_leave_one_active_key() {
    let signet = start();
    let session = [signet.mint("alice", &[])];
    let (_, troubles) = Crowd::during(signet.port, &session, |crowd| {
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| signet.run(&["keys", "rotate"], ""));
            }
        });
        crowd.load.until_answered(100);
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
