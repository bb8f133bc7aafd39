use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use signet_core::UnixSeconds;
use signet_repository::IfMissing;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::config::Config;
use crate::data::DataDirectory;

const NOW: UnixSeconds = UnixSeconds(1_767_225_600);

/// A token endpoint that gives a token for the right secret, and counts who asks.
struct Endpoint {
    port: u16,
    asked: Arc<AtomicU32>,
}

impl Endpoint {
    async fn start(right: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                let mut request = String::new();
                let mut buffer = [0; 4_096];
                while !request.contains(&format!("client_secret={right}"))
                    && !request.contains("client_secret=wrong")
                {
                    let length = stream.read(&mut buffer).await.unwrap();
                    request.push_str(&String::from_utf8_lossy(&buffer[..length]));
                }
                let (status, body) = match request.contains(right) {
                    true => (
                        "200 OK",
                        r#"{"access_token":"abc","token_type":"Bearer","expires_in":3600}"#,
                    ),
                    false => ("401 Unauthorized", r#"{"error":"invalid_client"}"#),
                };
                let answer = format!(
                    "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Self { port, asked }
    }

    fn asked(&self) -> u32 {
        self.asked.load(Ordering::Relaxed)
    }
}

/// An installation with the client `ims`, whose secret is in a file.
async fn installation(port: u16, secret: &str) -> (TempDir, std::path::PathBuf) {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("data");
    let config = format!(
        "[client.ims]\ntoken_endpoint = \"http://127.0.0.1:{port}/token\"\nclient_id = \"me\"\nauth = \"client_secret_post\"\nsecret_file = \"secret\"\n"
    );
    let data = DataDirectory::open_or_create(&path, &config).unwrap();
    let config = Config::default();
    let keys = data.key_store(&config).unwrap();
    keys.create_if_missing(NOW).unwrap();
    let repository = data.repository(&config, IfMissing::Create).await;
    repository.unwrap().close().await;
    write(&path, secret);
    (scratch, path)
}

fn write(data: &std::path::Path, secret: &str) {
    let file = data.join("secret");
    fs::write(&file, secret).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
}

async fn found(ground: &Ground) -> Finding {
    let found = look(ground).await.unwrap();
    let [finding] = found.as_slice() else {
        panic!("{found:#?}");
    };
    finding.clone()
}

fn ground(data: &std::path::Path) -> Ground {
    Ground::offline(data, Arc::new(|| NOW))
}

// K10, O4
#[tokio::test]
async fn a_wrong_secret_is_critical_with_the_code_of_the_endpoint() {
    let endpoint = Endpoint::start("right").await;
    let (_scratch, data) = installation(endpoint.port, "wrong").await;
    let ground = ground(&data);
    let finding = found(&ground).await;
    assert_eq!(finding.status, Status::Critical);
    assert_eq!(finding.code, "CLIENT_INVALID_CLIENT");
    assert!(finding.cause.starts_with("the client ims gets no token: "));
    assert!(!finding.remedy.is_empty());
    assert!(!finding.to_string().contains("wrong"), "{finding}");

    // The same is not asked again, and another secret at once.
    assert_eq!((found(&ground).await, endpoint.asked()), (finding, 1));
    write(&data, "right");
    let finding = found(&ground).await;
    assert_eq!(finding.cause, "the client ims gets a token");
    assert_eq!((finding.status, endpoint.asked()), (Status::Ok, 2));
    assert!(found(&ground).await.is_good());
    assert_eq!(endpoint.asked(), 2);
    ground.close().await;
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_reached_may_mend_itself() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let (_scratch, data) = installation(port, "right").await;
    let ground = ground(&data);
    let finding = found(&ground).await;
    assert_eq!(finding.status, Status::TemporarilyUnavailable);
    assert_eq!(finding.code, "CLIENT_CONNECTION_REFUSED");
    ground.close().await;
}

#[tokio::test]
async fn without_its_secret_the_endpoint_is_not_asked() {
    let endpoint = Endpoint::start("right").await;
    let (_scratch, data) = installation(endpoint.port, "").await;
    fs::remove_file(data.join("secret")).unwrap();
    let ground = ground(&data);
    let finding = found(&ground).await;
    assert_eq!(finding.status, Status::Critical);
    assert_eq!(finding.code, "CLIENT_SECRET_FILE");
    assert_eq!(endpoint.asked(), 0);
    ground.close().await;
}

#[tokio::test]
async fn a_client_in_two_places_is_in_neither() {
    let endpoint = Endpoint::start("right").await;
    let (_scratch, data) = installation(endpoint.port, "right").await;
    let directory = DataDirectory::open(&data).unwrap();
    let repository = directory
        .repository(&Config::default(), IfMissing::Refuse)
        .await
        .unwrap();
    let definition = serde_json::json!({ "client_id": "other" });
    repository
        .put_client("ims", &definition, None, NOW)
        .await
        .unwrap();
    repository.close().await;
    let ground = ground(&data);
    let finding = found(&ground).await;
    assert_eq!(
        (finding.status, finding.code),
        (Status::Critical, "CLIENT_DEFINED_TWICE")
    );
    assert!(finding.remedy.contains("signet client remove"), "{finding}");
    ground.close().await;
}
