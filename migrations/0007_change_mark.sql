-- What tells that a document's source has not changed, without reading it.
--
-- SHA-256 over what the source says of itself (for an object of S3: its ETag and size), the document's link, and how
-- documents are parsed and cut. Null where nothing but the content tells: a file, a document from before this migration.
-- Row level security and the rights on documents are those of the table.
ALTER TABLE documents ADD COLUMN change_mark bytea
    CONSTRAINT documents_change_mark_length CHECK (length(change_mark) = 32);
