//! The binary that is deployed, with a Lambda Runtime API and an AWS on loopback.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use autri_db::roles;
use autri_db::test_support::TestDatabase;
use autri_local_lambda::{Function, FunctionOptions};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::support::{PARAMETER, event, uninvited};

/// Answers each request that the SDK sends over HTTP.
struct Aws {
    address: SocketAddr,
    operations: Arc<Mutex<Vec<String>>>,
}

impl Aws {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let operations = Arc::new(Mutex::new(Vec::new()));
        let called = Arc::clone(&operations);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let called = Arc::clone(&called);
                std::thread::spawn(move || serve(&stream.unwrap(), &called));
            }
        });
        Self { address, operations }
    }

    fn operations(&self) -> Vec<String> {
        self.operations.lock().unwrap().clone()
    }
}

/// One request a connection.
fn serve(mut stream: &TcpStream, called: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream);
    let (mut length, mut operation) = (0, String::new());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim().split_once(": ") else {
            if line.trim().is_empty() {
                break;
            }
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "x-amz-target" => value.rsplit('.').next().unwrap().clone_into(&mut operation),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let answer = match operation.as_str() {
        "GetParameter" => json!({"Parameter": {
            "Name": PARAMETER, "Type": "String", "Value": "ada@example.com", "Version": 1, "DataType": "text",
        }}),
        _ => json!({}),
    };
    called.lock().unwrap().push(operation);
    let answer = answer.to_string();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.1\r\nconnection: close";
    write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{answer}", answer.len()).unwrap();
}

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_post-confirmation"))
}

#[tokio::test]
async fn the_binary_makes_accounts_and_deletes_users_and_logs_neither_addresses_nor_names() {
    let database = TestDatabase::create().await;
    let aws = Aws::start();
    let endpoint = format!("http://{}", aws.address);
    let key = "k".repeat(32);
    let environment = [
        ("DATABASE_URL", database.url(roles::POST_CONFIRMATION).expose_secret().to_owned()),
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_REGION", "eu-central-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ("AUTRI_AUDIT_KEY", key),
        ("INVITE_CONTACT", "beta@autri.ai".to_owned()),
        // Everything that there is to say.
        ("AUTRI_LOG", "trace".to_owned()),
    ];
    let environment = environment.each_ref().map(|(name, value)| (*name, value.as_str()));
    let options = FunctionOptions { program: program(), environment: &environment };
    let mut function = Function::start(&options).await.unwrap();

    let made = function.invoke(&event("post_confirmation_sign_up")).await.unwrap().into_result().unwrap();
    assert_eq!(made, event("post_confirmation_sign_up"));
    let refused = function.invoke(&uninvited()).await.unwrap().into_result().unwrap_err();
    assert_eq!(refused.error_message, "not invited to beta; ask beta@autri.ai");
    assert_eq!(refused.error_type, "NotInvited");
    let malformed = json!({"triggerSource": "PreSignUp_SignUp", "email": "eve@example.net"});
    function.invoke(&malformed).await.unwrap().into_result().unwrap_err();
    assert_eq!(aws.operations(), ["GetParameter", "AdminDeleteUser"]);
    let mut session = database.admin_session().await;
    assert_eq!(session.number("SELECT count(*) FROM notifications").await, 1);

    let written = function.stop().await.unwrap();
    let lines: Vec<Value> = written.stdout.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let outcomes: Vec<&Value> = lines.iter().map(|line| &line["outcome"]).collect();
    assert_eq!(outcomes, [&json!("provisioned"), &json!("refused"), &json!("failed"), &json!(null)]);
    assert_eq!(lines[3]["Failures"], 1);
    assert!(
        written.stderr.iter().any(|line| line.contains("aws_smithy_runtime")),
        "the SDK's traces are among it"
    );
    for line in written.stdout.iter().chain(&written.stderr) {
        for word in ["example.com", "example.net", "Lovelace"] {
            assert!(!line.contains(word), "{word} in {line}");
        }
    }
}

#[tokio::test]
async fn without_usable_settings_there_is_no_function() {
    let options = FunctionOptions { program: program(), environment: &[("AUTRI_AUDIT_KEY", "hunter2")] };
    let mut function = Function::start(&options).await.unwrap();
    assert!(function.invoke(&event("pre_sign_up")).await.is_err());
    let written = function.stop().await.unwrap().stderr.join("\n");
    assert!(written.contains("DATABASE_URL: ") && written.contains("AUTRI_AUDIT_KEY: "), "{written}");
    assert!(!written.contains("hunter2"), "{written}");
}
