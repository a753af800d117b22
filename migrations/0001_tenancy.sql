-- Tenancy: people, organisations, libraries, knowledge bases, connectors.
--
-- Roles, the database and the extension are made beforehand by `autri db bootstrap`, because making them needs more
-- than this role may do. Every table has forced row level security; every role that may see rows has a policy that
-- says which. A role without a policy sees nothing, the owner included.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'autri_definer')
       OR NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'vector') THEN
        RAISE EXCEPTION 'the roles or the extension "vector" are missing: run `autri db bootstrap` first';
    END IF;
END $$;

CREATE TABLE users (
    id          uuid        CONSTRAINT users_pkey PRIMARY KEY,
    cognito_sub text        NOT NULL CONSTRAINT users_cognito_sub_key UNIQUE,
    email       text        NOT NULL CONSTRAINT users_email_length CHECK (length(email) BETWEEN 3 AND 320),
    given_name  text,
    family_name text,
    picture     text,
    created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX users_email_idx ON users (lower(email));

CREATE TABLE orgs (
    id            uuid        CONSTRAINT orgs_pkey PRIMARY KEY,
    name          text        NOT NULL CONSTRAINT orgs_name_length CHECK (length(name) BETWEEN 1 AND 200),
    -- Set for a personal org only: the person it belongs to.
    personal_user uuid        CONSTRAINT orgs_personal_user_fkey REFERENCES users (id),
    created_at    timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX orgs_one_personal_per_user ON orgs (personal_user) WHERE personal_user IS NOT NULL;

CREATE TABLE org_members (
    org_id     uuid        NOT NULL CONSTRAINT org_members_org_fkey REFERENCES orgs (id) ON DELETE CASCADE,
    user_id    uuid        NOT NULL CONSTRAINT org_members_user_fkey REFERENCES users (id) ON DELETE CASCADE,
    role       text        NOT NULL CONSTRAINT org_members_role_known CHECK (role IN ('owner', 'admin', 'member')),
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT org_members_pkey PRIMARY KEY (org_id, user_id)
);
CREATE INDEX org_members_user_idx ON org_members (user_id);

-- Which models exist, shared by all tenants. `none` stands for "lexical search only".
CREATE TABLE embedding_models (
    id         text CONSTRAINT embedding_models_pkey PRIMARY KEY,
    dimensions int  NOT NULL CONSTRAINT embedding_models_dimensions_range CHECK (dimensions BETWEEN 0 AND 4000),
    CONSTRAINT embedding_models_none_has_no_dimensions CHECK ((id = 'none') = (dimensions = 0)),
    CONSTRAINT embedding_models_id_dimensions_key UNIQUE (id, dimensions)
);
INSERT INTO embedding_models VALUES ('none', 0);

CREATE TABLE libraries (
    id              uuid        CONSTRAINT libraries_pkey PRIMARY KEY,
    org_id          uuid        NOT NULL CONSTRAINT libraries_org_fkey REFERENCES orgs (id) ON DELETE CASCADE,
    name            text        NOT NULL CONSTRAINT libraries_name_length CHECK (length(name) BETWEEN 1 AND 200),
    embedding_model text        NOT NULL CONSTRAINT libraries_embedding_model_fkey REFERENCES embedding_models (id),
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT libraries_org_name_key UNIQUE (org_id, name),
    CONSTRAINT libraries_id_org_key UNIQUE (id, org_id),
    CONSTRAINT libraries_id_org_model_key UNIQUE (id, org_id, embedding_model)
);

CREATE TABLE knowledge_bases (
    id              uuid        CONSTRAINT knowledge_bases_pkey PRIMARY KEY,
    org_id          uuid        NOT NULL CONSTRAINT knowledge_bases_org_fkey REFERENCES orgs (id) ON DELETE CASCADE,
    name            text        NOT NULL CONSTRAINT knowledge_bases_name_length CHECK (length(name) BETWEEN 1 AND 200),
    embedding_model text        NOT NULL CONSTRAINT knowledge_bases_embedding_model_fkey REFERENCES embedding_models (id),
    -- What BM25 needs to know of the whole: the chunks with at least one lexeme, and the sum of their lexeme counts.
    -- Kept by the triggers on chunks.
    chunk_count     bigint      NOT NULL DEFAULT 0 CONSTRAINT knowledge_bases_chunk_count_range CHECK (chunk_count >= 0),
    lexeme_count    bigint      NOT NULL DEFAULT 0 CONSTRAINT knowledge_bases_lexeme_count_range CHECK (lexeme_count >= 0),
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT knowledge_bases_org_name_key UNIQUE (org_id, name),
    CONSTRAINT knowledge_bases_id_org_model_key UNIQUE (id, org_id, embedding_model)
);

-- A library's knowledge bases. The two foreign keys hold the rules that both sides are of one org and of one
-- embedding model: vectors of different models cannot be compared.
CREATE TABLE library_kbs (
    library_id        uuid        NOT NULL,
    knowledge_base_id uuid        NOT NULL,
    org_id            uuid        NOT NULL,
    embedding_model   text        NOT NULL,
    created_at        timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT library_kbs_pkey PRIMARY KEY (library_id, knowledge_base_id),
    CONSTRAINT library_kbs_library_same_org_and_model FOREIGN KEY (library_id, org_id, embedding_model)
        REFERENCES libraries (id, org_id, embedding_model) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT library_kbs_knowledge_base_same_org_and_model FOREIGN KEY (knowledge_base_id, org_id, embedding_model)
        REFERENCES knowledge_bases (id, org_id, embedding_model) ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE INDEX library_kbs_knowledge_base_idx ON library_kbs (knowledge_base_id);

-- Which people may use a library through its interactive connectors.
CREATE TABLE library_access (
    library_id uuid        NOT NULL CONSTRAINT library_access_library_fkey REFERENCES libraries (id) ON DELETE CASCADE,
    user_id    uuid        NOT NULL CONSTRAINT library_access_user_fkey REFERENCES users (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT library_access_pkey PRIMARY KEY (library_id, user_id)
);
CREATE INDEX library_access_user_idx ON library_access (user_id);

-- An OAuth client bound to one library. Cognito allows client_credentials only as the sole flow of an app client, so a
-- connector is for programs (machine) or for people (interactive), never both.
CREATE TABLE connectors (
    id              uuid        CONSTRAINT connectors_pkey PRIMARY KEY,
    org_id          uuid        NOT NULL,
    library_id      uuid        NOT NULL,
    kind            text        NOT NULL CONSTRAINT connectors_kind_known CHECK (kind IN ('machine', 'interactive')),
    oauth_client_id text        NOT NULL CONSTRAINT connectors_oauth_client_id_key UNIQUE
                                CONSTRAINT connectors_oauth_client_id_length CHECK (length(oauth_client_id) BETWEEN 1 AND 200),
    name            text        NOT NULL CONSTRAINT connectors_name_length CHECK (length(name) BETWEEN 1 AND 200),
    created_by      uuid        CONSTRAINT connectors_created_by_fkey REFERENCES users (id) ON DELETE SET NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    revoked_at      timestamptz,
    CONSTRAINT connectors_library_same_org FOREIGN KEY (library_id, org_id)
        REFERENCES libraries (id, org_id) ON DELETE CASCADE
);
CREATE INDEX connectors_library_idx ON connectors (library_id);
CREATE INDEX connectors_org_idx ON connectors (org_id);
