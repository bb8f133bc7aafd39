//! Paths that servers read differently must not lead around a rule, nor from a public place into a protected one.

use super::ProtectedSite;
use crate::stage::http::Request;
use crate::stage::visitor::COOKIE;

impl ProtectedSite {
    /// P4
    pub(crate) fn check_that_twisted_paths_lead_nowhere(&self, bob: &str) {
        for target in [
            "//admin",
            "//admin/",
            "/admin",
            "/admin/",
            "/admin/keys",
            "/%61dmin/keys",
            "/x/../admin/keys",
            "/x/%2e%2e/admin/keys",
            "/x/..%2fadmin/keys",
            "/x/..%2Fadmin/keys",
            "/x/..%5cadmin",
            "/./admin/keys",
            "/admin%2fkeys",
            "/admin;x=1/keys",
            "/x/..;/admin/keys",
            "/admin//keys",
            "/%2561dmin/keys",
            "/public/../admin/keys",
            "/public/..%2fadmin/keys",
            "/public/%2e%2e/admin/keys",
            "/public/%2E%2E%2Fadmin/keys",
            "/public/..;/admin/keys",
            "/public/.;/../admin/keys",
            "/public/%2e%2e;/admin/keys",
            "/public/..%5cadmin/keys",
            "/public/..\\admin/keys",
            "/public/x/..%252fadmin/keys",
            "/public//../admin/keys",
            "/public/%00/admin",
            "/login/../admin/keys",
            "/login/..%2fadmin/keys",
            "/assets/../admin/keys",
        ] {
            for request in [Request::page(target).cookie(bob), Request::script(target)] {
                let answer = self.send_in_vain(&request);
                assert!(
                    matches!(answer.status, 400..=404 | 421 | 302),
                    "{target}: {answer:?}"
                );
            }
        }
        let plain = self.send(&Request::page("/public/a.b/..c?/../admin;//%2f"));
        assert_eq!(plain.status, 200, "{plain:?}");
    }

    /// Signet's own questions are not for browsers, and names that are not ours are not answered.
    pub(crate) fn check_that_other_doors_are_closed(&self, bob: &str) {
        for target in ["/.signet/verdict", "/auth/request", "/auth/forward"] {
            let answer = self.send(&Request::script(target));
            assert!(matches!(answer.status, 401 | 404), "{target}: {answer:?}");
        }
        let request = Request::page("/").cookie(bob).host("evil.example");
        let answer = self.send_in_vain(&request);
        assert_eq!(answer.cookie(COOKIE), None);
        assert_eq!(answer.text(), answer.text().replace("bob", ""));
    }
}
