-- One row a tool call. No foreign keys: the record outlives what it speaks of.

CREATE TABLE mcp_audit_log (
    id               uuid             CONSTRAINT mcp_audit_log_pkey PRIMARY KEY,
    at               timestamptz      NOT NULL DEFAULT now(),
    org_id           uuid             NOT NULL,
    connector_id     uuid             NOT NULL,
    client_id        text             NOT NULL,
    sub              text             NOT NULL,
    tool             text             NOT NULL,
    -- HMAC-SHA-256 of the canonical arguments under the key named beside it: equal calls can be recognised, and
    -- a suspected argument confirmed, by whoever holds the key alone.
    arguments_digest bytea            NOT NULL CONSTRAINT mcp_audit_log_digest_length CHECK (length(arguments_digest) = 32),
    digest_key_id    text             NOT NULL,
    -- In clear only where the operator set it so.
    arguments        jsonb,
    result_count     int              NOT NULL CONSTRAINT mcp_audit_log_result_count_range CHECK (result_count >= 0),
    status           text             NOT NULL CONSTRAINT mcp_audit_log_status_known
                                      CHECK (status IN ('ok', 'caller_error', 'refused', 'failed', 'timed_out')),
    latency_ms       double precision NOT NULL,
    request_id       text             NOT NULL
);
CREATE INDEX mcp_audit_log_org_at_idx ON mcp_audit_log (org_id, at DESC);
CREATE INDEX mcp_audit_log_connector_at_idx ON mcp_audit_log (connector_id, at DESC);
CREATE INDEX mcp_audit_log_at_idx ON mcp_audit_log (at DESC);
