//! What must hold of all stored content, whatever happened before.

use autri_db::test_support::TestDatabase;

use crate::raw_sql::texts;

/// Each finds rows that contradict another table, as one text a row.
const CONTRADICTIONS: [(&str, &str); 6] = [
    (
        "a knowledge base's counts are those of its chunks with words",
        "SELECT k.id || ' says ' || k.chunk_count || ', ' || k.lexeme_count || ' and has ' || h.chunks || ', ' || h.lexemes
         FROM knowledge_bases k CROSS JOIN LATERAL (
             SELECT count(*) AS chunks, coalesce(sum(c.lexeme_count), 0) AS lexemes FROM chunks c
             WHERE c.knowledge_base_id = k.id AND c.lexeme_count > 0) h
         WHERE (k.chunk_count, k.lexeme_count) IS DISTINCT FROM (h.chunks, h.lexemes)",
    ),
    (
        "a document's count is that of its chunks, without a gap",
        "SELECT d.id || ' says ' || d.chunk_count || ' and has ' || coalesce(h.ordinals::text, 'none')
         FROM documents d CROSS JOIN LATERAL (
             SELECT array_agg(c.ordinal ORDER BY c.ordinal) AS ordinals FROM chunks c WHERE c.document_id = d.id) h
         WHERE coalesce(h.ordinals, '{}') <> ARRAY(SELECT generate_series(0, d.chunk_count - 1))",
    ),
    (
        "a chunk counts its lexemes, those of the title and the headings three times",
        "SELECT c.id || ' says ' || c.lexeme_count FROM chunks c
         WHERE c.lexeme_count <> (SELECT coalesce(sum(CASE w.weight WHEN 'D' THEN 1 ELSE 3 END), 0)
                                  FROM unnest(c.lexemes) l CROSS JOIN LATERAL unnest(l.weights) AS w (weight))
            OR c.lexemes <> chunk_lexemes((SELECT d.title FROM documents d WHERE d.id = c.document_id), c.heading_path, c.body)",
    ),
    (
        "every lexeme has its posting",
        "SELECT c.id || ' lacks ' || l.lexeme FROM chunks c CROSS JOIN LATERAL unnest(c.lexemes) l
         WHERE NOT EXISTS (SELECT FROM postings p WHERE p.knowledge_base_id = c.knowledge_base_id
             AND p.lexeme = l.lexeme AND p.chunk_id = c.id
             AND p.frequency = (SELECT sum(CASE w.weight WHEN 'D' THEN 1 ELSE 3 END) FROM unnest(l.weights) AS w (weight))
             AND p.lexeme_count = least(c.lexeme_count, 32767))",
    ),
    (
        "every posting has its lexeme",
        "SELECT p.chunk_id || ' has no ' || p.lexeme FROM postings p
         WHERE NOT EXISTS (SELECT FROM chunks c WHERE c.id = p.chunk_id AND c.knowledge_base_id = p.knowledge_base_id
             AND p.lexeme = ANY (tsvector_to_array(c.lexemes)))",
    ),
    (
        "every vector is of a chunk of its knowledge base",
        "SELECT e.chunk_id || ' is no chunk' FROM chunk_embeddings e
         WHERE NOT EXISTS (SELECT FROM chunks c
             WHERE c.id = e.chunk_id AND c.knowledge_base_id = e.knowledge_base_id)",
    ),
];

/// Fails with the rows that contradict each other.
pub(crate) async fn assert_consistent(database: &TestDatabase) {
    let mut admin = database.admin_connection().await;
    for (rule, sql) in CONTRADICTIONS {
        assert_eq!(texts(&mut admin, sql).await, Vec::<String>::new(), "{rule}");
    }
}
