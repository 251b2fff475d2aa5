-- The operation log. One process writes it (the one that holds the advisory lock), any number serve from it.
CREATE SCHEMA IF NOT EXISTS sync_log;

CREATE TABLE IF NOT EXISTS sync_log.state (
  one     boolean PRIMARY KEY DEFAULT true CHECK (one),
  epoch   bigint  NOT NULL DEFAULT 0,     -- in every bucket's name: a log built anew has new buckets
  rules   bytea   NOT NULL DEFAULT '',    -- hash of the definition the log was built by
  ready   boolean NOT NULL DEFAULT false, -- the first snapshot is whole
  lsn     pg_lsn  NOT NULL DEFAULT '0/0', -- everything committed before is in the log
  last_op bigint  NOT NULL DEFAULT 0,
  held    bigint  NOT NULL DEFAULT 0,     -- numbers given to documents that are in no bucket
  seq     bigint  NOT NULL DEFAULT 0      -- grows with every commit of the writer
);
INSERT INTO sync_log.state DEFAULT VALUES ON CONFLICT DO NOTHING;

CREATE TABLE IF NOT EXISTS sync_log.tables (id smallint PRIMARY KEY, name text NOT NULL UNIQUE);

CREATE TABLE IF NOT EXISTS sync_log.buckets (
  id       integer PRIMARY KEY,
  name     text    COLLATE "C" NOT NULL UNIQUE,
  checksum bigint  NOT NULL DEFAULT 0, -- sum of all its operations ever, modulo 2^32
  count    bigint  NOT NULL DEFAULT 0, -- number of all its operations ever
  last_op  bigint  NOT NULL DEFAULT 0,
  stable   bigint  NOT NULL DEFAULT 0, -- what is stored describes the bucket at this operation and later, not before
  live     bigint  NOT NULL DEFAULT 0, -- stored operations that set a document
  dead     bigint  NOT NULL DEFAULT 0, -- the other stored ones
  seq      bigint  NOT NULL
);
CREATE INDEX IF NOT EXISTS buckets_seq ON sync_log.buckets (seq);

-- kind is the letter of put, remove, move or clear. Bucket 0 holds the documents of rows that are in no bucket: what an
-- update leaves out because it did not change it must be found somewhere.
CREATE TABLE IF NOT EXISTS sync_log.ops (
  op_id    bigint   NOT NULL,
  bucket   integer  NOT NULL,
  checksum integer  NOT NULL,
  key      uuid,     -- of the row: table and primary key
  kind     smallint NOT NULL,
  tbl      smallint,
  row_id   text,
  data     text,
  PRIMARY KEY (bucket, op_id)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.1);
CREATE UNIQUE INDEX IF NOT EXISTS ops_row ON sync_log.ops (key, bucket) WHERE key IS NOT NULL;

CREATE TABLE IF NOT EXISTS sync_log.grants (
  key    uuid PRIMARY KEY, -- of the row that grants, and the lookup
  lookup text NOT NULL,
  who    text NOT NULL,
  val    text NOT NULL
);
CREATE INDEX IF NOT EXISTS grants_who ON sync_log.grants (who, lookup);

CREATE TABLE IF NOT EXISTS sync_log.woken (seq bigint NOT NULL, lookup text NOT NULL, who text NOT NULL);
CREATE INDEX IF NOT EXISTS woken_seq ON sync_log.woken (seq);

-- What was asked for, by the servers; what was reached, by the writer.
CREATE TABLE IF NOT EXISTS sync_log.requests (
  subject text NOT NULL, client text NOT NULL, value bigint NOT NULL, PRIMARY KEY (subject, client)
);
CREATE TABLE IF NOT EXISTS sync_log.reached (
  subject text NOT NULL, client text NOT NULL, value bigint NOT NULL, seq bigint NOT NULL, PRIMARY KEY (subject, client)
);
CREATE INDEX IF NOT EXISTS reached_seq ON sync_log.reached (seq);
