//! As much of an HTTP client as it takes to see whether a server answers, and rightly.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// A request without a body.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) port: u16,
    pub(super) path: &'static str,
    pub(super) headers: Vec<(&'static str, String)>,
}

impl Request {
    pub(super) fn get(port: u16, path: &'static str) -> Self {
        Self {
            port,
            path,
            headers: Vec::new(),
        }
    }

    pub(super) fn header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(super) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The request as it goes over the wire, on a connection that stays.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let headers: String = self
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n",
            self.path,
            self.address()
        )
        .into_bytes()
    }

    /// Sends the request on a connection of its own and returns the status of the answer.
    pub(super) fn status(&self) -> Result<u16> {
        let mut stream = TcpStream::connect_timeout(&self.address(), PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(&self.to_bytes())?;
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        let text = std::str::from_utf8(&head).context("no HTTP")?;
        text.strip_prefix("HTTP/1.1 ")
            .and_then(|status| status.parse().ok())
            .with_context(|| format!("no HTTP/1.1: {text:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_complete() {
        let request = Request::get(8080, "/auth/request").header("Cookie", "a=b".to_owned());
        assert_eq!(
            request.to_bytes(),
            b"GET /auth/request HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nCookie: a=b\r\n\r\n"
        );
    }
}
