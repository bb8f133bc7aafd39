//! What the site behind hears about the client: what the proxy knows, and nothing that the client made up.

use super::ProtectedSite;
use crate::stage::echo::Heard;
use crate::stage::http::Request;
use crate::stage::visitor::COOKIE;

/// What servers that speak CGI or WSGI take for the same four headers.
const CLAIMS: [&str; 19] = [
    "Remote-User",
    "remote-user",
    "REMOTE-USER",
    "Remote_User",
    "remote_user",
    "REMOTE_USER",
    "Remote.User",
    "remote.user",
    "Remote-Groups",
    "remote_groups",
    "Remote.Groups",
    "REMOTE-NAME",
    "remote_name",
    "Remote.Name",
    "rEmOtE-eMaIl",
    "Remote_Email",
    "remote.email",
    "Remote~User",
    "remote+groups",
];

impl ProtectedSite {
    /// P2, invariant 5
    pub(crate) fn check_that_nobody_introduces_themselves(&self, bob: &str) {
        let spoofed = |request: Request| {
            CLAIMS.iter().fold(request, |request, name| {
                request.header(name, "administrators")
            })
        };
        let allowed = self.send(&spoofed(Request::page("/").cookie(bob)));
        let heard = Heard::from(&allowed);
        assert_eq!(heard.all("remote-user"), ["bob"]);
        let mut introduced = identity(&heard);
        introduced.retain(|(name, value)| (*name, *value) != ("remote-user", "bob"));
        // What bob has none of is missing or empty.
        assert!(
            introduced
                .iter()
                .all(|(name, value)| value.is_empty() && !name.contains(['_', '.', '~', '+'])),
            "{introduced:?}"
        );

        let public = self.send(&spoofed(Request::page("/public/").cookie(bob)));
        assert_eq!(identity(&Heard::from(&public)), []);
        for name in CLAIMS {
            let answer = self.send_in_vain(&Request::script("/").header(name, "alice"));
            assert_eq!(answer.status, 401, "{name}");
        }
    }

    /// C7
    pub(crate) fn check_that_own_cookies_stay_outside(&self, bob: &str) {
        let token = bob.split_once('=').unwrap().1;
        let cases = [
            (bob.to_owned(), ""),
            (format!("a=b; {bob}; c=d"), "a=b; c=d"),
            (format!("{bob}; c=d"), "c=d"),
            (format!("a=b;{bob}"), "a=b"),
            (
                format!("login-form=x; {bob}; my-login-token=mine"),
                "my-login-token=mine",
            ),
            (
                format!("__Host-{COOKIE}=x; __Secure-{COOKIE}=y; {bob}; __Host-login-form=z; e=f"),
                "e=f",
            ),
        ];
        for (sent, expected) in &cases {
            let heard = Heard::from(&self.send(&Request::page("/").cookie(sent)));
            assert_eq!(heard.all("cookie").join("|"), *expected, "{sent}");
            let heard = Heard::from(&self.send(&Request::page("/public/").cookie(sent)));
            assert_eq!(heard.all("cookie").join("|"), *expected, "{sent}");
        }
        // More of them than any browser sends, in one header and in several.
        let mark = "what-is-not-for-the-site";
        let marked = format!("{COOKIE}={mark}");
        let many = [marked.as_str(); 12].join("; ");
        for request in [
            Request::page("/public/").cookie(&many),
            Request::page("/public/").cookie(&format!("a=b;;{marked};\t{marked}")),
            Request::page("/public/")
                .cookie(&marked)
                .cookie("a=b")
                .cookie(&marked),
            Request::page("/").cookie(bob).cookie("a=b").cookie(bob),
        ] {
            let answer = self.send(&request);
            assert_eq!(answer.status, 200, "{answer:?}");
            let text = answer.text();
            assert!(!text.contains(mark) && !text.contains(token), "{text}");
        }
    }

    /// P1
    pub(crate) fn check_that_clients_do_not_speak_for_proxies(&self, bob: &str) {
        let claims = [
            ("X-Forwarded-For", "192.0.2.7"),
            ("X-Forwarded-Host", "evil.example"),
            ("X-Forwarded-Proto", "https"),
            ("X-Forwarded-Uri", "/free"),
            ("X-Forwarded-Method", "GET"),
            ("X-Forwarded-Prefix", "/evil"),
            ("X-Forwarded-Port", "1"),
            ("X-Original-URI", "/free"),
            ("X-Original-URL", "/free"),
            ("X-Original-Method", "GET"),
            ("X-Rewrite-URL", "/free"),
            ("X-Real-IP", "192.0.2.7"),
            ("Forwarded", "for=192.0.2.7;host=evil.example"),
        ];
        let claiming = |request: Request| {
            claims.iter().fold(request, |request, (name, value)| {
                request.header(name, value)
            })
        };
        let heard = Heard::from(&self.send(&claiming(Request::page("/").cookie(bob))));
        for (name, value) in claims {
            let got = heard.all(&name.to_ascii_lowercase());
            assert!(
                !got.contains(&value) || (name, value) == ("X-Forwarded-Proto", "http"),
                "{name}: {got:?}"
            );
        }
        assert_eq!(heard.all("x-forwarded-for"), ["127.0.0.1"]);
        let host = format!("localhost:{}", self.port);
        assert_eq!(heard.all("x-forwarded-host"), [host.as_str()]);
        assert_eq!(heard.all("x-forwarded-proto"), ["http"]);

        // Each alone must not talk Signet out of its rule either.
        for (name, value) in claims {
            let request = Request::page("/admin/").cookie(bob).header(name, value);
            let answer = self.send_in_vain(&request);
            assert_eq!(answer.status, 403, "{name}: {answer:?}");
        }
        let led = self.send_in_vain(&claiming(Request::page("/wanted")));
        let expected = format!("http://{host}/login?rd=%2Fwanted");
        assert_eq!(led.header("location"), Some(expected.as_str()));
        let login = self.send(&claiming(Request::page("/login")));
        assert_eq!(login.status, 200);
    }
}

/// What the site could take for identity headers.
fn identity(heard: &Heard) -> Vec<(&str, &str)> {
    let mut headers = heard.headers();
    headers.retain(|(name, _)| name.starts_with("remote"));
    headers
}
