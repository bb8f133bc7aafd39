//! TLS on a connection that was just accepted.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::HEAD_PATIENCE;
use crate::tls::Tls;

/// What whoever speaks plain HTTP here is told.
const PLAIN: &str = "HTTP/1.1 400 Bad Request\r\n\
    content-type: text/plain; charset=utf-8\r\n\
    content-length: 49\r\n\
    cache-control: no-store\r\n\
    connection: close\r\n\
    \r\n\
    this port speaks TLS: begin the URL with https://";
/// So many bytes more of a plain request are read, and so long, so that its client reads the answer before the end.
const MOST_PLAIN: u64 = 64 * 1_024;
const PLAIN_PATIENCE: Duration = Duration::from_secs(2);

/// Why there is no TLS on a connection.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("the client said nothing")]
    Silent,
    #[error("the client speaks plain HTTP")]
    Plain,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Agrees on TLS with the client; `None` if that failed, took too long, or the instance is ending.
pub(super) async fn secure(
    stream: TcpStream,
    peer: SocketAddr,
    tls: &Tls,
    mut stop: watch::Receiver<bool>,
) -> Option<TlsStream<TcpStream>> {
    let agreed = tokio::select! {
        biased;
        _ = stop.wait_for(|stop| *stop) => return None,
        agreed = tokio::time::timeout(HEAD_PATIENCE, agree(stream, tls)) => agreed,
    };
    let refused = match agreed {
        Ok(Ok(stream)) => return Some(stream),
        // Balancers that only look whether somebody listens.
        Ok(Err(Refused::Silent)) => return None,
        Ok(Err(refused)) => refused,
        Err(_) => Refused::Io(io::ErrorKind::TimedOut.into()),
    };
    // One that speaks plain HTTP was counted before it was told.
    if !matches!(refused, Refused::Plain) {
        tls.failed();
    }
    tracing::debug!(
        code = "TLS_HANDSHAKE",
        peer = %peer.ip(),
        error = &refused as &dyn std::error::Error,
        "no TLS was agreed on"
    );
    None
}

async fn agree(mut stream: TcpStream, tls: &Tls) -> Result<TlsStream<TcpStream>, Refused> {
    let mut first = [0];
    if stream.peek(&mut first).await? == 0 {
        return Err(Refused::Silent);
    }
    // Methods begin with a capital letter, and nothing in TLS does.
    if first.iter().all(u8::is_ascii_uppercase) {
        tls.failed();
        // Whether it is heard is the client's affair.
        let _ = tokio::time::timeout(PLAIN_PATIENCE, tell(&mut stream)).await;
        return Err(Refused::Plain);
    }
    let acceptor = TlsAcceptor::from(tls.server_config());
    Ok(acceptor.accept(stream).await?)
}

async fn tell(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(PLAIN.as_bytes()).await?;
    stream.shutdown().await?;
    // What is unread when the connection is closed would take the answer away from the client.
    let mut rest = stream.take(MOST_PLAIN);
    tokio::io::copy(&mut rest, &mut tokio::io::sink()).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_answer_is_as_long_as_it_says() {
        let (head, body) = PLAIN.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())));
    }
}
