//! A user pool, an allowlist and a database to sign up with.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use autri_admission::TrustedIdps;
use autri_aws::test_support::Reply;
use autri_aws::{AwsConfig, DatabaseLocation, TRIGGER_PATIENCE, TriggerDatabase};
use autri_db::people::{self, Person};
use autri_db::roles;
use autri_db::test_support::TestDatabase;
use autri_domain::ManualClock;
use autri_telemetry::JsonLines;
use lambda_runtime::Diagnostic;
use post_confirmation::amazon::Amazon;
use post_confirmation::trigger::{FUNCTION, Rules, Trigger, handle};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::net::TcpSocket;

pub(crate) const PARAMETER: &str = "/autri/beta/ALLOWED_EMAILS";
/// `Ada@example.com` is listed, and so is all of `example.org`.
pub(crate) const LIST: &str = "# beta\nada@EXAMPLE.com # Ada\n*@example.org\n";
pub(crate) const POOL: &str = "eu-central-1_EXAMPLE";
pub(crate) const NOW: i64 = 1_763_700_000;

/// The tables that an account has rows in.
const TABLES: [&str; 8] = [
    "users",
    "orgs",
    "org_members",
    "libraries",
    "knowledge_bases",
    "library_kbs",
    "library_access",
    "notifications",
];

/// An event of `tests/events`.
pub(crate) fn event(name: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/events/{name}.json"));
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

/// The event, with these attributes instead.
pub(crate) fn with_attributes(mut event: Value, attributes: &[(&str, &str)]) -> Value {
    for (name, value) in attributes {
        event["request"]["userAttributes"][*name] = json!(value);
    }
    event
}

/// A verified sign-up of whom nobody invited.
pub(crate) fn uninvited() -> Value {
    with_attributes(event("post_confirmation_sign_up"), &[("email", "eve@example.net")])
}

/// What AWS answers, other than it usually does.
#[derive(Clone)]
pub(crate) struct Answers {
    pub(crate) parameter: Reply,
    /// As the pool is, without one.
    pub(crate) deletion: Option<Reply>,
}

impl Answers {
    pub(crate) fn listing(list: &str) -> Self {
        let parameter = json!({"Parameter": {
            "Name": PARAMETER, "Type": "SecureString", "Value": list, "Version": 3, "DataType": "text",
        }});
        Self { parameter: Reply::Json(parameter), deletion: None }
    }
}

/// The users of the pool, by name.
pub(crate) type Users = Arc<Mutex<BTreeSet<String>>>;

pub(crate) struct World {
    pub(crate) database: TestDatabase,
    pub(crate) users: Users,
    pub(crate) trigger: Trigger,
    aws: AwsConfig,
    written: Written,
    /// The port of a database that is away.
    taken: Option<TcpSocket>,
}

impl World {
    /// With [`LIST`].
    pub(crate) async fn new() -> Self {
        Self::answering(Answers::listing(LIST)).await
    }

    pub(crate) async fn answering(answers: Answers) -> Self {
        let database = TestDatabase::create().await;
        let users = Users::default();
        let pool = Arc::clone(&users);
        let aws = AwsConfig::answered_by(move |operation, input| answer(&answers, &pool, operation, input));
        let written = Written::default();
        let url = database.url(roles::POST_CONFIRMATION);
        let trigger = trigger(&aws, url, &written);
        Self { database, users, trigger, aws, written, taken: None }
    }

    /// Another instance of the function.
    pub(crate) fn another_trigger(&self) -> Trigger {
        trigger(&self.aws, self.database.url(roles::POST_CONFIRMATION), &self.written)
    }

    /// The same, with a database that cannot be reached: nobody listens, and nobody else can.
    pub(crate) fn with_database_away(mut self) -> Self {
        let taken = TcpSocket::new_v4().unwrap();
        taken.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let closed = taken.local_addr().unwrap();
        self.trigger = trigger(&self.aws, format!("postgres://x@{closed}/x").into(), &self.written);
        self.taken = Some(taken);
        self
    }

    /// What Cognito does when a person signs up: asks, if pre sign-up is bound to the function, makes the user, and asks
    /// again when they are confirmed.
    pub(crate) async fn sign_up(&self, before: Option<Value>, confirmed: Value) -> Result<Value, Diagnostic> {
        if let Some(event) = before {
            self.handle(event).await?;
        }
        self.add_user(&confirmed);
        self.handle(confirmed).await
    }

    pub(crate) fn add_user(&self, event: &Value) {
        self.users.lock().unwrap().insert(event["userName"].as_str().unwrap().to_owned());
    }

    pub(crate) async fn handle(&self, event: Value) -> Result<Value, Diagnostic> {
        handle(&self.trigger, event, "request-1").await
    }

    /// The error's text.
    pub(crate) async fn told(&self, event: Value) -> String {
        self.handle(event).await.unwrap_err().error_message
    }

    /// The operations that AWS was asked for.
    pub(crate) fn operations(&self) -> Vec<String> {
        self.aws.requests().into_iter().map(|request| request.operation).collect()
    }

    /// What was to be deleted: pool and user.
    pub(crate) fn deletions(&self) -> Vec<(String, String)> {
        let requests = self.aws.requests().into_iter();
        let deletions = requests.filter(|request| request.operation == "AdminDeleteUser");
        let text = |body: &Value, name: &str| body[name].as_str().unwrap().to_owned();
        deletions
            .map(|deletion| (text(&deletion.body, "UserPoolId"), text(&deletion.body, "Username")))
            .collect()
    }

    /// How many rows each of the tables has that an account has rows in.
    pub(crate) async fn rows(&self) -> [i64; 8] {
        let mut session = self.database.admin_session().await;
        let mut rows = [0; 8];
        for (table, count) in TABLES.iter().zip(&mut rows) {
            *count = session.number(&format!("SELECT count(*) FROM {table}")).await;
        }
        rows
    }

    pub(crate) async fn people(&self) -> Vec<Person> {
        people::list(&self.database.connect(roles::ADMIN)).await.unwrap()
    }

    /// The invocation lines: trigger, outcome and reason.
    pub(crate) fn outcomes(&self) -> Vec<(String, String, Option<String>)> {
        let text = |line: &Value, name: &str| line[name].as_str().map(str::to_owned);
        let lines = self.lines().into_iter().filter(|line| line.get("_aws").is_none());
        lines
            .map(|line| {
                (
                    text(&line, "trigger").unwrap_or_default(),
                    text(&line, "outcome").unwrap(),
                    text(&line, "reason"),
                )
            })
            .collect()
    }

    /// The failures that were counted: stage and reason.
    pub(crate) fn failures(&self) -> Vec<(String, String)> {
        let text = |line: &Value, name: &str| line[name].as_str().unwrap().to_owned();
        let metrics = self.lines().into_iter().filter(|line| line.get("_aws").is_some());
        metrics.map(|line| (text(&line, "stage"), text(&line, "reason"))).collect()
    }

    pub(crate) fn lines(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.written.0.lock().unwrap().clone()).unwrap()
    }
}

