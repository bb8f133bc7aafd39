//! The site behind the proxy: it answers with what it was asked.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderMap, UPGRADE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::http::Answer;

/// The running site.
#[derive(Debug)]
pub(crate) struct Echo {
    asked: Arc<AtomicUsize>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

/// What the site was asked.
#[derive(Clone, Debug)]
pub(crate) struct Heard(Value);

impl Echo {
    /// Listens on `port`.
    pub(crate) fn start(port: u16) -> Self {
        let asked = Arc::<AtomicUsize>::default();
        let (stop, stopped) = oneshot::channel();
        let (ready, listens) = std::sync::mpsc::channel();
        let count = Arc::clone(&asked);
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
                    .await
                    .unwrap();
                ready.send(()).unwrap();
                tokio::select! {
                    () = accept(&listener, count) => {}
                    _ = stopped => {}
                }
            });
        });
        listens.recv().unwrap();
        Self {
            asked,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// How many requests reached the site.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Heard {
    /// What the site said in `answer`.
    ///
    /// # Panics
    /// When it was not the site that answered.
    pub(crate) fn from(answer: &Answer) -> Self {
        match serde_json::from_slice(&answer.body) {
            Ok(document) => Self(document),
            Err(_) => panic!("not from the site: {} {}", answer.status, answer.text()),
        }
    }

    pub(crate) fn method(&self) -> &str {
        self.0["method"].as_str().unwrap()
    }

    pub(crate) fn target(&self) -> &str {
        self.0["target"].as_str().unwrap()
    }

    /// Every header that came, names in lower case.
    pub(crate) fn headers(&self) -> Vec<(&str, &str)> {
        let pairs = self.0["headers"].as_array().unwrap().iter();
        pairs
            .map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap()))
            .collect()
    }

    /// The values of all headers of that name.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let headers = self.headers().into_iter();
        headers
            .filter(|(found, _)| *found == name)
            .map(|(_, value)| value)
            .collect()
    }

    pub(crate) fn body(&self) -> &str {
        self.0["body"].as_str().unwrap()
    }
}

async fn accept(listener: &TcpListener, asked: Arc<AtomicUsize>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(speak(stream, Arc::clone(&asked)));
    }
}

async fn speak(stream: TcpStream, asked: Arc<AtomicUsize>) {
    let service = service_fn(|request| {
        asked.fetch_add(1, Ordering::SeqCst);
        answer(request)
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let _ = connection.with_upgrades().await;
}

async fn answer(mut request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.headers().contains_key(UPGRADE) {
        let upgraded = hyper::upgrade::on(&mut request);
        tokio::spawn(async move {
            if let Ok(upgraded) = upgraded.await {
                let (mut read, mut write) = tokio::io::split(TokioIo::new(upgraded));
                let _ = tokio::io::copy(&mut read, &mut write).await;
            }
        });
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, "upgrade".parse().unwrap());
        headers.insert(UPGRADE, "websocket".parse().unwrap());
        return Ok(response);
    }
    let method = request.method().to_string();
    let target = request.uri().to_string();
    let headers = list(request.headers());
    let body = match request.into_body().collect().await {
        Ok(body) => String::from_utf8_lossy(&body.to_bytes()).into_owned(),
        Err(error) => format!("cut off: {error}"),
    };
    let document = json!({ "method": method, "target": target, "headers": headers, "body": body });
    let mut response = Response::new(Full::from(document.to_string()));
    // A site that lets everybody keep its pages.
    for (name, value) in [
        ("cache-control", "public, max-age=600"),
        ("expires", "Fri, 31 Dec 2100 23:59:59 GMT"),
        ("surrogate-control", "max-age=600"),
        ("cdn-cache-control", "max-age=600"),
        ("content-type", "application/json"),
    ] {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    Ok(response)
}

fn list(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.to_string(), value)
        })
        .collect()
}
