use std::time::Duration;

use super::*;
use crate::balancer::BalancePolicy;
use crate::instance::Role;
use crate::lab::Described;
use crate::load::Tally;
use crate::options::TokenMode;
use crate::password::Password;

fn seen(scene: Scene, [lost, refused, failed]: [u64; 3]) -> Seen {
    let mut tally = Tally {
        requests: 12_345,
        lost,
        refused,
        failed,
        ..Tally::default()
    };
    for _ in 0..10 {
        tally.latency.record(Duration::from_micros(2_000));
    }
    let renewed = (scene == Scene::KeyRotation).then_some(300);
    Seen::new(scene, 300, &tally, 4.2, renewed)
}

fn played(kill: [u64; 3], round_robin: [u64; 3]) -> Proof {
    let scenes = vec![
        seen(Scene::RepositoryRoundRobin, round_robin),
        seen(Scene::RepositorySticky, [151, 1_510, 2]),
        seen(Scene::Kill, kill),
        seen(Scene::RollingRestart, [0; 3]),
        seen(Scene::KeyRotation, [0; 3]),
    ];
    Proof {
        publish: 2,
        users: 300,
        holds: scenes.iter().all(|seen| seen.holds),
        scenes,
        seconds: 61.4,
    }
}

#[test]
fn a_proof_that_holds() {
    let text = proof(&played([0; 3], [299, 5_000, 0]));
    let expected = "\
┌──────────────┬─────────────┬─────────────────────────┬──────────┬──────┬─────────┬────────┬────────┬────────┬─────────────┐
│ tokens       ┆ balancer    ┆ what happens            ┆ requests ┆ lost ┆ refused ┆ failed ┆ p50 ms ┆ p99 ms ┆ as expected │
╞══════════════╪═════════════╪═════════════════════════╪══════════╪══════╪═════════╪════════╪════════╪════════╪═════════════╡
│ repository   ┆ round-robin ┆ nothing                 ┆   12,345 ┆  299 ┆   5,000 ┆      0 ┆    2.0 ┆    2.0 ┆ yes         │
│ repository   ┆ sticky      ┆ kill -9 of one instance ┆   12,345 ┆  151 ┆   1,510 ┆      2 ┆    2.0 ┆    2.0 ┆ yes         │
│ encapsulated ┆ round-robin ┆ kill -9 of one instance ┆   12,345 ┆    0 ┆       0 ┆      0 ┆    2.0 ┆    2.0 ┆ yes         │
│ encapsulated ┆ round-robin ┆ rolling restart of all  ┆   12,345 ┆    0 ┆       0 ┆      0 ┆    2.0 ┆    2.0 ┆ yes         │
│ encapsulated ┆ round-robin ┆ hmac rotation           ┆   12,345 ┆    0 ┆       0 ┆      0 ┆    2.0 ┆    2.0 ┆ yes         │
└──────────────┴─────────────┴─────────────────────────┴──────────┴──────┴─────────┴────────┴────────┴────────┴─────────────┘

300 users, 2 publish instances, 61 seconds.
Repository tokens behind round robin: 299 of 300 users were refused by an instance that does not know their token.
Repository tokens behind sticky connections: 151 of 300 users lost their session with the instance that held it.
Encapsulated tokens: through 37,035 requests nobody was lost, refused or failed.
The proof holds.
";
    assert_eq!(text, expected);
}

#[test]
fn a_proof_that_does_not_hold_says_where() {
    let text = proof(&played([1, 2, 3], [0; 3]));
    assert!(
        text.contains("nobody was refused, so this scene proves nothing."),
        "{text}"
    );
    assert!(text.contains(
        "Encapsulated tokens, round-robin, kill -9 of one instance: 1 lost, 2 refused, 3 failed, \
         and all had to be 0."
    ));
    assert!(!text.contains("nobody was lost, refused or failed"));
    assert!(text.ends_with("THE PROOF DOES NOT HOLD.\n"));
}

#[test]
fn the_json_is_stable() {
    let json = serde_json::to_value(played([0; 3], [299, 5_000, 0])).unwrap();
    assert_eq!(json["holds"], true);
    assert_eq!(
        json["scenes"][4],
        serde_json::json!({
            "scene": "key-rotation",
            "token": "encapsulated",
            "balance": "round-robin",
            "event": "hmac rotation",
            "users": 300,
            "requests": 12_345,
            "lost": 0,
            "refused": 0,
            "failed": 0,
            "p50_ms": 2.02,
            "p99_ms": 2.02,
            "seconds": 4.2,
            "renewed": 300,
            "expected": "nothing",
            "holds": true,
        })
    );
    assert!(json["scenes"][0].get("renewed").is_none());
}

#[test]
fn a_lab_is_shown_with_the_way_in() {
    let instance = |name: &str, role, port: u16| Described {
        name: name.to_owned(),
        role,
        address: ([127, 0, 0, 1], port).into(),
        admin: ([127, 0, 0, 1], port + 1000).into(),
        pid: Some(42),
        hmac: vec!["0123456789abcdef".to_owned()],
        master: vec!["fedcba9876543210".to_owned()],
    };
    let lab = Overview {
        url: "http://127.0.0.1:8080/".to_owned(),
        user: "ada".to_owned(),
        password: Password::from("open-sesame".to_owned()),
        token: TokenMode::Encapsulated,
        balance: BalancePolicy::RoundRobin,
        directory: "/tmp/lab".into(),
        balancer: ([127, 0, 0, 1], 8080).into(),
        instances: vec![
            instance("author", Role::Author, 4502),
            instance("publish-1", Role::Publish, 4503),
        ],
    };
    let text = overview(&lab);
    for said in [
        "http://127.0.0.1:4503/",
        "0123456789ab ",
        "fedcba987654 ",
        "open-sesame",
        "ada",
    ] {
        assert!(text.contains(said), "{said} in\n{text}");
    }
    assert!(!text.contains("0123456789abc"));
    assert_eq!(
        serde_json::to_value(&lab).unwrap()["password"],
        "open-sesame"
    );
    assert!(!format!("{lab:?}").contains("open-sesame"));
}
