-- Documents are paged by source key in the order of its bytes (COLLATE "C"), which is the same on every cluster. An index serves
-- an order by its own collation alone, and that behind documents_knowledge_base_source_key_key has the database's, which
-- counts as another even where it is "C", too: every page read and sorted the whole knowledge base
-- (https://www.postgresql.org/docs/16/indexes-collations.html).
--
-- Who ingests waits while this is built, and searches go on: CONCURRENTLY would spare the wait, but runs in no transaction,
-- and a migration is one (https://www.postgresql.org/docs/16/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY).
CREATE INDEX documents_knowledge_base_key_order_idx ON documents (knowledge_base_id, source_key COLLATE "C");
