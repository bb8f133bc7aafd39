//! Asking the running instance over its admin listener.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use signet_core::UnixSeconds;
use signet_http::{ExchangeError, Limits, Pin, Plain, Server, TlsError, exchange, exchange_pinned};
use signet_server::AdminAddress;
use signet_server::health::running_at;
use url::Url;

use crate::failure::Failure;

/// The longest answer that is read, in bytes.
const LONGEST: usize = 8 * 1024 * 1024;

/// What the instance said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
}

/// Asks for `target`, a path with its query, and waits for the whole answer at most as long as `patience`.
///
/// Over TLS the instance is known by the certificate that it wrote into its data directory, which is at `data`.
pub(crate) async fn get(
    data: &Path,
    address: AdminAddress,
    target: &str,
    patience: Duration,
) -> anyhow::Result<Answer> {
    let asked = ask(address, target, patience).await;
    match running_at(data) {
        // It took another certificate just now.
        Some(newer) if newer != address && is_other_certificate(&asked) => {
            ask(newer, target, patience).await
        }
        _ => asked,
    }
}

fn is_other_certificate(asked: &anyhow::Result<Answer>) -> bool {
    let error = asked.as_ref().err().and_then(|error| error.downcast_ref());
    matches!(error, Some(ExchangeError::Tls(TlsError::NotPinned { .. })))
}

async fn ask(address: AdminAddress, target: &str, patience: Duration) -> anyhow::Result<Answer> {
    let socket = reachable(address.socket);
    let scheme = match address.certificate {
        None => "http",
        Some(_) => "https",
    };
    let url = Url::parse(&format!("{scheme}://{socket}/"))?;
    let server = Server {
        url: &url,
        ca_file: None,
        // Where it listens is what its administrator chose.
        plain: Plain::Anywhere,
    };
    let request = Request::get(target).body(Full::<Bytes>::default())?;
    let limits = Limits {
        deadline: patience,
        longest_body: LONGEST,
    };
    let answer = match address.certificate {
        // No certificate is looked at, so no time matters.
        None => exchange(&server, request, limits, UnixSeconds(0)).await,
        Some(certificate) => exchange_pinned(&server, Pin(certificate.0), request, limits).await,
    };
    let answer = answer.with_context(|| format!("the instance at {socket} did not answer"))?;
    let body = answer.body.ok_or_else(|| {
        Failure::new(format!(
            "the instance at {socket} answered more than is read"
        ))
    })?;
    Ok(Answer {
        status: answer.status,
        body,
    })
}

/// What listens everywhere listens on loopback, too.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip: IpAddr = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    fn plain(socket: SocketAddr) -> AdminAddress {
        AdminAddress {
            socket,
            certificate: None,
        }
    }

    async fn answering(answer: &'static str) -> AdminAddress {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = [0; 1024];
            let length = stream.read(&mut head).await.unwrap();
            let head = String::from_utf8_lossy(&head[..length]).to_lowercase();
            assert!(head.starts_with("get /x?y=z http/1.1\r\n"), "{head}");
            assert!(head.contains(&format!("host: {address}\r\n")), "{head}");
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        plain(address)
    }

    #[tokio::test]
    async fn an_answer_is_read_whole() {
        let address = answering("HTTP/1.1 503 No\r\ncontent-length: 2\r\n\r\nhm").await;
        let answer = ask(address, "/x?y=z", PATIENCE).await.unwrap();
        assert_eq!((answer.status.as_u16(), &*answer.body), (503, &b"hm"[..]));
    }

    #[tokio::test]
    async fn what_is_no_answer_is_an_error() {
        let cut = answering("HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nhm").await;
        assert!(ask(cut, "/x?y=z", PATIENCE).await.is_err());
        let huge = answering("HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n").await;
        assert!(ask(huge, "/x?y=z", PATIENCE).await.is_err());
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let nobody = plain(free.local_addr().unwrap());
        drop(free);
        let error = ask(nobody, "/x?y=z", PATIENCE).await.unwrap_err();
        assert!(error.to_string().contains("did not answer"), "{error}");
    }

    #[tokio::test]
    async fn nobody_is_waited_for_for_ever() {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = plain(silent.local_addr().unwrap());
        let error = ask(address, "/x", Duration::ZERO).await.unwrap_err();
        assert!(
            format!("{error:#}").contains("longer than 0 seconds"),
            "{error:#}"
        );
    }

    #[test]
    fn what_listens_everywhere_is_asked_on_loopback() {
        for (listened, asked) in [
            ("0.0.0.0:9080", "127.0.0.1:9080"),
            ("[::]:9080", "[::1]:9080"),
            ("127.0.0.1:9080", "127.0.0.1:9080"),
            ("192.0.2.1:9080", "192.0.2.1:9080"),
        ] {
            assert_eq!(reachable(listened.parse().unwrap()).to_string(), asked);
        }
    }
}
