-- A code for each vector, a third of its bytes, so that a search of many chunks need not read all their vectors.
-- Why, and what it costs and brings: docs/adr/0015.

-- A vector of length 1, told in bits: of each component, whether it is above each of five levels. How many bits two codes
-- differ in tells how far apart the vectors are, roughly. Signs alone (the middle level) are too rough for models whose vectors
-- all lean to one side. The levels go by 1/sqrt(dimensions), the root mean square of a component, so they fit every model.
-- Null beyond 512 dimensions: there it has not been measured, and the search compares the vectors themselves.
CREATE FUNCTION vector_code(given halfvec) RETURNS bit varying LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN vector_dims(given) <= 512 THEN
       binary_quantize(given + array_fill(1.2 / sqrt(vector_dims(given)), ARRAY[vector_dims(given)])::halfvec)
    || binary_quantize(given + array_fill(0.5 / sqrt(vector_dims(given)), ARRAY[vector_dims(given)])::halfvec)
    || binary_quantize(given)
    || binary_quantize(given - array_fill(0.5 / sqrt(vector_dims(given)), ARRAY[vector_dims(given)])::halfvec)
    || binary_quantize(given - array_fill(1.2 / sqrt(vector_dims(given)), ARRAY[vector_dims(given)])::halfvec)
END;
REVOKE EXECUTE ON FUNCTION vector_code FROM PUBLIC;
GRANT EXECUTE ON FUNCTION vector_code TO autri_ingest, autri_mcp;

-- Generated, so it is always the vector's own, whoever stores it. Searches wait while the table is written anew, some seconds
-- for 100,000 vectors: nothing that adds a stored column to the rows that are there lets them go on
-- (https://www.postgresql.org/docs/16/sql-altertable.html#SQL-ALTERTABLE-NOTES).
ALTER TABLE chunk_embeddings ADD COLUMN code bit varying GENERATED ALWAYS AS (vector_code(embedding)) STORED;
-- Never packed or moved out of the row, which would have to be undone for every row that is read.
ALTER TABLE chunk_embeddings ALTER COLUMN code SET STORAGE PLAIN;
-- Codes are read from this index alone. The index without them stays:
-- it is a small part of this one's size, and leads to vectors.
CREATE INDEX chunk_embeddings_code_idx ON chunk_embeddings (knowledge_base_id, embedding_model) INCLUDE (chunk_id, code);
-- An index-only scan goes to the table for what was not vacuumed since it was stored.
ALTER TABLE chunk_embeddings SET (autovacuum_vacuum_insert_scale_factor = 0.05);
