-- Who may do what. The functions come first, because the policies call them.
--
-- A server login enters a scope by naming a connector, the token's client and its subject (`enter_scope`). The three
-- are kept as transaction-local settings, and every policy resolves them again, live, once a statement. Setting them
-- by hand gives nothing that `enter_scope` would not: the rows seen are those of a live connector whose client and
-- subject are the ones named. The functions are owned by autri_definer, which cannot log in and owns no table.

-- The functions' owner needs CREATE while they are made, and no longer.
GRANT CREATE ON SCHEMA public TO autri_definer;
GRANT SELECT ON users, libraries, library_kbs, library_access, connectors, embedding_models TO autri_definer;
GRANT INSERT ON mcp_audit_log TO autri_definer;
SET ROLE autri_definer;

-- The live connector of a token, or no row. Unknown, revoked, of another client, of the other kind, and without access
-- to the library are the same answer.
-- A token is a machine's exactly when its subject is its client: Cognito issues client_credentials tokens so.
CREATE FUNCTION resolve_connector(wanted_connector uuid, token_client text, token_subject text)
RETURNS TABLE (org_id uuid, library_id uuid, library_name text, embedding_model text, embedding_dimensions int)
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT c.org_id, c.library_id, l.name, l.embedding_model, m.dimensions
    FROM connectors c
    JOIN libraries l ON l.id = c.library_id
    JOIN embedding_models m ON m.id = l.embedding_model
    WHERE c.id = wanted_connector
      AND c.revoked_at IS NULL
      AND c.oauth_client_id = token_client
      AND (c.kind = 'machine') = (token_subject = token_client)
      AND (c.kind = 'machine' OR EXISTS (
            SELECT FROM library_access a
            JOIN users u ON u.id = a.user_id
            WHERE a.library_id = c.library_id AND u.cognito_sub = token_subject));
END $$;

-- What was entered in this transaction, as it stands now; null outside a scope, which matches no row.
CREATE FUNCTION scope_library_id() RETURNS uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    RETURN (SELECT r.library_id FROM resolve_connector(
        nullif(current_setting('autri.connector_id', true), '')::uuid,
        current_setting('autri.client_id', true),
        current_setting('autri.subject', true)) r);
END $$;

CREATE FUNCTION scope_knowledge_base_ids() RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    RETURN (SELECT array_agg(lk.knowledge_base_id) FROM library_kbs lk WHERE lk.library_id = scope_library_id());
END $$;

-- Enters a scope until the end of the transaction. Call it in a statement of its own: a policy in the same statement
-- would be evaluated before it.
CREATE FUNCTION enter_scope(wanted_connector uuid, token_client text, token_subject text)
RETURNS TABLE (org_id uuid, library_id uuid, library_name text, embedding_model text, embedding_dimensions int)
LANGUAGE plpgsql VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    PERFORM set_config('autri.connector_id', wanted_connector::text, true),
            set_config('autri.client_id', token_client, true),
            set_config('autri.subject', token_subject, true);
    RETURN QUERY SELECT * FROM resolve_connector(wanted_connector, token_client, token_subject);
END $$;

-- Appends one audit row. The org is the connector's, whatever the caller thinks; a revoked connector's last calls are
-- recorded like any other.
CREATE FUNCTION append_mcp_audit(
    row_id uuid, of_connector uuid, of_client text, of_sub text, of_tool text, digest bytea, key_id text,
    clear_arguments jsonb, results int, outcome text, latency double precision, of_request text)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    owner_org uuid;
BEGIN
    SELECT c.org_id INTO owner_org FROM connectors c WHERE c.id = of_connector AND c.oauth_client_id = of_client;
    IF owner_org IS NULL THEN
        RAISE EXCEPTION 'no such connector' USING ERRCODE = 'no_data_found';
    END IF;
    INSERT INTO mcp_audit_log (id, org_id, connector_id, client_id, sub, tool, arguments_digest, digest_key_id,
                               arguments, result_count, status, latency_ms, request_id)
    VALUES (row_id, owner_org, of_connector, of_client, of_sub, of_tool, digest, key_id,
            clear_arguments, results, outcome, latency, of_request);
END $$;

-- The knowledge base that an ingest transaction works on; null outside one.
CREATE FUNCTION ingest_knowledge_base_id() RETURNS uuid
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp
RETURN nullif(current_setting('autri.ingest_knowledge_base_id', true), '')::uuid;

REVOKE EXECUTE ON FUNCTION resolve_connector, enter_scope, scope_library_id, scope_knowledge_base_ids, append_mcp_audit,
    ingest_knowledge_base_id FROM PUBLIC;
GRANT EXECUTE ON FUNCTION resolve_connector, enter_scope, scope_library_id, scope_knowledge_base_ids, append_mcp_audit
    TO autri_mcp;
GRANT EXECUTE ON FUNCTION ingest_knowledge_base_id TO autri_ingest;

RESET ROLE;

REVOKE EXECUTE ON FUNCTION search_text, search_lexemes, search_filter, chunk_lexemes, word_count, post_chunks,
    unpost_chunks FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_text, search_lexemes, search_filter TO autri_mcp;
GRANT EXECUTE ON FUNCTION search_text, chunk_lexemes, word_count TO autri_ingest;

-- Chunks also go with what the operator deletes (a knowledge base, an org), who may not write postings. So the triggers
-- act as autri_definer whoever deletes, and nobody else needs the right to write postings or counts.
GRANT SELECT, INSERT, DELETE ON postings TO autri_definer;
GRANT SELECT, UPDATE (chunk_count, lexeme_count) ON knowledge_bases TO autri_definer;
ALTER FUNCTION post_chunks SECURITY DEFINER;
ALTER FUNCTION post_chunks OWNER TO autri_definer;
ALTER FUNCTION unpost_chunks SECURITY DEFINER;
ALTER FUNCTION unpost_chunks OWNER TO autri_definer;
REVOKE CREATE ON SCHEMA public FROM autri_definer;