pub(crate) fn rules() -> Rules {
    Rules {
        user_pool_id: None,
        trusted_idps: TrustedIdps::default(),
        invite_contact: Some("beta@autri.ai".to_owned()),
        embedding_model: "none".to_owned(),
        audit_key: None,
    }
}

fn trigger(aws: &AwsConfig, database_url: SecretString, written: &Written) -> Trigger {
    let clock = Arc::new(ManualClock::at(NOW));
    Trigger {
        rules: rules(),
        amazon: Amazon::new(aws.clone(), PARAMETER.to_owned(), clock.clone()),
        database: TriggerDatabase::new(DatabaseLocation::Url(database_url), FUNCTION),
        patience: TRIGGER_PATIENCE,
        clock,
        lines: JsonLines::to(written.clone()),
    }
}

/// AWS JSON 1.1: <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html>,
/// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminDeleteUser.html>.
fn answer(answers: &Answers, users: &Users, operation: &str, input: &Value) -> Reply {
    match operation {
        "GetParameter" => {
            assert_eq!(*input, json!({"Name": PARAMETER, "WithDecryption": true}));
            answers.parameter.clone()
        }
        "AdminDeleteUser" => {
            if let Some(deletion) = &answers.deletion {
                return deletion.clone();
            }
            let was_there = users.lock().unwrap().remove(input["Username"].as_str().unwrap());
            if was_there { Reply::Json(json!({})) } else { gone() }
        }
        other => panic!("{other} was not to be called"),
    }
}

pub(crate) fn gone() -> Reply {
    Reply::Error { status: 400, code: "UserNotFoundException", message: "User does not exist." }
}

/// What was written so far, shared by all clones.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
