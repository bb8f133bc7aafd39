//! Accepting connections and speaking HTTP/1.1 on them, with every wait and every size bounded.

mod patience;
mod secure;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use patience::Patient;
use secure::secure;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use crate::tls::Tls;

/// How long a client may take to agree on TLS, to send the head of a request, and stay idle between two.
const HEAD_PATIENCE: Duration = Duration::from_secs(30);
/// The longest head of a request, in bytes.
const HEAD_MOST: usize = 32 * 1_024;
/// How long requests under way may take when the instance shuts down.
const GRACE: Duration = Duration::from_secs(10);
/// How long to wait before accepting again after the system refused, for example for want of file descriptors.
const BREATH: Duration = Duration::from_millis(50);

/// Answers a request from `peer`.
pub(crate) trait Answerer: Send + Sync + 'static {
    fn answer(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> impl Future<Output = Response<Bytes>> + Send;
}

/// Accepts connections on `listener`, at most `most` at a time, until `stop` says so, and then lets requests under way end.
/// With `tls` nothing else is spoken on them.
pub(crate) async fn accept<A: Answerer>(
    listener: TcpListener,
    answerer: Arc<A>,
    most: u32,
    tls: Option<Arc<Tls>>,
    mut stop: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(most as usize));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => break,
            accepted = next(&listener, &places) => accepted,
        };
        let (stream, peer, place) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(
                    code = "ACCEPT_FAILED",
                    error = &error as &dyn std::error::Error,
                    "no connection was accepted"
                );
                tokio::time::sleep(BREATH).await;
                continue;
            }
        };
        // An answer is small and whole: waiting to fill a packet would only delay it.
        let _ = stream.set_nodelay(true);
        let answerer = Arc::clone(&answerer);
        let service = service_fn(move |request| {
            let answerer = Arc::clone(&answerer);
            async move { Ok::<_, Infallible>(answerer.answer(request, peer).await.map(Full::new)) }
        });
        match &tls {
            None => {
                let connection = graceful.watch(serve(stream, service));
                tokio::spawn(async move {
                    // Whatever ended the connection, the client sees it; here it is noise.
                    let _ = connection.await;
                    drop(place);
                });
            }
            Some(tls) => {
                let (tls, stop, watcher) = (Arc::clone(tls), stop.clone(), graceful.watcher());
                // Apart, and with its place taken: who is slow here keeps nobody else waiting.
                tokio::spawn(async move {
                    if let Some(stream) = secure(stream, peer, &tls, stop).await {
                        let _ = watcher.watch(serve(stream, service)).await;
                    }
                    drop(place);
                });
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(GRACE, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!(code = "SHUTDOWN_CUT", "some requests did not end in time");
    }
}

fn serve<S, A>(stream: S, service: A) -> http1::Connection<TokioIo<Patient<S>>, A>
where
    S: AsyncRead + AsyncWrite + Unpin,
    A: HttpService<Incoming, ResBody = Full<Bytes>, Error = Infallible>,
{
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_buf_size(HEAD_MOST)
        // Head and body in one piece: a verdict has no body, and one piece is less work for the system, and for TLS, than a list.
        .writev(false)
        .serve_connection(TokioIo::new(Patient::new(stream)), service)
}

async fn next(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    // A place first: what is beyond waits in the system's queue and costs nothing here.
    let place = Arc::clone(places)
        .acquire_owned()
        .await
        .map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, place))
}

#[cfg(test)]
mod tests;
