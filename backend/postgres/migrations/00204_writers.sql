-- Who wrote what won or lost a conflict: a clock ends with the client that made it, and this table knows whose client that is.
-- A client is of one machine at a time; one that signs in anew comes under another.

-- +goose Up
CREATE TABLE app.clients (
  tenant_id text COLLATE "C" NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  client_id text COLLATE "C" NOT NULL,
  machine_id text COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant_id, client_id, user_id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES app.users ON DELETE CASCADE
);
CREATE INDEX clients_user ON app.clients (tenant_id, user_id);
ALTER TABLE app.clients ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON app.clients AS RESTRICTIVE TO app_api
  USING (tenant_id = (SELECT app.tenant_id())) WITH CHECK (tenant_id = (SELECT app.tenant_id()));
CREATE POLICY own ON app.clients TO app_api
  USING (user_id = (SELECT app.user_id())) WITH CHECK (user_id = (SELECT app.user_id()));
CREATE POLICY admin ON app.clients TO app_admin USING (true);
GRANT SELECT, INSERT, UPDATE (machine_id) ON app.clients TO app_api;
GRANT SELECT, DELETE ON app.clients TO app_admin;

-- Who is behind these clients: of people of the tenant the name, and of those who see a project that the asker sees too, as
-- app.readers has it, the machine. A client that two people pushed as is nobody's: what a clock ends with is what its writer
-- says.
-- +goose StatementBegin
CREATE FUNCTION app.writers(clients text[])
RETURNS TABLE (client_id text, user_id text, name text, machine text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  BEGIN ATOMIC
    SELECT c.client_id, u.id, coalesce(nullif(u.name, ''), u.email), coalesce((
      SELECT coalesce(nullif(m.name, ''), left(m.id, 8)) FROM app.machines m
      WHERE m.tenant_id = c.tenant_id AND m.id = c.machine_id AND m.user_id = c.user_id
        AND (c.user_id = app.user_id() OR EXISTS (
          SELECT FROM app.access mine JOIN app.access theirs ON theirs.tenant_id = mine.tenant_id AND theirs.project_id = mine.project_id
          WHERE mine.tenant_id = c.tenant_id AND mine.user_id = app.user_id() AND theirs.user_id = c.user_id))), '')
    FROM app.clients c JOIN app.users u ON u.tenant_id = c.tenant_id AND u.id = c.user_id
    WHERE c.tenant_id = app.tenant_id() AND c.client_id = ANY (clients)
      AND NOT EXISTS (SELECT FROM app.clients other
        WHERE other.tenant_id = c.tenant_id AND other.client_id = c.client_id AND other.user_id <> c.user_id);
  END;
-- +goose StatementEnd

GRANT CREATE ON SCHEMA app TO app_admin;
ALTER FUNCTION app.writers(text[]) OWNER TO app_admin;
REVOKE CREATE ON SCHEMA app FROM app_admin;
SET LOCAL ROLE app_admin;
REVOKE EXECUTE ON FUNCTION app.writers(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.writers(text[]) TO app_api;
RESET ROLE;
