//! Asking the running instance over its admin listener.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::header::HOST;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

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
pub(crate) async fn get(
    address: SocketAddr,
    target: &str,
    patience: Duration,
) -> anyhow::Result<Answer> {
    let address = reachable(address);
    let asked = tokio::time::timeout(patience, ask(address, target)).await;
    match asked {
        Ok(answer) => answer.with_context(|| format!("the instance at {address} did not answer")),
        Err(_) => Err(Failure::new(format!(
            "the instance at {address} did not answer within {} seconds",
            patience.as_secs()
        ))
        .into()),
    }
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

async fn ask(address: SocketAddr, target: &str) -> anyhow::Result<Answer> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the answer; what went wrong is told where the answer is waited for.
    let connection = tokio::spawn(connection);
    let request = Request::get(target)
        .header(HOST, address.to_string())
        .body(Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    let body = Limited::new(response.into_body(), LONGEST)
        .collect()
        .await
        .map_err(|error| anyhow::anyhow!(error))?
        .to_bytes();
    connection.abort();
    Ok(Answer { status, body })
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    async fn answering(answer: &'static str) -> SocketAddr {
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
        address
    }

    #[tokio::test]
    async fn an_answer_is_read_whole() {
        let address = answering("HTTP/1.1 503 No\r\ncontent-length: 2\r\n\r\nhm").await;
        let answer = get(address, "/x?y=z", PATIENCE).await.unwrap();
        assert_eq!((answer.status.as_u16(), &*answer.body), (503, &b"hm"[..]));
    }

    #[tokio::test]
    async fn what_is_no_answer_is_an_error() {
        let cut = answering("HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nhm").await;
        assert!(get(cut, "/x?y=z", PATIENCE).await.is_err());
        let huge = answering("HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n").await;
        assert!(get(huge, "/x?y=z", PATIENCE).await.is_err());
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let nobody = free.local_addr().unwrap();
        drop(free);
        let error = get(nobody, "/x?y=z", PATIENCE).await.unwrap_err();
        assert!(error.to_string().contains("did not answer"), "{error}");
    }

    #[tokio::test]
    async fn nobody_is_waited_for_for_ever() {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = silent.local_addr().unwrap();
        let error = get(address, "/x", Duration::ZERO).await.unwrap_err();
        assert!(error.to_string().contains("within 0 seconds"), "{error}");
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
