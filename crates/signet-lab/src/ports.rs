//! Ports: binding with an error that names the port, and finding free ones.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::sync::atomic::{AtomicU16, Ordering};

use crate::error::LabError;

/// Where free ports are looked for: below the range from which Linux, macOS and Windows take
/// the local ends of outgoing connections.
/// Such an end would otherwise occupy the port of an instance while it restarts.
const SEARCHED: std::ops::Range<u16> = 16_384..32_000;

/// A loopback address.
pub(crate) fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// Binds a listener for `who`.
pub(crate) async fn listen(
    who: &str,
    address: SocketAddr,
) -> Result<tokio::net::TcpListener, LabError> {
    tokio::net::TcpListener::bind(address)
        .await
        .map_err(|source| refused(who, address, source))
}

/// Fails if `who` could not listen on `address` now.
///
/// # Errors
/// [`LabError::PortInUse`] where something else listens there.
pub(crate) fn check_free(who: &str, address: SocketAddr) -> Result<(), LabError> {
    StdListener::bind(address)
        .map(drop)
        .map_err(|source| refused(who, address, source))
}

fn refused(who: &str, address: SocketAddr, source: std::io::Error) -> LabError {
    let who = who.to_owned();
    match source.kind() {
        ErrorKind::AddrInUse => LabError::PortInUse {
            who,
            port: address.port(),
        },
        _ => LabError::Listen {
            who,
            address,
            source,
        },
    }
}

/// Finds `count` loopback ports on which nothing listens, different from each other and from all
/// that this process was given before.
///
/// # Errors
/// [`LabError::NoFreePorts`] where there are not enough.
pub(crate) fn find_free(count: usize) -> Result<Vec<u16>, LabError> {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let span = SEARCHED.end - SEARCHED.start;
    // Two labs started together begin at different places.
    let start = std::process::id().wrapping_mul(97);
    let next = || {
        let step = u32::from(TAKEN.fetch_add(1, Ordering::Relaxed));
        let offset = start.wrapping_add(step) % u32::from(span);
        u16::try_from(offset).map(|offset| SEARCHED.start + offset)
    };
    let free: Vec<u16> = std::iter::from_fn(|| next().ok())
        .take(span.into())
        .filter(|&port| StdListener::bind(loopback(port)).is_ok())
        .take(count)
        .collect();
    if free.len() < count {
        return Err(LabError::NoFreePorts { wanted: count });
    }
    Ok(free)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_in_use_is_named() {
        let held = StdListener::bind(loopback(0)).unwrap();
        let address = held.local_addr().unwrap();
        let error = listen("publish-1", address).await.unwrap_err();
        let said = error.to_string();
        assert!(said.contains(&address.port().to_string()), "{said}");
        assert!(said.contains("publish-1"), "{said}");
        assert!(error.hint().is_some());
        assert!(matches!(
            check_free("x", address),
            Err(LabError::PortInUse { .. })
        ));
    }

    #[test]
    fn free_ports_are_distinct() {
        let mut ports = find_free(5).unwrap();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 5);
    }
}
