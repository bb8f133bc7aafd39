//! An instance for tests: small, and as forgetful as the real ones are with repository tokens.

use std::collections::HashSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use http::header::{COOKIE, SET_COOKIE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tempfile::TempDir;
use tokio::net::TcpListener;

/// A directory with a `signet` that is this test binary in disguise.
pub(crate) struct Program {
    directory: TempDir,
}

impl Program {
    pub(crate) fn new() -> Self {
        let program = Self::broken();
        let binary = std::env::current_exe().unwrap();
        std::os::unix::fs::symlink(binary, program.directory.path().join("binary")).unwrap();
        program
    }

    /// One whose instances end at once.
    pub(crate) fn broken() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/stand-in.sh");
        std::os::unix::fs::symlink(script, directory.path().join("signet")).unwrap();
        Self { directory }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("signet")
    }
}

struct StandIn {
    data: PathBuf,
    /// The tokens this process gave out, where they are stored and not encapsulated.
    stored: Option<Mutex<HashSet<String>>>,
}

impl StandIn {
    fn new(data: &Path) -> Self {
        let configuration = std::fs::read_to_string(data.join("signet.toml")).unwrap_or_default();
        let encapsulated = !configuration.contains("encapsulated = false");
        Self {
            data: data.to_owned(),
            stored: (!encapsulated).then(Mutex::default),
        }
    }

    async fn serve(self, address: SocketAddr) {
        let listener = TcpListener::bind(address).await.unwrap();
        let this = Arc::new(self);
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let this = Arc::clone(&this);
            let service = service_fn(move |request| {
                let this = Arc::clone(&this);
                async move { Ok::<_, Infallible>(this.answer(request).await) }
            });
            tokio::spawn(
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service),
            );
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let body = body
            .collect()
            .await
            .map(|body| body.to_bytes())
            .unwrap_or_default();
        let answer = Response::builder();
        let answer = match (&parts.method, parts.uri.path()) {
            (&Method::GET, "/login") => {
                answer.body(Full::from(r#"<input type="hidden" name="csrf" value="t">"#))
            }
            (&Method::POST, "/login") => {
                let form = String::from_utf8_lossy(&body);
                let token = self.token(form.split(['=', '&']).nth(1).unwrap_or_default());
                answer
                    .status(StatusCode::SEE_OTHER)
                    .header(SET_COOKIE, token)
                    .body(Full::default())
            }
            (_, "/whoami") => {
                let cookies = parts
                    .headers
                    .get(COOKIE)
                    .and_then(|line| line.to_str().ok());
                match cookies.and_then(|line| self.user(line)) {
                    None => answer
                        .status(StatusCode::UNAUTHORIZED)
                        .body(Full::default()),
                    Some(user) => answer
                        .header(SET_COOKIE, self.token(&user))
                        .body(Full::from(format!(r#"{{"user":"{user}"}}"#))),
                }
            }
            _ => answer.body(Full::default()),
        };
        answer.unwrap()
    }

    /// A new token of `user`, as a cookie.
    fn token(&self, user: &str) -> String {
        let kid = std::fs::read_to_string(self.data.join("active")).unwrap_or("old".to_owned());
        let header = BASE64URL_NOPAD.encode(format!(r#"{{"kid":"{kid}"}}"#).as_bytes());
        let mut random = [0; 8];
        getrandom::fill(&mut random).unwrap();
        let token = format!("{header}.{user}.{}", HEXLOWER.encode(&random));
        if let Some(stored) = &self.stored {
            stored.lock().unwrap().insert(token.clone());
        }
        format!("login-token={token}; Path=/")
    }

    fn user(&self, cookies: &str) -> Option<String> {
        let token = cookies.strip_prefix("login-token=")?;
        if self
            .stored
            .as_ref()
            .is_some_and(|stored| !stored.lock().unwrap().contains(token))
        {
            return None;
        }
        token.split('.').nth(1).map(str::to_owned)
    }
}

pub(crate) mod tests {
    use super::*;

    /// No test of its own: the process of an instance, when it is started as one.
    #[tokio::test]
    async fn instance() {
        let mut words = std::env::args();
        let address = words.find_map(|word| word.parse::<SocketAddr>().ok());
        if let (Some(address), Some(data)) = (address, words.next()) {
            StandIn::new(Path::new(&data)).serve(address).await;
        }
    }
}
