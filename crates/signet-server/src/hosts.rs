//! The names a listener answers to. A name that is not among them means that somebody's page was pointed here.

use std::sync::Arc;

use arc_swap::ArcSwap;
use http::HeaderMap;
use http::header::HOST;

/// The names of a listener, exchanged when the configuration changes (O5: DNS rebinding reaches loopback otherwise).
#[derive(Debug)]
pub(crate) struct HostNames(ArcSwap<Vec<String>>);

impl HostNames {
    pub(crate) fn new(names: Vec<String>) -> Self {
        Self(ArcSwap::from_pointee(names))
    }

    pub(crate) fn replace(&self, names: Vec<String>) {
        self.0.store(Arc::new(names));
    }

    /// Whether the request names one of them, exactly once.
    pub(crate) fn admit(&self, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return false;
        };
        self.0
            .load()
            .iter()
            .any(|name| host.as_bytes().eq_ignore_ascii_case(name.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    // O5
    #[test]
    fn only_configured_names_are_answered() {
        let names = HostNames::new(vec![
            "www.example.com".to_owned(),
            "localhost:8080".to_owned(),
        ]);
        let admit = |hosts: &[&'static str]| {
            let headers = hosts
                .iter()
                .map(|host| (HOST, HeaderValue::from_static(host)))
                .collect();
            names.admit(&headers)
        };
        assert!(
            admit(&["www.example.com"])
                && admit(&["WWW.Example.COM"])
                && admit(&["localhost:8080"])
        );
        for refused in [
            &[][..],
            &[""],
            &["evil.example"],
            &["www.example.com:81"],
            &["www.example.com.evil.example"],
            &["localhost"],
            &["www.example.com", "www.example.com"],
        ] {
            assert!(!admit(refused), "{refused:?}");
        }
    }
}
