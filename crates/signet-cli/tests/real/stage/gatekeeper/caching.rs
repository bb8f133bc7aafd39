//! A renewed session reaches the browser, and no cache.

use super::ProtectedSite;
use crate::stage::echo::Heard;
use crate::stage::http::{Answer, Request};
use crate::stage::visitor::COOKIE;
use crate::stage::wait::until;

impl ProtectedSite {
    /// P6, for an instance that renews whenever it may. Returns the renewed session.
    pub(crate) fn check_that_a_renewal_reaches_the_browser_and_no_cache(
        &self,
        bob: &str,
        path: &str,
    ) -> String {
        // Nothing is renewed within the second in which the token was made.
        let renewed = until("a renewal", || {
            let answer = self.send(&Request::page(path).cookie(bob));
            assert_eq!(answer.status, 200, "{answer:?}");
            answer.cookie(COOKIE).map(|_| answer)
        });
        assert_uncacheable(&renewed);
        let cookie = renewed.header("set-cookie").unwrap();
        assert!(
            cookie.contains("; HttpOnly") && cookie.contains("; Path=/;"),
            "{cookie}"
        );
        assert_eq!(Heard::from(&renewed).all("remote-user"), ["bob"]);

        // Scripts renew nothing, and then the site decides what is kept.
        let script = self.send(&Request::script(path).cookie(bob));
        assert_eq!((script.status, script.cookie(COOKIE)), (200, None));
        let kept = script.header("cache-control").unwrap();
        assert!(kept.contains("max-age=600"), "{kept}");

        let session = format!("{COOKIE}={}", renewed.cookie(COOKIE).unwrap());
        assert_ne!(session, bob);
        let again = self.send(&Request::script(path).cookie(&session));
        assert_eq!(again.status, 200, "{again:?}");
        session
    }
}

/// No cache may keep `answer`, whichever header it goes by.
pub(crate) fn assert_uncacheable(answer: &Answer) {
    let control = answer.all("cache-control").join(", ");
    assert!(control.contains("no-store"), "{control}");
    assert!(
        !control.contains("public") && !control.contains("max-age=600"),
        "{control}"
    );
    for name in [
        "surrogate-control",
        "cdn-cache-control",
        "cloudflare-cdn-cache-control",
    ] {
        assert_eq!(answer.all(name), [""; 0], "{name}");
    }
    let expires = answer.header("expires").unwrap_or_default();
    assert!(!expires.contains("2100"), "{expires}");
    assert!(
        answer
            .all("vary")
            .iter()
            .any(|vary| vary.contains("Cookie")),
        "{answer:?}"
    );
}
