# Shorthands; each is one command that works without just. `just` alone lists them.

[private]
default:
    @{{ just_executable() }} --list --unsorted

# Database, demo documents, a token and the server, from nothing
[group('work')]
dev *ARGS:
    cargo dev {{ ARGS }}

# Every Rust test, against an embedded Postgres that the tests start themselves
[group('work')]
test *ARGS:
    cargo test {{ ARGS }}

# Real MCP clients, the conformance suites and the Cognito chain, against servers that it starts
[group('work')]
e2e *ARGS:
    cargo e2e {{ ARGS }}

# The MCP conformance suites alone
[group('work')]
conformance:
    cargo e2e --only conformance

# Format, clippy, cargo-deny, the architecture check, and the linters of scripts, workflows and the Dockerfile
[group('work')]
lint:
    .ci/run format lint dependencies architecture scripts

# Everything that a change must pass, as CI runs it
[group('work')]
ci *STEPS:
    .ci/run {{ STEPS }}

# What bench/README.md describes, printed as ratios and percentiles (8 minutes)
[group('work')]
bench *ARGS:
    bench/run {{ ARGS }}

# A bearer token for a connector (development builds only)
[group('work')]
make-token CONNECTOR_ID:
    cargo autri token --connector-id {{ CONNECTOR_ID }}

# Apply the migrations to the database that DATABASE_URL names, as autri_migrate
[group('database')]
migrate:
    cargo autri db migrate

# Check the queries against the schema and renew .sqlx (--check: only check)
[group('database')]
sqlx-prepare *ARGS:
    cargo xtask sqlx-prepare {{ ARGS }}
