//! OAuth clients: defined, asked for tokens, removed.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use serde_json::Value;

use crate::scratch::{Said, Scratch};

const SECRET: &str = "p8e-s3cret-of-the-client";
const TOKEN: &str = "an-access-token";

/// A token endpoint that numbers its tokens, and refuses who does not know [`SECRET`].
fn endpoint() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let _ = answer(stream.unwrap(), number + 1);
        }
    });
    format!("http://127.0.0.1:{port}/token")
}

fn answer(stream: TcpStream, number: usize) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = String::from_utf8(body).unwrap();
    let is_known = body.contains(&format!("client_secret={SECRET}"));
    let (status, answer) = match is_known {
        true => (
            "200 OK",
            format!(
                r#"{{"access_token":"{TOKEN}-{number}","token_type":"Bearer","expires_in":3600}}"#
            ),
        ),
        // What it says holds what it was told, as careless servers do.
        false => (
            "401 Unauthorized",
            format!(r#"{{"error":"invalid_client","error_description":"wrong: {body}"}}"#),
        ),
    };
    let length = answer.len();
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    reader.get_mut().write_all((head + &answer).as_bytes())
}

fn add(scratch: &Scratch, name: &str, endpoint: &str, options: &[&str]) -> Said {
    let words = [
        "client",
        "add",
        name,
        "--client-id",
        "abc",
        "--token-endpoint",
        endpoint,
    ];
    let words = [&words[..], &["--auth", "client_secret_post"], options].concat();
    quiet(scratch.run_with(&words, &format!("{SECRET}\n")))
}

/// Whatever is said, the secret is not.
fn quiet(said: Said) -> Said {
    assert!(
        !said.stdout.contains(SECRET) && !said.stderr.contains(SECRET),
        "{said:?}"
    );
    said
}

fn configure(scratch: &Scratch, text: &str) {
    fs::write(scratch.data().join("signet.toml"), text).unwrap();
}

/// Actions and objects of the audit log.
fn recorded(scratch: &Scratch) -> Vec<(String, String)> {
    let text = fs::read_to_string(scratch.data().join("audit.log")).unwrap();
    assert!(!text.contains(SECRET) && !text.contains(TOKEN));
    let word = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
    text.lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .map(|line| (word(&line, "action"), word(&line, "object")))
        .filter(|(action, _)| action.starts_with("client."))
        .collect()
}

