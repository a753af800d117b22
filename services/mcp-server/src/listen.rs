//! Connections: accepted within bounds, served, and drained.
//!
//! `axum::serve` limits neither how many connections there are nor how long a client takes over its headers, so that a few
//! clients who send a byte a minute could keep everybody out.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::ServiceExt;

/// How long a client may take until a request's headers are there. An idle connection counts from its last answer, so this
/// is also how long one is kept: longer than the 60 s after which AWS load balancers drop theirs.
const HEADER_TIMEOUT: Duration = Duration::from_secs(75);
/// More wait in the listener's backlog. One takes about 30 kB, so that all of them fit beside everything else in 512 MB.
const MAX_CONNECTIONS: usize = 2_048;
/// After a failed accept, such as for want of file descriptors: until some may be free again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop` is ready, and then finishes the requests that are under way.
pub(crate) async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let connections = GracefulShutdown::new();
    let accepting = async {
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, _)) => spawn(stream, router.clone(), &connections, place),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        () = accepting => {}
        () = stop => {}
    }
    drop(listener);
    connections.shutdown().await;
}

fn spawn(stream: TcpStream, router: Router, connections: &GracefulShutdown, place: OwnedSemaphorePermit) {
    // An answer is one small write, which must not wait for the acknowledgement of the one before. Where it can't be set,
    // answers are late and nothing else.
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(router.map_request(|request: Request<_>| request.map(Body::new)));
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(HEADER_TIMEOUT);
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    let connection = connections.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            // The client's doing, all of it: gone away, too slow, not HTTP.
            tracing::debug!(error, "a connection ended early");
        }
        drop(place);
    });
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// A server with one page, and how to stop it.
    async fn start() -> (TcpStream, tokio::sync::oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let router = Router::new().route("/", get(async || "here"));
        let served = tokio::spawn(serve(listener, router, async { drop(stopped.await) }));
        (TcpStream::connect(address).await.unwrap(), stop, served)
    }

    /// Time is simulated: it moves on when nothing else does.
    #[tokio::test(start_paused = true)]
    async fn a_client_that_never_finishes_its_headers_is_dropped() {
        let (mut client, _stop, _served) = start().await;
        client.write_all(b"GET / HTTP/1.1\r\nhost: a").await.unwrap();
        let mut answer = Vec::new();
        // Ends, whatever is said first.
        let _ = client.read_to_end(&mut answer).await;
        assert!(!answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    }

    #[tokio::test]
    async fn what_is_asked_is_answered_and_then_the_server_ends() {
        let (mut client, stop, served) = start().await;
        client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        let mut answer = [0; 12];
        client.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        stop.send(()).unwrap();
        served.await.unwrap();
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).await.unwrap();
        assert!(rest.ends_with(b"here"));
    }
}
