-- Tables that the web app reads or writes.

CREATE TABLE chat_queries (
    id         uuid        CONSTRAINT chat_queries_pkey PRIMARY KEY,
    org_id     uuid        NOT NULL CONSTRAINT chat_queries_org_fkey REFERENCES orgs (id) ON DELETE CASCADE,
    user_id    uuid        NOT NULL CONSTRAINT chat_queries_user_fkey REFERENCES users (id) ON DELETE CASCADE,
    library_id uuid        NOT NULL,
    question   text        NOT NULL,
    answer     text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT chat_queries_library_same_org FOREIGN KEY (library_id, org_id)
        REFERENCES libraries (id, org_id) ON DELETE CASCADE
);
CREATE INDEX chat_queries_user_idx ON chat_queries (user_id, created_at DESC);

CREATE TABLE notifications (
    id         uuid        CONSTRAINT notifications_pkey PRIMARY KEY,
    user_id    uuid        NOT NULL CONSTRAINT notifications_user_fkey REFERENCES users (id) ON DELETE CASCADE,
    type       text        NOT NULL CONSTRAINT notifications_type_length CHECK (length(type) BETWEEN 1 AND 50),
    title      text        NOT NULL CONSTRAINT notifications_title_length CHECK (length(title) BETWEEN 1 AND 200),
    body       text        NOT NULL,
    link       text,
    read_at    timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX notifications_one_welcome_per_user ON notifications (user_id) WHERE type = 'welcome';
CREATE INDEX notifications_user_idx ON notifications (user_id, created_at DESC);
