//! Requests written byte by byte, because what these tests send no decent client would.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// Nothing that works takes so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request, sent with exactly these bytes.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: String,
    target: String,
    host: String,
    headers: String,
    body: Vec<u8>,
    source: Ipv4Addr,
}

/// A connection from this machine that is kept, as browsers and proxies keep theirs.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    port: u16,
}

/// An answer, read to its end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            host: String::new(),
            headers: String::new(),
            body: Vec::new(),
            source: Ipv4Addr::LOCALHOST,
        }
    }

    pub(crate) fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// A person loads a page.
    pub(crate) fn page(target: &str) -> Self {
        Self::get(target)
            .header("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
            .header("Sec-Fetch-Dest", "document")
            .header("Sec-Fetch-Mode", "navigate")
    }

    /// A script of a page asks.
    pub(crate) fn script(target: &str) -> Self {
        Self::get(target)
            .header("Accept", "*/*")
            .header("Sec-Fetch-Dest", "empty")
            .header("Sec-Fetch-Mode", "cors")
    }

    /// A header in this spelling, beside those that are there already.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        // Writing to a string does not fail.
        let _ = write!(self.headers, "{name}: {value}\r\n");
        self
    }

    pub(crate) fn with_method(mut self, method: &str) -> Self {
        method.clone_into(&mut self.method);
        self
    }

    pub(crate) fn cookie(self, cookies: &str) -> Self {
        self.header("Cookie", cookies)
    }

    /// From this address of this machine.
    pub(crate) fn from(mut self, source: Ipv4Addr) -> Self {
        self.source = source;
        self
    }

    pub(crate) fn host(mut self, host: &str) -> Self {
        host.clone_into(&mut self.host);
        self
    }

    pub(crate) fn body(self, body: &[u8]) -> Self {
        let length = body.len().to_string();
        self.header("Content-Length", &length).raw_body(body)
    }

    /// A body whose headers are written already.
    pub(crate) fn raw_body(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self
    }

    /// The fields of a form.
    pub(crate) fn form(self, fields: &[(&str, &str)]) -> Self {
        let pairs: Vec<_> = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", encode(value)))
            .collect();
        self.header("Content-Type", "application/x-www-form-urlencoded")
            .body(pairs.join("&").as_bytes())
    }

    /// Sends it to `port` of this machine, as `localhost` unless it names another host.
    pub(crate) fn send(&self, port: u16) -> io::Result<Answer> {
        let mut stream = connect(self.source, port)?;
        self.exchange(&mut stream, port, "Connection: close\r\n")
    }

    fn exchange(&self, stream: &mut TcpStream, port: u16, connection: &str) -> io::Result<Answer> {
        let host = match self.host.as_str() {
            "" => format!("localhost:{port}"),
            host => host.to_owned(),
        };
        let head = format!(
            "{} {} HTTP/1.1\r\nHost: {host}\r\n{connection}{}\r\n",
            self.method, self.target, self.headers
        );
        stream.write_all(head.as_bytes())?;
        // Whoever refuses the request may close before it has read all of this.
        let _ = stream.write_all(&self.body);
        let (mut bytes, mut part) = (Vec::new(), [0; 16_384]);
        loop {
            let count = stream.read(&mut part)?;
            bytes.extend_from_slice(&part[..count]);
            // Not every server closes the connection when it is asked to.
            if let Some(answer) = Answer::parse(&bytes, &self.method, count == 0) {
                return Ok(answer);
            }
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Sends it, and expects an answer.
    pub(crate) fn to(&self, port: u16) -> Answer {
        self.send(port)
            .unwrap_or_else(|error| panic!("{} {}: {error}", self.method, self.target))
    }
}

impl Connection {
    pub(crate) fn open(port: u16) -> io::Result<Self> {
        let stream = connect(Ipv4Addr::LOCALHOST, port)?;
        Ok(Self { stream, port })
    }

    /// Sends `request` and reads the answer; whoever closes the connection between two requests has refused the second.
    pub(crate) fn ask(&mut self, request: &Request) -> io::Result<Answer> {
        request.exchange(&mut self.stream, self.port, "")
    }
}

impl Answer {
    /// The only header of that name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let all = self.all(name);
        assert!(all.len() < 2, "{name} stands twice: {all:?}");
        all.first().copied()
    }

    /// The values of all headers of that name.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let same = |header: &&(String, String)| header.0.eq_ignore_ascii_case(name);
        let headers = self.headers.iter().filter(same);
        headers.map(|(_, value)| value.as_str()).collect()
    }

    /// The value of a cookie that is set.
    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        self.all("set-cookie").into_iter().find_map(|cookie| {
            let (pair, _) = cookie.split_once(';')?;
            let (found, value) = pair.split_once('=')?;
            (found == name).then(|| value.to_owned())
        })
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The answer if all of it is there, or nothing. Without a length the end of the stream is its end.
    fn parse(bytes: &[u8], method: &str, ended: bool) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = std::str::from_utf8(bytes.get(..end)?).ok()?;
        let body = bytes.get(end + 4..)?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        let mut answer = Self {
            status,
            headers,
            body: Vec::new(),
        };
        let chunked = answer.all("transfer-encoding") == ["chunked"];
        let length = answer
            .header("content-length")
            .and_then(|length| length.parse::<usize>().ok());
        answer.body = match length {
            _ if method == "HEAD" || matches!(status, 101 | 204 | 304) => Vec::new(),
            _ if chunked => unchunk(body)?,
            Some(length) => body.get(..length)?.to_vec(),
            None => ended.then(|| body.to_vec())?,
        };
        Some(answer)
    }
}

fn connect(source: Ipv4Addr, port: u16) -> io::Result<TcpStream> {
    let stream = match source {
        Ipv4Addr::LOCALHOST => TcpStream::connect((source, port))?,
        _ => connect_from(source, port)?,
    };
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// The standard library cannot choose the address that a connection comes from.
fn connect_from(source: Ipv4Addr, port: u16) -> io::Result<TcpStream> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.bind((source, 0).into())?;
        let stream = socket.connect((Ipv4Addr::LOCALHOST, port).into()).await?;
        stream.into_std()
    })?;
    stream.set_nonblocking(false)?;
    Ok(stream)
}

fn unchunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|two| two == b"\r\n")?;
        let size = std::str::from_utf8(rest.get(..line)?).ok()?;
        let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        let chunk = rest.get(line + 2..)?;
        body.extend_from_slice(chunk.get(..size)?);
        rest = chunk.get(size + 2..)?;
    }
}

fn encode(value: &str) -> String {
    value
        .bytes()
        .fold(String::new(), |mut text, byte| match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' => {
                text.push(char::from(byte));
                text
            }
            _ => {
                let _ = write!(text, "%{byte:02X}");
                text
            }
        })
}
