//! How long a call may take, and where credentials are looked for. The environment is a child process's: this very test.

use std::error::Error;
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use autri_aws::{AwsConfig, AwsError, ParameterStore, Patience, SecretLogin, UserPool};
use autri_db::{LoginError, LoginSource};

const ARN: &str = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:autri/mcp-AbCdEf";
/// Set in the child.
const CHILD: &str = "AUTRI_TEST_CHILD";

#[expect(clippy::disallowed_methods, reason = "a test that starts itself with another environment")]
fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// Runs one test of this binary again, with these variables and no others.
fn run_child(test: &str, variables: &[(&str, &str)]) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", test]).env_clear().env(CHILD, "1").envs(variables.iter().copied());
    let output = child.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

/// Takes connections, as the kernel does for it, and says nothing.
fn silent_server() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

fn connections(listener: &TcpListener) -> usize {
    std::iter::from_fn(|| listener.accept().ok()).count()
}

async fn get(patience: Patience) -> AwsError {
    ParameterStore::new(&AwsConfig::from_env(patience).await).get("/autri/test").await.unwrap_err()
}

/// With Tokio's clock paused, which jumps ahead whenever everything waits: so this takes no time.
fn paused() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

#[test]
fn a_trigger_tries_twice_and_gives_up_within_a_second() {
    if is_child() {
        let (error, took) = paused().block_on(async {
            let start = tokio::time::Instant::now();
            (get(Patience::Trigger).await, start.elapsed())
        });
        assert!(matches!(error, AwsError::Unavailable(_)), "{error:?}");
        assert!(took <= Duration::from_secs(1), "{took:?}");
        return;
    }
    let (listener, url) = silent_server();
    run_child(
        "patience::a_trigger_tries_twice_and_gives_up_within_a_second",
        &[
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "key"),
            ("AWS_ENDPOINT_URL_SSM", &url),
        ],
    );
    assert_eq!(connections(&listener), 2);
}

#[test]
fn what_cannot_be_undone_by_its_name_is_asked_for_once() {
    if is_child() {
        let error = paused().block_on(async {
            let pool = UserPool::new(&AwsConfig::from_env(Patience::Trigger).await, "eu-central-1_Autri");
            let made = pool.create_machine_client("autri machine", "mcp.autri.ai/mcp.invoke").await;
            assert!(matches!(made.unwrap_err(), AwsError::Unavailable(_)));
            pool.add_client_secret("client").await.unwrap_err()
        });
        assert!(matches!(error, AwsError::Unavailable(_)), "{error:?}");
        return;
    }
    let (listener, url) = silent_server();
    run_child(
        "patience::what_cannot_be_undone_by_its_name_is_asked_for_once",
        &[
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "key"),
            ("AWS_ENDPOINT_URL", &url),
        ],
    );
    assert_eq!(connections(&listener), 2);
}

#[test]
fn a_trigger_without_credentials_looks_nowhere_else() {
    if is_child() {
        let error = paused().block_on(get(Patience::Trigger));
        assert!(matches!(error, AwsError::NoCredentials(_)), "{error:?}");
        return;
    }
    let (listener, url) = silent_server();
    run_child(
        "patience::a_trigger_without_credentials_looks_nowhere_else",
        &[
            ("AWS_REGION", "eu-central-1"),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &url),
            ("AWS_ENDPOINT_URL_SSM", &url),
        ],
    );
    assert_eq!(connections(&listener), 0);
}

/// Asked by [`SecretLogin`], which is what a server asks for.
async fn read(arn: &str) -> LoginError {
    SecretLogin::new(arn, Patience::Server).read().await.unwrap_err()
}

#[track_caller]
fn aws_error(error: &LoginError) -> &AwsError {
    let LoginError::Unreadable(source) = error else { panic!("{error:?}") };
    source.downcast_ref().unwrap()
}

#[test]
fn a_server_tries_twice_and_gives_up_within_two_seconds() {
    if is_child() {
        let (error, took) = paused().block_on(async {
            let start = tokio::time::Instant::now();
            (read(ARN).await, start.elapsed())
        });
        assert!(matches!(aws_error(&error), AwsError::Unavailable(_)), "{error:?}");
        assert!(took <= Duration::from_secs(2), "{took:?}");
        return;
    }
    let (listener, url) = silent_server();
    run_child(
        "patience::a_server_tries_twice_and_gives_up_within_two_seconds",
        &[
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "key"),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &url),
        ],
    );
    assert_eq!(connections(&listener), 2);
}

/// Where there is neither, the region and the credentials are looked for at the instance's metadata.
#[test]
fn a_server_gives_up_within_two_seconds_wherever_it_waits() {
    if is_child() {
        for secret in [ARN, "autri/mcp"] {
            let (error, took) = paused().block_on(async {
                let start = tokio::time::Instant::now();
                (read(secret).await, start.elapsed())
            });
            let cause = aws_error(&error);
            assert!(matches!(cause, AwsError::NoCredentials(_) | AwsError::Unavailable(_)), "{error:?}");
            assert!(took <= Duration::from_secs(2), "{took:?}");
        }
        return;
    }
    let (listener, url) = silent_server();
    run_child(
        "patience::a_server_gives_up_within_two_seconds_wherever_it_waits",
        &[("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url)],
    );
    assert!(connections(&listener) >= 2);
}

#[test]
fn an_operator_without_credentials_is_told() {
    if is_child() {
        let error = paused().block_on(get(Patience::Operator));
        assert!(matches!(error, AwsError::NoCredentials(_)), "{error:?}");
        return;
    }
    run_child(
        "patience::an_operator_without_credentials_is_told",
        &[("AWS_REGION", "eu-central-1"), ("AWS_EC2_METADATA_DISABLED", "true")],
    );
}

#[test]
fn without_a_region_the_cause_says_so() {
    if is_child() {
        let error = paused().block_on(get(Patience::Trigger));
        let causes = std::iter::successors(Some(&error as &dyn Error), |&cause| cause.source());
        assert!(causes.last().unwrap().to_string().contains("Missing Region"), "{error:?}");
        return;
    }
    run_child(
        "patience::without_a_region_the_cause_says_so",
        &[("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "key")],
    );
}
