-- The life of what is stored: a knowledge base gets another embedding model, an org ends.

GRANT SELECT (id, org_id, arguments), UPDATE (arguments) ON mcp_audit_log TO autri_definer;
-- The functions' owner sees, and can do nothing but erase, the arguments of orgs that are gone.
CREATE POLICY mcp_audit_log_definer_select ON mcp_audit_log FOR SELECT TO autri_definer
    USING (NOT EXISTS (SELECT FROM orgs o WHERE o.id = mcp_audit_log.org_id));
CREATE POLICY mcp_audit_log_definer_erase ON mcp_audit_log FOR UPDATE TO autri_definer
    USING (NOT EXISTS (SELECT FROM orgs o WHERE o.id = mcp_audit_log.org_id)) WITH CHECK (arguments IS NULL);
-- To lock a connector takes the right to change a column of it
-- (https://www.postgresql.org/docs/16/sql-select.html#SQL-FOR-UPDATE-SHARE). No row passes the check: it can be locked, and
-- nothing of it changed.
GRANT UPDATE (created_at) ON connectors TO autri_definer;
CREATE POLICY connectors_definer_hold ON connectors FOR UPDATE TO autri_definer USING (true) WITH CHECK (false);

GRANT CREATE ON SCHEMA public TO autri_definer;
SET ROLE autri_definer;

-- As in 0005, and now it holds the connector until the caller's transaction ends: an org is not gone, and so what was kept in
-- clear of its calls not erased, before the last call that wrote a row has ended. KEY SHARE stands in the way of a deletion
-- alone; a connector is revoked at once.
CREATE OR REPLACE FUNCTION append_mcp_audit(
    row_id uuid, of_connector uuid, of_client text, of_sub text, of_tool text, digest bytea, key_id text,
    clear_arguments jsonb, results int, outcome text, latency double precision, of_request text)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    owner_org uuid;
BEGIN
    SELECT c.org_id INTO owner_org FROM connectors c WHERE c.id = of_connector AND c.oauth_client_id = of_client
        FOR KEY SHARE;
    IF owner_org IS NULL THEN
        RAISE EXCEPTION 'no such connector' USING ERRCODE = 'no_data_found';
    END IF;
    INSERT INTO mcp_audit_log (id, org_id, connector_id, client_id, sub, tool, arguments_digest, digest_key_id,
                               arguments, result_count, status, latency_ms, request_id)
    VALUES (row_id, owner_org, of_connector, of_client, of_sub, of_tool, digest, key_id,
            clear_arguments, results, outcome, latency, of_request);
END $$;

-- Holds the named knowledge base until the end of the transaction, and refuses when its embedding model is not the expected
-- one (null: any): whoever stores content goes by a model that was read earlier, with vectors that were made meanwhile. KEY
-- SHARE is what a foreign key takes: it stands beside the counts that others who ingest change, and against a change of the
-- model, which is part of a key (https://www.postgresql.org/docs/16/explicit-locking.html#LOCKING-ROWS). Called before any
-- other row is locked, so that nobody waits in a circle with the change of model, nor with a deletion of the base, which takes
-- the base before its documents.
CREATE FUNCTION hold_knowledge_base(expected_model text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    held text;
BEGIN
    SELECT k.embedding_model INTO held FROM knowledge_bases k WHERE k.id = ingest_knowledge_base_id() FOR KEY SHARE;
    IF held <> expected_model OR (held IS NULL AND expected_model IS NOT NULL) THEN
        RAISE EXCEPTION 'the knowledge base is gone, or has another embedding model by now'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'knowledge_bases_embedding_model_is_held';
    END IF;
    RETURN true;
END $$;

-- Erases what was kept in clear of a gone org's calls, at most so many rows; how many were. The rows stay, with their
-- digests.
CREATE FUNCTION erase_audit_arguments(gone_org uuid, most int) RETURNS int
LANGUAGE plpgsql VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    erased int;
BEGIN
    IF EXISTS (SELECT FROM orgs o WHERE o.id = gone_org) THEN
        RAISE EXCEPTION 'the org is there' USING ERRCODE = 'integrity_constraint_violation',
            CONSTRAINT = 'mcp_audit_log_arguments_of_a_gone_org';
    END IF;
    UPDATE mcp_audit_log SET arguments = NULL
    WHERE id = ANY (ARRAY(SELECT a.id FROM mcp_audit_log a
                            WHERE a.org_id = gone_org AND a.arguments IS NOT NULL LIMIT most));
    GET DIAGNOSTICS erased = ROW_COUNT;
    RETURN erased;
END $$;

REVOKE EXECUTE ON FUNCTION hold_knowledge_base, erase_audit_arguments FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hold_knowledge_base TO autri_ingest;
GRANT EXECUTE ON FUNCTION erase_audit_arguments TO autri_admin;

RESET ROLE;
REVOKE CREATE ON SCHEMA public FROM autri_definer;

-- For `erase_audit_arguments`, and for the question whether anything is left for it: rows with arguments in clear are few
-- or none.
CREATE INDEX mcp_audit_log_clear_idx ON mcp_audit_log (org_id) WHERE arguments IS NOT NULL;
