-- Where a word stands tells how much it says of a chunk: in the title or a heading it counts as three in the text.
-- Why, and what it brings: docs/adr/0011.

-- A chunk's lexemes: of the document's title (weight A), the headings above the chunk (B), and its text (D). So a passage is
-- found by where it stands, too. A title that is the outermost heading as well, which is the rule, counts once, as the title.
CREATE OR REPLACE FUNCTION chunk_lexemes(title text, headings text[], body text) RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN setweight(to_tsvector('pg_catalog.english', search_text(title)), 'A')
    || setweight(to_tsvector('pg_catalog.english', search_text(array_to_string(
           CASE WHEN headings[1] IS NOT DISTINCT FROM title THEN headings[2:] ELSE headings END, E'\n'))), 'B')
    || to_tsvector('pg_catalog.english', search_text(body));

-- How often a lexeme counts: once where it stands in the text, three times in the title or a heading. Weighted before BM25
-- lets further occurrences count less and less, not after: otherwise a word in two places would count as two words
-- (Robertson, Zaragoza, Taylor 2004, https://doi.org/10.1145/1031171.1031181).
CREATE FUNCTION weighted_frequency(weights text[]) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN cardinality(weights) + 2 * cardinality(array_remove(weights, 'D'));

-- How many words a tsvector stands for: BM25's length of a chunk, weighted as its frequencies are.
CREATE OR REPLACE FUNCTION word_count(lexemes tsvector) RETURNS int LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (SELECT coalesce(sum(weighted_frequency(l.weights)), 0)::int FROM unnest(lexemes) AS l);

-- The question's neighbours: each two lexemes that follow each other there, as a phrase at the same distance (stop words lie
-- between some). The first 16, so that a long question costs no more. A lexeme becomes a tsquery quoted, as tsquery's input
-- syntax has it (https://www.postgresql.org/docs/16/datatype-textsearch.html#DATATYPE-TSQUERY), never parsed.
CREATE FUNCTION search_pairs(given text) RETURNS tsquery[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    place      int;
    lexeme     tsquery;
    last_place int;
    last       tsquery;
    pair       tsquery;
    pairs      tsquery[] := '{}';
BEGIN
    FOR place, lexeme IN
        SELECT p.place, ('''' || replace(replace(l.lexeme, '\', '\\'), '''', '''''') || '''')::tsquery
        FROM unnest(to_tsvector('english', search_text(given))) AS l
        CROSS JOIN LATERAL unnest(l.positions) AS p (place)
        ORDER BY p.place, l.lexeme
    LOOP
        IF place > last_place AND lexeme <> last THEN
            pair := tsquery_phrase(last, lexeme, place - last_place);
            IF pair <> ALL (pairs) THEN
                pairs := pairs || pair;
                EXIT WHEN cardinality(pairs) = 16;
            END IF;
        END IF;
        last_place := place;
        last := lexeme;
    END LOOP;
    RETURN pairs;
END $$;

REVOKE EXECUTE ON FUNCTION weighted_frequency, search_pairs FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weighted_frequency TO autri_ingest, autri_definer;
GRANT EXECUTE ON FUNCTION search_pairs TO autri_mcp;

GRANT CREATE ON SCHEMA public TO autri_definer;
SET ROLE autri_definer;

CREATE OR REPLACE FUNCTION post_chunks() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    INSERT INTO postings (knowledge_base_id, lexeme, chunk_id, frequency, lexeme_count)
    SELECT a.knowledge_base_id, l.lexeme, a.id, weighted_frequency(l.weights), least(a.lexeme_count, 32767)
    FROM added a CROSS JOIN LATERAL unnest(a.lexemes) AS l
    ORDER BY a.knowledge_base_id, l.lexeme, a.id;
    UPDATE knowledge_bases k SET chunk_count = k.chunk_count + a.chunks, lexeme_count = k.lexeme_count + a.lexemes
    FROM (SELECT knowledge_base_id, count(*) AS chunks, sum(lexeme_count) AS lexemes
          FROM added WHERE lexeme_count > 0 GROUP BY knowledge_base_id) a
    WHERE k.id = a.knowledge_base_id;
    RETURN NULL;
END $$;

RESET ROLE;
REVOKE CREATE ON SCHEMA public FROM autri_definer;

-- What is stored already. Ingest waits meanwhile; searches go on, by the old rows until this commits: that is why postings are
-- replaced row by row and not by TRUNCATE, which would lock readers out.
DO $$ BEGIN LOCK TABLE chunks IN SHARE ROW EXCLUSIVE MODE; END $$;
UPDATE chunks c SET lexemes = n.lexemes, lexeme_count = word_count(n.lexemes)
FROM (SELECT o.id, chunk_lexemes(d.title, o.heading_path, o.body) AS lexemes
      FROM chunks o JOIN documents d ON d.id = o.document_id
      OFFSET 0) n
WHERE n.id = c.id;
DELETE FROM postings;
INSERT INTO postings (knowledge_base_id, lexeme, chunk_id, frequency, lexeme_count)
SELECT c.knowledge_base_id, l.lexeme, c.id, weighted_frequency(l.weights), least(c.lexeme_count, 32767)
FROM chunks c CROSS JOIN LATERAL unnest(c.lexemes) AS l
ORDER BY c.knowledge_base_id, l.lexeme, c.id;
UPDATE knowledge_bases k SET lexeme_count = h.lexemes
FROM (SELECT knowledge_base_id, sum(lexeme_count) AS lexemes FROM chunks GROUP BY knowledge_base_id) h
WHERE h.knowledge_base_id = k.id;
