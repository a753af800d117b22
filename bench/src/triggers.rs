//! The Cognito triggers as processes: an invocation when warm, the first one from the process's start, the zip's size.

use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use autri_db::roles;
use autri_db::test_support::{Tenant, TestDatabase};
use autri_local_lambda::{Function, FunctionOptions};
use clap::Args;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::fixed_answer;
use crate::statistics::Latencies;

const WARM: usize = 1_000;
const COLD: usize = 100;
const POOL: &str = "eu-central-1_BENCH";

#[derive(Args)]
pub(crate) struct Options {
    /// The release build of `pre-token-generation`
    #[arg(long)]
    pre_token_generation: PathBuf,
    /// The release build of `post-confirmation`
    #[arg(long)]
    post_confirmation: PathBuf,
}

pub(crate) async fn run(options: Options) -> Result<()> {
    let database = TestDatabase::create().await;
    let tenant = Tenant::create(&database, "bench").await;
    let url = database.url(roles::PRE_TOKEN);
    let environment = [("DATABASE_URL", url.expose_secret())];
    let machine = client_credentials(&tenant.machine_client());
    measure("pre-token-generation", &options.pre_token_generation, &environment, &machine).await?;

    let parameter = json!({ "Parameter": { "Type": "String", "Value": "*@example.com", "Version": 1 } });
    let parameters = fixed_answer::serve(parameter.to_string()).await?;
    let url = database.url(roles::POST_CONFIRMATION);
    let environment = [
        ("DATABASE_URL", url.expose_secret()),
        ("AWS_ENDPOINT_URL_SSM", &parameters),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "bench"),
        ("AWS_SECRET_ACCESS_KEY", "bench"),
    ];
    measure("post-confirmation", &options.post_confirmation, &environment, &confirmed_sign_up()).await
}

async fn measure(name: &str, program: &Path, environment: &[(&str, &str)], event: &Value) -> Result<()> {
    let options = FunctionOptions { program, environment };
    let (mut cold, mut warm) = (Latencies::default(), Latencies::default());
    for _ in 0..COLD {
        let started = Instant::now();
        let mut function = Function::start(&options).await?;
        invoke(&mut function, event).await?;
        cold.add(started.elapsed());
        function.stop().await?;
    }
    let mut function = Function::start(&options).await?;
    invoke(&mut function, event).await?;
    for _ in 0..WARM {
        let started = Instant::now();
        invoke(&mut function, event).await?;
        warm.add(started.elapsed());
    }
    function.stop().await?;
    println!("{name}");
    println!("  warm invocation                {warm}");
    println!("  process start to first answer  {cold}");
    println!("  the worst of them              {:.1} ms of the 5,000 that Cognito waits", cold.worst_ms());
    println!("  bootstrap.zip ({})         {:.2} MB", std::env::consts::ARCH, zipped_mb(program)?);
    Ok(())
}

async fn invoke(function: &mut Function, event: &Value) -> Result<()> {
    let answer = function.invoke(event).await?;
    answer.into_result().map(|_| ()).map_err(|error| anyhow::anyhow!("{error:?}"))
}

/// As `cargo lambda build` packs it: the program alone, deflated.
fn zipped_mb(program: &Path) -> Result<f64> {
    let bytes = std::fs::read(program).with_context(|| program.display().to_string())?;
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("bootstrap", zip::write::SimpleFileOptions::default().unix_permissions(0o755))?;
    zip.write_all(&bytes)?;
    let size = u32::try_from(zip.finish()?.into_inner().len())?;
    Ok(f64::from(size) / 1e6)
}

fn client_credentials(client_id: &str) -> Value {
    json!({
        "version": "3", "triggerSource": "TokenGeneration_ClientCredentials", "region": "eu-central-1",
        "userPoolId": POOL, "userName": "ClientCredentials",
        "callerContext": { "awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": client_id },
        "request": {
            "userAttributes": {}, "groupConfiguration": null, "scopes": ["mcp.autri.ai/mcp.invoke"],
        },
        "response": { "claimsAndScopeOverrideDetails": null },
    })
}

/// The same person each time: the first makes the account, the others find it.
fn confirmed_sign_up() -> Value {
    json!({
        "version": "1", "triggerSource": "PostConfirmation_ConfirmSignUp", "region": "eu-central-1",
        "userPoolId": POOL, "userName": "0197f6a2-8c1e-7000-8000-00000000beac",
        "callerContext": { "awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": "web" },
        "request": { "userAttributes": {
            "sub": "0197f6a2-8c1e-7000-8000-00000000beac", "email": "ada@example.com", "email_verified": "true",
            "cognito:user_status": "CONFIRMED",
        } },
        "response": {},
    })
}
