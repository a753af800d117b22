//! What a person can do about an error.

use std::borrow::Cow;

#[cfg(feature = "aws")]
use autri_admission::ListEditError;
#[cfg(feature = "aws")]
use autri_aws::AwsError;
use autri_db::{DbError, LoginError};

#[cfg(feature = "aws")]
use crate::aws_step::AwsStep;

/// The next step for the first error of the chain that has one.
pub(crate) fn for_error(error: &anyhow::Error) -> Option<Cow<'static, str>> {
    #[cfg(feature = "aws")]
    if let Some(cause) = error.chain().find_map(|cause| cause.downcast_ref::<AwsError>()) {
        let is_login = error.chain().any(|cause| matches!(cause.downcast_ref(), Some(DbError::Login(_))));
        let step = error.downcast_ref::<AwsStep>().map(|step| step.permission);
        let permission = if is_login { Some("secretsmanager:GetSecretValue") } else { step };
        return for_aws_error(cause, permission);
    }
    #[cfg(feature = "aws")]
    if error.chain().any(|cause| matches!(cause.downcast_ref(), Some(ListEditError::Missing))) {
        return Some(
            "are --parameter and AWS_REGION right? `autri user invite ENTRY --create` makes the parameter"
                .into(),
        );
    }
    error
        .chain()
        .find_map(|cause| cause.downcast_ref::<DbError>())
        .and_then(for_database_error)
        .map(Cow::from)
}

/// `permission`: what the call needed, where that is known.
#[cfg(feature = "aws")]
fn for_aws_error(error: &AwsError, permission: Option<&str>) -> Option<Cow<'static, str>> {
    Some(match error {
        AwsError::NoCredentials(_) => {
            "sign in to AWS (`aws sso login`), or name a profile in AWS_PROFILE; AWS_REGION says where".into()
        }
        AwsError::Denied(_) => match permission {
            Some(permission) => {
                format!("the credentials have expired (`aws sso login`), or lack the permission {permission}")
                    .into()
            }
            None => {
                "have the credentials expired (`aws sso login`)? docs/people.md lists the permissions".into()
            }
        },
        AwsError::NotFound(_) => {
            "is it the right name, and the right AWS_REGION and account (AWS_PROFILE)?".into()
        }
        AwsError::Busy(_) => "AWS takes fewer calls a second than that; try again".into(),
        AwsError::Unavailable(_) => "is AWS reachable from here, and is AWS_REGION right? try again".into(),
        AwsError::Unsupported(_) => {
            "this endpoint does not know the operation: an older partition, or an emulator".into()
        }
        AwsError::Rejected { .. } => return None,
    })
}

fn for_database_error(error: &DbError) -> Option<&'static str> {
    match error {
        DbError::Unavailable(_) => {
            Some("is Postgres running, and is DATABASE_URL right? `cargo dev` starts one for development")
        }
        DbError::Credentials(_) => Some(
            "the operator's commands log in as autri_admin, `autri db migrate` as autri_migrate; `autri db bootstrap` sets their passwords",
        ),
        DbError::Login(LoginError::Unusable(_)) => Some(
            "the secret holds JSON as RDS keeps it: username, password, host, port and dbname, the database's own name",
        ),
        // What to do about its cause is said of the cause.
        DbError::Login(LoginError::Unreadable(_)) => None,
        DbError::Rule { constraint, .. } => for_rule(constraint),
        DbError::RowSecurityOff => {
            Some("the server's role is autri_mcp, which is bound by row level security")
        }
        DbError::TimedOut(_) => Some("the database may be busy; try again"),
        DbError::BadUrl(_) => {
            Some("a URL looks like postgresql://autri_admin:PASSWORD@HOST:5432/autri?sslmode=verify-full")
        }
        DbError::Migration(_) => Some(
            "`autri db bootstrap` comes before `autri db migrate`, which connects as autri_migrate; `autri db status` shows what is applied",
        ),
        DbError::Unexpected(_) => Some("is the schema there and current? `autri db status` tells"),
    }
}

/// By the names of the migrations' constraints.
fn for_rule(constraint: &str) -> Option<&'static str> {
    match constraint {
        "connectors_oauth_client_id_key" => Some(
            "this OAuth client has a connector already, and a client opens one library only; see `autri connector list`",
        ),
        "libraries_org_fkey" | "org_members_org_fkey" => Some("there is no such org; see `autri org list`"),
        "library_access_library_fkey" => Some("there is no such library; see `autri library list`"),
        "users_email_key" => Some("another person has this address already; see `autri user list`"),
        "users_user_pool_and_name_key" => {
            Some("the records of another person name this user; see `autri user list --json`")
        }
        "libraries_org_name_key" => Some("the org has a library of this name; see `autri library list`"),
        "libraries_embedding_model_fkey" => Some("the embedding model is not known to this database"),
        "knowledge_bases_org_name_key" => {
            Some("the org has a knowledge base of this name; see `autri knowledge-base list`")
        }
        "library_kbs_library_same_org_and_model" | "library_kbs_knowledge_base_same_org_and_model" => Some(
            "a library and its knowledge bases are of one org and have one embedding model: see `autri library list` and `autri knowledge-base list`; `autri knowledge-base reembed` changes a model",
        ),
        "knowledge_bases_embedding_model_is_held" => Some(
            "the knowledge base got another embedding model meanwhile, or was deleted: see `autri knowledge-base list`, and begin again",
        ),
        "connectors_oauth_client_id_length" => Some("an OAuth client id has 1 to 200 characters"),
        name if name.ends_with("_name_length") => Some("a name has 1 to 200 characters"),
        _ => None,
    }
}
