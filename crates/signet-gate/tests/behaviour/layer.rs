//! The layer of tower: what the service inside sees, and what the client gets.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use signet_gate::{Gate, GateLayer};
use signet_login::BasicMode;
use tower::{Layer as _, Service as _};

use crate::question::*;
use crate::support::*;

/// Sends a request through the layer; what the service inside saw, if it was asked, and the answer.
async fn through(
    gate: &Arc<Gate>,
    request: Request<Bytes>,
) -> (Option<HeaderMap>, Response<Bytes>) {
    let (seen, saw) = std::sync::mpsc::channel();
    let inner = tower::service_fn(move |request: Request<Bytes>| {
        let seen = seen.clone();
        async move {
            assert!(
                request
                    .extensions()
                    .get::<&str>()
                    .is_none_or(|mark| *mark == "kept")
            );
            seen.send(request.headers().clone()).unwrap();
            let answer = Response::builder()
                .header("cache-control", "public, max-age=600")
                .header("cdn-cache-control", "max-age=600")
                .header("surrogate-control", "max-age=600")
                .header("expires", "Thu, 01 Dec 2094 16:00:00 GMT")
                .header("set-cookie", "inner=1")
                .header("vary", "Accept");
            Ok::<_, Infallible>(answer.body(Bytes::from_static(b"inside")).unwrap())
        }
    });
    let mut service = GateLayer::new(Arc::clone(gate)).layer(inner);
    std::future::poll_fn(|context| service.poll_ready(context))
        .await
        .unwrap();
    let answer = service.call(request).await.unwrap();
    (saw.try_recv().ok(), answer)
}

fn request(method: Method, uri: &str, headers: HeaderMap) -> Request<Bytes> {
    let mut request = Request::new(Bytes::new());
    *request.method_mut() = method;
    *request.uri_mut() = uri.parse().unwrap();
    *request.headers_mut() = headers;
    request.extensions_mut().insert("kept");
    request
        .extensions_mut()
        .insert(SocketAddr::from((STRANGER, 4_000)));
    request
}

async fn get(
    gate: &Arc<Gate>,
    uri: &str,
    headers: HeaderMap,
) -> (Option<HeaderMap>, Response<Bytes>) {
    through(gate, request(Method::GET, uri, headers)).await
}

fn caching(answer: &Response<Bytes>) -> Vec<&str> {
    let names = [
        "cache-control",
        "cdn-cache-control",
        "surrogate-control",
        "expires",
    ];
    let values = names
        .iter()
        .flat_map(|name| answer.headers().get_all(*name));
    values.map(|value| value.to_str().unwrap()).collect()
}

#[tokio::test]
async fn a_user_gets_through_and_is_introduced() {
    let instance = Instance::new().await;
    let gate = gate(&instance, gate_settings());
    let mut browser = instance.browser();
    browser.logs_in().await;
    let (seen, answer) = get(&gate, "/a", browser.headers()).await;
    assert_eq!(
        (answer.status(), &answer.body()[..]),
        (StatusCode::OK, &b"inside"[..])
    );
    assert!(caching(&answer)[0].starts_with("public"), "left as it is");
    let seen = seen.unwrap();
    assert_eq!(seen["remote-user"], "alice");
    for name in IDENTITY {
        assert!(seen.contains_key(name), "{name}");
    }
    // What depends on the session says so.
    let vary: Vec<_> = answer.headers().get_all("vary").iter().collect();
    assert_eq!(vary, ["Accept", "Cookie"]);
}

// P2, invariant 5
#[tokio::test]
async fn no_spelling_of_an_identity_header_gets_through() {
    let instance = Instance::new().await;
    let gate = gate(&instance, gate_settings());
    let mut browser = instance.browser();
    browser.logs_in().await;
    let mut sent = browser.headers();
    for name in ["user", "groups", "name", "email"] {
        for joint in ["-", "_", ".", "~", "!", "*", "'"] {
            for spelling in [
                format!("remote{joint}{name}"),
                format!("REMOTE{joint}{name}"),
            ] {
                let spelling: http::HeaderName = spelling.parse().unwrap();
                sent.append(spelling.clone(), "root".parse().unwrap());
                sent.append(spelling, "administrators".parse().unwrap());
            }
        }
    }
    sent.append("remote-addr", "kept".parse().unwrap());
    let (seen, _) = get(&gate, "/a", sent).await;
    let seen = seen.unwrap();
    let remote: Vec<_> = seen
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("remote"))
        .collect();
    assert_eq!(remote.len(), 5, "{remote:?}");
    for (name, value) in remote {
        let expected = match name.as_str() {
            "remote-user" => "alice",
            "remote-addr" => "kept",
            _ => "",
        };
        assert_eq!(value, expected, "{name}");
    }
}