fn code(said: &Said) -> String {
    let code = &said.json()["clients"][0]["diagnosis"]["code"];
    code.as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_client_gets_tokens_until_it_is_removed() {
    let scratch = Scratch::new();
    let endpoint = endpoint();
    let added = add(&scratch, "ims", &endpoint, &[]).done();
    assert!(
        added.stdout.contains("Next: signet client check ims"),
        "{added:?}"
    );
    let list = scratch.json(&["client", "list"]);
    assert_eq!(list["clients"][0]["token_endpoint"], endpoint.as_str());
    assert_eq!(list["clients"][0]["defined_in"], "repository");

    let checked = scratch.run(&["client", "check", "ims"]).done();
    assert!(
        checked
            .stdout
            .starts_with("ims: ok, the endpoint gives a token until"),
        "{checked:?}"
    );
    assert!(!checked.stdout.contains(TOKEN));
    assert_eq!(
        scratch.json(&["client", "show", "ims"])["token"],
        Value::Null
    );

    // Nothing but the token goes to standard output, and it is kept.
    let token = |words: &[&str]| {
        let words = [&["client", "token", "ims"][..], words].concat();
        scratch.run(&words).done().stdout
    };
    assert_eq!(token(&[]), format!("{TOKEN}-2\n"));
    assert_eq!(token(&[]), format!("{TOKEN}-2\n"));
    assert_eq!(token(&["--fresh"]), format!("{TOKEN}-3\n"));
    let document = scratch.json(&["client", "token", "ims"]);
    assert_eq!(document["access_token"], format!("{TOKEN}-3"));
    assert_eq!(document["from"], "kept");
    let shown = scratch.run(&["client", "show", "ims"]).done().stdout;
    assert!(
        shown.contains("kept until") && !shown.contains(TOKEN),
        "{shown}"
    );
    let database = fs::read(scratch.data().join("repository.db")).unwrap();
    let database = String::from_utf8_lossy(&database);
    assert!(!database.contains(TOKEN) && !database.contains(SECRET));

    // Another definition is another token.
    add(&scratch, "ims", &endpoint, &[])
        .failed("there is a client ims already")
        .hints("--replace");
    add(
        &scratch,
        "ims",
        &endpoint,
        &["--replace", "--scope", "more"],
    )
    .done();
    assert_eq!(token(&[]), format!("{TOKEN}-4\n"));

    scratch
        .run(&["client", "remove", "ims"])
        .failed("there is no terminal to ask at")
        .hints("--yes");
    scratch.run(&["client", "remove", "ims", "--yes"]).done();
    for words in [
        &["check", "ims"][..],
        &["token", "ims"],
        &["show", "ims"],
        &["remove", "ims"],
    ] {
        let words = [&["client"], words].concat();
        scratch
            .run(&words)
            .failed("no client ims")
            .hints("signet client list");
    }
    let names = ["client.add", "client.replace", "client.remove"];
    let expected = names.map(|name| (name.to_owned(), "client/ims".to_owned()));
    assert_eq!(recorded(&scratch), expected);
}

#[test]
fn another_secret_is_another_token() {
    let scratch = Scratch::new();
    add(&scratch, "ims", &endpoint(), &[]).done();
    let token = || scratch.run(&["client", "token", "ims"]).done().stdout;
    assert_eq!(token(), format!("{TOKEN}-1\n"));
    assert_eq!(token(), format!("{TOKEN}-1\n"));
    let protect = |place| {
        let words = ["secret", "protect", place, "--store", "--yes"];
        quiet(scratch.run_with(&words, &format!("{SECRET}\n"))).done();
    };
    protect("client/other/secret");
    assert_eq!(token(), format!("{TOKEN}-1\n"));
    protect("client/ims/secret");
    assert_eq!(token(), format!("{TOKEN}-2\n"));
}

#[test]
fn a_client_of_adobe_needs_id_and_secret_alone() {
    let scratch = Scratch::new();
    let file = scratch.file("secret", &format!("{SECRET}\n"));
    let words = [
        "client",
        "add",
        "ims",
        "--preset",
        "adobe-ims",
        "--client-id",
        "cm-p12345-e67890-integration",
        "--secret-file",
        &file,
    ];
    let added = quiet(scratch.run(&words).done());
    assert!(
        added
            .stdout
            .starts_with("Added the client ims of ims-na1.adobelogin.com; its secret is sealed."),
        "{added:?}"
    );
    let shown = scratch.json(&["client", "show", "ims"]);
    let mut listed = scratch.json(&["client", "list"])["clients"][0].take();
    // The list does not look for tokens.
    listed["token"] = Value::Null;
    assert_eq!(listed, shown);
    for (name, value) in [
        ("preset", "adobe-ims"),
        (
            "token_endpoint",
            "https://ims-na1.adobelogin.com/ims/token/v3",
        ),
        ("client_id", "cm-p12345-e67890-integration"),
        ("auth", "client_secret_post"),
        ("defined_in", "repository"),
    ] {
        assert_eq!(shown[name], value, "{name}");
    }
    let listed = quiet(scratch.run(&["client", "list"]).done()).stdout;
    assert!(listed.contains("ims-na1.adobelogin.com"), "{listed}");
    let shown = quiet(scratch.run(&["client", "show", "ims"]).done()).stdout;
    for words in ["adobe-ims", "https://ims-na1.adobelogin.com/ims/token/v3"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let stored = ["secret", "unprotect", "client/ims/secret", "--yes"];
    assert_eq!(scratch.run(&stored).done().stdout.trim(), SECRET);
}

// O6
#[test]
fn of_a_removed_client_nothing_is_left() {
    let scratch = Scratch::new();
    add(
        &scratch,
        "ims",
        &endpoint(),
        &["--scope", "a-scope-to-look-for"],
    )
    .done();
    scratch.run(&["client", "token", "ims"]).done();
    let all = || {
        let files = fs::read_dir(scratch.data()).unwrap();
        let files = files.map(|entry| entry.unwrap().path());
        files
            .filter(|path| {
                path.file_name()
                    .unwrap()
                    .to_string_lossy()
                    .contains("repository")
            })
            .map(|path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned())
            .collect::<String>()
    };
    assert!(all().contains("a-scope-to-look-for") && all().contains("sealed:v1:"));
    scratch.run(&["client", "remove", "ims", "--yes"]).done();
    assert!(!all().contains("a-scope-to-look-for") && !all().contains("sealed:v1:"));
}

#[test]
fn a_client_says_why_it_gets_no_token() {
    let scratch = Scratch::new();
    let endpoint = endpoint();
    let words = [
        "client",
        "add",
        "ims",
        "--client-id",
        "abc",
        "--token-endpoint",
        &endpoint,
    ];
    let post = ["--auth", "client_secret_post", "--secret-file"];
    let file = scratch.file("secret", "another-secret-altogether\n");
    scratch.run(&[&words[..], &post, &[&file]].concat()).done();
    let checked = scratch.run(&["client", "check", "ims", "--json"]);
    assert_eq!(
        (checked.status, code(&checked)),
        (1, "CLIENT_INVALID_CLIENT".to_owned())
    );
    let text = scratch.run(&["client", "check", "--all"]);
    assert_eq!(text.status, 1);
    for word in [
        "ims: no token (CLIENT_INVALID_CLIENT)",
        "cause",
        "effect",
        "remedy",
        "not repeated",
    ] {
        assert!(text.stdout.contains(word), "{word}: {text:?}");
    }
    assert!(!text.stdout.contains("another-secret"), "{text:?}");
    let refused = scratch.run(&["client", "token", "ims"]);
    let refused = refused.failed("there is no access token for the client ims");
    assert!(refused.stdout.is_empty() && !refused.stderr.contains("another-secret"));
    assert!(
        refused
            .stderr
            .contains("CLIENT_INVALID_CLIENT: the endpoint answers invalid_client")
    );
}

#[test]
fn a_client_of_the_configuration_is_used_and_not_changed() {
    let scratch = Scratch::new();
    let endpoint = endpoint();
    let sealed = |place| {
        let said = scratch.run_with(&["secret", "protect", place], &format!("{SECRET}\n"));
        said.done().stdout.trim().to_owned()
    };
    let section = |secret: &str| {
        format!(
            "[client.ims]\nclient_id = \"abc\"\ntoken_endpoint = \"{endpoint}\"\nauth = \"client_secret_post\"\n{secret}\n"
        )
    };
    configure(
        &scratch,
        &section(&format!("secret = \"{}\"", sealed("client/ims/secret"))),
    );
    assert_eq!(
        scratch.json(&["client", "list"])["clients"][0]["defined_in"],
        "configuration"
    );
    scratch.run(&["client", "check", "ims"]).done();
    add(&scratch, "ims", &endpoint, &[]).failed("signet.toml defines the client ims already");
    scratch
        .run(&["client", "remove", "ims", "--yes"])
        .failed("the repository has no client ims")
        .hints("signet.toml");

    // K10: what was sealed for another place does not open here.
    configure(
        &scratch,
        &section(&format!("secret = \"{}\"", sealed("client/other/secret"))),
    );
    let moved = scratch.run(&["client", "check", "ims", "--json"]);
    assert_eq!(code(&moved), "SECRET_NOT_FOR_THIS_PLACE");

    fs::write(scratch.data().join("ims.secret"), SECRET).unwrap();
    configure(&scratch, &section("secret_file = \"ims.secret\""));
    scratch.run(&["client", "check", "ims"]).done();
    configure(&scratch, &section("secret_file = \"gone\""));
    let gone = scratch.run(&["client", "check", "ims", "--json"]);
    assert_eq!(code(&gone), "CLIENT_SECRET_FILE");
    configure(&scratch, &section(""));
    let none = scratch.run(&["client", "check", "ims", "--json"]);
    assert_eq!(code(&none), "CLIENT_SECRET_MISSING");

    // In both places it is used from neither.
    configure(&scratch, "");
    add(&scratch, "ims", &endpoint, &[]).done();
    configure(&scratch, &section("secret_file = \"ims.secret\""));
    let listed = scratch.run(&["client", "list"]).done();
    assert!(
        listed
            .stderr
            .contains("is defined in signet.toml and in the repository"),
        "{listed:?}"
    );
    let twice = scratch.run(&["client", "check", "ims", "--json"]);
    assert_eq!(code(&twice), "CLIENT_DEFINED_TWICE");
    scratch.run(&["client", "remove", "ims", "--yes"]).done();
    scratch.run(&["client", "check", "ims"]).done();
}

#[test]
fn what_cannot_be_a_client_is_refused_and_changes_nothing() {
    let scratch = Scratch::new();
    let good = "https://login.example.com/token";
    for (name, endpoint) in [
        ("IMS", good),
        ("../x", good),
        ("ims", "http://login.example.com/token"),
        ("ims", "login.example.com"),
        (
            "ims",
            "https://abc:p8e-s3cret-of-the-client@login.example.com/token",
        ),
    ] {
        assert_eq!(
            add(&scratch, name, endpoint, &[]).status,
            2,
            "{name} {endpoint}"
        );
    }
    add(&scratch, "ims", good, &["--key-id", "1"])
        .failed("key_id counts only with private_key_jwt");
    let key = scratch.file("key.pem", "<html>Sign in</html>");
    add(&scratch, "ims", good, &["--private-key-file", &key])
        .failed("client_secret_post needs a secret")
        .hints("--secret-file");
    add(&scratch, "ims", good, &["--ca-file", "/nowhere/ca.pem"]).failed("could not be found");
    let words = [
        "client",
        "add",
        "ims",
        "--client-id",
        "abc",
        "--token-endpoint",
        good,
    ];
    let with = |more: &[&str], input: &str| scratch.run_with(&[&words[..], more].concat(), input);
    with(&["--private-key-file", &key], "").failed("it holds no private key in PEM form");
    with(&["--auth", "private_key_jwt"], "").failed("needs a private key");
    with(&[], "").failed("there is no secret on standard input");
    with(&[], "a\tb\n").failed("the secret has more than one line, or characters");
    let missing = ["client", "add", "ims", "--client-id", "abc"];
    scratch
        .run_with(&missing, "x\n")
        .failed("no token endpoint is named");
    assert_eq!(
        scratch.json(&["client", "list"])["clients"],
        serde_json::json!([])
    );

    // No key to seal with: nothing is written in the clear.
    fs::remove_dir_all(scratch.data().join("keys/master")).unwrap();
    add(&scratch, "ims", good, &[])
        .failed("the master ring has no active key to seal with")
        .hints("keys/master");
    assert_eq!(
        scratch.json(&["client", "list"])["clients"],
        serde_json::json!([])
    );
}
