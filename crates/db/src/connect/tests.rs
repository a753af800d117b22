//! Which URL leads to which protection, and what the driver makes of it when a server answers.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};
use sha2::{Digest, Sha256};
use sqlx::ConnectOptions;

use super::*;
use crate::Login;

/// What Postgres' client sends first when it wants TLS (an `SSLRequest`).
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
const REMOTE: &str = "postgres://autri_mcp@db.example.com/autri";

fn connect(url: &str, tls: Tls) -> PgConnectOptions {
    let options = DatabaseOptions {
        login: Login::Url(url.to_owned().into()),
        max_connections: 1,
        acquire_timeout: Duration::from_secs(20),
        statement_timeout: Duration::from_secs(1),
        application_name: "autri-test",
        tls,
        max_idle: None,
    };
    super::options(&url.to_owned().into(), &options).expect("a usable URL")
}

fn mode(url: &str, tls: Tls) -> String {
    format!("{:?}", connect(url, tls).get_ssl_mode())
}

#[test]
fn elsewhere_a_connection_is_verified_whatever_the_url_says() {
    for host in [
        "db.example.com",
        "10.0.0.1",
        "[2001:db8::1]",
        "0.0.0.0",
        "localhost.example.com",
        "127.0.0.1.example.com",
        "[::ffff:127.0.0.1]",
        "127.1",
    ] {
        for sslmode in ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] {
            let url = format!("postgres://u@{host}/autri?sslmode={sslmode}");
            assert_eq!(mode(&url, Tls::Verified), "VerifyFull", "{url}");
        }
        assert_eq!(mode(&format!("postgres://u@{host}/autri"), Tls::Verified), "VerifyFull", "{host}");
    }
}

/// The driver lets a parameter overrule the host before it.
#[test]
fn the_host_that_counts_is_the_one_that_is_dialled() {
    for url in [
        "postgres://u@localhost/autri?hostaddr=10.0.0.1&sslmode=disable",
        "postgres://u@127.0.0.1/autri?host=db.example.com&sslmode=disable",
        "postgres:///autri?host=db.example.com&sslmode=disable",
        "postgres://u@localhost@db.example.com/autri?sslmode=disable",
    ] {
        assert_eq!(mode(url, Tls::Verified), "VerifyFull", "{url}");
    }
    let local = "postgres://u@db.example.com/autri?host=127.0.0.1&sslmode=disable";
    assert_eq!(mode(local, Tls::Verified), "Disable");
}

#[test]
fn on_this_machine_and_for_who_asks_so_the_url_rules() {
    for host in ["127.0.0.1", "127.8.9.10", "localhost", "LOCALHOST", "[::1]", "%2Fvar%2Frun"] {
        for (parameter, expected) in
            [("", "Prefer"), ("?sslmode=disable", "Disable"), ("?sslmode=require", "Require")]
        {
            let url = format!("postgres://u@{host}/autri{parameter}");
            assert_eq!(mode(&url, Tls::Verified), expected, "{url}");
        }
    }
    let socket = "postgres:///autri?host=/var/run/postgresql&sslmode=disable";
    assert_eq!(mode(socket, Tls::Verified), "Disable");
    assert_eq!(mode(&format!("{REMOTE}?sslmode=disable"), Tls::AsUrlSays), "Disable");
    assert_eq!(mode(&format!("{REMOTE}?sslmode=verify-ca"), Tls::AsUrlSays), "VerifyCa");
}

#[test]
fn the_pinned_roots_are_those_that_the_readme_tells_of() {
    let readme = include_str!("../../certificates/README.md");
    let text = std::str::from_utf8(AMAZON_RDS_ROOTS).expect("PEM is ASCII");
    let count = text.matches("-----BEGIN CERTIFICATE-----").count();
    assert!(readme.contains(&format!("holds {count} root certificates")), "{count}");
    let digest = hex::encode(Sha256::digest(AMAZON_RDS_ROOTS));
    assert!(readme.contains(&digest), "{digest}");
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(AMAZON_RDS_ROOTS) {
        roots.add(certificate.expect("a certificate")).expect("a root");
    }
    assert_eq!(roots.len(), count);
}

#[tokio::test]
async fn a_server_is_trusted_by_its_name_and_root_alone() {
    let authority = authority();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("root.pem");
    std::fs::write(&file, authority.pem()).expect("a file");
    let own_root = format!("{REMOTE}?sslmode=disable&sslrootcert={}", file.display());
    let cases = [
        ("its name and a root that the URL names", own_root.as_str(), "127.0.0.1", true),
        ("another name", &own_root, "db.example.com", false),
        ("a root that is not pinned", REMOTE, "127.0.0.1", false),
        ("neither", REMOTE, "db.example.com", false),
    ];
    for (case, url, name, is_trusted) in cases {
        let server = Server::start(Some(server_config(&authority, name)));
        let heard = server.heard_from(url).await;
        assert_eq!(heard.contains("autri_mcp"), is_trusted, "{case}: {heard:?}");
    }
}

#[tokio::test]
async fn a_server_without_tls_hears_nothing() {
    let heard = Server::start(None).heard_from(&format!("{REMOTE}?sslmode=disable")).await;
    assert_eq!(heard, "");
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a root")
}

fn server_config(authority: &CertifiedIssuer<'static, KeyPair>, name: &str) -> ServerConfig {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new([name.to_owned()]).expect("parameters");
    let certificate = params.signed_by(&key, authority).expect("a certificate");
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("a usable certificate")
}

/// Answers one client's wish for TLS, and tells what else it heard from it.
struct Server {
    port: u16,
    heard: JoinHandle<String>,
}

impl Server {
    fn start(tls: Option<ServerConfig>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let heard = thread::spawn(move || hear(&listener.accept().expect("a client").0, tls));
        Self { port, heard }
    }

    /// Connects as `url` says, but to this server. What is trusted was decided for the URL's host.
    async fn heard_from(self, url: &str) -> String {
        let options = connect(url, Tls::Verified).host("127.0.0.1").port(self.port);
        options.connect().await.expect_err("this is no Postgres");
        self.heard.join().expect("a server that did not panic")
    }
}

fn hear(mut client: &TcpStream, tls: Option<ServerConfig>) -> String {
    let mut request = [0; 8];
    client.read_exact(&mut request).expect("a request");
    assert_eq!(request, SSL_REQUEST);
    let mut heard = [0; 4096];
    let count = if let Some(config) = tls {
        client.write_all(b"S").expect("a client that listens");
        let mut session = ServerConnection::new(Arc::new(config)).expect("a session");
        // An error is a client that does not trust us.
        rustls::Stream::new(&mut session, &mut client).read(&mut heard).unwrap_or(0)
    } else {
        client.write_all(b"N").expect("a client that listens");
        client.read(&mut heard).unwrap_or(0)
    };
    String::from_utf8_lossy(&heard[..count]).into_owned()
}
