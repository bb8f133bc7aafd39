use super::*;
use proptest::prelude::*;

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new("signet.toml"))
}

fn complaint(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn an_empty_file_is_the_default() {
    assert_eq!(parse("").unwrap().to_toml(), Config::default().to_toml());
}

#[test]
fn what_is_shown_can_be_read() {
    let shown = Config::default().to_toml();
    assert_eq!(parse(&shown).unwrap().to_toml(), shown);
}

#[test]
fn a_mistake_is_reported_with_its_place() {
    for (text, expected) in [
        (
            "role = \"publisher\"",
            "signet.toml:1:8: unknown variant `publisher`, expected one of `author`, `publish`, `standalone`",
        ),
        (
            "\n[token]\ninactivity = \"30 minutes\"",
            "signet.toml:3:14: expected a whole number with its unit",
        ),
        (
            "[token]\nformat = \"jwt\"",
            "signet.toml:2:10: expected \"sealed\" or \"signed\"",
        ),
        ("tokn = 1", "signet.toml:1:1: unknown field `tokn`"),
        (
            "[listen]\npublic = \"localhost\"",
            "signet.toml:2:10: invalid socket address",
        ),
        (
            "[listen]\ntrusted_proxies = [\"0.0.0.0/0\"]",
            "signet.toml:2:19: 0.0.0.0/0 trusts everybody",
        ),
        (
            "public_url = \"www.example.com\"",
            "signet.toml:1:14: expected an address such as",
        ),
        ("public_url = ", "signet.toml:1:14: "),
        (
            "[[rule]]\npath = \"/a/../b\"\ngroups = [\"a\"]",
            "signet.toml:2:8: expected a path",
        ),
        (
            "[repository]\nurl = \"postgres://x\"",
            "signet.toml:2:7: PostgreSQL is not supported in this version",
        ),
    ] {
        let found = complaint(text);
        assert!(
            found.starts_with(expected),
            "{text:?}\n  found {found}\n  not   {expected}"
        );
    }
}

#[test]
fn values_that_do_not_fit_together_are_reported_with_their_place() {
    for (text, expected) in [
        (
            "public_url = \"http://www.example.com\"",
            "signet.toml:1:1: public_url: with plain http",
        ),
        (
            "[token]\nskew = \"61s\"",
            "signet.toml:2:1: token.skew: expected at most \"1m\"",
        ),
        (
            "[token]\n  max_session = \"10m\"",
            "signet.toml:2:3: token.max_session: expected at least token.inactivity, which is \"30m\"",
        ),
        (
            "[token]\nrenewal_interval = \"30m\"",
            "signet.toml:2:1: token.renewal_interval: expected less than",
        ),
        (
            "public_url = \"https://www.example.com\"\ntoken.cookie_domain = \"evil.com\"",
            "signet.toml:2:1: token.cookie_domain: expected a domain that www.example.com belongs to",
        ),
        (
            "public_url = \"https://www.example.com\"\ntoken.cookie_domain = \"com\"",
            "signet.toml:2:1: token.cookie_domain: expected a domain",
        ),
        (
            "[keys]\nrotate_every = \"59m\"",
            "signet.toml:2:1: keys.rotate_every: expected at least \"1h\"",
        ),
        (
            "[keys]\ncustody = \"mounted\"\nrotate_every = \"30d\"",
            "signet.toml:3:1: keys.rotate_every: keys of a secret mount are rotated where it is made",
        ),
        (
            "role = \"publish\"\nkeys.rotate_every = \"30d\"",
            "signet.toml:2:1: keys.rotate_every: a publish instance takes its keys from its author",
        ),
        (
            "[[rule]]\npath = \"/\"\ngroups = []",
            "signet.toml:3:1: groups: expected at least one group",
        ),
    ] {
        let found = complaint(text);
        assert!(
            found.starts_with(expected),
            "{text:?}\n  found {found}\n  not   {expected}"
        );
    }
}

// C1
#[test]
fn plain_http_is_for_loopback_unless_it_is_meant() {
    for local in [
        "http://localhost:1",
        "http://127.0.0.9",
        "http://[::1]:8080",
        "http://lab.localhost",
    ] {
        assert!(
            parse(&format!("public_url = \"{local}\"")).is_ok(),
            "{local}"
        );
    }
    assert!(parse("public_url = \"http://www.example.com\"\ntoken.insecure = true").is_ok());
}

#[test]
fn only_who_makes_keys_rotates_them() {
    let config = parse("keys.rotate_every = \"30d\"").unwrap();
    assert_eq!(config.rotation(), Some(signet_core::Seconds(30 * 86_400)));
    assert_eq!(Config::default().rotation(), None);
    // The command line may say otherwise than the file.
    let overrides = crate::Overrides {
        role: Some(Role::Publish),
        ..Default::default()
    };
    assert_eq!(overrides.apply(config).rotation(), None);
}

#[test]
fn every_key_stands_in_the_reference() {
    let page = reference();
    for key in [
        "public_url",
        "trusted_proxies",
        "inactivity",
        "redirect_hosts",
        "groups",
        "custody",
        "rotate_every",
        "level",
    ] {
        assert!(page.contains(&format!("| `{key}` |")), "{key}\n{page}");
    }
    assert!(page.contains("[[rule]]"));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "([a-z_.]{1,12} = (\"[a-z0-9:/.]{0,12}\"|[0-9]{1,4}|true|\\[\\])\n|\\[[a-z]{1,6}\\]\n|.{0,8}\n){0,6}") {
        if let Ok(config) = parse(&text) {
            let _ = config.resolve();
        }
    }
}
