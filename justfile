# Shorthands; each is one command that works without just. `just` alone lists them.

[private]
default:
    @{{ just_executable() }} --list --unsorted

# Database, demo documents, a token and the server, from nothing
dev *ARGS:
    cargo dev {{ ARGS }}

# Every Rust test, against an embedded Postgres that the tests start themselves
test *ARGS:
    cargo test {{ ARGS }}

# Real MCP clients and the conformance suites against `cargo dev`
e2e *ARGS:
    cargo e2e {{ ARGS }}

# The conformance suites alone
conformance:
    cargo e2e --only conformance

# Format, clippy, cargo-deny and the architecture check
lint:
    .ci/run format lint dependencies architecture

# Everything that a submission must pass
ci *STEPS:
    .ci/run {{ STEPS }}

# What bench/README.md describes, printed as ratios and percentiles
bench *ARGS:
    bench/run {{ ARGS }}

# A bearer token for a connector (development builds only)
make-token CONNECTOR_ID:
    cargo autri token --connector-id {{ CONNECTOR_ID }}

# Apply the migrations to the database that DATABASE_URL names
migrate:
    cargo autri db migrate

# Check the queries against the schema and renew .sqlx
sqlx-prepare *ARGS:
    cargo xtask sqlx-prepare {{ ARGS }}
