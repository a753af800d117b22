//! The events that Cognito sends: which there are, and what we read of them.
//!
//! An event goes back as it came, because Cognito takes it as the answer and AWS adds fields over time. So it stays the
//! JSON that it is, and of those that we act on only the request is parsed, with the types of `aws_lambda_events`. (Its types
//! of whole events insist on parts that nothing here depends on: the caller's context, the flags of the response.)

use std::collections::HashMap;

use autri_admission::SignUp;
use autri_domain::cognito_identifier;
use aws_lambda_events::event::cognito::{
    CognitoEventUserPoolsPostConfirmationRequest, CognitoEventUserPoolsPreSignupRequest,
};
use serde::Deserialize;
use serde_json::Value;

/// What is to be done with an event
/// (<https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// `PostConfirmation_ConfirmSignUp`: somebody signed up and is confirmed, by a code, by an operator, or by their first
    /// federated sign-in.
    ConfirmSignUp,
    /// `PreSignUp_SignUp` and `PreSignUp_ExternalProvider`: somebody wants to.
    SignUp,
    /// Whatever else there is or will be. `PostConfirmation_ConfirmForgotPassword` is of people who have an account, and
    /// `PreSignUp_AdminCreateUser` of those whom an operator gives one.
    Other,
}

/// Why an event is none that can be acted on: Cognito does not send such events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    /// It does not say what it is.
    #[error("the event has no trigger source")]
    Source,
    /// The request, or an attribute in it, is not what it should be.
    #[error("the event's request does not parse")]
    Request,
    /// It names no user pool.
    #[error("the event names no user pool")]
    Pool,
    /// It names no user.
    #[error("the event names no user")]
    User,
}

impl Malformed {
    /// The reason in one word, for the log and the metric.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Request => "request",
            Self::Pool => "pool",
            Self::User => "user",
        }
    }
}

impl Source {
    /// What an event is.
    ///
    /// # Errors
    /// [`Malformed::Source`] when it does not say.
    pub(crate) fn of(event: &Value) -> Result<Self, Malformed> {
        match text(event, "triggerSource").ok_or(Malformed::Source)? {
            "PostConfirmation_ConfirmSignUp" => Ok(Self::ConfirmSignUp),
            "PreSignUp_SignUp" | "PreSignUp_ExternalProvider" => Ok(Self::SignUp),
            _ => Ok(Self::Other),
        }
    }
}

/// Somebody who is confirmed.
pub(crate) struct Confirmed<'a> {
    /// The pool that they are in.
    pub(crate) user_pool_id: &'a str,
    /// Their name in it.
    pub(crate) user_name: &'a str,
    /// Who this is, for as long as they are in the pool.
    pub(crate) sub: String,
    attributes: HashMap<String, String>,
}

impl<'a> Confirmed<'a> {
    /// Reads a `PostConfirmation_ConfirmSignUp`.
    ///
    /// # Errors
    /// [`Malformed`].
    pub(crate) fn read(event: &'a Value) -> Result<Self, Malformed> {
        let request = request::<CognitoEventUserPoolsPostConfirmationRequest>(event)?;
        let mut attributes = request.user_attributes;
        let sub = attributes.remove("sub").filter(|sub| cognito_identifier(sub).is_some());
        Ok(Self {
            user_pool_id: user_pool_id(event)?,
            user_name: identifier(event, "userName").ok_or(Malformed::User)?,
            sub: sub.ok_or(Malformed::User)?,
            attributes,
        })
    }

    /// What tells whether they may have an account.
    pub(crate) fn sign_up(&self) -> SignUp<'_> {
        SignUp {
            email: self.attribute("email"),
            email_verified: self.attribute("email_verified"),
            identities: self.attribute("identities"),
            user_status: self.attribute("cognito:user_status"),
        }
    }

    /// An attribute as it came, `sub` excepted.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }
}

/// Somebody who wants to sign up. Nothing that is said of them is verified yet.
pub(crate) struct Applicant<'a> {
    /// The pool that they would be in.
    pub(crate) user_pool_id: &'a str,
    email: Option<String>,
}

impl<'a> Applicant<'a> {
    /// Reads a `PreSignUp_SignUp` or `PreSignUp_ExternalProvider`.
    ///
    /// # Errors
    /// [`Malformed`].
    pub(crate) fn read(event: &'a Value) -> Result<Self, Malformed> {
        let mut request = request::<CognitoEventUserPoolsPreSignupRequest>(event)?;
        Ok(Self { user_pool_id: user_pool_id(event)?, email: request.user_attributes.remove("email") })
    }

    /// What tells whether they are listed.
    pub(crate) fn sign_up(&self) -> SignUp<'_> {
        SignUp { email: self.email.as_deref(), ..SignUp::default() }
    }
}

fn request<'a, T: Deserialize<'a>>(event: &'a Value) -> Result<T, Malformed> {
    // serde would take an array for a struct, field by field.
    let request = event.get("request").filter(|request| request.is_object()).ok_or(Malformed::Request)?;
    T::deserialize(request).map_err(|_| Malformed::Request)
}

fn user_pool_id(event: &Value) -> Result<&str, Malformed> {
    identifier(event, "userPoolId").ok_or(Malformed::Pool)
}

fn text<'a>(event: &'a Value, name: &str) -> Option<&'a str> {
    event.get(name).and_then(Value::as_str)
}

fn identifier<'a>(event: &'a Value, name: &str) -> Option<&'a str> {
    cognito_identifier(text(event, name)?)
}
