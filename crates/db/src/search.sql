-- Hybrid search in the entered scope, in one statement. Why it looks so, with figures: docs/adr/0003.
--  $1 the words that rank            $2 the question's vector, of length 1; null: BM25 alone
--  $3 phrases, each must occur       $4 words and phrases that must not       $5 [["a", "b"], …]: one of each must
--  $6 knowledge base or null         $7 document or null                      $8 changed after, or null
--  $9 BM25's share of the score      $10 offset  $11 limit                    $12 the vector's model
-- OFFSET 0 keeps a sub-select a look-up by key, once for each row beside it. Without it, and with few tenants or no
-- statistics yet, the planner reads everybody's rows: it does not know how few knowledge bases a scope has.
WITH scope AS MATERIALIZED (
    -- The knowledge bases to search, and what BM25 needs to know of them as a whole.
    SELECT array_agg(k.id) AS ids, coalesce(sum(k.chunk_count), 0)::float8 AS chunks,
           greatest(sum(k.lexeme_count)::float8 / nullif(sum(k.chunk_count), 0), 1) AS mean_length
    FROM knowledge_bases k
    WHERE k.id = ANY ((SELECT scope_knowledge_base_ids())::uuid[]) AND ($6::uuid IS NULL OR k.id = $6)
), question AS MATERIALIZED (
    -- Read from its text once, not once a row.
    SELECT $2::text::halfvec AS vector
), demands AS MATERIALIZED (
    SELECT f.*, coalesce(f.must IS NOT NULL OR $7::uuid IS NOT NULL OR $8::timestamptz IS NOT NULL, false) AS narrow
    FROM search_filter($3, $4, $5) f
), anchor AS MATERIALIZED (
    -- Of the demands, the one that the fewest chunks fulfil: its postings lead to the chunks to check.
    SELECT ARRAY(SELECT jsonb_array_elements_text(a.choices)) AS lexemes
    FROM demands CROSS JOIN LATERAL jsonb_array_elements(demands.anchors) AS a (choices)
    ORDER BY (SELECT count(*) FROM jsonb_array_elements_text(a.choices) AS l (lexeme)
              CROSS JOIN LATERAL (SELECT FROM postings p
                                  WHERE p.knowledge_base_id = ANY ((SELECT ids FROM scope)::uuid[])
                                    AND p.lexeme = l.lexeme OFFSET 0) p)
    LIMIT 1
), allowed AS MATERIALIZED (
    -- The chunks that may be found. Neither branch runs unless something narrows the search.
    SELECT c.id
    FROM chunks c
    WHERE (SELECT must IS NOT NULL FROM demands)
      AND c.knowledge_base_id = ANY ((SELECT ids FROM scope)::uuid[])
      AND c.id = ANY (ARRAY(SELECT p.chunk_id FROM unnest((SELECT lexemes FROM anchor)) AS l (lexeme)
                            CROSS JOIN LATERAL (SELECT p.chunk_id FROM postings p
                                                WHERE p.knowledge_base_id = ANY ((SELECT ids FROM scope)::uuid[])
                                                  AND p.lexeme = l.lexeme OFFSET 0) p))
      AND c.lexemes @@ (SELECT must FROM demands)
      AND ($7::uuid IS NULL OR c.document_id = $7)
      AND ($8::timestamptz IS NULL OR c.document_id IN (
            SELECT d.id FROM documents d
            WHERE d.knowledge_base_id = ANY ((SELECT ids FROM scope)::uuid[]) AND d.updated_at > $8))
    UNION ALL
    SELECT c.id
    FROM documents d
    CROSS JOIN LATERAL (SELECT c.id FROM chunks c
                        WHERE c.document_id = d.id AND c.knowledge_base_id = ANY ((SELECT ids FROM scope)::uuid[])
                        OFFSET 0) c
    WHERE (SELECT narrow AND must IS NULL FROM demands)
      AND d.knowledge_base_id = ANY ((SELECT ids FROM scope)::uuid[])
      AND ($7::uuid IS NULL OR d.id = $7)
      AND ($8::timestamptz IS NULL OR d.updated_at > $8)
), refused AS MATERIALIZED (
    SELECT c.id
    FROM chunks c
    WHERE (SELECT never IS NOT NULL FROM demands)
      AND c.knowledge_base_id = ANY ((SELECT ids FROM scope)::uuid[])
      AND c.id = ANY (ARRAY(SELECT p.chunk_id FROM unnest((SELECT suspects FROM demands)) AS l (lexeme)
                            CROSS JOIN LATERAL (SELECT p.chunk_id FROM postings p
                                                WHERE p.knowledge_base_id = ANY ((SELECT ids FROM scope)::uuid[])
                                                  AND p.lexeme = l.lexeme OFFSET 0) p))
      AND c.lexemes @@ (SELECT never FROM demands)
), given AS MATERIALIZED (
    SELECT search_lexemes($1) AS lexemes
), asked AS MATERIALIZED (
    -- All lexemes of a question, or of a very long one the 64 rarest that some chunk has: each costs its postings here, and a
    -- look-up a candidate below. To tell the rarest, a thousand postings of each are enough.
    SELECT a.lexeme
    FROM given g
    CROSS JOIN LATERAL unnest(g.lexemes) WITH ORDINALITY AS a (lexeme, place)
    CROSS JOIN LATERAL (
        SELECT count(*) AS frequency
        FROM (SELECT FROM postings p
              WHERE cardinality(g.lexemes) > 64
                AND p.knowledge_base_id = ANY ((SELECT ids FROM scope)::uuid[]) AND p.lexeme = a.lexeme
              LIMIT 1000) p) d
    ORDER BY d.frequency = 0, d.frequency, a.place
    LIMIT 64
), counted AS MATERIALIZED (
    -- Document frequencies from the postings themselves: an index-only scan a lexeme.
    SELECT a.lexeme, d.frequency, ln(1 + (s.chunks - d.frequency + 0.5) / (d.frequency + 0.5)) AS weight
    FROM scope s
    CROSS JOIN asked a
    CROSS JOIN LATERAL (
        SELECT least(count(*), s.chunks)::float8 AS frequency
        FROM postings p
        WHERE p.knowledge_base_id = ANY ((SELECT ids FROM scope)::uuid[]) AND p.lexeme = a.lexeme) d
), terms AS MATERIALIZED (
    -- The rarest lexemes find the chunks, within a budget of postings; all of them score what was found.
    SELECT lexeme, weight, sum(frequency) OVER rarest_first <= 10000 OR row_number() OVER rarest_first = 1 AS finds
    FROM counted
    WHERE frequency > 0
    WINDOW rarest_first AS (ORDER BY frequency, lexeme)
), possible AS MATERIALIZED (
    -- The most that a chunk could reach, the lexemes that no chunk has included.
    SELECT greatest(sum(weight), 1e-9) AS score FROM counted
), found AS MATERIALIZED (
    -- BM25 with k1 = 1.2 and b = 0.75 (the factor k1 + 1 cancels out).
    SELECT p.chunk_id,
           sum(t.weight * p.frequency / (p.frequency + 1.2 * (0.25 + 0.75 * p.lexeme_count / s.mean_length))) AS score
    FROM scope s CROSS JOIN terms t
    CROSS JOIN LATERAL (
        SELECT p.chunk_id, p.frequency, p.lexeme_count
        FROM postings p
        WHERE p.knowledge_base_id = ANY ((SELECT ids FROM scope)::uuid[]) AND p.lexeme = t.lexeme
        OFFSET 0) p
    WHERE t.finds
    GROUP BY p.chunk_id
), best AS MATERIALIZED (
    SELECT chunk_id
    FROM found
    WHERE (NOT (SELECT narrow FROM demands) OR chunk_id IN (SELECT id FROM allowed))
      AND chunk_id NOT IN (SELECT id FROM refused)
    ORDER BY score DESC, chunk_id
    LIMIT 400
), coded AS MATERIALIZED (
    -- Whether to look through the codes of the vectors and compare the vectors of the best alone: many chunks, and nothing that
    -- narrows the search. Otherwise every vector is compared. Why, with figures: docs/adr/0015.
    SELECT vector_code(q.vector) AS code
    FROM scope s CROSS JOIN question q CROSS JOIN demands d
    WHERE s.chunks > 50000 AND NOT d.narrow AND d.never IS NULL AND vector_code(q.vector) IS NOT NULL
), reach AS MATERIALIZED (
    -- Within this distance lie the 1,500 nearest codes of a part, so those of all do, too: what is farther need not be sorted.
    -- The part is all there is, unless it has 10,000.
    SELECT max(s.distance) AS distance
    FROM (SELECT e.code <~> (SELECT code FROM coded) AS distance
          FROM scope s CROSS JOIN LATERAL unnest(s.ids) AS b (id)
          CROSS JOIN LATERAL (SELECT e.code FROM chunk_embeddings e
                              WHERE EXISTS (SELECT FROM coded) AND e.knowledge_base_id = b.id AND e.embedding_model = $12
                              LIMIT 10000) e
          ORDER BY distance
          LIMIT 1500) s
), likely AS MATERIALIZED (
    SELECT e.chunk_id
    FROM scope s CROSS JOIN LATERAL unnest(s.ids) AS b (id)
    CROSS JOIN LATERAL (
        SELECT e.chunk_id, e.code <~> (SELECT code FROM coded) AS distance
        FROM chunk_embeddings e
        WHERE EXISTS (SELECT FROM coded) AND e.knowledge_base_id = b.id AND e.embedding_model = $12
          AND e.code <~> (SELECT code FROM coded) <= (SELECT distance FROM reach)
        OFFSET 0) e
    ORDER BY e.distance, e.chunk_id
    LIMIT 1500
), near AS MATERIALIZED (
    SELECT e.chunk_id, -e.distance AS cosine
    FROM (
        SELECT e.chunk_id, e.embedding <#> (SELECT vector FROM question) AS distance
        FROM likely l
        CROSS JOIN LATERAL (
            SELECT e.chunk_id, e.embedding
            FROM chunk_embeddings e
            WHERE e.chunk_id = l.chunk_id AND e.embedding_model = $12
            OFFSET 0) e
        UNION ALL
        SELECT e.chunk_id, e.embedding <#> (SELECT vector FROM question)
        FROM scope s CROSS JOIN LATERAL unnest(s.ids) AS b (id)
        CROSS JOIN LATERAL (
            SELECT e.chunk_id, e.embedding
            FROM chunk_embeddings e
            WHERE $2::text IS NOT NULL AND NOT EXISTS (SELECT FROM coded)
              AND e.knowledge_base_id = b.id AND e.embedding_model = $12
            OFFSET 0) e
        WHERE (NOT (SELECT narrow FROM demands) OR e.chunk_id IN (SELECT id FROM allowed))
          AND e.chunk_id NOT IN (SELECT id FROM refused)) e
    ORDER BY e.distance, e.chunk_id
    LIMIT 200
), pool AS MATERIALIZED (
    SELECT chunk_id FROM best UNION SELECT chunk_id FROM near
), rest AS MATERIALIZED (
    -- What the frequent lexemes add, by primary key.
    SELECT p.chunk_id,
           sum(t.weight * p.frequency / (p.frequency + 1.2 * (0.25 + 0.75 * p.lexeme_count / s.mean_length))) AS score
    FROM scope s CROSS JOIN terms t CROSS JOIN pool
    CROSS JOIN LATERAL (
        SELECT p.chunk_id, p.frequency, p.lexeme_count
        FROM postings p
        WHERE p.knowledge_base_id = ANY ((SELECT ids FROM scope)::uuid[]) AND p.lexeme = t.lexeme
          AND p.chunk_id = pool.chunk_id
        OFFSET 0) p
    WHERE NOT t.finds
    GROUP BY p.chunk_id
), scored AS MATERIALIZED (
    SELECT pool.chunk_id, (coalesce(f.score, 0) + coalesce(r.score, 0)) / possible.score AS bm25,
           coalesce(n.cosine, -(e.embedding <#> (SELECT vector FROM question)), 0) AS cosine
    FROM possible CROSS JOIN pool
    LEFT JOIN found f USING (chunk_id)
    LEFT JOIN rest r USING (chunk_id)
    LEFT JOIN near n USING (chunk_id)
    LEFT JOIN LATERAL (
        SELECT e.embedding
        FROM chunk_embeddings e
        WHERE n.chunk_id IS NULL AND $2::text IS NOT NULL AND e.chunk_id = pool.chunk_id AND e.embedding_model = $12
        OFFSET 0) e ON true
), ranked AS MATERIALIZED (
    SELECT chunk_id, bm25 > 0 AS has_words, $9::float8 * bm25 + (1 - $9::float8) * greatest(cosine, 0) AS score
    FROM scored
    ORDER BY score DESC, chunk_id
    LIMIT 200
), neighbours AS MATERIALIZED (
    -- The words that stand side by side in the question. Similarity alone ($9 = 0) knows no words.
    SELECT CASE WHEN $9::float8 > 0 THEN search_pairs($1) ELSE '{}' END AS pairs
), together AS MATERIALIZED (
    -- Of the best, how many of these stand side by side in the chunk, too. Appending nothing unpacks a chunk's lexemes once,
    -- not once a pair.
    SELECT t.chunk_id, (SELECT count(*) FROM unnest(n.pairs) AS p (pair) WHERE c.lexemes @@ p.pair)::float8
                       / cardinality(n.pairs) AS share
    FROM neighbours n
    CROSS JOIN (SELECT chunk_id FROM ranked ORDER BY score DESC, chunk_id LIMIT 20) t
    CROSS JOIN LATERAL (
        SELECT c.lexemes || ''::tsvector AS lexemes
        FROM chunks c
        WHERE c.knowledge_base_id = ANY ((SELECT ids FROM scope)::uuid[]) AND c.id = t.chunk_id
        OFFSET 0) c
    WHERE n.pairs <> '{}'
), page AS MATERIALIZED (
    SELECT r.chunk_id, r.has_words,
           CASE WHEN n.pairs = '{}' THEN r.score ELSE 0.95 * r.score + 0.05 * coalesce(t.share, 0) END AS score
    FROM neighbours n CROSS JOIN ranked r LEFT JOIN together t USING (chunk_id)
    ORDER BY score DESC, r.chunk_id
    OFFSET $10 LIMIT $11
)
SELECT c.document_id, c.ordinal, c.content_hash, d.source_key, d.title, d.source_url, c.heading_path, c.page, c.body,
       d.updated_at, p.score AS "score!", p.has_words AS "has_words!"
FROM page p
JOIN chunks c ON c.id = p.chunk_id
JOIN documents d ON d.id = c.document_id
WHERE c.knowledge_base_id = ANY ((SELECT ids FROM scope)::uuid[])
ORDER BY p.score DESC, p.chunk_id
