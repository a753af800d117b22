-- The roles, one a binary, each with the least it needs (what each may do: migrations/0005_roles.sql and later ones). Made
-- once a cluster, by its administrator; run again, this changes nothing.
DO $$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT * FROM (VALUES
            ('autri_migrate', true),            -- owns the schema and applies migrations; never a server's login
            ('autri_definer', false),           -- owns the SECURITY DEFINER functions
            ('autri_admin', true),              -- the operator's CLI
            ('autri_mcp', true),                -- the MCP server
            ('autri_ingest', true),             -- writes the content of one knowledge base at a time
            ('autri_pre_token', true),          -- the pre-token-generation Lambda
            ('autri_post_confirmation', true),  -- the post-confirmation Lambda
            ('autri_front_door', true)          -- the OAuth front door
        ) AS roles (name, may_log_in)
    LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted.name) THEN
            EXECUTE format('CREATE ROLE %I %s NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS',
                           wanted.name, CASE WHEN wanted.may_log_in THEN 'LOGIN' ELSE 'NOLOGIN' END);
        END IF;
    END LOOP;
END $$;

-- Who may become whom, without having the other's rights otherwise.
GRANT autri_definer TO autri_migrate WITH INHERIT FALSE, SET TRUE;
GRANT autri_ingest TO autri_admin WITH INHERIT FALSE, SET TRUE;
