//! Small servers of this machine, and a client that asks them.

use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustix::fs::{CWD, FileType, Mode};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use signet_core::{Key, KeyMaterial, KeyState, RingName, UnixSeconds};
use signet_keys::LoadedKeys;
use signet_repository::{IfMissing, Repository, RepositoryOptions, RepositoryUrl};
use signet_secret::MasterKeys;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::{
    AuthMethod, Client, CredentialKind, CredentialSource, Definition, Origin, Preset, Tokens,
    credential_place,
};

/// In March 2030, in the year that the certificates of these tests are good for.
pub(crate) const NOW: UnixSeconds = UnixSeconds(1_900_000_000);

pub(crate) const SECRET: &str = "correct-horse-battery-staple";

/// The token that the servers give.
pub(crate) const TOKEN: &str = "an-access-token-of-the-test";

/// An answer with a token that lives for an hour.
pub(crate) fn granted() -> String {
    let body = format!(r#"{{"access_token":"{TOKEN}","token_type":"bearer","expires_in":3600}}"#);
    answer("200 OK", "Content-Type: application/json\r\n", &body)
}

/// An answer with headers, each with its end.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n{body}")
}

/// A server that gives every request the same answer.
pub(crate) struct Server {
    pub(crate) port: u16,
    asked: Arc<AtomicUsize>,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Plain http. An empty answer stands for a connection that is ended without one.
    pub(crate) async fn plain(answer: impl Into<String>) -> Self {
        Self::start(answer.into(), None).await
    }

    pub(crate) async fn tls(answer: impl Into<String>, certificate: &Certificate) -> Self {
        Self::start(answer.into(), Some(certificate.acceptor())).await
    }

    async fn start(answer: String, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::<AtomicUsize>::default();
        let heard = Arc::<Mutex<Vec<String>>>::default();
        let (count, words) = (Arc::clone(&asked), Arc::clone(&heard));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let (answer, tls, words) = (answer.clone(), tls.clone(), Arc::clone(&words));
                tokio::spawn(async move {
                    match tls {
                        None => speak(stream, &answer, &words).await,
                        Some(tls) => speak(tls.accept(stream).await?, &answer, &words).await,
                    }
                });
            }
        });
        Self { port, asked, heard }
    }

    /// How many connections there were.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// The last request.
    pub(crate) fn heard(&self) -> String {
        self.heard
            .lock()
            .unwrap()
            .last()
            .cloned()
            .unwrap_or_default()
    }
}

async fn speak(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    answer: &str,
    heard: &Mutex<Vec<String>>,
) -> io::Result<()> {
    let mut request = Vec::new();
    while !is_whole(&request) {
        if stream.read_buf(&mut request).await? == 0 {
            break;
        }
    }
    let text = String::from_utf8_lossy(&request).into_owned();
    heard.lock().unwrap().push(text);
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

/// What is no request is answered at once, as real servers do.
fn is_whole(request: &[u8]) -> bool {
    let start = request.get(..5).unwrap_or_default();
    if !start.is_empty() && start != b"POST " {
        return true;
    }
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, length)| length.parse().ok());
    body.len() >= length.unwrap_or(0)
}

/// A certificate that issued itself, good in 2030.
pub(crate) struct Certificate {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Certificate {
    pub(crate) fn of(name: &str) -> Self {
        let mut parameters = CertificateParams::new([name.to_owned()]).unwrap();
        parameters.not_before = date_time_ymd(2030, 1, 1);
        parameters.not_after = date_time_ymd(2031, 1, 1);
        let key = KeyPair::generate().unwrap();
        Self {
            certificate: parameters.self_signed(&key).unwrap(),
            key,
        }
    }

    fn acceptor(&self) -> TlsAcceptor {
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.der().clone()], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// Keys, a repository, a clock that stands where it was put, and somebody who asks.
pub(crate) struct Desk {
    directory: TempDir,
    now: Arc<AtomicU64>,
    pub(crate) keys: MasterKeys,
    pub(crate) repository: Repository,
    pub(crate) tokens: Tokens,
}

impl Desk {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = RepositoryUrl::sqlite(directory.path().join("repository.db"));
        let options = RepositoryOptions::new(url, IfMissing::Create);
        let now = Arc::new(AtomicU64::new(NOW.0));
        let clock = Arc::clone(&now);
        let clock = Arc::new(move || UnixSeconds(clock.load(Ordering::SeqCst)));
        Self {
            directory,
            now,
            keys: keys(1),
            repository: Repository::open(options).await.unwrap(),
            tokens: Tokens::new(clock, Duration::from_secs(30)),
        }
    }

    /// Moves the clock.
    pub(crate) fn at(&self, now: UnixSeconds) {
        self.now.store(now.0, Ordering::SeqCst);
    }

    pub(crate) fn seal(&self, kind: CredentialKind, secret: &str) -> CredentialSource {
        let place = credential_place(&"ims".parse().unwrap(), kind);
        let sealed = self.keys.seal(&place, secret.as_bytes()).unwrap();
        CredentialSource::Sealed(sealed)
    }

    /// The certificate as a file to trust.
    pub(crate) fn trust(&self, certificate: &Certificate) -> PathBuf {
        let path = self.directory.path().join("ca.pem");
        std::fs::write(&path, certificate.certificate.pem()).unwrap();
        path
    }

    /// A client of what listens on `port`, with its secret.
    pub(crate) fn client(&self, definition: Definition) -> Client {
        let kind = definition.auth().credential();
        let secret = match kind {
            CredentialKind::Secret => SECRET.to_owned(),
            CredentialKind::PrivateKey => KeyPair::generate().unwrap().serialize_pem(),
        };
        let credential = self.seal(kind, &secret);
        let name = "ims".parse().unwrap();
        Client::new(name, Origin::Repository, definition, credential)
    }
}

/// A pipe that nobody writes into.
pub(crate) fn pipe(path: &Path) {
    let (kind, mode) = (FileType::Fifo, Mode::from_raw_mode(0o600));
    rustix::fs::mknodat(CWD, path, kind, mode, 0).unwrap();
}

/// The description of a client of this endpoint.
pub(crate) fn definition(endpoint: &str, auth: AuthMethod) -> Definition {
    Definition {
        token_endpoint: Some(endpoint.parse().unwrap()),
        auth: Some(auth),
        ..Definition::new(Preset::Generic, "the-client".parse().unwrap())
    }
}

/// A ring with one key, made of a number.
pub(crate) fn keys(number: u8) -> MasterKeys {
    let material = KeyMaterial::new([number; 32]);
    let issuer = "farm".parse().unwrap();
    let mut key = Key::new(RingName::Master, issuer, material, NOW);
    key.state = KeyState::Active;
    let mut loaded = LoadedKeys::default();
    loaded.keys.push(key);
    MasterKeys::new(&loaded)
}
