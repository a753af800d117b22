# Shorthands; each is one command that works without just. `just` alone lists them.

[private]
default:
    @{{ just_executable() }} --list --unsorted

# Database, demo documents, a token and the server, from nothing
[group('work')]
dev *ARGS:
    cargo dev {{ ARGS }}

# Every Rust test, against a Postgres that the tests start themselves
[group('work')]
test *ARGS:
    cargo test {{ ARGS }}

# Real MCP clients, the conformance suites, the Cognito chain
[group('work')]
e2e *ARGS:
    cargo e2e {{ ARGS }}

# The MCP conformance suites alone
[group('work')]
conformance:
    cargo e2e --only conformance

# Format, clippy, cargo-deny, the architecture; scripts, workflows, the Dockerfile
[group('work')]
lint:
    .ci/run format lint dependencies architecture scripts

# Everything that a change must pass, as CI runs it
[group('work')]
ci *STEPS:
    .ci/run {{ STEPS }}

# The benchmarks, as ratios and percentiles (8 minutes; bench/README.md)
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

# Check the queries against the schema, and renew .sqlx (--check: do not)
[group('database')]
sqlx-prepare *ARGS:
    cargo xtask sqlx-prepare {{ ARGS }}

# Run a trigger here, with the environment's settings; its first event compiles it
[group('lambdas')]
lambda-watch PROGRAM:
    deploy/cargo-lambda watch --package {{ PROGRAM }} --invoke-address 127.0.0.1 --invoke-port 9101

# Hand it an event of lambdas/PROGRAM/tests/events, such as client_credentials
[group('lambdas')]
lambda-invoke PROGRAM EVENT:
    deploy/cargo-lambda invoke {{ PROGRAM }} --invoke-address 127.0.0.1 --invoke-port 9101 --data-file lambdas/{{ PROGRAM }}/tests/events/{{ EVENT }}.json

# The triggers' zips, arm64, into target/artefacts (--arch x86-64)
[group('lambdas')]
lambda-build *ARGS:
    deploy/build-lambdas {{ ARGS }}

# New code into a function, tried before its alias moves (--function NAME --zip FILE)
[group('lambdas')]
lambda-deploy *ARGS: deploy-python
    target/deploy-python/bin/python deploy/lambdas.py deploy {{ ARGS }}

# The server's image, arm64, into target/artefacts (--target cli, --arch amd64, --model …)
[group('release')]
image *ARGS:
    docker/build {{ ARGS }}

# What is shipped, made and tried: linters, image, zips, emulation (40 minutes at first)
[group('release')]
release-check *STEPS:
    .ci/release-check {{ STEPS }}

# A Python with what deploy/ needs, made again when that changes
[private]
deploy-python:
    @cmp -s deploy/requirements.txt target/deploy-python/installed-from || { \
      rm -rf target/deploy-python && python3 -m venv target/deploy-python && \
      target/deploy-python/bin/pip install --quiet --require-hashes --requirement deploy/requirements.txt && \
      cp deploy/requirements.txt target/deploy-python/installed-from; }
