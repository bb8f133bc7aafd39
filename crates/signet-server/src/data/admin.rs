//! Where a running instance is asked, as it wrote that down.

use std::net::SocketAddr;

use crate::tls::Fingerprint;

/// Where an admin listener listens.
///
/// One that speaks TLS is known by its certificate, which the instance wrote down where nobody else can write. So a command
/// needs no authority to believe it, the certificate needs no name for loopback, and one that has expired does not keep
/// anybody from asking what is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdminAddress {
    /// Address and port.
    pub socket: SocketAddr,
    /// The certificate that it shows, if it speaks TLS.
    pub certificate: Option<Fingerprint>,
}

impl AdminAddress {
    pub(super) fn line(&self) -> String {
        match self.certificate {
            None => format!("{}\n", self.socket),
            Some(certificate) => format!("https://{} {certificate}\n", self.socket),
        }
    }

    pub(super) fn parse(line: &str) -> Option<Self> {
        match line.trim().strip_prefix("https://") {
            None => Some(Self {
                socket: line.trim().parse().ok()?,
                certificate: None,
            }),
            Some(rest) => {
                let (socket, certificate) = rest.split_once(' ')?;
                Some(Self {
                    socket: socket.parse().ok()?,
                    certificate: Some(Fingerprint::parse(certificate)?),
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_admin_listener_is_can_be_read_again() {
        let socket = SocketAddr::from(([127, 0, 0, 1], 9080));
        for certificate in [None, Some(Fingerprint([0xa5; 32]))] {
            let address = AdminAddress {
                socket,
                certificate,
            };
            assert_eq!(AdminAddress::parse(&address.line()), Some(address));
        }
        // A pin that cannot be read must not become none.
        for damaged in [
            "https://127.0.0.1:9080",
            "https://127.0.0.1:9080 a5",
            "",
            "x",
        ] {
            assert_eq!(AdminAddress::parse(damaged), None, "{damaged}");
        }
    }
}
