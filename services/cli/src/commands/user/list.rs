//! `autri user list`.

use std::process::ExitCode;

use autri_db::people::{self, Person};
use serde_json::{Value, json};

use crate::context::Context;
use crate::output;

pub(super) async fn run(context: &Context) -> anyhow::Result<ExitCode> {
    let people = people::list(&context.database()?).await?;
    if context.json {
        output::json(&people.iter().map(as_json).collect::<Vec<_>>())?;
    } else {
        output::table(
            ["EMAIL", "ID", "PERSONAL LIBRARY", "SINCE"],
            &people.iter().map(row).collect::<Vec<_>>(),
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn row(person: &Person) -> [String; 4] {
    [
        person.email.clone(),
        person.id.to_string(),
        person.personal_library.map(|id| id.to_string()).unwrap_or_default(),
        person.created_at.format("%Y-%m-%d").to_string(),
    ]
}

fn as_json(person: &Person) -> Value {
    json!({
        "id": person.id,
        "email": person.email,
        "cognito_sub": person.cognito_sub,
        "user_pool_id": person.user_pool_id,
        "user_name": person.user_name,
        "personal_org_id": person.personal_org,
        "personal_library_id": person.personal_library,
        "created_at": person.created_at,
    })
}
