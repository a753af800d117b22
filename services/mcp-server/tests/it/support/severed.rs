//! A way to the database that breaks at the worst moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use autri_db::test_support::{TestDatabase, options};
use autri_db::{Database, roles};
use secrecy::ExposeSecret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// A database that hangs up once: after its first commit, and before it says so.
pub(crate) async fn severed_after_a_commit(database: &TestDatabase) -> Database {
    let mut url = Url::parse(database.url(roles::MCP).expose_secret()).unwrap();
    let postgres = url.socket_addrs(|| Some(5432)).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let here = listener.local_addr().unwrap();
    url.set_ip_host(here.ip()).unwrap();
    url.set_port(Some(here.port())).unwrap();
    tokio::spawn(async move {
        let severed = Arc::new(AtomicBool::new(false));
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let server = TcpStream::connect(postgres.as_slice()).await.unwrap();
            tokio::spawn(hand_on(client, server, Arc::clone(&severed)));
        }
    });
    Database::new(&options(String::from(url).into())).unwrap()
}

async fn hand_on(mut client: TcpStream, mut server: TcpStream, severed: Arc<AtomicBool>) {
    let (mut asked, mut answered) = ([0; 8192], [0; 8192]);
    let mut is_last = false;
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(count @ 1..) = read else { return };
                // A simple query; its answer is there when the commit is lasting.
                // https://www.postgresql.org/docs/16/protocol-message-formats.html
                is_last |= asked[..count].ends_with(b"COMMIT\0") && !severed.swap(true, Ordering::SeqCst);
                server.write_all(&asked[..count]).await.unwrap();
            }
            read = server.read(&mut answered) => {
                let Ok(count @ 1..) = read else { return };
                if is_last {
                    return;
                }
                client.write_all(&answered[..count]).await.unwrap();
            }
        }
    }
}
