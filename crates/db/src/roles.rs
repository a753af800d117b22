//! The names of the roles that a binary logs in as. `bootstrap/roles.sql` makes them.

/// Owns the schema and applies migrations; never a server's login.
pub const MIGRATE: &str = "autri_migrate";
/// The operator's CLI.
pub const ADMIN: &str = "autri_admin";
/// The MCP server.
pub const MCP: &str = "autri_mcp";
/// Writes the content of one knowledge base at a time.
pub const INGEST: &str = "autri_ingest";
/// The pre-token-generation Lambda.
pub const PRE_TOKEN: &str = "autri_pre_token";
/// The post-confirmation Lambda.
pub const POST_CONFIRMATION: &str = "autri_post_confirmation";
/// The OAuth front door.
pub const FRONT_DOOR: &str = "autri_front_door";

/// All that may log in.
pub const LOGINS: [&str; 7] = [MIGRATE, ADMIN, MCP, INGEST, PRE_TOKEN, POST_CONFIRMATION, FRONT_DOOR];
