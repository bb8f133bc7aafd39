//! The balancer in front of small servers, each started and ended by its test.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use http::header::{CONNECTION, COOKIE, SET_COOKIE};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use super::*;
use crate::ports::loopback;

/// What a stub does with the requests that are not probes.
#[derive(Default)]
struct Manners {
    /// Answers `/readyz` with 503.
    unready: AtomicBool,
    /// Reads the request, then closes the connection without an answer.
    breaks: AtomicBool,
    /// Answers 503.
    refuses: AtomicBool,
    /// Announces a body and closes the connection in the middle of it.
    truncates: AtomicBool,
    /// Closes the connection after each answer, without saying so.
    closes: AtomicBool,
    seen: AtomicUsize,
    closed: Notify,
}

struct Stub {
    name: &'static str,
    address: SocketAddr,
    manners: Arc<Manners>,
    tasks: JoinSet<()>,
}

impl Stub {
    async fn start(name: &'static str) -> Self {
        let mut stub = Self {
            name,
            address: loopback(0),
            manners: Arc::default(),
            tasks: JoinSet::new(),
        };
        stub.listen().await;
        stub
    }

    /// Listens, again on the same port after a kill.
    async fn listen(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.address = listener.local_addr().unwrap();
        let (name, manners) = (self.name, Arc::clone(&self.manners));
        self.tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(converse(stream, name, Arc::clone(&manners)));
            }
        });
    }

    async fn kill(&mut self) {
        self.tasks.shutdown().await;
    }

    fn seen(&self) -> usize {
        self.manners.seen.load(Ordering::SeqCst)
    }
}

async fn converse(stream: TcpStream, name: &'static str, manners: Arc<Manners>) {
    let bad = Arc::new(Notify::new());
    let (service_manners, broke) = (Arc::clone(&manners), Arc::clone(&bad));
    let service = service_fn(move |request: Request<Incoming>| {
        let (manners, broke) = (Arc::clone(&service_manners), Arc::clone(&broke));
        async move { answer(name, &manners, &broke, request).await }
    });
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        _ = connection => {}
        () = bad.notified() => {}
    }
    manners.closed.notify_one();
}

async fn answer(
    name: &'static str,
    manners: &Manners,
    bad: &Arc<Notify>,
    request: Request<Incoming>,
) -> Result<http::Response<Full<Bytes>>, std::io::Error> {
    let answer = http::Response::builder();
    if request.uri().path() == "/readyz" {
        let unready = manners.unready.load(Ordering::SeqCst);
        let status = if unready { 503 } else { 200 };
        return Ok(answer.status(status).body(Full::default()).unwrap());
    }
    manners.seen.fetch_add(1, Ordering::SeqCst);
    let path = request.uri().to_string();
    let lines: Vec<String> = request
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    if manners.breaks.load(Ordering::SeqCst) {
        return Err(std::io::Error::other("broken on purpose"));
    }
    if manners.refuses.load(Ordering::SeqCst) {
        return Ok(answer.status(503).body(Full::default()).unwrap());
    }
    if manners.closes.load(Ordering::SeqCst) {
        let bad = Arc::clone(bad);
        // After the answer is written: this task runs when the connection waits again.
        tokio::spawn(async move { bad.notify_one() });
    }
    let said = format!("{name}\n{path}\n{}\n\n{}", lines.join("\n"), body.len());
    let mut answer = answer.header("keep-alive", "timeout=5");
    if manners.truncates.load(Ordering::SeqCst) {
        answer = answer.header("content-length", said.len() + 10);
    }
    Ok(answer.body(Full::from(said)).unwrap())
}

struct Client(SendRequest<Full<Bytes>>);

