-- Tenants, users, teams, machines. Every key begins with the tenant. Times of the server's own are timestamptz; synced
-- times are text (00002).
--
-- app_api, the role of the API, reads what its tenant needs to know and writes none of it; app_admin writes it.

-- +goose Up
CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO app_api, app_admin, powersync;

-- Who asks: set for one transaction by the server, NULL where nobody did, and then nothing is visible.
CREATE FUNCTION app.tenant_id() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
  RETURN nullif(current_setting('app.tenant_id', true), '');
CREATE FUNCTION app.user_id() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
  RETURN nullif(current_setting('app.user_id', true), '');
-- The moment as synced rows write it.
CREATE FUNCTION app.now_text() RETURNS text LANGUAGE sql VOLATILE PARALLEL SAFE
  RETURN to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');

CREATE TABLE app.tenants (
  tenant_id text COLLATE "C" PRIMARY KEY CHECK (tenant_id <> ''),
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE app.users (
  tenant_id text COLLATE "C" NOT NULL REFERENCES app.tenants,
  id text COLLATE "C" NOT NULL CHECK (id <> ''),
  email text NOT NULL,
  name text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT now(),
  disabled_at timestamptz,
  PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX users_email ON app.users (tenant_id, lower(email));

CREATE TABLE app.teams (
  tenant_id text COLLATE "C" NOT NULL REFERENCES app.tenants,
  id text COLLATE "C" NOT NULL CHECK (id <> ''),
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id)
);

CREATE TABLE app.memberships (
  tenant_id text COLLATE "C" NOT NULL,
  team_id text COLLATE "C" NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  role text NOT NULL DEFAULT 'member' CHECK (role IN ('member', 'admin')),
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, team_id, user_id),
  FOREIGN KEY (tenant_id, team_id) REFERENCES app.teams ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, user_id) REFERENCES app.users ON DELETE CASCADE
);
CREATE INDEX memberships_user ON app.memberships (tenant_id, user_id);

CREATE TABLE app.machines (
  tenant_id text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL CHECK (id <> ''),
  user_id text COLLATE "C" NOT NULL,
  name text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT now(),
  last_seen_at timestamptz,
  revoked_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES app.users ON DELETE CASCADE
);

ALTER TABLE app.tenants ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE app.users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE app.teams ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE app.memberships ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE app.machines ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_wall ON app.tenants AS RESTRICTIVE TO app_api USING (tenant_id = (SELECT app.tenant_id()));
CREATE POLICY tenant_wall ON app.users AS RESTRICTIVE TO app_api USING (tenant_id = (SELECT app.tenant_id()));
CREATE POLICY tenant_wall ON app.teams AS RESTRICTIVE TO app_api USING (tenant_id = (SELECT app.tenant_id()));
CREATE POLICY tenant_wall ON app.memberships AS RESTRICTIVE TO app_api USING (tenant_id = (SELECT app.tenant_id()));
CREATE POLICY tenant_wall ON app.machines AS RESTRICTIVE TO app_api USING (tenant_id = (SELECT app.tenant_id()));

CREATE POLICY read ON app.tenants FOR SELECT TO app_api USING (true);
CREATE POLICY read ON app.users FOR SELECT TO app_api USING (true);
CREATE POLICY read ON app.teams FOR SELECT TO app_api USING (true);
CREATE POLICY read ON app.memberships FOR SELECT TO app_api USING (true);
CREATE POLICY read ON app.machines FOR SELECT TO app_api USING (user_id = (SELECT app.user_id()));

CREATE POLICY admin ON app.tenants TO app_admin USING (true);
CREATE POLICY admin ON app.users TO app_admin USING (true);
CREATE POLICY admin ON app.teams TO app_admin USING (true);
CREATE POLICY admin ON app.memberships TO app_admin USING (true);
CREATE POLICY admin ON app.machines TO app_admin USING (true);

GRANT SELECT ON app.tenants, app.users, app.teams, app.memberships, app.machines TO app_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON app.tenants, app.users, app.teams, app.memberships, app.machines TO app_admin;
