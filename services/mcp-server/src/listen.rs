//! Connections: accepted within bounds, served, and drained. HTTP/1.1, as every MCP client and AgentCore speak it.
//!
//! `axum::serve` limits neither how many connections there are nor how long a client takes over its headers or over reading an
//! answer, so that a few clients who send or read a byte a minute could keep everybody out.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tower::ServiceExt;

/// How long a client may take until a request's headers are there. An idle connection counts from its last answer, so this
/// is also how long one is kept: longer than the 60 s after which AWS load balancers drop theirs.
const HEADER_TIMEOUT: Duration = Duration::from_secs(75);
/// After that, a connection ends with the request that is under way. Others may want its place.
const MAX_AGE: Duration = Duration::from_mins(10);
/// How long that request may go on, its answer's reading included: the longest limit of a call, and a minute.
const LAST_REQUEST_TIMEOUT: Duration = Duration::from_mins(6);
/// More wait in the listener's backlog. One takes about 30 kB, so that all of them fit beside everything else in 512 MB.
const MAX_CONNECTIONS: usize = 2_048;
/// After a failed accept, such as for want of file descriptors: until some may be free again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop` is ready, and then finishes the requests that are under way.
pub(crate) async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    serve_at_most(MAX_CONNECTIONS, listener, router, stop).await;
}

async fn serve_at_most(
    max_connections: usize,
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(max_connections));
    let (stopping, stop_requested) = watch::channel(false);
    let accepting = async {
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let connection = serve_connection(stream, router.clone(), stop_requested.clone());
                    tokio::spawn(async move {
                        connection.await;
                        drop(place);
                    });
                }
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
    drop((listener, stop_requested));
    stopping.send_replace(true);
    // Each connection has a receiver until it ends.
    stopping.closed().await;
}

/// Serves a connection until it ends, is too old, or the server stops.
async fn serve_connection(stream: TcpStream, router: Router, mut stop_requested: watch::Receiver<bool>) {
    // An answer is one small write, which must not wait for the acknowledgement of the one before. Where it can't be set,
    // answers are late and nothing else.
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(router.map_request(|request: Request<_>| request.map(Body::new)));
    let mut connection = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .serve_connection(TokioIo::new(stream), service)
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        _ = stop_requested.wait_for(|stop| *stop) => None,
        () = tokio::time::sleep(MAX_AGE) => None,
    };
    let ended = if let Some(ended) = ended {
        Ok(ended)
    } else {
        connection.as_mut().graceful_shutdown();
        tokio::time::timeout(LAST_REQUEST_TIMEOUT, connection).await
    };
    // The client's doing, all of it: gone away, too slow, not HTTP.
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a connection ended early"),
        Err(_) => tracing::debug!("a connection was too old"),
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Mutex;

    use axum::http::Uri;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::oneshot;
    use tokio::task::JoinHandle;

    use super::*;

    /// A server with room for one connection, which answers everything and notes what it was asked for.
    struct Server {
        address: SocketAddr,
        asked: Arc<Mutex<Vec<String>>>,
        stop: oneshot::Sender<()>,
        served: JoinHandle<()>,
    }

    impl Server {
        async fn start() -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let (stop, stopped) = oneshot::channel::<()>();
            let asked = Arc::new(Mutex::new(Vec::new()));
            let noted = Arc::clone(&asked);
            let router = Router::new().fallback(async move |uri: Uri| {
                noted.lock().unwrap().push(uri.path().to_owned());
                "here"
            });
            let served = tokio::spawn(serve_at_most(1, listener, router, async { drop(stopped.await) }));
            Self { address, asked, stop, served }
        }

        async fn connect(&self) -> TcpStream {
            TcpStream::connect(self.address).await.unwrap()
        }
    }

    async fn ask(client: &mut TcpStream, path: &str) {
        client.write_all(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n").as_bytes()).await.unwrap();
    }

    /// Reads an answer to its end.
    async fn be_answered(client: &mut TcpStream) {
        let mut answer = Vec::new();
        while !answer.ends_with(b"here") {
            answer.push(client.read_u8().await.unwrap());
        }
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    }

    /// Time is simulated: it moves on when nothing else does.
    #[tokio::test(start_paused = true)]
    async fn a_client_that_never_finishes_its_headers_is_dropped() {
        for beginning in ["", "P", "PRI * HTTP/2.0\r\n", "GET / HTTP/1.1\r\nhost: a"] {
            let server = Server::start().await;
            let mut client = server.connect().await;
            client.write_all(beginning.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            // Ends, whatever is said first.
            let ended = tokio::time::timeout(HEADER_TIMEOUT * 2, client.read_to_end(&mut answer)).await;
            assert!(ended.is_ok(), "{beginning:?}: the connection is still there");
            assert!(!answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_asks_and_never_reads_is_dropped() {
        let server = Server::start().await;
        let mut client = server.connect().await;
        let asking = async { while client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.is_ok() {} };
        let dropped = tokio::time::timeout((MAX_AGE + LAST_REQUEST_TIMEOUT) * 2, asking).await;
        assert!(dropped.is_ok(), "the connection is still there");
    }

    #[tokio::test]
    async fn what_is_asked_is_answered_and_then_the_server_ends() {
        let server = Server::start().await;
        let mut client = server.connect().await;
        ask(&mut client, "/").await;
        be_answered(&mut client).await;
        server.stop.send(()).unwrap();
        server.served.await.unwrap();
        assert_eq!(client.read(&mut [0]).await.unwrap(), 0, "the connection was closed");
    }

    #[tokio::test]
    async fn a_connection_beyond_the_limit_waits_for_its_turn() {
        let server = Server::start().await;
        let mut first = server.connect().await;
        ask(&mut first, "/first").await;
        be_answered(&mut first).await;
        let mut second = server.connect().await;
        ask(&mut second, "/second").await;
        // Time enough for the second to be read, if anybody did.
        for _ in 0..20 {
            ask(&mut first, "/first").await;
            be_answered(&mut first).await;
        }
        drop(first);
        be_answered(&mut second).await;
        let asked = server.asked.lock().unwrap();
        assert_eq!(asked.iter().position(|path| path == "/second"), Some(21), "{asked:?}");
    }
}
