//! Who passes, who is led to the login, who is told no.

use super::ProtectedSite;
use crate::stage::PASSWORD;
use crate::stage::echo::Heard;
use crate::stage::http::Request;
use crate::stage::visitor::{COOKIE, LoginPage, hidden};

impl ProtectedSite {
    /// From the first page load to the logout.
    pub(crate) fn check_that_a_login_leads_back_and_a_logout_ends_it(&self) {
        let wanted = "/reports/2026?from=1&to=2%2F3";
        let asked = self.send_in_vain(&Request::page(wanted));
        assert_eq!(asked.status, 302, "{asked:?}");
        assert_eq!(asked.header("cache-control"), Some("no-store"));
        let own = format!("http://localhost:{}", self.port);
        let location = asked.header("location").unwrap();
        let login = location.strip_prefix(&own).unwrap();
        assert!(login.starts_with("/login?rd="), "{location}");

        let page = LoginPage::load(self.port, login);
        let submit = |password: &str| page.submit("alice", password);
        let wrong = submit("not her password");
        assert_eq!((wrong.status, wrong.cookie(COOKIE)), (403, None));
        let right = submit(PASSWORD);
        assert_eq!(right.status, 303, "{right:?}");
        let target = right.header("location").unwrap();
        assert_eq!(target.strip_prefix(&own).unwrap_or(target), wanted);
        let cookie = format!("{COOKIE}={}", right.cookie(COOKIE).unwrap());

        let page = self.send(&Request::page(wanted).cookie(&cookie));
        let heard = Heard::from(&page);
        assert_eq!(heard.target(), wanted);
        assert_eq!(heard.all("remote-user"), ["alice"]);
        assert_eq!(heard.all("remote-groups"), ["administrators"]);
        assert_eq!(heard.all("remote-name"), ["Alice %C3%85ngstr%C3%B6m"]);
        assert_eq!(heard.all("remote-email"), ["alice@example.com"]);
        let who = self.send(&Request::script("/whoami").cookie(&cookie));
        assert!(who.text().contains("\"alice\""), "{who:?}");

        let page = self.send(&Request::page("/logout").cookie(&cookie));
        let csrf = hidden(&page.text(), "csrf");
        let post = Request::new("POST", "/logout").form(&[("csrf", &csrf)]);
        let out = self.send(&post.cookie(&cookie).header("Origin", &own));
        assert_eq!(out.status, 303, "{out:?}");
        // S2: a copy of the cookie is worth nothing any more.
        let after = self.send_in_vain(&Request::script("/").cookie(&cookie));
        assert_eq!(after.status, 401);
    }

    /// S9, P7
    pub(crate) fn check_that_strangers_are_led_to_the_login_or_told_401(&self) {
        let stale = format!("{COOKIE}=eyJhbGciOiJub25lIn0.e30.");
        for request in [
            Request::page("/"),
            Request::get("/").header("Accept", "text/html"),
            Request::page("/").cookie(&stale),
            Request::page("/assets/site.css"),
        ] {
            let answer = self.send_in_vain(&request);
            assert_eq!(answer.status, 302, "{request:?}: {answer:?}");
            assert_eq!(answer.header("cache-control"), Some("no-store"));
        }
        for request in [
            Request::script("/"),
            Request::script("/").cookie(&stale),
            Request::get("/"),
            Request::get("/").header("Accept", "application/json"),
            Request::page("/").header("X-Requested-With", "XMLHttpRequest"),
            Request::page("/")
                .header("X-Original-Method", "GET")
                .with_method("POST"),
            Request::page("/").with_method("DELETE"),
            Request::new("POST", "/")
                .header("Accept", "text/html")
                .body(b"a=b"),
            Request::get("/img")
                .header("Accept", "text/html")
                .header("Sec-Fetch-Dest", "image"),
        ] {
            let answer = self.send_in_vain(&request);
            assert_eq!(answer.status, 401, "{request:?}: {answer:?}");
            assert_eq!(answer.header("location"), None, "{request:?}");
        }
        let public = self.send(&Request::page("/public/index.html"));
        assert_eq!(Heard::from(&public).all("remote-user"), [""; 0]);
    }

    /// A rule of `signet.toml` is kept.
    pub(crate) fn check_that_only_administrators_see_administration(&self, alice: &str, bob: &str) {
        let admin = |cookie: &str| Request::page("/admin/keys").cookie(cookie);
        let heard = Heard::from(&self.send(&admin(alice)));
        assert_eq!(heard.all("remote-user"), ["alice"]);
        let answer = self.send_in_vain(&admin(bob));
        assert_eq!(answer.status, 403, "{answer:?}");
        assert!(answer.text().contains("/logout"), "{answer:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}
