-- The life of what is stored: a knowledge base gets another embedding model, an org ends.

GRANT SELECT (id, org_id, arguments), UPDATE (arguments) ON mcp_audit_log TO autri_definer;
-- The functions' owner sees, and can do nothing but erase, the arguments of orgs that are gone.
CREATE POLICY mcp_audit_log_definer_select ON mcp_audit_log FOR SELECT TO autri_definer
    USING (NOT EXISTS (SELECT FROM orgs o WHERE o.id = mcp_audit_log.org_id));
CREATE POLICY mcp_audit_log_definer_erase ON mcp_audit_log FOR UPDATE TO autri_definer
    USING (NOT EXISTS (SELECT FROM orgs o WHERE o.id = mcp_audit_log.org_id)) WITH CHECK (arguments IS NULL);

GRANT CREATE ON SCHEMA public TO autri_definer;
SET ROLE autri_definer;

-- Holds the named knowledge base until the end of the transaction, and refuses when its embedding model is not the expected
-- one (null: any): whoever stores content goes by a model that was read earlier, with vectors that were made meanwhile. KEY
-- SHARE is what a foreign key takes: it stands beside the counts that others who ingest change, and against a change of the
-- model, which is part of a key (https://www.postgresql.org/docs/16/explicit-locking.html#LOCKING-ROWS). Called before any
-- other row is locked, so that nobody waits in a circle with the change of model.
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
