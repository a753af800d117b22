-- People: how Cognito names them, one address a person, what a token is minted for, and how an account comes to be.

-- A token for a person does not always carry the subject: some events name the user pool and the user alone.
ALTER TABLE users
    ADD COLUMN user_pool_id text CONSTRAINT users_user_pool_id_length CHECK (length(user_pool_id) BETWEEN 1 AND 200),
    ADD COLUMN user_name    text CONSTRAINT users_user_name_length CHECK (length(user_name) BETWEEN 1 AND 200),
    ADD CONSTRAINT users_cognito_sub_length CHECK (length(cognito_sub) BETWEEN 1 AND 200),
    ADD CONSTRAINT users_user_pool_and_name_together CHECK ((user_pool_id IS NULL) = (user_name IS NULL));

-- One address, one person. Only ASCII letters are folded, whatever the database's locale: other foldings make different
-- addresses equal (the Kelvin sign becomes a k). Made before users_user_pool_and_name_key: of several rules that a row
-- breaks, Postgres reports the index that was made first, and this is the one that a person can be told about.
CREATE UNIQUE INDEX users_email_key ON users (lower(email COLLATE "C"));
DROP INDEX users_email_idx;
ALTER TABLE users ADD CONSTRAINT users_user_pool_and_name_key UNIQUE (user_pool_id, user_name);

-- What provision_person writes. It reads of these tables no more than it needs to find what is there already.
GRANT INSERT, UPDATE (user_pool_id, user_name) ON users TO autri_definer;
GRANT SELECT (id, personal_user), INSERT ON orgs TO autri_definer;
GRANT SELECT (org_id, user_id), INSERT ON org_members TO autri_definer;
GRANT SELECT (user_id, type), INSERT ON notifications TO autri_definer;
GRANT INSERT ON libraries, knowledge_bases, library_kbs, library_access TO autri_definer;
CREATE POLICY users_definer_insert ON users FOR INSERT TO autri_definer WITH CHECK (true);
CREATE POLICY users_definer_update ON users FOR UPDATE TO autri_definer USING (true) WITH CHECK (true);
CREATE POLICY orgs_definer_select ON orgs FOR SELECT TO autri_definer USING (true);
CREATE POLICY orgs_definer_insert ON orgs FOR INSERT TO autri_definer WITH CHECK (true);
CREATE POLICY org_members_definer_select ON org_members FOR SELECT TO autri_definer USING (true);
CREATE POLICY org_members_definer_insert ON org_members FOR INSERT TO autri_definer WITH CHECK (true);
CREATE POLICY libraries_definer_insert ON libraries FOR INSERT TO autri_definer WITH CHECK (true);
CREATE POLICY library_kbs_definer_insert ON library_kbs FOR INSERT TO autri_definer WITH CHECK (true);
CREATE POLICY library_access_definer_insert ON library_access FOR INSERT TO autri_definer WITH CHECK (true);
CREATE POLICY notifications_definer_select ON notifications FOR SELECT TO autri_definer USING (true);
CREATE POLICY notifications_definer_insert ON notifications FOR INSERT TO autri_definer WITH CHECK (true);

GRANT CREATE ON SCHEMA public TO autri_definer;
SET ROLE autri_definer;

