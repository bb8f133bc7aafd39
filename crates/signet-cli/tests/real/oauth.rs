//! OAuth clients get their tokens from a certified provider, and hear from Signet why they get none.

use std::fs;

use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::Value;

use crate::stage::oidc::{FORBIDDEN_SCOPE, Oidc, SCOPE, SECRET, Transport, with_key, with_secret};
use crate::stage::ports;
use crate::stage::signet::{Data, Signet};

/// An instance with nobody in it.
fn signet() -> Signet {
    let (port, admin) = (ports::free(), ports::free());
    let config = format!("public_url = \"http://localhost:{port}\"\n");
    let (listen, admin) = (format!("127.0.0.1:{port}"), format!("127.0.0.1:{admin}"));
    Data::new(&config).serve(port, &["--listen", &listen, "--admin-listen", &admin])
}

/// Adds a client with a secret or, as PEM, a private key.
fn add(signet: &Signet, name: &str, endpoint: &str, credential: &str, options: &[&str]) {
    let file = match credential.starts_with("-----BEGIN") {
        true => "--private-key-file",
        false => "--secret-file",
    };
    let words = [
        "client",
        "add",
        name,
        "--token-endpoint",
        endpoint,
        "--client-id",
        name,
    ];
    signet.run(&[&words[..], &[file, "-"], options].concat(), credential);
}

/// What `signet client check` finds: the code where there is no token, and all of it.
fn check(signet: &Signet, name: &str) -> (Option<String>, Value) {
    let output = signet.command(&["client", "check", name, "--json"], "");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        !said.contains("p8e-s3cret") && !said.contains("PRIVATE KEY"),
        "{said}"
    );
    let document: Value = serde_json::from_str(&said).unwrap();
    let found = document["clients"][0].clone();
    let code = found["diagnosis"]["code"].as_str().map(ToOwned::to_owned);
    let status = if code.is_some() { 1 } else { 0 };
    assert_eq!(output.status.code(), Some(status), "{found:#}");
    (code, found)
}

fn code(signet: &Signet, name: &str) -> String {
    let (code, found) = check(signet, name);
    code.unwrap_or_else(|| panic!("there is a token: {found:#}"))
}

fn token(signet: &Signet, name: &str, options: &[&str]) -> String {
    let words = [&["client", "token", name][..], options].concat();
    signet.run(&words, "").trim_end().to_owned()
}

#[test]
fn every_way_to_authenticate_gets_a_token() {
    let ec = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let rsa = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    let mut provider = Oidc::start(
        Transport::Http,
        &[
            with_secret("basic", "client_secret_basic"),
            with_secret("post", "client_secret_post"),
            with_key("ec", &ec),
            with_key("rsa", &rsa),
        ],
    );
    let endpoint = provider.token_endpoint();
    let mut signet = signet();
    let scope = ["--scope", SCOPE];
    add(&signet, "basic", &endpoint, SECRET, &scope);
    let post = [&scope[..], &["--auth", "client_secret_post"]].concat();
    add(&signet, "post", &endpoint, SECRET, &post);
    add(&signet, "ec", &endpoint, &ec.serialize_pem(), &scope);
    add(&signet, "rsa", &endpoint, &rsa.serialize_pem(), &scope);

    for name in ["basic", "post", "ec", "rsa"] {
        let (code, found) = check(&signet, name);
        assert_eq!(code, None, "{found:#}");
        assert_eq!(found["token"]["scope"], SCOPE);
        assert_eq!(found["warnings"], serde_json::json!([]));

        let first = token(&signet, name, &[]);
        let said = provider.introspect("post", &first);
        assert_eq!(said["active"], true, "{said}");
        assert_eq!(
            (&said["client_id"], &said["scope"]),
            (&name.into(), &SCOPE.into())
        );
        assert_eq!(token(&signet, name, &[]), first, "kept while it is good");
        assert_ne!(token(&signet, name, &["--fresh"]), first);
    }

    // The same without an instance, and with nobody to ask.
    signet.program.end();
    provider.end();
    let kept = token(&signet, "basic", &[]);
    assert!(!kept.is_empty());
    assert_eq!(code(&signet, "basic"), "CLIENT_CONNECTION_REFUSED");
    assert_eq!(token(&signet, "basic", &[]), kept);
}

