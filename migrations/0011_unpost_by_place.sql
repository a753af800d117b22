-- The plan of `unpost_chunks` is made when a connection first deletes chunks, and kept. In a first ingest that is before there
-- are postings, when reading all of them looks as cheap as going to the places that were found; then each document read the
-- postings of all those before it, until ANALYZE came by. Reading all of them is never right there.
SET ROLE autri_definer;
ALTER FUNCTION unpost_chunks() SET enable_seqscan = off;
RESET ROLE;