-- The connector that a token of this client is minted for, or why there is none: exactly one of the two.
-- A machine asks with the client alone. A person is found by the subject, or without one by pool and name; a subject that
-- nobody has is nobody's, whatever the name. A person whose subject is the client's id is refused, because the MCP server
-- would take the token for a machine's (see resolve_connector).
CREATE FUNCTION connector_for_token(token_client text, person_sub text, person_pool text, person_name text)
RETURNS TABLE (connector_id uuid, refusal text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    asked  connectors%ROWTYPE;
    person uuid;
BEGIN
    SELECT * INTO asked FROM connectors c WHERE c.oauth_client_id = token_client;
    IF NOT FOUND THEN
        RETURN QUERY SELECT NULL::uuid, 'unknown_client'::text;
    ELSIF asked.revoked_at IS NOT NULL THEN
        RETURN QUERY SELECT NULL::uuid, 'revoked'::text;
    ELSIF person_sub IS NULL AND person_pool IS NULL AND person_name IS NULL THEN
        IF asked.kind = 'machine' THEN
            RETURN QUERY SELECT asked.id, NULL::text;
        ELSE
            RETURN QUERY SELECT NULL::uuid, 'machine_on_interactive'::text;
        END IF;
    ELSIF asked.kind <> 'interactive' THEN
        RETURN QUERY SELECT NULL::uuid, 'person_on_machine'::text;
    ELSE
        IF person_sub IS NOT NULL THEN
            SELECT u.id INTO person FROM users u
            WHERE u.cognito_sub = person_sub AND u.cognito_sub <> token_client;
        ELSE
            SELECT u.id INTO person FROM users u
            WHERE u.user_pool_id = person_pool AND u.user_name = person_name AND u.cognito_sub <> token_client;
        END IF;
        IF person IS NULL THEN
            RETURN QUERY SELECT NULL::uuid, 'unknown_person'::text;
        ELSIF EXISTS (SELECT FROM library_access a WHERE a.library_id = asked.library_id AND a.user_id = person) THEN
            RETURN QUERY SELECT asked.id, NULL::text;
        ELSE
            RETURN QUERY SELECT NULL::uuid, 'no_access'::text;
        END IF;
    END IF;
END $$;

-- An account and all that makes it usable, or nothing: the person, their personal org, its library "Personal" with the
-- knowledge base "Personal", access to it, the welcome. What is missing is made, and what is there stays as it is, so the
-- caller may try again. The new_… ids are for what has to be made.
--
-- What is there is found from the subject, never from an id that was passed: an id that exists already ends in an error.
-- So the login that calls this can make accounts, and can lead nobody to another's records: of somebody else's account
-- it changes nothing but what is missing of it, which stays that person's: their own library and access to it, a welcome
-- that leads nowhere but into the web app, a pool and name. Those only let a token be minted for that person; the MCP
-- server opens the library to the token's own subject. The address stays the one that was confirmed at sign-up:
-- one that is changed at Cognito later moves no account and frees no address here.
CREATE FUNCTION provision_person(
    new_user uuid, new_org uuid, new_library uuid, new_base uuid, new_notification uuid,
    sub text, pool text, name_in_pool text, address text, given text, family text, picture_url text,
    model text, welcome_title text, welcome_body text, welcome_link text,
    OUT account_user uuid, OUT account_org uuid, OUT account_library uuid, OUT account_base uuid, OUT is_new boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF welcome_link !~ '^/([^/]|$)' THEN
        RAISE EXCEPTION 'the welcome must link into the web app' USING ERRCODE = 'check_violation';
    END IF;
    -- Attempts for one person go one after the other, until the end of the transaction: without this, the second of two
    -- could meet the first one's row by its address before it meets it by its subject. The first key is this function's.
    PERFORM pg_advisory_xact_lock(6, hashtext(sub));

    INSERT INTO users (id, cognito_sub, user_pool_id, user_name, email, given_name, family_name, picture)
    VALUES (new_user, sub, pool, name_in_pool, address, given, family, picture_url)
    ON CONFLICT ON CONSTRAINT users_cognito_sub_key DO NOTHING;
    is_new := FOUND;
    SELECT u.id INTO STRICT account_user FROM users u WHERE u.cognito_sub = sub;
    UPDATE users u SET user_pool_id = pool, user_name = name_in_pool
    WHERE u.id = account_user AND u.user_pool_id IS NULL;

    -- Named after the address, which is unique, and not after a name, which people choose freely.
    INSERT INTO orgs (id, name, personal_user)
    SELECT new_org, left(u.email, 200), u.id FROM users u WHERE u.id = account_user
    ON CONFLICT (personal_user) WHERE personal_user IS NOT NULL DO NOTHING;
    SELECT o.id INTO STRICT account_org FROM orgs o WHERE o.personal_user = account_user;
    INSERT INTO org_members (org_id, user_id, role) VALUES (account_org, account_user, 'owner')
    ON CONFLICT ON CONSTRAINT org_members_pkey DO NOTHING;

    INSERT INTO libraries (id, org_id, name, embedding_model) VALUES (new_library, account_org, 'Personal', model)
    ON CONFLICT ON CONSTRAINT libraries_org_name_key DO NOTHING;
    SELECT l.id INTO STRICT account_library FROM libraries l WHERE l.org_id = account_org AND l.name = 'Personal';
    -- A library that was there keeps its model, and its knowledge base has the same.
    INSERT INTO knowledge_bases (id, org_id, name, embedding_model)
    SELECT new_base, account_org, 'Personal', l.embedding_model FROM libraries l WHERE l.id = account_library
    ON CONFLICT ON CONSTRAINT knowledge_bases_org_name_key DO NOTHING;
    SELECT k.id INTO STRICT account_base FROM knowledge_bases k WHERE k.org_id = account_org AND k.name = 'Personal';
    INSERT INTO library_kbs (library_id, knowledge_base_id, org_id, embedding_model)
    SELECT account_library, account_base, account_org, l.embedding_model FROM libraries l WHERE l.id = account_library
    ON CONFLICT ON CONSTRAINT library_kbs_pkey DO NOTHING;
    INSERT INTO library_access (library_id, user_id) VALUES (account_library, account_user)
    ON CONFLICT ON CONSTRAINT library_access_pkey DO NOTHING;

    INSERT INTO notifications (id, user_id, type, title, body, link)
    VALUES (new_notification, account_user, 'welcome', welcome_title, welcome_body, welcome_link)
    ON CONFLICT (user_id) WHERE type = 'welcome' DO NOTHING;
END $$;

REVOKE EXECUTE ON FUNCTION connector_for_token, provision_person FROM PUBLIC;
GRANT EXECUTE ON FUNCTION connector_for_token TO autri_pre_token;
GRANT EXECUTE ON FUNCTION provision_person TO autri_post_confirmation, autri_admin;

RESET ROLE;
REVOKE CREATE ON SCHEMA public FROM autri_definer;
