//! Which peers are proxies whose word about the original request counts.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

/// The networks of the trusted proxies. Empty by default: then nobody's word counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

/// Why a network cannot be trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// Not an address or a network in CIDR notation.
    #[error("expected an address such as 10.0.0.7 or a network such as 10.0.0.0/24")]
    Syntax,
    /// The whole internet.
    #[error("{0} trusts everybody: whoever reaches the listener could claim any address and path")]
    Everybody(IpNet),
}

/// One network of trusted proxies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProxyNetwork(IpNet);

impl FromStr for ProxyNetwork {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let network = match text.parse::<IpNet>() {
            Ok(network) => network,
            Err(_) => text
                .parse::<IpAddr>()
                .map_err(|_| NetworkError::Syntax)?
                .into(),
        };
        if network.prefix_len() == 0 {
            return Err(NetworkError::Everybody(network));
        }
        Ok(Self(network.trunc()))
    }
}

impl FromIterator<ProxyNetwork> for TrustedProxies {
    fn from_iter<I: IntoIterator<Item = ProxyNetwork>>(networks: I) -> Self {
        Self(networks.into_iter().map(|network| network.0).collect())
    }
}

impl TrustedProxies {
    /// Whether `peer` is one of them.
    #[must_use]
    pub fn contains(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.0.iter().any(|network| network.contains(&peer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // P1
    #[test]
    fn nobody_is_trusted_unless_named_and_everybody_never() {
        assert!(!TrustedProxies::default().contains([127, 0, 0, 1].into()));
        for everybody in ["0.0.0.0/0", "::/0", "10.0.0.0/0"] {
            let parsed = everybody.parse::<ProxyNetwork>();
            assert!(
                matches!(parsed, Err(NetworkError::Everybody(_))),
                "{everybody}"
            );
        }
        for wrong in ["", "localhost", "10.0.0", "10.0.0.0/33", "*"] {
            assert_eq!(
                wrong.parse::<ProxyNetwork>(),
                Err(NetworkError::Syntax),
                "{wrong}"
            );
        }
    }

    #[test]
    fn addresses_and_networks_match() {
        let proxies: TrustedProxies = ["10.1.2.3/24", "::1"]
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
        assert!(proxies.contains([10, 1, 2, 99].into()));
        assert!(!proxies.contains([10, 1, 3, 1].into()));
        assert!(proxies.contains("::ffff:10.1.2.4".parse().unwrap()));
        assert!(proxies.contains("::1".parse().unwrap()));
    }
}
