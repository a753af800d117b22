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
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::ServiceExt;

/// How long a client may take until a request's headers are there. An idle connection counts from its last answer, so this
/// is also how long one is kept: longer than the 60 s after which AWS load balancers drop theirs.
const HEADER_TIMEOUT: Duration = Duration::from_secs(75);
/// How long it may take until a connection's first request is there: whoever opens one has something to ask.
const FIRST_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection is kept without a request when all places are taken, so that others get theirs: a probe that waits
/// behind silent connections comes late, and comes.
const CROWDED_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest headers of a request, which are kept until all are there: as long as AWS load balancers take them.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html>
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// After that, a connection ends with the request that is under way. Others may want its place.
const MAX_AGE: Duration = Duration::from_mins(10);
/// How long that request may go on, its answer's reading included: the longest limit of a call, once for its turn and once for its
/// work, and a minute.
const LAST_REQUEST_TIMEOUT: Duration = Duration::from_mins(11);
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
    let (crowded, crowd) = watch::channel(false);
    let accepting = async {
        loop {
            let Some(place) = find_place(&places, &crowded).await else { return };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let connection =
                        serve_connection(stream, router.clone(), stop_requested.clone(), crowd.clone());
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

/// A place for the next connection; as long as there is none, it is crowded.
async fn find_place(places: &Arc<Semaphore>, crowded: &watch::Sender<bool>) -> Option<OwnedSemaphorePermit> {
    if let Ok(place) = Arc::clone(places).try_acquire_owned() {
        return Some(place);
    }
    crowded.send_replace(true);
    let place = Arc::clone(places).acquire_owned().await;
    crowded.send_replace(false);
    place.ok()
}

/// Where a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It has not asked for anything yet.
    New,
    /// A request is being answered.
    Asking,
    /// The last request is answered.
    Idle,
}

/// A request that is being answered.
struct Asking(watch::Sender<Phase>);

impl Asking {
    fn begin(phase: watch::Sender<Phase>) -> Self {
        phase.send_replace(Phase::Asking);
        Self(phase)
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.send_replace(Phase::Idle);
    }
}

/// Returns when a connection has had no request for as long as it may. (One that is idle while there is room ends by
/// [`HEADER_TIMEOUT`].)
async fn outstayed(mut phase: watch::Receiver<Phase>, mut crowd: watch::Receiver<bool>) {
    loop {
        let Ok(now) = phase.wait_for(|phase| *phase != Phase::Asking).await.map(|phase| *phase) else {
            return;
        };
        let in_the_way = async {
            tokio::time::sleep(CROWDED_TIMEOUT).await;
            // The sender outlives all connections.
            let _ = crowd.wait_for(|crowded| *crowded).await;
        };
        tokio::select! {
            changed = phase.changed() => if changed.is_err() { return },
            () = in_the_way => return,
            () = tokio::time::sleep(FIRST_REQUEST_TIMEOUT), if now == Phase::New => return,
        }
    }
}

/// Serves a connection until it ends, is too old, has nothing to ask, or the server stops.
async fn serve_connection(
    stream: TcpStream,
    router: Router,
    mut stop_requested: watch::Receiver<bool>,
    crowd: watch::Receiver<bool>,
) {
    // An answer is one small write, which must not wait for the acknowledgement of the one before. Where it can't be set,
    // answers are late and nothing else.
    let _ = stream.set_nodelay(true);
    let (phase, phases) = watch::channel(Phase::New);
    let service = service_fn(move |request: Request<Incoming>| {
        let (router, asking) = (router.clone(), Asking::begin(phase.clone()));
        async move {
            let response = router.oneshot(request.map(Body::new)).await;
            drop(asking);
            response
        }
    });
    let mut connection = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .max_buf_size(MAX_HEADER_BYTES)
            .serve_connection(TokioIo::new(stream), service)
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = outstayed(phases, crowd) => {
            tracing::debug!("a connection had nothing to ask");
            return;
        }
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
    use tokio::sync::{Notify, oneshot};
    use tokio::task::JoinHandle;

    use super::*;

    /// A server which answers everything, `/held` when it is let go, and notes what it was asked for.
    struct Server {
        address: SocketAddr,
        asked: Arc<Mutex<Vec<String>>>,
        held: Arc<Notify>,
        stop: oneshot::Sender<()>,
        served: JoinHandle<()>,
    }

    impl Server {
        async fn with_room_for(connections: usize) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let (stop, stopped) = oneshot::channel::<()>();
            let asked = Arc::new(Mutex::new(Vec::new()));
            let held = Arc::new(Notify::new());
            let (noted, holding) = (Arc::clone(&asked), Arc::clone(&held));
            let router = Router::new().fallback(async move |uri: Uri| {
                noted.lock().unwrap().push(uri.path().to_owned());
                if uri.path() == "/held" {
                    holding.notified().await;
                }
                "here"
            });
            let stopped = async { drop(stopped.await) };
            let served = tokio::spawn(serve_at_most(connections, listener, router, stopped));
            Self { address, asked, held, stop, served }
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
            let server = Server::with_room_for(8).await;
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
    async fn a_first_request_must_come_sooner_than_the_next() {
        let server = Server::with_room_for(8).await;
        let mut silent = server.connect().await;
        let dropped = tokio::time::timeout(FIRST_REQUEST_TIMEOUT * 2, silent.read(&mut [0])).await;
        assert!(dropped.is_ok(), "a silent connection is still there");
        let mut second = server.connect().await;
        for _ in 0..3 {
            ask(&mut second, "/").await;
            be_answered(&mut second).await;
            tokio::time::sleep(FIRST_REQUEST_TIMEOUT * 2).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn when_all_places_are_taken_the_idle_ones_are_given_on() {
        let server = Server::with_room_for(1).await;
        let mut idle = Vec::new();
        for _ in 0..3 {
            let mut next = server.connect().await;
            ask(&mut next, "/").await;
            let answered = tokio::time::timeout(HEADER_TIMEOUT / 2, be_answered(&mut next)).await;
            assert!(answered.is_ok(), "an idle connection kept others out");
            idle.push(next);
        }
    }

    #[tokio::test]
    async fn headers_have_a_longest_length() {
        let server = Server::with_room_for(1).await;
        let mut client = server.connect().await;
        let header = "x".repeat(MAX_HEADER_BYTES * 2);
        let request = format!("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx: {header}\r\n\r\n");
        // The server may close before it has read all of it.
        let _ = client.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = client.read_to_end(&mut answer).await;
        assert_eq!(server.asked.lock().unwrap().len(), 0, "{}", String::from_utf8_lossy(&answer));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_asks_and_never_reads_is_dropped() {
        let server = Server::with_room_for(1).await;
        let mut client = server.connect().await;
        let asking = async { while client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.is_ok() {} };
        let dropped = tokio::time::timeout((MAX_AGE + LAST_REQUEST_TIMEOUT) * 2, asking).await;
        assert!(dropped.is_ok(), "the connection is still there");
    }

    #[tokio::test]
    async fn what_is_asked_is_answered_and_then_the_server_ends() {
        let server = Server::with_room_for(1).await;
        let mut client = server.connect().await;
        ask(&mut client, "/").await;
        be_answered(&mut client).await;
        server.stop.send(()).unwrap();
        server.served.await.unwrap();
        assert_eq!(client.read(&mut [0]).await.unwrap(), 0, "the connection was closed");
    }

    #[tokio::test]
    async fn a_connection_beyond_the_limit_waits_for_its_turn() {
        let server = Server::with_room_for(1).await;
        let mut first = server.connect().await;
        ask(&mut first, "/held").await;
        let mut second = server.connect().await;
        ask(&mut second, "/second").await;
        // Time enough for the second to be read, if anybody did.
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        assert_eq!(*server.asked.lock().unwrap(), ["/held"]);
        server.held.notify_one();
        be_answered(&mut first).await;
        drop(first);
        be_answered(&mut second).await;
        assert_eq!(*server.asked.lock().unwrap(), ["/held", "/second"]);
    }
}
