//! A stand-in for Cognito, Parameter Store and Secrets Manager: AWS JSON 1.1 over HTTP on loopback, for the program under test.
//!
//! What it answers is what AWS's pages say of the operations used here (Amazon Cognito user pools API reference, and AWS
//! Systems Manager API reference), less what the program does not look at. Unlike the emulators, it refuses what Cognito
//! refuses: an app client that mixes `client_credentials` with another flow, a third secret, the last secret's deletion.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use url::Url;

use crate::program::Program;

mod parameter;
mod user_pool;

pub(crate) use user_pool::User;

/// The only user pool that there is.
pub(crate) const POOL: &str = "eu-central-1_EXAMPLE";
/// The allowlist.
pub(crate) const PARAMETER: &str = "/autri/beta/ALLOWED_EMAILS";

/// An error as AWS answers it: its type and its message.
struct Refusal(&'static str, String);

type Answer = Result<Value, Refusal>;

/// The stand-in. Whatever the program asked is kept.
pub(crate) struct Aws {
    endpoint: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    requests: Vec<(String, Value)>,
    /// Operations that are refused from now on.
    refused: Vec<(String, &'static str)>,
    /// An operation that is carried out from now on, and not answered.
    unanswered: Option<String>,
    pool: user_pool::Pool,
    parameter: parameter::Parameter,
    /// The only secret's text.
    secret: String,
}

impl Aws {
    /// Starts one with no users, no app clients and no allowlist.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let state = Arc::<Mutex<State>>::default();
        let answering = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                answer(stream, &answering);
            }
        });
        Self { endpoint, state }
    }

    /// From now on this operation is refused in this way.
    pub(crate) fn refuse(&self, operation: &str, code: &'static str) {
        self.state().refused.push((operation.to_owned(), code));
    }

    /// From now on this operation is carried out, and its answer is lost.
    pub(crate) fn lose_answers(&self, operation: &str) {
        self.state().unanswered = Some(operation.to_owned());
    }

    /// Keeps a database's login, as RDS does, with this password where the URL has none:
    /// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html>.
    pub(crate) fn keep_login(&self, url: &SecretString, password: &str) {
        let url = Url::parse(url.expose_secret()).expect("a URL");
        let login = json!({
            "engine": "postgres",
            "host": url.host_str(),
            "port": url.port(),
            "username": url.username(),
            "password": url.password().unwrap_or(password),
            "dbname": url.path().trim_start_matches('/'),
        });
        self.keep_text(&login.to_string());
    }

    /// Keeps this in the secret.
    pub(crate) fn keep_text(&self, text: &str) {
        text.clone_into(&mut self.state().secret);
    }

    /// No operation is refused any more.
    pub(crate) fn refuse_nothing(&self) {
        self.state().refused.clear();
    }

    /// The operations that were asked for, in this order.
    pub(crate) fn operations(&self) -> Vec<String> {
        self.state().requests.iter().map(|(operation, _)| operation.clone()).collect()
    }

    /// What was sent with an operation, each time.
    pub(crate) fn requests(&self, operation: &str) -> Vec<Value> {
        let state = self.state();
        let of = state.requests.iter().filter(|(asked, _)| asked == operation);
        of.map(|(_, body)| body.clone()).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panicked")
    }
}

impl Program {
    /// With this AWS, credentials for it, and the pool.
    pub(crate) fn with_aws(self, aws: &Aws) -> Self {
        self.env("AWS_ENDPOINT_URL", &aws.endpoint)
            .env("AWS_REGION", "eu-central-1")
            .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "example")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("COGNITO_USER_POOL_ID", POOL)
    }
}

/// One request a connection.
fn answer(stream: TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream);
    let Some((operation, body)) = read(&mut reader) else { return };
    let answer = state.lock().expect("nobody panicked").answer(&operation, &body);
    let (status, body) = match answer {
        Ok(body) => ("200 OK", body),
        Err(Refusal(code, message)) => ("400 Bad Request", json!({ "__type": code, "message": message })),
    };
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    // A program that was not interested is the test's business.
    let _ = reader.get_mut().write_all(format!("{head}{body}").as_bytes());
}

/// The operation, from the header `X-Amz-Target: Service.Operation`, and the body.
fn read(reader: &mut BufReader<TcpStream>) -> Option<(String, Value)> {
    let (mut operation, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let Some((name, value)) = line.trim_end().split_once(':') else {
            if line.trim_end().is_empty() {
                break;
            }
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "x-amz-target" => value.rsplit('.').next().unwrap_or_default().clone_into(&mut operation),
            "content-length" => length = value.trim().parse().ok()?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((operation, serde_json::from_slice(&body).ok()?))
}

impl State {
    fn answer(&mut self, operation: &str, body: &Value) -> Answer {
        self.requests.push((operation.to_owned(), body.clone()));
        if let Some((_, code)) = self.refused.iter().find(|(refused, _)| refused == operation) {
            return Err(Refusal(code, format!("{operation} is refused")));
        }
        let answer = match operation {
            "GetSecretValue" => Ok(json!({ "ARN": text(body, "SecretId"), "SecretString": self.secret })),
            "GetParameter" => self.parameter.get(body),
            "PutParameter" => Ok(self.parameter.put(body)),
            _ => self.pool.answer(operation, body),
        };
        if self.unanswered.as_deref() == Some(operation) {
            return Err(Refusal("ServiceUnavailable", "the answer was lost".to_owned()));
        }
        answer
    }
}

/// The text at `key` of a request.
#[track_caller]
fn text<'a>(body: &'a Value, key: &str) -> &'a str {
    body[key].as_str().unwrap_or_else(|| panic!("no text at {key} in {body}"))
}
