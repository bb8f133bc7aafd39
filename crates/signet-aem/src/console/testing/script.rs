//! A server that says what a test wants it to say. Nothing but the standard library, so that tests of the program use it too.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A server on this machine, for as long as the test lives.
pub(crate) struct Script {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// What it was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// As it stood in the first line.
    pub(crate) target: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

#[allow(dead_code, reason = "each crate that uses it needs some of it")]
impl Asked {
    /// The target without its query.
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// Whether it is this method and this path.
    pub(crate) fn is(&self, method: &str, path: &str) -> bool {
        self.method == method && self.path() == path
    }

    /// A header; its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name)?;
        Some(found.1.as_str())
    }

    /// The fields of a form, in order.
    pub(crate) fn fields(&self) -> Vec<(String, String)> {
        let text = String::from_utf8(self.body.clone()).unwrap();
        text.split('&')
            .filter(|field| !field.is_empty())
            .map(|field| {
                let (name, value) = field.split_once('=').unwrap_or((field, ""));
                (decoded(name), decoded(value))
            })
            .collect()
    }

    /// All values of a field.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        let fields = self.fields().into_iter();
        fields
            .filter(|(known, _)| known == name)
            .map(|(_, value)| value)
            .collect()
    }

    /// The value of a field.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        self.all(name).into_iter().next()
    }
}

/// What it says.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    /// Nothing: these bytes and nothing else are sent.
    status: Option<u16>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

#[allow(dead_code, reason = "each crate that uses it needs some of it")]
impl Reply {
    /// A status, and nothing else.
    pub(crate) fn status(status: u16) -> Self {
        Self {
            status: Some(status),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// 200, with a body of this kind.
    pub(crate) fn ok(kind: &str, body: impl Into<Vec<u8>>) -> Self {
        let mut reply = Self::status(200).header("Content-Type", kind);
        reply.body = body.into();
        reply
    }

    pub(crate) fn json(body: impl Into<Vec<u8>>) -> Self {
        Self::ok("application/json;charset=utf-8", body)
    }

    pub(crate) fn html(body: impl Into<Vec<u8>>) -> Self {
        Self::ok("text/html;charset=utf-8", body)
    }

    /// 302 to another place.
    pub(crate) fn redirect(location: &str) -> Self {
        Self::status(302).header("Location", location)
    }

    /// What a login form of Sling looks like.
    pub(crate) fn login_page() -> Self {
        Self::html("<form method=\"POST\" action=\"/j_security_check\"></form>")
    }

    /// Exactly these bytes, and then the end.
    pub(crate) fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            status: None,
            headers: Vec::new(),
            body: bytes.into(),
        }
    }

    /// The same with another status.
    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// What travels.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let Some(status) = self.status else {
            return self.body.clone();
        };
        let mut head = format!("HTTP/1.1 {status} x\r\nConnection: close\r\n");
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("Content-Length: {}\r\n\r\n", self.body.len());
        [head.as_bytes(), &self.body].concat()
    }
}

#[allow(dead_code, reason = "each crate that uses it needs some of it")]
impl Script {
    /// A server that answers as `answer` says; what it is asked is kept.
    pub(crate) fn play(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (kept, answer) = (asked.clone(), Arc::new(answer));
        // The thread ends with the process of the tests.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, answer) = (kept.clone(), answer.clone());
                thread::spawn(move || serve(stream, &kept, &*answer));
            }
        });
        Self { address, asked }
    }

    /// Its URL, without a slash at the end.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it was asked so far, in order.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The forms that it was sent.
    pub(crate) fn posted(&self) -> Vec<Asked> {
        let mut asked = self.asked();
        asked.retain(|asked| asked.method == "POST");
        asked
    }
}

/// One request; whoever asks may also just go away.
fn serve(mut stream: TcpStream, kept: &Mutex<Vec<Asked>>, answer: &dyn Fn(&Asked) -> Reply) {
    if let Some(asked) = read(&stream) {
        kept.lock().unwrap().push(asked.clone());
        let _ = stream.write_all(&answer(&asked).bytes());
    }
}

pub(crate) fn read(stream: &TcpStream) -> Option<Asked> {
    let mut input = BufReader::new(stream);
    let mut line = String::new();
    input.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let mut headers = Vec::new();
    loop {
        line.clear();
        input.read_line(&mut line).ok()?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.push((name.to_lowercase(), value.to_owned())),
            None => break,
        }
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, length)| length.parse().unwrap());
    let mut body = vec![0; length];
    input.read_exact(&mut body).ok()?;
    Some(Asked {
        method,
        target,
        headers,
        body,
    })
}

/// application/x-www-form-urlencoded
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).unwrap()
}
