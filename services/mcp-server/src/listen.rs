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
    serve_at_most(MAX_CONNECTIONS, listener, router, stop).await;
}

async fn serve_at_most(
    max_connections: usize,
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(max_connections));
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
        let server = Server::start().await;
        let mut client = server.connect().await;
        client.write_all(b"GET / HTTP/1.1\r\nhost: a").await.unwrap();
        let mut answer = Vec::new();
        // Ends, whatever is said first.
        let ended = tokio::time::timeout(HEADER_TIMEOUT * 2, client.read_to_end(&mut answer)).await;
        assert!(ended.is_ok(), "the connection is still there");
        assert!(!answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
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
