//! Keys over real HTTP.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use autri_auth::{
    CognitoSettings, CognitoVerifier, HttpKeySource, JwksUrl, KeySource, KeySourceError, MAX_JWKS_BYTES,
    Refusal, TokenVerifier,
};
use autri_domain::ManualClock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::*;

/// A server on a free port that answers every request with the same bytes.
struct KeyServer {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
}

impl KeyServer {
    async fn answering(response: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                // A client that hangs up early (too large an answer) makes an error that is of no interest.
                let _ = answer(stream, &response).await;
            }
        });
        Self { address, requests }
    }

    fn url(&self) -> JwksUrl {
        format!("http://{}/pool/.well-known/jwks.json", self.address).parse().unwrap()
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

async fn answer(mut stream: TcpStream, response: &[u8]) -> io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") && !request.starts_with(&[TLS_HANDSHAKE]) {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    stream.write_all(response).await?;
    stream.shutdown().await
}

/// The first byte of a TLS connection.
const TLS_HANDSHAKE: u8 = 0x16;

fn ok(body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

async fn fetch(response: Vec<u8>) -> Result<Vec<u8>, KeySourceError> {
    let server = KeyServer::answering(response).await;
    HttpKeySource::new(server.url()).fetch_jwks().await
}

#[tokio::test]
async fn a_token_is_verified_by_keys_from_a_real_server() {
    let server = KeyServer::answering(ok(&jwks(&[signer(0).jwk(KID)]))).await;
    let settings = CognitoSettings { jwks_url: server.url(), ..settings() };
    let clock = Arc::new(ManualClock::at(NOW));
    let verifier = TokenVerifier::Cognito(CognitoVerifier::over_http(settings, clock));
    assert_eq!(server.requests(), 0);
    for _ in 0..3 {
        assert!(verifier.verify(&signer(0).token(KID, &claims())).await.is_ok());
    }
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn a_server_that_is_gone_is_no_verdict_on_the_token() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
    drop(listener);
    let settings = CognitoSettings { jwks_url: url.parse().unwrap(), ..settings() };
    let verifier = CognitoVerifier::over_http(settings, Arc::new(ManualClock::at(NOW)));
    let refused = verifier.verify(&signer(0).token(KID, &claims())).await;
    assert_eq!(refused, Err(Refusal::KeysUnavailable { retry_after_secs: 10 }));
}

#[tokio::test]
async fn the_body_may_be_as_long_as_the_limit_and_no_longer() {
    let longest = vec![b' '; MAX_JWKS_BYTES];
    assert_eq!(fetch(ok(&longest)).await.unwrap().len(), MAX_JWKS_BYTES);
    let too_long = vec![b' '; MAX_JWKS_BYTES + 1];
    assert!(matches!(fetch(ok(&too_long)).await, Err(KeySourceError::TooLarge)));
    // Without a length that is told beforehand.
    let endless = [b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &vec![b' '; 10 * MAX_JWKS_BYTES]].concat();
    assert!(matches!(fetch(endless).await, Err(KeySourceError::TooLarge)));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let target = KeyServer::answering(ok(&jwks(&[signer(1).jwk(KID)]))).await;
    let location = format!("http://{}/pool/.well-known/jwks.json", target.address);
    for status in [301, 302, 303, 307, 308] {
        let head = format!("HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
        let fetched = fetch(head.into_bytes()).await;
        assert!(matches!(fetched, Err(KeySourceError::Status(given)) if given == status), "{fetched:?}");
    }
    assert_eq!(target.requests(), 0);
}

#[tokio::test]
async fn only_200_brings_keys() {
    let body = String::from_utf8(jwks(&[signer(0).jwk(KID)])).unwrap();
    for status in [201, 203, 400, 404, 429, 500, 503] {
        let response = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let fetched = fetch(response.into_bytes()).await;
        assert!(matches!(fetched, Err(KeySourceError::Status(given)) if given == status), "{fetched:?}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_none() {
    let cut_short = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"keys\":[]}".to_vec();
    assert!(matches!(fetch(cut_short).await, Err(KeySourceError::Unreachable(_))));
    assert!(matches!(fetch(b"SSH-2.0-OpenSSH\r\n".to_vec()).await, Err(KeySourceError::Unreachable(_))));
    assert!(matches!(fetch(Vec::new()).await, Err(KeySourceError::Unreachable(_))));
}

#[tokio::test]
async fn https_takes_no_answer_in_plain_text() {
    let server = KeyServer::answering(ok(&jwks(&[signer(0).jwk(KID)]))).await;
    let url = format!("https://{}/pool/.well-known/jwks.json", server.address).parse().unwrap();
    let fetched = HttpKeySource::new(url).fetch_jwks().await;
    assert!(matches!(fetched, Err(KeySourceError::Unreachable(_))), "{fetched:?}");
    assert_eq!(server.requests(), 1, "it was spoken to, and answered with keys in plain text");
}

/// Tokio's time jumps to the next timer as soon as nothing else can go on.
#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_given_up_after_3_seconds() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/jwks.json", silent.local_addr().unwrap()).parse().unwrap();
    let start = tokio::time::Instant::now();
    let fetched = HttpKeySource::new(url).fetch_jwks().await;
    assert!(matches!(fetched, Err(KeySourceError::Unreachable(_))));
    assert_eq!(start.elapsed().as_secs(), 3);
}
