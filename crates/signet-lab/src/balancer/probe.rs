//! Looks at an instance's `/readyz` again and again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, header};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::upstream::Upstream;

/// A busy instance may answer late; it is taken out only after this long.
const PATIENCE: Duration = Duration::from_secs(2);

/// Keeps `upstream`'s readiness true to what the instance says, for as long as it runs.
pub(super) async fn watch(upstream: Arc<Upstream>, host: String, every: Duration) {
    loop {
        let ready = is_ready(upstream.address, &host).await;
        upstream.set_ready(ready);
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = upstream.doubt.notified() => {}
        }
    }
}

/// Whether `GET /readyz` at `address` is answered with success, under the name `host`.
///
/// It asks on a connection of its own each time: one that was open before would not tell
/// whether the instance still takes new ones.
pub(crate) async fn is_ready(address: SocketAddr, host: &str) -> bool {
    timeout(PATIENCE, ask(address, host)).await.unwrap_or(false)
}

async fn ask(address: SocketAddr, host: &str) -> bool {
    let Ok(stream) = TcpStream::connect(address).await else {
        return false;
    };
    let Ok((mut sender, connection)) = http1::handshake(TokioIo::new(stream)).await else {
        return false;
    };
    let request = Request::get("/readyz")
        .header(header::HOST, host)
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new());
    let Ok(request) = request else { return false };
    let asked = async {
        let answer = sender.send_request(request).await;
        answer.is_ok_and(|answer| answer.status().is_success())
    };
    tokio::pin!(asked);
    tokio::select! {
        ready = &mut asked => ready,
        _ = connection => asked.await,
    }
}