struct Said {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Said {
    fn by(&self) -> &str {
        self.body.lines().next().unwrap_or_default()
    }
}

impl Client {
    async fn new(balancer: &Balancer) -> Self {
        let stream = TcpStream::connect(balancer.address()).await.unwrap();
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    async fn send(&mut self, request: http::request::Builder, body: &'static str) -> Said {
        let request = request
            .header("host", "farm.test")
            .body(Full::from(body))
            .unwrap();
        self.0.ready().await.unwrap();
        let (parts, body) = self.0.send_request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Said {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    async fn get(&mut self) -> Said {
        self.send(Request::get("/page?x=1"), "").await
    }

    async fn post(&mut self) -> Said {
        self.send(Request::post("/form"), "a=b").await
    }
}

async fn farm(policy: BalancePolicy, names: &[&'static str]) -> (Vec<Stub>, Balancer) {
    let mut stubs = Vec::new();
    for name in names {
        stubs.push(Stub::start(name).await);
    }
    let balancer = balancer(policy, &stubs).await;
    for stub in &stubs {
        balancer.until(stub.name, Readiness::Ready).await;
    }
    (stubs, balancer)
}

/// A balancer whose probes look only when woken, so that a test decides what it knows.
async fn balancer(policy: BalancePolicy, stubs: &[Stub]) -> Balancer {
    let probe = std::time::Duration::from_secs(3600);
    Balancer::start(BalancerConfig {
        listen: loopback(0),
        policy,
        instances: stubs
            .iter()
            .map(|stub| (stub.name.to_owned(), stub.address))
            .collect(),
        limits: Limits {
            probe,
            ..Limits::default()
        },
    })
    .await
    .unwrap()
}

fn counters(balancer: &Balancer, name: &str) -> Counters {
    balancer
        .counters()
        .into_iter()
        .find(|counters| counters.instance == name)
        .unwrap()
}

#[tokio::test]
async fn requests_go_by_turns() {
    let (_stubs, balancer) = farm(BalancePolicy::RoundRobin, &["a", "b", "c"]).await;
    let mut client = Client::new(&balancer).await;
    let mut order = String::new();
    for _ in 0..6 {
        let said = client.get().await;
        assert_eq!(said.headers[INSTANCE_HEADER], said.by());
        assert!(!said.headers.contains_key(SET_COOKIE));
        order += said.by();
    }
    assert_eq!(order, "abcabc");
    // One connection to each carried both of its requests.
    assert_eq!(counters(&balancer, "b").connections, 1);
    assert_eq!(counters(&balancer, "b").requests, 2);
}

#[tokio::test]
async fn sticky_connections_stay_and_move_only_when_the_instance_is_down() {
    let (mut stubs, balancer) = farm(BalancePolicy::Sticky, &["a", "b"]).await;
    let mut client = Client::new(&balancer).await;
    let first = client.get().await;
    assert_eq!(first.by(), "a");
    let cookie = first.headers[SET_COOKIE].to_str().unwrap();
    assert_eq!(cookie, "lab-instance=a; Path=/; HttpOnly; SameSite=Lax");

    let stuck = || Request::get("/").header(COOKIE, "t=1; lab-instance=a");
    for _ in 0..3 {
        let said = client.send(stuck(), "").await;
        assert_eq!(said.by(), "a");
        assert!(!said.headers.contains_key(SET_COOKIE));
        assert!(
            said.body.contains("cookie: t=1\n"),
            "the balancer's cookie is its own"
        );
    }

    stubs[0].kill().await;
    let moved = client.send(stuck(), "").await;
    assert_eq!(moved.by(), "b");
    assert!(
        moved.headers[SET_COOKIE]
            .to_str()
            .unwrap()
            .starts_with("lab-instance=b;")
    );

    stubs[0].listen().await;
    balancer.until("a", Readiness::Ready).await;
    assert_eq!(client.send(stuck(), "").await.by(), "a");
}

#[tokio::test]
async fn a_killed_instance_is_nobodys_loss_and_is_used_again_when_it_is_back() {
    let (mut stubs, balancer) = farm(BalancePolicy::RoundRobin, &["a", "b"]).await;
    let mut client = Client::new(&balancer).await;
    for _ in 0..2 {
        client.get().await;
    }
    stubs[0].kill().await;
    for _ in 0..4 {
        let said = client.get().await;
        assert_eq!((said.status, said.by()), (StatusCode::OK, "b"));
    }
    assert!(!counters(&balancer, "a").ready);
    assert_eq!(
        counters(&balancer, "a").retried,
        1,
        "after one refusal it is left out"
    );

    stubs[0].listen().await;
    balancer.until("a", Readiness::Ready).await;
    let pair = [
        client.get().await.by().to_owned(),
        client.get().await.by().to_owned(),
    ];
    assert!(pair.contains(&"a".to_owned()));
}

#[tokio::test]
async fn a_get_is_repeated_once_where_an_instance_breaks_under_it() {
    for harm in ["breaks", "refuses", "truncates"] {
        let (stubs, balancer) = farm(BalancePolicy::RoundRobin, &["a", "b"]).await;
        let manners = &stubs[0].manners;
        let flag = match harm {
            "breaks" => &manners.breaks,
            "refuses" => &manners.refuses,
            _ => &manners.truncates,
        };
        flag.store(true, Ordering::SeqCst);
        let said = Client::new(&balancer).await.get().await;
        assert_eq!((said.status, said.by()), (StatusCode::OK, "b"), "{harm}");
        assert_eq!(counters(&balancer, "a").retried, 1, "{harm}");
    }
}

#[tokio::test]
async fn a_get_that_breaks_everywhere_is_answered_with_502() {
    let (stubs, balancer) = farm(BalancePolicy::RoundRobin, &["a", "b"]).await;
    for stub in &stubs {
        stub.manners.breaks.store(true, Ordering::SeqCst);
    }
    let said = Client::new(&balancer).await.get().await;
    assert_eq!(said.status, StatusCode::BAD_GATEWAY);
    assert_eq!((stubs[0].seen(), stubs[1].seen()), (1, 1));
}

#[tokio::test]
async fn a_post_is_not_repeated_once_it_was_sent() {
    let (stubs, balancer) = farm(BalancePolicy::RoundRobin, &["a", "b"]).await;
    stubs[0].manners.breaks.store(true, Ordering::SeqCst);
    let said = Client::new(&balancer).await.post().await;
    assert_eq!(said.status, StatusCode::BAD_GATEWAY);
    assert_eq!((stubs[0].seen(), stubs[1].seen()), (1, 0));
    assert_eq!(counters(&balancer, "a").failed, 1);
}

#[tokio::test]
async fn a_post_that_reached_nobody_goes_to_another_instance() {
    let (mut stubs, balancer) = farm(BalancePolicy::RoundRobin, &["a", "b"]).await;
    stubs[0].kill().await;
    let said = Client::new(&balancer).await.post().await;
    assert_eq!((said.status, said.by()), (StatusCode::OK, "b"));
    assert!(said.body.ends_with("\n3"), "the body came whole");
}

#[tokio::test]
async fn a_post_never_meets_a_stale_connection() {
    let (stubs, balancer) = farm(BalancePolicy::RoundRobin, &["a"]).await;
    let mut client = Client::new(&balancer).await;
    client.get().await;
    client.post().await;
    assert_eq!(counters(&balancer, "a").connections, 2);
    assert_eq!(stubs[0].seen(), 2);
}

#[tokio::test]
async fn a_connection_that_the_instance_closed_meanwhile_is_replaced() {
    let (stubs, balancer) = farm(BalancePolicy::RoundRobin, &["a"]).await;
    stubs[0].manners.closes.store(true, Ordering::SeqCst);
    let mut client = Client::new(&balancer).await;
    for _ in 0..20 {
        assert_eq!(client.get().await.status, StatusCode::OK);
        stubs[0].manners.closed.notified().await;
    }
    assert!(counters(&balancer, "a").ready);
    assert_eq!(counters(&balancer, "a").failed, 0);
}

#[tokio::test]
async fn an_instance_that_is_not_ready_is_not_used() {
    let stub = Stub::start("a").await;
    stub.manners.unready.store(true, Ordering::SeqCst);
    let stubs = [stub];
    let balancer = balancer(BalancePolicy::RoundRobin, &stubs).await;
    let mut client = Client::new(&balancer).await;
    let said = client.get().await;
    assert_eq!(said.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(said.headers["retry-after"], "1");
    assert!(said.body.contains("No instance"));
    stubs[0].manners.unready.store(false, Ordering::SeqCst);
    balancer.until("a", Readiness::Ready).await;
    assert_eq!(client.get().await.status, StatusCode::OK);
    stubs[0].manners.unready.store(true, Ordering::SeqCst);
    balancer.until("a", Readiness::Down).await;
    assert_eq!(client.get().await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(stubs[0].seen(), 1);
}

#[tokio::test]
async fn headers_of_one_hop_and_claims_about_the_way_do_not_pass() {
    let (_stubs, balancer) = farm(BalancePolicy::RoundRobin, &["a"]).await;
    let request = Request::get("/page?x=1")
        .header(CONNECTION, "x-mine")
        .header("x-mine", "1")
        .header("te", "trailers")
        .header("x-forwarded-for", "1.2.3.4")
        .header("x-forwarded-proto", "https")
        .header("forwarded", "for=1.2.3.4")
        .header("accept", "text/html");
    let said = Client::new(&balancer).await.send(request, "").await;
    let mut lines: Vec<&str> = said
        .body
        .lines()
        .skip(1)
        .take_while(|l| !l.is_empty())
        .collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "/page?x=1",
            "accept: text/html",
            "host: farm.test",
            "x-forwarded-for: 127.0.0.1",
            "x-forwarded-host: farm.test",
            "x-forwarded-proto: http",
        ]
    );
    assert!(!said.headers.contains_key("keep-alive"));
}

#[tokio::test]
async fn a_request_without_a_host_is_refused() {
    let (_stubs, balancer) = farm(BalancePolicy::RoundRobin, &["a"]).await;
    let mut client = Client::new(&balancer).await;
    let request = Request::get("/").body(Full::default()).unwrap();
    let answer = client.0.send_request(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let (_stubs, first) = farm(BalancePolicy::RoundRobin, &["a"]).await;
    let second = Balancer::start(BalancerConfig {
        listen: first.address(),
        policy: BalancePolicy::RoundRobin,
        instances: Vec::new(),
        limits: Limits::default(),
    })
    .await;
    let port = first.address().port();
    assert!(matches!(second, Err(LabError::PortInUse { port: taken, .. }) if taken == port));
}

#[tokio::test]
async fn stopping_ends_idle_connections_and_frees_the_port() {
    let (_stubs, balancer) = farm(BalancePolicy::RoundRobin, &["a"]).await;
    let mut client = Client::new(&balancer).await;
    client.get().await;
    let address = balancer.address();
    balancer.stop().await;
    let late = Request::get("/").body(Full::default()).unwrap();
    assert!(client.0.send_request(late).await.is_err());
    assert!(TcpListener::bind(address).await.is_ok());
}
