//! Tokens made, verified and explained.

use serde_json::Value;

use crate::scratch::Scratch;

fn explain(scratch: &Scratch, token: &str) -> (i32, Value) {
    let said = scratch.run_with(&["token", "explain", "--json"], &format!("{token}\n"));
    (said.status, said.json())
}

fn code(explained: &Value, check: &str) -> Value {
    let steps = explained["steps"].as_array().unwrap();
    let step = steps.iter().find(|step| step["check"] == check).unwrap();
    step["denied"].clone()
}

#[test]
fn a_token_is_accepted_until_something_ends_it() {
    let scratch = Scratch::new();
    scratch.add("alice");
    for format in ["sealed", "signed"] {
        let token = scratch.mint(&["alice", "--format", format, "--life", "10m"]);
        let said = scratch.run_with(&["token", "verify"], &token).done();
        assert!(said.stdout.starts_with("ok: alice until "), "{said:?}");
        let (status, explained) = explain(&scratch, &token);
        assert_eq!((status, &explained["verdict"]), (0, &"ok".into()));
        assert_eq!(explained["kind"], format!("{format} token"));
        assert_eq!(explained["steps"].as_array().unwrap().len(), 6);
    }

    let token = scratch.mint(&["alice"]);
    scratch.run(&["user", "end-sessions", "alice"]).done();
    let said = scratch.run_with(&["token", "verify"], &token);
    assert_eq!(
        (said.status, said.stdout.as_str()),
        (
            1,
            "denied: GENERATION_OLD: the user's sessions were ended\n"
        )
    );
    let (status, explained) = explain(&scratch, &token);
    assert_eq!(
        (status, code(&explained, "user")),
        (1, "GENERATION_OLD".into())
    );
    assert_eq!(code(&explained, "times"), Value::Null);
}

#[test]
fn an_unknown_key_is_named_with_those_that_are_here() {
    let (here, elsewhere) = (Scratch::new(), Scratch::new());
    elsewhere.add("alice");
    let token = elsewhere.mint(&["alice"]);
    let said = here.run_with(&["token", "explain"], &token);
    assert_eq!(said.status, 1);
    let foreign = elsewhere.json(&["keys", "list"])["keys"][0]["kid"].clone();
    let own = here.json(&["keys", "list"])["keys"][0]["kid"].clone();
    for kid in [foreign, own] {
        assert!(said.stdout.contains(kid.as_str().unwrap()), "{said:#?}");
    }
    assert!(said.stdout.contains("KEY_UNKNOWN") && said.stdout.contains("keys refresh"));
}

#[test]
fn what_is_no_token_is_denied() {
    let scratch = Scratch::new();
    scratch.add("alice");
    let token = scratch.mint(&["alice"]);
    let altered = format!(
        "{}A{}",
        &token[..token.len() - 2],
        &token[token.len() - 1..]
    );
    let stored = "0f8fad5b-d9cb-469f-a165-70867728950e_00112233445566778899aabbccddeeff";
    for (text, expected) in [
        (altered.as_str(), "MAC_INVALID"),
        ("nonsense", "TOKEN_MALFORMED"),
        (stored, "TOKEN_MALFORMED"),
    ] {
        let (status, explained) = explain(&scratch, text);
        assert_eq!(
            (status, &explained["denied"]),
            (1, &expected.into()),
            "{text}"
        );
        assert!(explained["steps"][0]["advice"].is_string());
    }
    scratch
        .run_with(&["token", "verify"], "")
        .failed("no token on standard input");
}

#[test]
fn nobody_gets_a_token_who_could_not_log_in() {
    let scratch = Scratch::new();
    scratch.add("alice");
    scratch
        .run(&["token", "mint", "bob"])
        .failed("there is no user bob");
    scratch
        .run(&["token", "mint", "alice", "--life", "13h"])
        .failed("at most 12h");
    scratch.run(&["user", "disable", "alice"]).done();
    scratch
        .run(&["token", "mint", "alice"])
        .failed("alice is disabled")
        .hints("signet user enable alice");
}

#[test]
fn a_token_can_be_a_whole_cookie_in_a_file() {
    let scratch = Scratch::new();
    scratch.add("alice");
    let cookie = format!("login-token={}\n", scratch.mint(&["alice"]));
    let file = scratch.file("cookie", &cookie);
    scratch.run(&["token", "verify", "--file", &file]).done();
}

#[test]
fn where_the_keys_lie_elsewhere_no_other_one_is_advised() {
    let scratch = Scratch::new();
    scratch.add("alice");
    scratch
        .run(&["keys", "relocate", "--to", "repository", "--yes"])
        .done();
    std::fs::write(scratch.data().join("keys/storage"), "file").unwrap();
    let said = scratch
        .run(&["token", "mint", "alice"])
        .failed("no key is active, so no token can be made")
        .hints("signet keys relocate --to file");
    assert!(!said.stderr.contains("signet keys rotate"), "{said:?}");
}
