-- The synced tables: the columns of config/schema (a test holds the two against each other), and beside them what only the
-- server knows. A row that is here is alive: deleting leaves a line in app.tombstones.
--
--   hlc  the clock of every column that cv does not name; '' is older than any clock
--   cv   the clocks of the columns that were changed alone, {"column": "hlc"}
--
-- No foreign keys: a check per row costs more than the row, and row-level security (00004) lets nobody write another
-- tenant's.
--
-- REPLICA IDENTITY FULL: whoever reads the WAL sees the row before the change, so which buckets it leaves, and the values
-- that PostgreSQL keeps out of line.

-- +goose Up
CREATE TABLE app.projects (
  tenant_id text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL CHECK (octet_length(id) BETWEEN 1 AND 255),
  user_id text COLLATE "C" NOT NULL,
  created_at text COLLATE "C" NOT NULL DEFAULT app.now_text(),
  updated_at text COLLATE "C" NOT NULL DEFAULT app.now_text(),
  team_id text COLLATE "C",
  visibility text COLLATE "C" CHECK (visibility IN ('private', 'team', 'org')),
  name text COLLATE "C",
  path text COLLATE "C",
  members_can_write boolean NOT NULL DEFAULT true,
  hlc text COLLATE "C" NOT NULL DEFAULT '',
  cv jsonb,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX projects_team ON app.projects (tenant_id, team_id) WHERE visibility = 'team';
ALTER TABLE app.projects REPLICA IDENTITY FULL;

CREATE TABLE app.sessions (
  tenant_id text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL CHECK (octet_length(id) BETWEEN 1 AND 255),
  user_id text COLLATE "C" NOT NULL,
  created_at text COLLATE "C" NOT NULL DEFAULT app.now_text(),
  updated_at text COLLATE "C" NOT NULL DEFAULT app.now_text(),
  project_id text COLLATE "C",
  title text COLLATE "C",
  source text COLLATE "C",
  started_at text COLLATE "C",
  ended_at text COLLATE "C",
  hlc text COLLATE "C" NOT NULL DEFAULT '',
  cv jsonb,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX sessions_bucket ON app.sessions (tenant_id, project_id, user_id);
ALTER TABLE app.sessions REPLICA IDENTITY FULL;

CREATE TABLE app.messages (
  tenant_id text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL CHECK (octet_length(id) BETWEEN 1 AND 255),
  user_id text COLLATE "C" NOT NULL,
  created_at text COLLATE "C" NOT NULL DEFAULT app.now_text(),
  updated_at text COLLATE "C" NOT NULL DEFAULT app.now_text(),
  project_id text COLLATE "C",
  session_id text COLLATE "C",
  hash text COLLATE "C",
  role text COLLATE "C",
  content text COLLATE "C",
  source_type text COLLATE "C",
  occurred_at text COLLATE "C",
  hlc text COLLATE "C" NOT NULL DEFAULT '',
  cv jsonb,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX messages_bucket ON app.messages (tenant_id, project_id, user_id);
ALTER TABLE app.messages REPLICA IDENTITY FULL;

CREATE TABLE app.decisions (
  tenant_id text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL CHECK (octet_length(id) BETWEEN 1 AND 255),
  user_id text COLLATE "C" NOT NULL,
  created_at text COLLATE "C" NOT NULL DEFAULT app.now_text(),
  updated_at text COLLATE "C" NOT NULL DEFAULT app.now_text(),
  project_id text COLLATE "C",
  decision_type text COLLATE "C",
  decision text COLLATE "C",
  rationale text COLLATE "C",
  confidence float8,
  tags text COLLATE "C",
  hlc text COLLATE "C" NOT NULL DEFAULT '',
  cv jsonb,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX decisions_bucket ON app.decisions (tenant_id, project_id, user_id);
ALTER TABLE app.decisions REPLICA IDENTITY FULL;

CREATE TABLE app.skill_learnings (
  tenant_id text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL CHECK (octet_length(id) BETWEEN 1 AND 255),
  user_id text COLLATE "C" NOT NULL,
  created_at text COLLATE "C" NOT NULL DEFAULT app.now_text(),
  updated_at text COLLATE "C" NOT NULL DEFAULT app.now_text(),
  project_id text COLLATE "C",
  skill_name text COLLATE "C",
  outcome text COLLATE "C",
  effectiveness_score float8,
  errors text COLLATE "C",
  analyzed_at text COLLATE "C",
  hlc text COLLATE "C" NOT NULL DEFAULT '',
  cv jsonb,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX skill_learnings_bucket ON app.skill_learnings (tenant_id, project_id, user_id);
ALTER TABLE app.skill_learnings REPLICA IDENTITY FULL;

CREATE TABLE app.error_solutions (
  tenant_id text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL CHECK (octet_length(id) BETWEEN 1 AND 255),
  user_id text COLLATE "C" NOT NULL,
  created_at text COLLATE "C" NOT NULL DEFAULT app.now_text(),
  updated_at text COLLATE "C" NOT NULL DEFAULT app.now_text(),
  project_id text COLLATE "C",
  error_type text COLLATE "C",
  error_signature text COLLATE "C",
  solution text COLLATE "C",
  solution_code text COLLATE "C",
  success_count bigint,
  hlc text COLLATE "C" NOT NULL DEFAULT '',
  cv jsonb,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX error_solutions_bucket ON app.error_solutions (tenant_id, project_id, user_id);
ALTER TABLE app.error_solutions REPLICA IDENTITY FULL;