// C7
#[tokio::test]
async fn our_cookies_stay_outside_and_those_of_the_service_pass() {
    let instance = Instance::new().await;
    let gate = gate(&instance, gate_settings());
    let mut browser = instance.browser();
    browser.logs_in().await;
    browser.get("/login").await;
    browser.cookies.insert("theirs".to_owned(), "x".to_owned());
    assert_eq!(browser.cookies.len(), 3);
    let (seen, _) = get(&gate, "/a", browser.headers()).await;
    assert_eq!(seen.unwrap()["cookie"], "theirs=x");
    browser.cookies.remove("theirs");
    let (seen, _) = get(&gate, "/a", browser.headers()).await;
    assert!(!seen.unwrap().contains_key("cookie"));
}

// P7, S9
#[tokio::test]
async fn nobody_else_reaches_the_service() {
    let instance = Instance::new().await;
    let gate = gate(&instance, gate_settings());
    let page = instance.browser().headers();
    let (seen, answer) = get(&gate, "/a?b=c", page.clone()).await;
    assert_eq!((answer.status(), seen.is_none()), (StatusCode::FOUND, true));
    assert_eq!(
        answer.headers()["location"],
        format!("{OWN}/login?rd=%2Fa%3Fb%3Dc")
    );
    let script = headers(&[("sec-fetch-dest", "empty"), ("accept", HTML)]);
    for (method, uri, sent) in [
        (Method::GET, "/a", script),
        (Method::POST, "/a", page.clone()),
        (Method::CONNECT, "example.com:443", page.clone()),
        (Method::OPTIONS, "*", page.clone()),
    ] {
        let (seen, answer) = through(&gate, request(method, uri, sent)).await;
        assert!(matches!(answer.status().as_u16(), 302 | 401), "{uri}");
        assert!(seen.is_none(), "{uri}");
        assert_eq!(answer.headers()["cache-control"], "no-store");
    }
    // An identity that is claimed is none.
    let (seen, _) = get(&gate, "/a", with(page, &[("remote-user", "alice")])).await;
    assert!(seen.is_none());
}

// P4
#[tokio::test]
async fn rules_are_about_the_path_that_the_service_sees() {
    let instance = Instance::new().await;
    let gate = gate(&instance, gate_settings());
    let mut browser = instance.browser();
    browser.logs_in().await;
    for (uri, status) in [
        ("/a", 200),
        ("http://www.example.com/a", 200),
        ("/admin/x", 403),
        ("http://www.example.com/admin/x", 403),
        ("/a/../admin", 403),
        ("/a/..%2fadmin", 403),
        ("//admin/", 403),
        ("*", 403),
    ] {
        // What a client says about another path does not matter, trusted proxy or not.
        let sent = with(
            browser.headers(),
            &[("x-original-uri", "/a"), ("x-forwarded-uri", "/a")],
        );
        let mut asked = request(Method::GET, uri, sent);
        asked
            .extensions_mut()
            .insert(SocketAddr::from((PROXY, 4_000)));
        let (seen, answer) = through(&gate, asked).await;
        assert_eq!(
            (answer.status().as_u16(), seen.is_some()),
            (status, status == 200),
            "{uri}"
        );
    }
}

// P6
#[tokio::test]
async fn a_renewed_session_is_kept_by_no_cache() {
    let instance = Instance::new().await;
    let gate = gate(&instance, gate_settings());
    let mut browser = instance.browser();
    browser.logs_in().await;
    instance.time.pass(400);
    let (seen, answer) = get(&gate, "/a", browser.headers()).await;
    assert_eq!(caching(&answer), ["no-store"]);
    assert!(!seen.unwrap().contains_key("set-cookie"));
    let cookies: Vec<_> = answer.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies[0], "inner=1");
    assert!(cookies[1].to_str().unwrap().starts_with(TOKEN));
    let (_, answer) = get(&gate, "/poll/x", browser.headers()).await;
    assert_eq!(answer.headers().get_all("set-cookie").iter().count(), 1);
}

