//! One connection that stays open: a request at a time.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};

/// No answer that is measured is longer.
const LONGEST_ANSWER: usize = 8 * 1_024;

pub(super) struct Connection {
    stream: TcpStream,
    /// When the request under way was meant to be sent.
    meant: Option<Instant>,
    answer: Box<[u8; LONGEST_ANSWER]>,
    length: usize,
}

impl Connection {
    pub(super) fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).context("cannot connect")?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            meant: None,
            answer: Box::new([0; LONGEST_ANSWER]),
            length: 0,
        })
    }

    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Sends a request that was meant for this moment. It is far smaller than the system's buffer.
    pub(super) fn send(&mut self, request: &[u8], meant: Instant) -> Result<()> {
        self.meant = Some(meant);
        self.length = 0;
        self.stream.write_all(request).context("cannot send")
    }

    /// Reads what is there; once the answer is whole, returns when its request was meant to be sent.
    pub(super) fn receive(&mut self) -> Result<Option<Instant>> {
        match self.stream.read(&mut self.answer[self.length..]) {
            Ok(0) => bail!("the server closed a connection, or sent too much"),
            Ok(read) => self.length += read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error).context("cannot receive"),
        }
        let answer = &self.answer[..self.length];
        match whole(answer)? {
            None => Ok(None),
            Some(length) => {
                ensure!(
                    length == answer.len(),
                    "more than one answer to one request"
                );
                let meant = self.meant.take();
                Ok(Some(meant.context("an answer to no request")?))
            }
        }
    }
}

/// The length of the answer, once its head and body are there.
fn whole(answer: &[u8]) -> Result<Option<usize>> {
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&answer[..end]).context("a head that is no text")?;
    ensure!(
        head.starts_with("HTTP/1.1 200 "),
        "answered {:?}",
        head.lines().next().unwrap_or_default()
    );
    let body = head
        .split("\r\n")
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse::<usize>().ok())
        .context("an answer without a length")?;
    let length = end + 4 + body;
    Ok((answer.len() >= length).then_some(length))
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn an_answer_is_whole_with_its_body() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        for cut in 0..answer.len() {
            assert_eq!(whole(&answer[..cut]).unwrap(), None, "{cut}");
        }
        assert_eq!(whole(answer).unwrap(), Some(answer.len()));
        assert!(whole(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").is_err());
        assert!(whole(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
