-- Content: documents, their chunks, and the two indexes that search reads (postings and embeddings).

-- What is indexed and what is asked go through the same function. In Postgres' parser a slash joins words into one
-- 'file' lexeme and a dot between letters makes a 'host'; both would hide the words inside, so they become spaces.
CREATE FUNCTION search_text(given text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN regexp_replace(translate(given, '/', ' '), '([[:alpha:]])\.([[:alpha:]])', '\1 \2', 'g');

-- A chunk's lexemes: of the document's title, the headings above the chunk, and its text. So a passage is found by where
-- it stands, too. A title that is the outermost heading as well, which is the rule, counts once.
CREATE FUNCTION chunk_lexemes(title text, headings text[], body text) RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN to_tsvector('pg_catalog.english', search_text(
    CASE WHEN headings[1] IS NOT DISTINCT FROM title THEN '' ELSE title || E'\n' END || array_to_string(headings, E'\n') || E'\n' || body));

-- How many words a tsvector stands for: BM25's length of a chunk.
CREATE FUNCTION word_count(lexemes tsvector) RETURNS int LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (SELECT coalesce(sum(cardinality(l.positions)), 0)::int FROM unnest(lexemes) AS l);

-- The distinct lexemes of a question, or of a piece of one.
CREATE FUNCTION search_lexemes(given text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN tsvector_to_array(to_tsvector('pg_catalog.english', search_text(given)));

-- What a question's operators demand: tsqueries to check chunks with, and lexemes whose postings lead to those chunks.
-- Only phraseto_tsquery, which knows no operators, reads the text, so that no query syntax can be injected. A piece
-- without lexemes (stop words alone) demands nothing, and a group with such a piece is always satisfied.
--   must      every phrase, and one alternative of each group; null: nothing is demanded
--   anchors   [[lexeme, …], …]: every chunk that satisfies `must` has a lexeme of each row
--   never     any negated piece; null: nothing is refused
--   suspects  every chunk that `never` matches has one of these lexemes
CREATE FUNCTION search_filter(phrases text[], negated text[], groups jsonb,
                              OUT must tsquery, OUT anchors jsonb, OUT never tsquery, OUT suspects text[])
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    words        text;
    piece        tsquery;
    choice       jsonb;
    alternatives tsquery;
    leads        jsonb;
    is_free      boolean;
BEGIN
    anchors := '[]';
    suspects := '{}';
    FOREACH words IN ARRAY phrases LOOP
        piece := phraseto_tsquery('english', search_text(words));
        CONTINUE WHEN numnode(piece) = 0;
        must := coalesce(must && piece, piece);
        anchors := anchors || (SELECT jsonb_agg(jsonb_build_array(l)) FROM unnest(search_lexemes(words)) AS l);
    END LOOP;
    FOR choice IN SELECT jsonb_array_elements(groups) LOOP
        alternatives := NULL;
        leads := '[]';
        is_free := false;
        FOR words IN SELECT jsonb_array_elements_text(choice) LOOP
            piece := phraseto_tsquery('english', search_text(words));
            IF numnode(piece) = 0 THEN
                is_free := true;
                CONTINUE;
            END IF;
            alternatives := coalesce(alternatives || piece, piece);
            leads := leads || to_jsonb((SELECT l FROM unnest(search_lexemes(words)) AS l ORDER BY length(l) DESC, l LIMIT 1));
        END LOOP;
        CONTINUE WHEN is_free OR alternatives IS NULL;
        must := coalesce(must && alternatives, alternatives);
        anchors := anchors || jsonb_build_array(leads);
    END LOOP;
    FOREACH words IN ARRAY negated LOOP
        piece := phraseto_tsquery('english', search_text(words));
        CONTINUE WHEN numnode(piece) = 0;
        never := coalesce(never || piece, piece);
        suspects := suspects || (SELECT l FROM unnest(search_lexemes(words)) AS l ORDER BY length(l) DESC, l LIMIT 1);
    END LOOP;
END $$;

CREATE TABLE documents (
    id                uuid        CONSTRAINT documents_pkey PRIMARY KEY,
    knowledge_base_id uuid        NOT NULL CONSTRAINT documents_knowledge_base_fkey
                                  REFERENCES knowledge_bases (id) ON DELETE CASCADE,
    -- Where it came from: the ingested folder's name and the path below it. Ingesting again updates the document.
    source_key        text        NOT NULL CONSTRAINT documents_source_key_length CHECK (length(source_key) BETWEEN 1 AND 2000),
    title             text        NOT NULL CONSTRAINT documents_title_length CHECK (length(title) BETWEEN 1 AND 1000),
    source_url        text        CONSTRAINT documents_source_url_is_http
                                  CHECK (source_url ~ '^https?://' AND length(source_url) <= 4000),
    -- SHA-256 of all that makes the stored document: equal means that there is nothing to do.
    content_hash      bytea       NOT NULL CONSTRAINT documents_content_hash_length CHECK (length(content_hash) = 32),
    chunk_count       int         NOT NULL CONSTRAINT documents_chunk_count_range CHECK (chunk_count >= 0),
    byte_count        bigint      NOT NULL CONSTRAINT documents_byte_count_range CHECK (byte_count >= 0),
    -- When the source last changed, as the source says.
    updated_at        timestamptz NOT NULL,
    ingested_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT documents_knowledge_base_source_key_key UNIQUE (knowledge_base_id, source_key),
    CONSTRAINT documents_id_knowledge_base_key UNIQUE (id, knowledge_base_id)
);
CREATE INDEX documents_knowledge_base_updated_idx ON documents (knowledge_base_id, updated_at) INCLUDE (id);
CREATE INDEX documents_knowledge_base_title_idx ON documents (knowledge_base_id, title, id);

CREATE TABLE chunks (
    -- Internal: clients name a chunk by document, ordinal and content hash.
    id                bigint   GENERATED ALWAYS AS IDENTITY CONSTRAINT chunks_pkey PRIMARY KEY,
    knowledge_base_id uuid     NOT NULL,
    document_id       uuid     NOT NULL,
    ordinal           int      NOT NULL CONSTRAINT chunks_ordinal_range CHECK (ordinal >= 0),
    heading_path      text[]   NOT NULL,
    page              int      CONSTRAINT chunks_page_range CHECK (page >= 1),
    -- Place in the document's cleaned text, in bytes. A document's chunks follow each other without gap or overlap.
    byte_start        bigint   NOT NULL,
    byte_end          bigint   NOT NULL,
    body              text     NOT NULL,
    content_hash      bytea    NOT NULL CONSTRAINT chunks_content_hash_length CHECK (length(content_hash) = 32),
    lexemes           tsvector NOT NULL,
    lexeme_count      int      NOT NULL CONSTRAINT chunks_lexeme_count_range CHECK (lexeme_count >= 0),
    CONSTRAINT chunks_document_ordinal_key UNIQUE (document_id, ordinal),
    CONSTRAINT chunks_id_knowledge_base_key UNIQUE (id, knowledge_base_id),
    CONSTRAINT chunks_byte_range CHECK (0 <= byte_start AND byte_start <= byte_end),
    CONSTRAINT chunks_document_fkey FOREIGN KEY (document_id, knowledge_base_id)
        REFERENCES documents (id, knowledge_base_id) ON DELETE CASCADE
);
CREATE INDEX chunks_knowledge_base_idx ON chunks (knowledge_base_id);

-- The inverted index, as a table. A GIN index on `lexemes` is of no use under row level security, because `@@` is not
-- leakproof; equality on uuid and text is (docs/adr/0002).
-- No foreign key and no index by chunk: the two cost half the speed of ingest. The triggers below keep it true to chunks.
CREATE TABLE postings (
    knowledge_base_id uuid     NOT NULL,
    lexeme            text     COLLATE "C" NOT NULL,
    chunk_id          bigint   NOT NULL,
    -- How often the lexeme stands in the chunk, and how many lexemes the chunk has (up to 32,767): all that BM25 asks of
    -- a chunk, so that scoring reads the index alone.
    frequency         smallint NOT NULL,
    lexeme_count      smallint NOT NULL,
    CONSTRAINT postings_pkey PRIMARY KEY (knowledge_base_id, lexeme, chunk_id) INCLUDE (frequency, lexeme_count)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

-- Postings and a knowledge base's counts follow its chunks, by whatever way these come and go.
CREATE FUNCTION post_chunks() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    INSERT INTO postings (knowledge_base_id, lexeme, chunk_id, frequency, lexeme_count)
    SELECT a.knowledge_base_id, l.lexeme, a.id, cardinality(l.positions), least(a.lexeme_count, 32767)
    FROM added a CROSS JOIN LATERAL unnest(a.lexemes) AS l
    ORDER BY a.knowledge_base_id, l.lexeme, a.id;
    UPDATE knowledge_bases k SET chunk_count = k.chunk_count + a.chunks, lexeme_count = k.lexeme_count + a.lexemes
    FROM (SELECT knowledge_base_id, count(*) AS chunks, sum(lexeme_count) AS lexemes
          FROM added WHERE lexeme_count > 0 GROUP BY knowledge_base_id) a
    WHERE k.id = a.knowledge_base_id;
    RETURN NULL;
END $$;
CREATE FUNCTION unpost_chunks() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    -- OFFSET 0 keeps this a look-up a posting: without it, and with no statistics yet of a new knowledge base, the planner
    -- reads the whole base for every document.
    DELETE FROM postings WHERE ctid = ANY (ARRAY(
        SELECT found.place FROM removed r CROSS JOIN LATERAL unnest(tsvector_to_array(r.lexemes)) AS l (lexeme)
        CROSS JOIN LATERAL (SELECT p.ctid AS place FROM postings p
                            WHERE p.knowledge_base_id = r.knowledge_base_id AND p.lexeme = l.lexeme AND p.chunk_id = r.id
                            OFFSET 0) AS found));
    UPDATE knowledge_bases k SET chunk_count = k.chunk_count - r.chunks, lexeme_count = k.lexeme_count - r.lexemes
    FROM (SELECT knowledge_base_id, count(*) AS chunks, sum(lexeme_count) AS lexemes
          FROM removed WHERE lexeme_count > 0 GROUP BY knowledge_base_id) r
    WHERE k.id = r.knowledge_base_id;
    RETURN NULL;
END $$;
CREATE TRIGGER chunks_post AFTER INSERT ON chunks REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION post_chunks();
CREATE TRIGGER chunks_unpost AFTER DELETE ON chunks REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION unpost_chunks();

CREATE TABLE chunk_embeddings (
    chunk_id          bigint  NOT NULL,
    knowledge_base_id uuid    NOT NULL,
    embedding_model   text    NOT NULL,
    dimensions        int     NOT NULL,
    embedding         halfvec NOT NULL,
    CONSTRAINT chunk_embeddings_pkey PRIMARY KEY (chunk_id, embedding_model),
    CONSTRAINT chunk_embeddings_chunk_fkey FOREIGN KEY (chunk_id, knowledge_base_id)
        REFERENCES chunks (id, knowledge_base_id) ON DELETE CASCADE,
    CONSTRAINT chunk_embeddings_model_fkey FOREIGN KEY (embedding_model, dimensions)
        REFERENCES embedding_models (id, dimensions),
    CONSTRAINT chunk_embeddings_of_the_models_dimensions CHECK (vector_dims(embedding) = dimensions)
);
ALTER TABLE chunk_embeddings ALTER COLUMN embedding SET STORAGE PLAIN;
CREATE INDEX chunk_embeddings_knowledge_base_idx ON chunk_embeddings (knowledge_base_id, embedding_model);
