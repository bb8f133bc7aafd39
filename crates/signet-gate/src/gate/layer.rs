//! The gate as a layer of tower, for services written in Rust: what is inside sees verified users only.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CACHE_CONTROL, COOKIE, SET_COOKIE, VARY};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use signet_login::exchange::is_page_load;
use tower::{Layer, Service};

use super::{Gate, Verdict};
use crate::forwarded::Original;
use crate::identity;

/// Lets requests with a session through to the service inside, and answers the others: 302 to the login for page loads,
/// 401 for scripts, 403 where a rule says so.
///
/// The service finds who is asking in the headers `Remote-User`, `Remote-Groups`, `Remote-Name` and `Remote-Email`.
/// Whatever a client sent under these names, in any spelling, is removed, and so are the cookies of the login and, where
/// HTTP Basic is switched on, the password.
#[derive(Clone, Debug)]
pub struct GateLayer {
    gate: Arc<Gate>,
}

/// A service behind the gate: see [`GateLayer`].
#[derive(Clone, Debug)]
pub struct GateService<S> {
    gate: Arc<Gate>,
    inner: S,
}

impl GateLayer {
    /// A layer that asks `gate`.
    #[must_use]
    pub fn new(gate: Arc<Gate>) -> Self {
        Self { gate }
    }
}

impl<S> Layer<S> for GateLayer {
    type Service = GateService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        GateService {
            gate: Arc::clone(&self.gate),
            inner,
        }
    }
}

impl<S, B, R> Service<Request<B>> for GateService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: From<Bytes> + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let gate = Arc::clone(&self.gate);
        // The service that was polled ready must be the one that is called.
        let spare = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, spare);
        Box::pin(async move {
            let method = request.method().clone();
            let target = request
                .uri()
                .path_and_query()
                .map(|target| target.as_str().to_owned());
            let peer = peer(&request);
            let passed = gate.admit(&method, target, request.headers(), peer).await;
            let cookie = match passed {
                Ok(verdict) => introduce(&gate, verdict, request.headers_mut()),
                Err(refused) => return Ok(refused.map(R::from)),
            };
            let mut response = inner.call(request).await?;
            response
                .headers_mut()
                .append(VARY, HeaderValue::from_static("Cookie"));
            if let Some(cookie) = cookie {
                bring(cookie, response.headers_mut());
            }
            Ok(response)
        })
    }
}

impl Gate {
    /// The positive verdict, or the answer in the place of the service inside.
    async fn admit(
        &self,
        method: &Method,
        target: Option<String>,
        headers: &HeaderMap,
        peer: IpAddr,
    ) -> Result<Verdict, Verdict> {
        let page_load = is_page_load(method, headers);
        let passed = self.pass(target.as_deref(), headers, peer, page_load).await;
        passed.map_err(|refusal| {
            let original = Original {
                target,
                ..Original::default()
            };
            self.refuse(refusal, page_load.then_some(&original))
        })
    }
}

/// Tells the service inside who is asking, and nothing a client claimed; returns the renewed cookie, if there is one.
fn introduce(gate: &Gate, mut verdict: Verdict, headers: &mut HeaderMap) -> Option<HeaderValue> {
    identity::strip(headers);
    if gate.site.basic.applies(headers) {
        headers.remove(AUTHORIZATION);
    }
    let settings = gate.site.snapshots.settings.load();
    drop_cookie(headers, settings.cookies.token_name());
    drop_cookie(headers, settings.cookies.form_name());
    for name in identity::ALL {
        if let Some(value) = verdict.headers_mut().remove(&name) {
            headers.insert(name, value);
        }
    }
    verdict.headers_mut().remove(SET_COOKIE)
}

/// Brings the browser its next token, in an answer that no cache on the way keeps (P6): those of content delivery networks
/// go by headers of their own before they go by `Cache-Control` (RFC 9213).
fn bring(cookie: HeaderValue, headers: &mut HeaderMap) {
    headers.append(SET_COOKIE, cookie);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for name in [
        "cdn-cache-control",
        "cloudflare-cdn-cache-control",
        "surrogate-control",
        "expires",
    ] {
        headers.remove(name);
    }
}

/// Takes one of our own cookies out of what the service inside sees (C7).
fn drop_cookie(headers: &mut HeaderMap, name: &str) {
    let mut kept: Vec<Vec<u8>> = Vec::new();
    for header in headers.get_all(COOKIE) {
        for pair in header.as_bytes().split(|b| *b == b';') {
            let pair = pair.trim_ascii();
            let own = pair
                .strip_prefix(name.as_bytes())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"="));
            if !own && !pair.is_empty() {
                kept.push(pair.to_vec());
            }
        }
    }
    headers.remove(COOKIE);
    if let Ok(value) = HeaderValue::from_bytes(&kept.join(&b"; "[..]))
        && !kept.is_empty()
    {
        headers.insert(COOKIE, value);
    }
}

/// The peer's address, if the server put it into the request as a [`SocketAddr`]; else one that no proxy has.
fn peer<B>(request: &Request<B>) -> IpAddr {
    let address = request.extensions().get::<SocketAddr>();
    address.map_or(IpAddr::from([0, 0, 0, 0]), |address| address.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    // C7
    #[test]
    fn the_session_cookie_stays_outside_and_the_others_pass() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=b; login-token=x; c=d"));
        headers.append(COOKIE, HeaderValue::from_static("login-token=y"));
        headers.append(
            COOKIE,
            HeaderValue::from_static("login-token-2=z; login-token"),
        );
        drop_cookie(&mut headers, "login-token");
        let left: Vec<_> = headers.get_all(COOKIE).iter().collect();
        assert_eq!(left, ["a=b; c=d; login-token-2=z"]);
    }
}
