//! What every proxy that protects a site must do, whichever it is.

mod caching;
mod failure;
mod headers;
mod login;
mod paths;
mod request;

use super::echo::Echo;
use super::example::Example;
use super::http::{Answer, Request};
use super::ports::Ports;
use super::program::Program;
use super::signet::{Person, Signet};
use super::visitor::COOKIE;

/// A protected site: `/public/` is for everybody, `/admin/` for administrators, the rest for every user.
///
/// The parts end in the order in which they stand here, and the ports are free for others last.
#[derive(Debug)]
pub(crate) struct ProtectedSite {
    pub(crate) proxy: Program,
    pub(crate) signet: Signet,
    pub(crate) app: Echo,
    /// Where browsers come in.
    pub(crate) port: u16,
    pub(crate) _example: Example,
    pub(crate) _ports: Ports,
}

impl ProtectedSite {
    /// Adds `alice`, an administrator, and `bob`.
    pub(crate) fn add_users(&self) {
        let alice = Person {
            name: "Alice Ångström",
            mail: "alice@example.com",
            group: "administrators",
        };
        self.signet.add_user("alice", alice);
        self.signet.add_user("bob", Person::default());
    }

    /// A `Cookie` header with a new session of this user.
    pub(crate) fn session(&self, user: &str) -> String {
        format!("{COOKIE}={}", self.signet.mint(user, &[]))
    }

    fn send(&self, request: &Request) -> Answer {
        request.to(self.port)
    }

    /// Sends a request that must not reach the site behind.
    fn send_in_vain(&self, request: &Request) -> Answer {
        let before = self.app.asked();
        let answer = self.send(request);
        assert_eq!(
            self.app.asked(),
            before,
            "the site behind was asked: {request:?}"
        );
        answer
    }
}
