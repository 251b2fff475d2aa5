-- What push keeps beside the rows. All of it is one user's own, but for what lost a conflict, which everybody may see who may
-- see the row.

-- +goose Up

-- Every group that was decided, for good: the digests of its parts, 32 bytes each, and the answer.
CREATE TABLE app.ledger (
  tenant_id text COLLATE "C" NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  client_id text COLLATE "C" NOT NULL,
  group_no bigint NOT NULL,
  digests bytea NOT NULL,
  rejected boolean NOT NULL,
  code text NOT NULL DEFAULT '',
  message text NOT NULL DEFAULT '',
  change_no integer,
  table_name text NOT NULL DEFAULT '',
  row_id text NOT NULL DEFAULT '',
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, user_id, client_id, group_no)
);

-- Parts that wait for the others of their group.
CREATE TABLE app.staged (
  tenant_id text COLLATE "C" NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  client_id text COLLATE "C" NOT NULL,
  group_no bigint NOT NULL,
  part integer NOT NULL,
  parts integer NOT NULL,
  digest bytea NOT NULL,
  raw bytea NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, user_id, client_id, group_no, part)
);

-- Groups and parts that were rejected, as received: the bytes, because what is in them may be neither text nor JSON that
-- PostgreSQL can store.
CREATE TABLE app.rejected (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id text COLLATE "C" NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  machine_id text COLLATE "C" NOT NULL,
  client_id text COLLATE "C" NOT NULL,
  group_no bigint NOT NULL,
  part integer NOT NULL,
  digest bytea NOT NULL,
  schema_version integer NOT NULL,
  code text NOT NULL,
  message text NOT NULL,
  raw bytea NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (tenant_id, user_id, client_id, group_no, part, digest)
);

-- How often a group failed for a reason that nobody knows.
CREATE TABLE app.attempts (
  tenant_id text COLLATE "C" NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  client_id text COLLATE "C" NOT NULL,
  group_no bigint NOT NULL,
  attempts integer NOT NULL,
  PRIMARY KEY (tenant_id, user_id, client_id, group_no)
);

-- Values that lost a conflict, seen by whoever may see the row: user_id and project_id are the row's.
CREATE TABLE app.lost (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id text COLLATE "C" NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  project_id text COLLATE "C",
  table_name text COLLATE "C" NOT NULL,
  row_id text COLLATE "C" NOT NULL,
  column_name text COLLATE "C" NOT NULL,
  kind text NOT NULL,
  value text NOT NULL, -- JSON
  hlc text COLLATE "C" NOT NULL,
  winner_hlc text COLLATE "C" NOT NULL,
  client_id text COLLATE "C" NOT NULL,
  group_no bigint NOT NULL,
  at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX lost_tenant ON app.lost (tenant_id, number);

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['ledger', 'staged', 'rejected', 'attempts', 'lost'] LOOP
    EXECUTE format('ALTER TABLE app.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_wall ON app.%I AS RESTRICTIVE TO app_api
      USING (tenant_id = (SELECT app.tenant_id())) WITH CHECK (tenant_id = (SELECT app.tenant_id()))', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['ledger', 'staged', 'rejected', 'attempts'] LOOP
    EXECUTE format('CREATE POLICY own ON app.%I TO app_api
      USING (user_id = (SELECT app.user_id())) WITH CHECK (user_id = (SELECT app.user_id()))', t);
  END LOOP;
END $$;
-- +goose StatementEnd

CREATE POLICY read ON app.lost FOR SELECT TO app_api
  USING (project_id IS NULL AND user_id = (SELECT app.user_id()) OR project_id IN (SELECT app.readable()));
CREATE POLICY add ON app.lost FOR INSERT TO app_api
  WITH CHECK (project_id IS NULL AND user_id = (SELECT app.user_id()) OR project_id IN (SELECT app.writable()));

GRANT SELECT, INSERT ON app.ledger, app.rejected, app.lost TO app_api;
GRANT SELECT, INSERT, DELETE ON app.staged TO app_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON app.attempts TO app_api;