-- Row level security everywhere, and the owner's own policy: under FORCE the owner sees nothing without one, so that
-- foreign key actions and later migrations would not find their rows.
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['users', 'orgs', 'org_members', 'embedding_models', 'libraries', 'knowledge_bases',
        'library_kbs', 'library_access', 'connectors', 'documents', 'chunks', 'postings', 'chunk_embeddings',
        'mcp_audit_log', 'chat_queries', 'notifications']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY %I ON %I TO autri_migrate USING (true) WITH CHECK (true)', t || '_owner', t);
    END LOOP;
END $$;

-- autri_definer: what the functions above read and write.
CREATE POLICY users_definer ON users FOR SELECT TO autri_definer USING (true);
CREATE POLICY libraries_definer ON libraries FOR SELECT TO autri_definer USING (true);
CREATE POLICY library_kbs_definer ON library_kbs FOR SELECT TO autri_definer USING (true);
CREATE POLICY library_access_definer ON library_access FOR SELECT TO autri_definer USING (true);
CREATE POLICY connectors_definer ON connectors FOR SELECT TO autri_definer USING (true);
CREATE POLICY embedding_models_definer ON embedding_models FOR SELECT TO autri_definer USING (true);
CREATE POLICY mcp_audit_log_definer ON mcp_audit_log FOR INSERT TO autri_definer WITH CHECK (true);
CREATE POLICY postings_definer ON postings TO autri_definer USING (true) WITH CHECK (true);
CREATE POLICY knowledge_bases_definer ON knowledge_bases TO autri_definer USING (true) WITH CHECK (true);

-- autri_mcp: reads its scope, and nothing else. The sub-select makes each function an InitPlan: run once a statement.
GRANT SELECT ON knowledge_bases, documents, chunks, postings, chunk_embeddings TO autri_mcp;
CREATE POLICY knowledge_bases_mcp ON knowledge_bases FOR SELECT TO autri_mcp
    USING (id = ANY ((SELECT scope_knowledge_base_ids())::uuid[]));
CREATE POLICY documents_mcp ON documents FOR SELECT TO autri_mcp
    USING (knowledge_base_id = ANY ((SELECT scope_knowledge_base_ids())::uuid[]));
CREATE POLICY chunks_mcp ON chunks FOR SELECT TO autri_mcp
    USING (knowledge_base_id = ANY ((SELECT scope_knowledge_base_ids())::uuid[]));
CREATE POLICY postings_mcp ON postings FOR SELECT TO autri_mcp
    USING (knowledge_base_id = ANY ((SELECT scope_knowledge_base_ids())::uuid[]));
CREATE POLICY chunk_embeddings_mcp ON chunk_embeddings FOR SELECT TO autri_mcp
    USING (knowledge_base_id = ANY ((SELECT scope_knowledge_base_ids())::uuid[]));

-- autri_ingest: the content of the one knowledge base that its transaction named.
GRANT SELECT ON knowledge_bases, embedding_models TO autri_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON documents TO autri_ingest;
GRANT SELECT, INSERT, DELETE ON chunks, chunk_embeddings TO autri_ingest;
CREATE POLICY embedding_models_ingest ON embedding_models FOR SELECT TO autri_ingest USING (true);
CREATE POLICY knowledge_bases_ingest ON knowledge_bases FOR SELECT TO autri_ingest
    USING (id = (SELECT ingest_knowledge_base_id()));
CREATE POLICY documents_ingest ON documents TO autri_ingest USING (knowledge_base_id = (SELECT ingest_knowledge_base_id()));
CREATE POLICY chunks_ingest ON chunks TO autri_ingest USING (knowledge_base_id = (SELECT ingest_knowledge_base_id()));
CREATE POLICY chunk_embeddings_ingest ON chunk_embeddings TO autri_ingest
    USING (knowledge_base_id = (SELECT ingest_knowledge_base_id()));

-- autri_admin: the operator's CLI. It keeps the tenancy, reads content, and can neither write content (it takes the
-- ingest role for that) nor touch the audit log.
GRANT SELECT, INSERT, UPDATE, DELETE ON users, orgs, org_members, libraries, library_kbs, library_access, connectors,
    notifications TO autri_admin;
GRANT SELECT, INSERT, DELETE ON knowledge_bases TO autri_admin;
GRANT UPDATE (name, embedding_model) ON knowledge_bases TO autri_admin;
GRANT SELECT, INSERT ON embedding_models TO autri_admin;
GRANT SELECT ON documents, chunks, postings, chunk_embeddings, mcp_audit_log, chat_queries TO autri_admin;
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['users', 'orgs', 'org_members', 'embedding_models', 'libraries', 'knowledge_bases',
        'library_kbs', 'library_access', 'connectors', 'documents', 'chunks', 'postings', 'chunk_embeddings',
        'mcp_audit_log', 'chat_queries', 'notifications']
    LOOP
        EXECUTE format('CREATE POLICY %I ON %I TO autri_admin USING (true) WITH CHECK (true)', t || '_admin', t);
    END LOOP;
END $$;

-- Readiness: is the schema the one that the binary was built for?
GRANT SELECT ON _sqlx_migrations TO autri_mcp, autri_admin, autri_ingest;

-- autri_pre_token, autri_post_confirmation and autri_front_door hold nothing yet: each gets its grants with the
-- migration of the binary that logs in as it.
