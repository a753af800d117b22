//! `autri library grant` and `revoke-access`: which people may use a library through its interactive connectors.

use autri_db::memberships;
use autri_domain::LibraryId;
use clap::Args;
use serde_json::json;

use crate::context::Context;
use crate::{output, person};

#[derive(Debug, Args)]
pub(super) struct AccessArgs {
    /// The person's address
    #[arg(value_name = "EMAIL")]
    email: String,
    /// The library
    #[arg(long, value_name = "ID")]
    library: LibraryId,
}

pub(super) async fn grant(args: &AccessArgs, context: &Context) -> anyhow::Result<()> {
    let database = context.database()?;
    let person = person::get(&database, &args.email).await?;
    let is_new = memberships::grant_library(&database, args.library, person.id).await?;
    if context.json {
        return output::json(&json!({ "library_id": args.library, "user_id": person.id, "is_new": is_new }));
    }
    if is_new {
        output::line(format_args!("{} may use the library {}", person.email, args.library));
    } else {
        output::line(format_args!("{} may use the library {} already", person.email, args.library));
    }
    Ok(())
}

pub(super) async fn revoke(args: &AccessArgs, context: &Context) -> anyhow::Result<()> {
    let database = context.database()?;
    let person = person::get(&database, &args.email).await?;
    let had_access = memberships::revoke_library_access(&database, args.library, person.id).await?;
    if context.json {
        return output::json(
            &json!({ "library_id": args.library, "user_id": person.id, "had_access": had_access }),
        );
    }
    if had_access {
        output::line(format_args!("{} may not use the library {} any more", person.email, args.library));
    } else {
        output::line(format_args!("{} had no access to the library {}", person.email, args.library));
    }
    Ok(())
}