#[test]
fn every_refusal_of_the_provider_is_told_apart() {
    let (known, unknown) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let provider = Oidc::start(
        Transport::Http,
        &[
            with_secret("wrong-secret", "client_secret_basic"),
            with_secret("wrong-scope", "client_secret_basic"),
            with_secret("wrong-path", "client_secret_basic"),
            with_key("wrong-method", &known),
            with_key("wrong-key", &known),
            with_key("wrong-audience", &known),
        ],
    );
    let endpoint = provider.token_endpoint();
    let signet = signet();
    add(&signet, "wrong-secret", &endpoint, "another secret", &[]);
    add(
        &signet,
        "wrong-scope",
        &endpoint,
        SECRET,
        &["--scope", FORBIDDEN_SCOPE],
    );
    add(&signet, "wrong-path", &format!("{endpoint}s"), SECRET, &[]);
    add(&signet, "wrong-method", &endpoint, SECRET, &[]);
    add(
        &signet,
        "wrong-key",
        &endpoint,
        &unknown.serialize_pem(),
        &[],
    );
    let elsewhere = ["--audience", "https://elsewhere.example.com/token"];
    add(
        &signet,
        "wrong-audience",
        &endpoint,
        &known.serialize_pem(),
        &elsewhere,
    );
    add(&signet, "unknown", &endpoint, SECRET, &[]);

    for (name, expected) in [
        ("wrong-secret", "CLIENT_INVALID_CLIENT"),
        ("wrong-scope", "CLIENT_INVALID_SCOPE"),
        ("wrong-path", "CLIENT_ANSWER_NOT_JSON"),
        ("wrong-method", "CLIENT_INVALID_CLIENT"),
        ("wrong-key", "CLIENT_INVALID_CLIENT"),
        ("wrong-audience", "CLIENT_INVALID_CLIENT"),
        ("unknown", "CLIENT_INVALID_CLIENT"),
    ] {
        let (code, found) = check(&signet, name);
        assert_eq!(code.as_deref(), Some(expected), "{name}: {found:#}");
        let refused = signet.command(&["client", "token", name], "");
        assert_eq!(refused.status.code(), Some(1));
        assert!(refused.stdout.is_empty());
    }
    let all = signet.command(&["client", "check", "--all"], "");
    assert_eq!(all.status.code(), Some(1));
    let text = String::from_utf8(all.stdout).unwrap();
    assert_eq!(text.matches(": no token (CLIENT_").count(), 7, "{text}");
}

#[test]
fn a_provider_with_a_private_authority_is_trusted_when_it_is_named() {
    let clients = [with_secret("ims", "client_secret_post")];
    let provider = Oidc::start(Transport::Https, &clients);
    let endpoint = provider.token_endpoint();
    let signet = signet();
    let post = ["--auth", "client_secret_post"];
    add(&signet, "ims", &endpoint, SECRET, &post);
    assert_eq!(code(&signet, "ims"), "CLIENT_TLS_UNKNOWN_ISSUER");
    let elsewhere = endpoint.replace("localhost", "127.0.0.1");
    let ca_file = provider.ca_file();
    let trusting = ["--ca-file", ca_file.to_str().unwrap(), "--replace"];
    let trusting = [&post[..], &trusting].concat();
    add(&signet, "ims", &elsewhere, SECRET, &trusting);
    assert_eq!(code(&signet, "ims"), "CLIENT_TLS_WRONG_NAME");
    add(&signet, "ims", &endpoint, SECRET, &trusting);
    let (code, found) = check(&signet, "ims");
    assert_eq!(code, None, "{found:#}");
}

// K10
#[test]
fn a_lost_master_key_is_no_invalid_client() {
    let clients = [with_secret("ims", "client_secret_basic")];
    let provider = Oidc::start(Transport::Http, &clients);
    let mut signet = signet();
    add(&signet, "ims", &provider.token_endpoint(), SECRET, &[]);
    assert_eq!(check(&signet, "ims").0, None);
    signet.program.end();

    let master = signet.data().join("keys/master");
    let file = fs::read_dir(&master)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let kid = file.file_stem().unwrap().to_str().unwrap().to_owned();
    let aside = signet.data().join("keys").join(file.file_name().unwrap());
    fs::rename(&file, &aside).unwrap();
    let (code, found) = check(&signet, "ims");
    assert_eq!(code.as_deref(), Some("SECRET_KEY_MISSING"));
    let text = found["diagnosis"].to_string();
    assert!(
        text.contains(&kid) && text.contains("was not asked"),
        "{text}"
    );
    assert!(
        text.contains(aside.to_str().unwrap()),
        "where the key is now: {text}"
    );
    fs::rename(&aside, &file).unwrap();
    assert_eq!(check(&signet, "ims").0, None);
}