// O7: the password is for the gate; what the service inside does not need it does not get.
#[tokio::test]
async fn a_password_that_was_shown_stays_outside() {
    let instance = Instance::new().await;
    let gate = gate(&instance, gate_settings());
    let encoded = data_encoding::BASE64.encode(format!("alice:{PASSWORD}").as_bytes());
    let basic = headers(&[("authorization", &format!("Basic {encoded}"))]);
    instance.configure(|settings| settings.basic = BasicMode::On);
    let (seen, _) = get(&gate, "/a", basic.clone()).await;
    let seen = seen.unwrap();
    assert_eq!(seen["remote-user"], "alice");
    assert!(!seen.contains_key("authorization"));
    // Other credentials are the service's own business.
    let mut browser = instance.browser();
    browser.logs_in().await;
    let sent = with(browser.headers(), &[("authorization", "Bearer x")]);
    assert_eq!(
        get(&gate, "/a", sent).await.0.unwrap()["authorization"],
        "Bearer x"
    );
    instance.configure(|settings| settings.basic = BasicMode::Off);
    let mut sent = browser.headers();
    sent.extend(basic);
    assert!(
        get(&gate, "/a", sent)
            .await
            .0
            .unwrap()
            .contains_key("authorization")
    );
}

// L7: the peer is known by the extension that the server sets, and by nothing a client can send.
#[tokio::test]
async fn guessing_is_counted_against_the_peer() {
    let instance = Instance::new().await;
    instance.configure(|settings| {
        settings.basic = BasicMode::On;
        settings.throttle.address_failures = 3;
    });
    let gate = gate(&instance, gate_settings());
    let asked = |id: &str, password: &str, forwarded: &str| {
        let encoded = data_encoding::BASE64.encode(format!("{id}:{password}").as_bytes());
        let sent = headers(&[
            ("authorization", &format!("Basic {encoded}")),
            ("x-forwarded-for", forwarded),
        ]);
        request(Method::GET, "/a", sent)
    };
    for n in 0..3 {
        let forwarded = format!("192.0.2.{n}");
        through(&gate, asked(&format!("user-{n}"), "wrong", &forwarded)).await;
    }
    let (seen, _) = through(&gate, asked("alice", PASSWORD, "192.0.2.99")).await;
    assert!(seen.is_none());
}

#[tokio::test]
async fn the_service_that_is_called_is_the_one_that_was_ready() {
    #[derive(Debug)]
    struct Inner(Arc<AtomicUsize>, bool);
    impl Clone for Inner {
        fn clone(&self) -> Self {
            Self(Arc::clone(&self.0), false)
        }
    }
    impl tower::Service<Request<Bytes>> for Inner {
        type Response = Response<Bytes>;
        type Error = Infallible;
        type Future = std::future::Ready<Result<Response<Bytes>, Infallible>>;

        fn poll_ready(
            &mut self,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Result<(), Infallible>> {
            self.1 = true;
            std::task::Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request<Bytes>) -> Self::Future {
            assert!(
                std::mem::replace(&mut self.1, false),
                "called before it was ready"
            );
            self.0.fetch_add(1, Ordering::SeqCst);
            std::future::ready(Ok(Response::default()))
        }
    }
    let instance = Instance::new().await;
    let gate = gate(&instance, gate_settings());
    let mut browser = instance.browser();
    browser.logs_in().await;
    let called = Arc::<AtomicUsize>::default();
    let mut service = GateLayer::new(gate).layer(Inner(Arc::clone(&called), false));
    for _ in 0..3 {
        std::future::poll_fn(|context| service.poll_ready(context))
            .await
            .unwrap();
        let asked = request(Method::GET, "/a", browser.headers());
        service.call(asked).await.unwrap();
    }
    assert_eq!(called.load(Ordering::SeqCst), 3);
}
