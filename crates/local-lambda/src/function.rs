//! A function: its process and the API that it asks.

use std::io;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use crate::runtime_api::{Answer, RuntimeApi};

/// What to run.
#[derive(Debug, Clone)]
pub struct FunctionOptions<'a> {
    /// The `bootstrap`.
    pub program: &'a Path,
    /// Its whole environment, beside what the platform sets.
    pub environment: &'a [(&'a str, &'a str)],
}

/// A running function. Killed with this value.
#[derive(Debug)]
pub struct Function {
    api: RuntimeApi,
    child: Child,
    stdout: JoinHandle<Vec<String>>,
    stderr: JoinHandle<Vec<String>>,
}

/// What a function wrote, line by line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Goes to `CloudWatch` Logs, which reads metrics out of it.
    pub stdout: Vec<String>,
    /// Goes to the same log.
    pub stderr: Vec<String>,
}

impl Function {
    /// Starts the process. It asks for its first event when it is ready.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn start(options: &FunctionOptions<'_>) -> io::Result<Self> {
        let api = RuntimeApi::start().await?;
        // https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
        let mut child = Command::new(options.program)
            .env_clear()
            .envs(options.environment.iter().copied())
            .env("AWS_LAMBDA_RUNTIME_API", api.address().to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "local")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/local")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "local")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = lines(child.stdout.take());
        let stderr = lines(child.stderr.take());
        Ok(Self { api, child, stdout, stderr })
    }

    /// Runs an invocation to its end.
    ///
    /// # Errors
    /// When the process ends instead, as it does when its settings are not usable.
    pub async fn invoke(&mut self, event: &Value) -> io::Result<Answer> {
        let event = event.to_string().into_bytes();
        tokio::select! {
            answer = self.api.invoke(event) => answer,
            ended = self.child.wait() => Err(io::Error::other(format!("the function ended: {}", ended?))),
        }
    }

    /// Ends the process, as the platform does: without asking. Gives what it wrote.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub async fn stop(mut self) -> io::Result<Output> {
        self.child.kill().await?;
        Ok(Output {
            stdout: self.stdout.await.unwrap_or_default(),
            stderr: self.stderr.await.unwrap_or_default(),
        })
    }
}

fn lines(pipe: Option<impl AsyncRead + Unpin + Send + 'static>) -> JoinHandle<Vec<String>> {
    tokio::spawn(async move {
        let mut read = Vec::new();
        if let Some(pipe) = pipe {
            let mut lines = BufReader::new(pipe).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                read.push(line);
            }
        }
        read
    })
}
