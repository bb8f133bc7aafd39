//! Which server is asked, and how far a request to it may travel in the clear.

use std::path::Path;

use url::{Host, Url};

/// A server, and what makes a connection to it trusted.
#[derive(Clone, Copy, Debug)]
pub struct Server<'a> {
    /// Scheme (http or https), host and port; the rest of it is not looked at.
    pub url: &'a Url,
    /// Certificates that are trusted beside those of the system, in PEM form.
    pub ca_file: Option<&'a Path>,
    /// Where plain http may lead.
    pub plain: Plain,
}

/// Where a request may travel in the clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plain {
    /// To this machine itself, whatever its name resolves to.
    OnThisMachine,
    /// To anywhere: who runs the program says that the network is trusted.
    Anywhere,
}

impl Server<'_> {
    /// Host and port, as they stand in messages and in `Host`.
    #[must_use]
    pub fn authority(&self) -> String {
        authority(self.url)
    }

    /// Whether requests travel in the clear.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.url.scheme() == "http"
    }

    /// Whether a connection must not leave this machine.
    pub(crate) fn stays_here(&self) -> bool {
        self.is_plain() && self.plain == Plain::OnThisMachine
    }

    /// The host as it stands in certificates: an IPv6 address without its brackets.
    pub(crate) fn host(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        host.trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned()
    }

    pub(crate) fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or(443)
    }
}

/// Host and port of a URL, the port only where it is not that of the scheme.
#[must_use]
pub fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// Whether a URL names this machine itself.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine_are_known() {
        for (url, here) in [
            ("http://localhost:4502/", true),
            ("http://a.localhost/", true),
            ("http://127.9.9.9/", true),
            ("http://[::1]:1/", true),
            ("http://localhost.example.com/", false),
            ("http://10.0.0.1/", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), here, "{url}");
        }
    }

    #[test]
    fn the_authority_names_only_an_unusual_port() {
        let authority = |url| authority(&Url::parse(url).unwrap());
        assert_eq!(authority("https://a.example:443/x"), "a.example");
        assert_eq!(authority("http://[::1]:4502/"), "[::1]:4502");
    }
}
