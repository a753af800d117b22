//! Requests to an emulator of AWS, in AWS' own protocols: JSON 1.1, and Lambda's REST.
//!
//! For what a developer's chain needs made and production never makes by itself: pools, people with passwords, functions.
//! Emulators verify no signature, so none is made; there is no way from here to AWS.

use anyhow::Context as _;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use thiserror::Error;

use super::super::loopback;

/// What an AWS JSON 1.1 request's target begins with
/// (<https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    Cognito,
    ParameterStore,
}

impl Service {
    const fn target_prefix(self) -> &'static str {
        match self {
            Self::Cognito => "AWSCognitoIdentityProviderService",
            Self::ParameterStore => "AmazonSSM",
        }
    }
}

/// The emulator's refusal of a request.
#[derive(Debug, Error)]
#[error("{operation} was refused: {kind}: {message}")]
pub(super) struct Refusal {
    operation: String,
    /// AWS' name for the error, such as `ResourceNotFoundException`.
    pub(super) kind: String,
    message: String,
}

impl Refusal {
    fn is_absence(&self) -> bool {
        self.kind.contains("NotFound")
    }
}

/// An emulator that answers at an address of this machine.
#[derive(Debug, Clone)]
pub(super) struct Emulator {
    endpoint: String,
    client: reqwest::Client,
}

impl Emulator {
    pub(super) fn at(port: u16) -> anyhow::Result<Self> {
        Ok(Self { endpoint: format!("http://127.0.0.1:{port}"), client: loopback::client()? })
    }

    /// Its address, without a slash at the end.
    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Calls an operation and gives its answer.
    ///
    /// # Errors
    /// A [`Refusal`] when the emulator refuses; when it can't be reached.
    pub(super) async fn call(
        &self,
        service: Service,
        operation: &str,
        input: &Value,
    ) -> anyhow::Result<Value> {
        let request = self
            .client
            .post(&self.endpoint)
            .header("Content-Type", "application/x-amz-json-1.1")
            .header("X-Amz-Target", format!("{}.{operation}", service.target_prefix()))
            .body(input.to_string());
        answer(operation, request.send().await?).await
    }

    /// As [`Emulator::call`], for what may be absent.
    pub(super) async fn find(
        &self,
        service: Service,
        operation: &str,
        input: &Value,
    ) -> anyhow::Result<Option<Value>> {
        or_absent(self.call(service, operation, input).await)
    }

    /// Makes a function, in place of the one of that name.
    pub(super) async fn replace_function(&self, name: &str, function: &Value) -> anyhow::Result<()> {
        let functions = format!("{}/2015-03-31/functions", self.endpoint);
        let deleted = self.client.delete(format!("{functions}/{name}")).send().await?;
        or_absent(answer("DeleteFunction", deleted).await)?;
        let created = self.client.post(&functions).json(function).send().await?;
        answer("CreateFunction", created).await?;
        Ok(())
    }

    /// Has a function handle an event and gives its answer.
    ///
    /// # Errors
    /// The function's own error; when the emulator refuses, or can't be reached.
    pub(super) async fn invoke(&self, name: &str, event: &Value) -> anyhow::Result<Value> {
        let url = format!("{}/2015-03-31/functions/{name}/invocations", self.endpoint);
        let response = self.client.post(url).json(event).send().await?;
        // https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html: the function's errors come with status 200.
        let has_failed = response.headers().contains_key("X-Amz-Function-Error");
        let answer = answer("Invoke", response).await?;
        if has_failed {
            let said = answer["errorMessage"].as_str().unwrap_or_default();
            anyhow::bail!("the function {name} failed: {said}");
        }
        Ok(answer)
    }
}

fn or_absent(answer: anyhow::Result<Value>) -> anyhow::Result<Option<Value>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.downcast_ref::<Refusal>().is_some_and(Refusal::is_absence) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn answer(operation: &str, response: Response) -> anyhow::Result<Value> {
    let status = response.status();
    let body = response.text().await?;
    if status.is_success() {
        if body.is_empty() {
            return Ok(json!({}));
        }
        return serde_json::from_str(&body)
            .with_context(|| format!("{operation} was not answered with JSON"));
    }
    Err(refusal(operation, status, &body).into())
}

fn refusal(operation: &str, status: StatusCode, body: &str) -> Refusal {
    let parsed: Value = serde_json::from_str(body).unwrap_or_default();
    let text = |names: [&str; 2]| names.iter().find_map(|name| parsed[name].as_str()).map(str::to_owned);
    // The protocols differ in where the kind stands; a REST one without it has a status that tells.
    let kind = text(["__type", "Code"]).unwrap_or_else(|| match status {
        StatusCode::NOT_FOUND => "NotFound".to_owned(),
        _ => status.to_string(),
    });
    let message = text(["message", "Message"]).unwrap_or_else(|| body.chars().take(200).collect());
    Refusal { operation: operation.to_owned(), kind, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_tells_what_is_absent() {
        let absent = [
            (StatusCode::BAD_REQUEST, r#"{"__type":"ResourceNotFoundException","message":"no pool"}"#),
            (StatusCode::NOT_FOUND, "{}"),
        ];
        for (status, body) in absent {
            let refused = Err(refusal("DescribeUserPool", status, body).into());
            assert!(or_absent(refused).expect("absent").is_none(), "{body}");
        }
        let refused = refusal(
            "SignUp",
            StatusCode::BAD_REQUEST,
            r#"{"__type":"InvalidParameterException","message":"short"}"#,
        );
        assert_eq!(refused.to_string(), "SignUp was refused: InvalidParameterException: short");
        or_absent(Err(refused.into())).expect_err("a refusal");
    }
}
