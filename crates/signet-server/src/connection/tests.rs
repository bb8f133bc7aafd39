use std::net::SocketAddr;

use http::StatusCode;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject as _;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::tls::testing::{Files, Made};

struct Hello;

impl Answerer for Hello {
    async fn answer(&self, _: Request<Incoming>, _: SocketAddr) -> Response<Bytes> {
        let mut answer = Response::new(Bytes::from_static(b"hello"));
        *answer.status_mut() = StatusCode::OK;
        answer
    }
}

/// A listener that speaks TLS.
struct Listening {
    address: SocketAddr,
    files: Files,
    made: Made,
    tls: Arc<Tls>,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Listening {
    async fn new(most: u32) -> Self {
        let made = Made::new(&["localhost"]);
        let files = Files::new(&made);
        let tls = Arc::new(files.open());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let shown = Some(Arc::clone(&tls));
        let accepting = tokio::spawn(accept(listener, Arc::new(Hello), most, shown, stopped));
        Self {
            address,
            files,
            made,
            tls,
            stop,
            accepting,
        }
    }

    async fn tcp(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// A client that trusts this certificate alone.
    async fn connect(
        &self,
        made: &Made,
        versions: &[&'static SupportedProtocolVersion],
    ) -> io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        let certificate =
            rustls::pki_types::CertificateDer::from_pem_slice(made.certificate.as_bytes());
        roots.add(certificate.unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        connector.connect(name, self.tcp().await).await
    }

    async fn is_well(&self) {
        let mut stream = self.connect(&self.made, &[&TLS13]).await.unwrap();
        assert_eq!(ask(&mut stream).await, "hello");
    }
}

/// One request; the connection stays.
async fn ask(stream: &mut TlsStream<TcpStream>) -> String {
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"hello") {
        let mut bytes = [0; 1_024];
        let length = stream.read(&mut bytes).await.unwrap();
        assert_ne!(length, 0);
        answer.extend_from_slice(&bytes[..length]);
    }
    let answer = String::from_utf8(answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

/// What comes until the other side ends it, one way or another.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    answer
}

#[tokio::test]
async fn both_versions_are_spoken_and_http_in_them() {
    let listening = Listening::new(8).await;
    for version in [&TLS12, &TLS13] {
        let mut stream = listening
            .connect(&listening.made, &[version])
            .await
            .unwrap();
        assert_eq!(ask(&mut stream).await, "hello");
        let (_, session) = stream.get_ref();
        assert_eq!(session.protocol_version(), Some(version.version));
        assert_eq!(session.alpn_protocol(), Some(&b"http/1.1"[..]));
    }
    assert_eq!(listening.tls.failures(), 0);
}

#[tokio::test]
async fn plain_http_is_told_what_is_wrong() {
    let listening = Listening::new(8).await;
    for request in [
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
        format!(
            "POST / HTTP/1.1\r\nContent-Length: 9000\r\n\r\n{}",
            "x".repeat(9_000)
        ),
    ] {
        let mut stream = listening.tcp().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let answer = String::from_utf8(rest(&mut stream).await).unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 400 ") && answer.ends_with("https://"),
            "{answer}"
        );
    }
    listening.is_well().await;
    assert_eq!(listening.tls.failures(), 2);
}

#[tokio::test]
async fn what_is_no_tls_ends_the_connection_and_nothing_else() {
    let listening = Listening::new(2).await;
    let record = |kind: u8, length: u16, body: &[u8]| {
        [&[kind, 3, 3][..], &length.to_be_bytes(), body].concat()
    };
    // A message that says it has 16 MB, in as many records as it likes.
    let endless: Vec<u8> = (0..40)
        .flat_map(|number| match number {
            0 => record(
                22,
                16_384,
                &[&[1, 255, 255, 255][..], &[0; 16_380]].concat(),
            ),
            _ => record(22, 16_384, &[0; 16_384]),
        })
        .collect();
    let garbage = [
        vec![0; 4_096],
        vec![255; 4_096],
        b"\x80\x2e\x01\x03\x01 an old hello".to_vec(),
        b"ssh-2.0-client\r\n".to_vec(),
        record(22, 65_535, &[1; 65_535]),
        record(21, 2, &[2, 80]),
        record(23, 16, &[0; 16]),
        record(22, 4, &[1, 0, 0, 0]),
        endless,
    ];
    let count = garbage.len() as u64;
    for bytes in garbage {
        let mut stream = listening.tcp().await;
        // It may have ended before it has all of it.
        let _ = stream.write_all(&bytes).await;
        let said = rest(&mut stream).await;
        // At most an alert.
        assert!(said.is_empty() || said[0] == 21, "{said:?}");
    }
    listening.is_well().await;
    assert_eq!(listening.tls.failures(), count);
    // Who only looks whether somebody listens has failed at nothing.
    drop(listening.tcp().await);
    listening.is_well().await;
    assert_eq!(listening.tls.failures(), count);
}

#[tokio::test]
async fn half_open_connections_keep_nobody_waiting() {
    let listening = Listening::new(4_096).await;
    let mut open = Vec::new();
    for number in 0..500 {
        let mut stream = listening.tcp().await;
        // Some say nothing, some begin a hello and stop.
        if number % 2 == 0 {
            stream.write_all(&[22, 3, 1, 2, 0, 1]).await.unwrap();
        }
        open.push(stream);
    }
    listening.is_well().await;
    assert!(!listening.accepting.is_finished());
}

#[tokio::test(start_paused = true)]
async fn who_stalls_holds_a_place_and_loses_it() {
    let listening = Listening::new(2).await;
    let mut silent = listening.tcp().await;
    let mut slow = listening.tcp().await;
    slow.write_all(&[22, 3, 1, 2, 0, 1]).await.unwrap();
    // Both places are taken, so it is answered only after they were given up.
    let before = tokio::time::Instant::now();
    let mut third = listening.tcp().await;
    third.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert!(!rest(&mut third).await.is_empty());
    assert!(before.elapsed() >= HEAD_PATIENCE);
    assert!(rest(&mut silent).await.is_empty() && rest(&mut slow).await.is_empty());
    assert_eq!(listening.tls.failures(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_ends_waits_for_no_handshake() {
    let listening = Listening::new(8).await;
    let mut idle = listening.connect(&listening.made, &[&TLS13]).await.unwrap();
    assert_eq!(ask(&mut idle).await, "hello");
    let mut slow = listening.tcp().await;
    slow.write_all(&[22, 3, 1]).await.unwrap();
    let before = tokio::time::Instant::now();
    listening.stop.send(true).unwrap();
    listening.accepting.await.unwrap();
    assert!(before.elapsed() < GRACE);
    // Ended as TLS ends, so that nobody takes a cut for the end.
    let mut bytes = [0; 1];
    assert_eq!(idle.read(&mut bytes).await.unwrap(), 0);
}

#[tokio::test]
async fn new_connections_get_the_new_certificate_and_old_ones_go_on() {
    let listening = Listening::new(8).await;
    let mut old = listening.connect(&listening.made, &[&TLS13]).await.unwrap();
    assert_eq!(ask(&mut old).await, "hello");
    let newer = Made::new(&["localhost"]);
    listening.files.put(&newer);
    assert!(listening.tls.look().unwrap().is_some());
    let mut new = listening.connect(&newer, &[&TLS13]).await.unwrap();
    assert_eq!(ask(&mut new).await, "hello");
    assert_eq!(ask(&mut old).await, "hello");
    assert!(listening.connect(&listening.made, &[&TLS13]).await.is_err());
}
