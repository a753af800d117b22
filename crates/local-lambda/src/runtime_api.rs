//! The Lambda Runtime API.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;

/// Any name will do.
const FUNCTION_ARN: &str = "arn:aws:lambda:us-east-1:000000000000:function:local";
/// What Cognito's triggers have; only told to the function, and not enforced.
const DEADLINE: Duration = Duration::from_secs(5);

/// What became of an invocation.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The function's result.
    Response(Value),
    /// The function's error.
    Error(FunctionError),
}

impl Answer {
    /// The result.
    ///
    /// # Errors
    /// The function's error, if it ended in one.
    pub fn into_result(self) -> Result<Value, FunctionError> {
        match self {
            Self::Response(value) => Ok(value),
            Self::Error(error) => Err(error),
        }
    }
}

/// An error as the runtime reports it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionError {
    /// For programs.
    pub error_type: String,
    /// For people: Cognito shows it to who signs in.
    pub error_message: String,
}

/// Events on their way to the function.
type Events = Arc<Mutex<mpsc::Receiver<Vec<u8>>>>;

/// The API, as long as this value lives.
#[derive(Debug)]
pub(crate) struct RuntimeApi {
    address: SocketAddr,
    events: mpsc::Sender<Vec<u8>>,
    answers: mpsc::Receiver<Answer>,
    server: JoinHandle<()>,
}

impl RuntimeApi {
    pub(crate) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (events, waiting) = mpsc::channel(1);
        let (answered, answers) = mpsc::channel(1);
        let server = tokio::spawn(serve(listener, Arc::new(Mutex::new(waiting)), answered));
        Ok(Self { address, events, answers, server })
    }

    /// The value of `AWS_LAMBDA_RUNTIME_API`.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Hands an event over and waits for what becomes of it.
    pub(crate) async fn invoke(&mut self, event: Vec<u8>) -> io::Result<Answer> {
        let gone = || io::Error::other("the runtime API has ended");
        self.events.send(event).await.map_err(|_| gone())?;
        self.answers.recv().await.ok_or_else(gone)
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, events: Events, answers: mpsc::Sender<Answer>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (events, answers) = (Arc::clone(&events), answers.clone());
        let service = service_fn(move |request| answer(request, Arc::clone(&events), answers.clone()));
        tokio::spawn(async move {
            // A function that was killed leaves its connection.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    events: Events,
    answers: mpsc::Sender<Answer>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let path = path.strip_prefix("/2018-06-01/runtime/").unwrap_or_default();
    if request.method() == Method::GET && path == "invocation/next" {
        return Ok(next(&events).await);
    }
    let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes);
    let body = body.unwrap_or_default();
    let parsed = if path.ends_with("/response") {
        serde_json::from_slice(&body).ok().map(Answer::Response)
    } else if path.ends_with("/error") {
        serde_json::from_slice(&body).ok().map(Answer::Error)
    } else {
        None
    };
    let status = match parsed {
        Some(parsed) => {
            // Nobody waits for it any more: then it tells nobody anything.
            let _ = answers.send(parsed).await;
            StatusCode::ACCEPTED
        }
        None => StatusCode::BAD_REQUEST,
    };
    Ok(response(status, Bytes::new()))
}

/// Waits for an event, however long that takes, as AWS does.
async fn next(events: &Events) -> Response<Full<Bytes>> {
    let Some(event) = events.lock().await.recv().await else {
        return response(StatusCode::GONE, Bytes::new());
    };
    let mut next = response(StatusCode::OK, event.into());
    let headers = next.headers_mut();
    headers.insert(
        "lambda-runtime-aws-request-id",
        "00000000-0000-4000-8000-000000000001".parse().expect("ASCII"),
    );
    headers.insert("lambda-runtime-invoked-function-arn", FUNCTION_ARN.parse().expect("ASCII"));
    headers.insert("lambda-runtime-deadline-ms", deadline_millis().into());
    next
}

#[expect(clippy::disallowed_methods, reason = "the deadline is by the clock on the wall, as that of AWS")]
fn deadline_millis() -> u64 {
    let deadline = std::time::SystemTime::now() + DEADLINE;
    deadline
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|time| time.as_millis().try_into().ok())
        .unwrap_or_default()
}

fn response(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response
}
