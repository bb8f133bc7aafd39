use super::*;
use crate::config::{Config, ConfigError, reference};

const SEALED: &str =
    "sealed:v1:0123456789abcdef0123456789abcdef:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new("signet.toml"))
}

#[test]
fn clients_are_read_and_shown() {
    let text = format!(
        "[client.ims]\npreset = \"adobe-ims\"\nclient_id = \"abc\"\nsecret = \"{SEALED}\"\n\n\
         [client.other]\ntoken_endpoint = \"https://login.example.com/token\"\nclient_id = \"def\"\n\
         auth = \"private_key_jwt\"\nprivate_key_file = \"other.pem\"\nca_file = \"/etc/ca.pem\"\nscope = \"a b\"\n"
    );
    let config = parse(&text).unwrap();
    let [ims, other] = config.clients(Path::new("/data")).try_into().unwrap();
    assert_eq!(ims.name.as_str(), "ims");
    assert_eq!(ims.credential, CredentialSource::stored(Some(SEALED)));
    assert_eq!(ims.definition.auth(), AuthMethod::ClientSecretPost);
    assert_eq!(
        other.credential,
        CredentialSource::File("/data/other.pem".into())
    );
    assert_eq!(other.definition.ca_file, Some("/etc/ca.pem".into()));
    let shown = config.to_toml();
    assert!(shown.contains(SEALED), "{shown}");
    assert_eq!(parse(&shown).unwrap().to_toml(), shown);
}

// Invariant 4
#[test]
fn a_secret_in_the_clear_is_refused_and_not_repeated() {
    for (value, place) in [
        ("\"hunter2-hunter2\"", "3:10"),
        ("'''hunter2\nhunter2'''", "3:10"),
        ("8212345678", "3:10"),
        ("-8212345678", "3:10"),
        ("8212345678.5", "3:10"),
        ("true", "3:10"),
    ] {
        let text =
            format!("[client.ims]\nclient_id = \"abc\"\nsecret = {value}\npreset = \"adobe-ims\"");
        let said = parse(&text).unwrap_err().to_string();
        assert!(
            said.starts_with(&format!("signet.toml:{place}: client.ims.secret: ")),
            "{said}"
        );
        assert!(
            said.contains("`signet secret protect client/ims/secret`"),
            "{said}"
        );
        assert!(
            !said.contains("hunter2") && !said.contains("82123"),
            "{said}"
        );
    }
    for value in ["[\"hunter2\"]", "{ a = \"hunter2\" }", "2026-01-01"] {
        let text = format!("[client.ims]\nclient_id = \"abc\"\nsecret = {value}\n");
        let said = parse(&text).unwrap_err().to_string();
        assert!(said.starts_with("signet.toml:3:10: "), "{said}");
        assert!(
            !said.contains("hunter2") && !said.contains("2026"),
            "{said}"
        );
    }
}

#[test]
fn mistakes_are_reported_with_their_place() {
    let key = format!("private_key = \"{SEALED}\"");
    let cut = &SEALED[..60];
    for (text, expected) in [
        ("preset = \"adobe-ims\"", "1:1: missing field `client_id`"),
        ("client_id = \"a\"", "2:13: client.ims: no token endpoint"),
        ("client_id = \"\"", "2:13: expected a client id"),
        (
            "client_id = \"a\"\nclient_secret = \"b\"",
            "3:1: unknown field `client_secret`",
        ),
        (
            "client_id = \"a\"\ntoken_endpoint = \"http://example.com\"",
            "3:18: a token endpoint must be https",
        ),
        (
            "client_id = \"a\"\nauth = \"basic\"",
            "3:8: unknown variant `basic`",
        ),
        (
            "client_id = \"a\"\nscope = \"a  b\"",
            "3:9: expected a scope",
        ),
        (
            "preset = \"adobe-ims\"\nclient_id = \"a\"\nkey_id = \"b\"",
            "3:13: client.ims: key_id counts only with private_key_jwt",
        ),
        (
            &format!("preset = \"adobe-ims\"\nclient_id = \"a\"\n{key}"),
            "3:13: client.ims: private_key does not fit auth, which is \"client_secret_post\"",
        ),
        (
            &format!(
                "preset = \"adobe-ims\"\nclient_id = \"a\"\nsecret = \"{SEALED}\"\nsecret_file = \"b\""
            ),
            "3:13: client.ims: secret and secret_file are given",
        ),
        (
            &format!("preset = \"adobe-ims\"\nclient_id = \"a\"\nsecret = \"{cut}\""),
            "4:10: client.ims.secret: what follows the key's id",
        ),
    ] {
        let said = parse(&format!("[client.ims]\n{text}"))
            .unwrap_err()
            .to_string();
        assert!(
            said.starts_with(&format!("signet.toml:{expected}")),
            "{text}\n  found {said}\n  not   {expected}"
        );
    }
    let name = parse("[client.IMS]\nclient_id = \"a\"").unwrap_err();
    assert!(
        name.to_string().contains("the name of a client has"),
        "{name}"
    );
}

#[test]
fn clients_stand_in_the_reference() {
    let page = reference();
    assert!(page.contains("## `[client.NAME]`"), "{page}");
    for key in ["client_id", "secret_file", "private_key", "ca_file"] {
        assert!(page.contains(&format!("| `{key}` |")), "{key}");
    }
    assert!(!page.contains("| `client` |"), "{page}");
}
