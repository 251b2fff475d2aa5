-- Who may see and write which project, flattened: one line per user and project. Row-level security and the stream both
-- read app.access and nothing else, so they cannot disagree about sharing. Triggers keep it: after every statement that
-- touches a project's sharing, a membership or a user, the lines concerned are compared with app.access_wanted and only
-- real differences are written.
--
-- Two transactions that change both ends of a share (a membership and a project's team) do not see each other's rows. They
-- take one lock per tenant before they look, so the second sees what the first committed.

-- +goose Up
CREATE TABLE app.access (
  tenant_id text COLLATE "C" NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  project_id text COLLATE "C" NOT NULL,
  can_write boolean NOT NULL,
  PRIMARY KEY (tenant_id, user_id, project_id)
);
CREATE INDEX access_project ON app.access (tenant_id, project_id);
ALTER TABLE app.access REPLICA IDENTITY FULL;

-- What was deleted, so that a late edit does not bring it back: the row's clock at that moment and whose it was.
CREATE TABLE app.tombstones (
  tenant_id text COLLATE "C" NOT NULL REFERENCES app.tenants,
  table_name text COLLATE "C" NOT NULL,
  row_id text COLLATE "C" NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  project_id text COLLATE "C",
  hlc text COLLATE "C" NOT NULL,
  deleted_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, table_name, row_id)
);

-- A deleted project stays its owner's, who else would lose the rows in it without having deleted them; and nobody else may
-- make a project of that id again (app.is_free), who else would be given them.
CREATE VIEW app.access_wanted AS
  SELECT w.tenant_id, w.user_id, w.project_id, bool_or(w.can_write) AS can_write
  FROM (
    SELECT p.tenant_id, p.user_id, p.id AS project_id, true AS can_write FROM app.projects p
    UNION ALL
    SELECT t.tenant_id, t.user_id, t.row_id, true FROM app.tombstones t
    WHERE t.table_name = 'projects'
      AND NOT EXISTS (SELECT FROM app.projects p WHERE p.tenant_id = t.tenant_id AND p.id = t.row_id)
    UNION ALL
    SELECT p.tenant_id, m.user_id, p.id, p.members_can_write
    FROM app.projects p JOIN app.memberships m ON m.tenant_id = p.tenant_id AND m.team_id = p.team_id
    WHERE p.visibility = 'team'
    UNION ALL
    SELECT p.tenant_id, u.id, p.id, p.members_can_write
    FROM app.projects p JOIN app.users u ON u.tenant_id = p.tenant_id
    WHERE p.visibility = 'org'
  ) w
  JOIN app.users u ON u.tenant_id = w.tenant_id AND u.id = w.user_id AND u.disabled_at IS NULL
  GROUP BY w.tenant_id, w.user_id, w.project_id;

-- Brings the lines of these projects (NULL: of all) and these people (NULL: of all) up to date.
-- +goose StatementBegin
CREATE FUNCTION app.refresh_access(tenant text, projects text[], people text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('access ' || tenant, 0));
  WITH wanted AS MATERIALIZED (
    SELECT * FROM app.access_wanted w
    WHERE w.tenant_id = tenant AND (projects IS NULL OR w.project_id = ANY (projects))
      AND (people IS NULL OR w.user_id = ANY (people))
  ), gone AS (
    DELETE FROM app.access a
    WHERE a.tenant_id = tenant AND (projects IS NULL OR a.project_id = ANY (projects))
      AND (people IS NULL OR a.user_id = ANY (people))
      AND NOT EXISTS (SELECT FROM wanted w WHERE w.user_id = a.user_id AND w.project_id = a.project_id)
  )
  INSERT INTO app.access AS a (tenant_id, user_id, project_id, can_write)
  SELECT w.tenant_id, w.user_id, w.project_id, w.can_write FROM wanted w ORDER BY w.user_id, w.project_id
  ON CONFLICT (tenant_id, user_id, project_id) DO UPDATE SET can_write = excluded.can_write
  WHERE a.can_write <> excluded.can_write;
END $$;

CREATE FUNCTION app.projects_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM app.refresh_access(n.tenant_id, array_agg(n.id), NULL) FROM new_rows n GROUP BY n.tenant_id;
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO app.tombstones (tenant_id, table_name, row_id, user_id, hlc)
    SELECT o.tenant_id, 'projects', o.id, o.user_id, o.hlc FROM old_rows o ON CONFLICT DO NOTHING;
    PERFORM app.refresh_access(o.tenant_id, array_agg(o.id), NULL) FROM old_rows o GROUP BY o.tenant_id;
  ELSE
    PERFORM app.refresh_access(c.tenant_id, array_agg(c.id), NULL) FROM (
      SELECT tenant_id, id FROM (
        (SELECT tenant_id, id, user_id, team_id, visibility, members_can_write FROM old_rows
         EXCEPT SELECT tenant_id, id, user_id, team_id, visibility, members_can_write FROM new_rows)
        UNION ALL
        (SELECT tenant_id, id, user_id, team_id, visibility, members_can_write FROM new_rows
         EXCEPT SELECT tenant_id, id, user_id, team_id, visibility, members_can_write FROM old_rows)
      ) d) c GROUP BY c.tenant_id;
  END IF;
  RETURN NULL;
END $$;

-- For memberships and users, whose column of the person differs.
CREATE FUNCTION app.people_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP IN ('INSERT', 'UPDATE') THEN
    PERFORM app.refresh_access(r.j ->> 'tenant_id', NULL, array_agg(r.j ->> TG_ARGV[0]))
    FROM (SELECT to_jsonb(n) AS j FROM new_rows n) r GROUP BY r.j ->> 'tenant_id';
  END IF;
  IF TG_OP IN ('DELETE', 'UPDATE') THEN
    PERFORM app.refresh_access(r.j ->> 'tenant_id', NULL, array_agg(r.j ->> TG_ARGV[0]))
    FROM (SELECT to_jsonb(o) AS j FROM old_rows o) r GROUP BY r.j ->> 'tenant_id';
  END IF;
  RETURN NULL;
END $$;
-- +goose StatementEnd

-- They run as app_admin, who sees every row of these tables; app_owner does not, because security is forced on it too.
-- +goose StatementBegin
CREATE FUNCTION app.is_free(project text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  BEGIN ATOMIC
    SELECT NOT EXISTS (
      SELECT FROM app.tombstones t
      WHERE t.tenant_id = app.tenant_id() AND t.table_name = 'projects' AND t.row_id = project
        AND t.user_id <> app.user_id());
  END;
-- +goose StatementEnd

GRANT CREATE ON SCHEMA app TO app_admin;
ALTER FUNCTION app.is_free(text) OWNER TO app_admin;
ALTER VIEW app.access_wanted OWNER TO app_admin;
ALTER FUNCTION app.refresh_access(text, text[], text[]) OWNER TO app_admin;
ALTER FUNCTION app.projects_changed() OWNER TO app_admin;
ALTER FUNCTION app.people_changed() OWNER TO app_admin;
REVOKE CREATE ON SCHEMA app FROM app_admin;
REVOKE EXECUTE ON FUNCTION app.refresh_access(text, text[], text[]) FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON app.access TO app_admin;
GRANT SELECT, INSERT ON app.tombstones TO app_admin;
GRANT SELECT ON app.projects TO app_admin;

CREATE TRIGGER access_insert AFTER INSERT ON app.projects REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION app.projects_changed();
CREATE TRIGGER access_update AFTER UPDATE ON app.projects REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION app.projects_changed();
CREATE TRIGGER access_delete AFTER DELETE ON app.projects REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION app.projects_changed();

CREATE TRIGGER access_insert AFTER INSERT ON app.memberships REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION app.people_changed('user_id');
CREATE TRIGGER access_update AFTER UPDATE ON app.memberships REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION app.people_changed('user_id');
CREATE TRIGGER access_delete AFTER DELETE ON app.memberships REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION app.people_changed('user_id');

CREATE TRIGGER access_insert AFTER INSERT ON app.users REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION app.people_changed('id');
CREATE TRIGGER access_update AFTER UPDATE ON app.users REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION app.people_changed('id');
CREATE TRIGGER access_delete AFTER DELETE ON app.users REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION app.people_changed('id');

ALTER TABLE app.access ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON app.access AS RESTRICTIVE TO app_api USING (tenant_id = (SELECT app.tenant_id()));
CREATE POLICY read ON app.access FOR SELECT TO app_api USING (user_id = (SELECT app.user_id()));
CREATE POLICY admin ON app.access TO app_admin USING (true);
CREATE POLICY stream ON app.access FOR SELECT TO powersync USING (true);
GRANT SELECT ON app.access TO app_api, powersync;

-- What the policies of synced rows ask, as the caller.
-- +goose StatementBegin
CREATE FUNCTION app.readable() RETURNS SETOF text LANGUAGE sql STABLE
  BEGIN ATOMIC
    SELECT project_id FROM app.access WHERE tenant_id = app.tenant_id() AND user_id = app.user_id();
  END;
CREATE FUNCTION app.writable() RETURNS SETOF text LANGUAGE sql STABLE
  BEGIN ATOMIC
    SELECT project_id FROM app.access WHERE tenant_id = app.tenant_id() AND user_id = app.user_id() AND can_write;
  END;
CREATE FUNCTION app.my_teams() RETURNS SETOF text LANGUAGE sql STABLE
  BEGIN ATOMIC
    SELECT team_id FROM app.memberships WHERE tenant_id = app.tenant_id() AND user_id = app.user_id();
  END;
-- +goose StatementEnd

ALTER TABLE app.tombstones ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON app.tombstones AS RESTRICTIVE TO app_api
  USING (tenant_id = (SELECT app.tenant_id())) WITH CHECK (tenant_id = (SELECT app.tenant_id()));
CREATE POLICY read ON app.tombstones FOR SELECT TO app_api
  USING (project_id IS NULL AND user_id = (SELECT app.user_id()) OR project_id IN (SELECT app.readable()));
CREATE POLICY add ON app.tombstones FOR INSERT TO app_api
  WITH CHECK (project_id IS NULL AND user_id = (SELECT app.user_id()) OR project_id IN (SELECT app.writable()));
CREATE POLICY edit ON app.tombstones FOR UPDATE TO app_api
  USING (project_id IS NULL AND user_id = (SELECT app.user_id()) OR project_id IN (SELECT app.writable()))
  WITH CHECK (project_id IS NULL AND user_id = (SELECT app.user_id()) OR project_id IN (SELECT app.writable()));
CREATE POLICY admin ON app.tombstones TO app_admin USING (true);
GRANT SELECT, INSERT, UPDATE ON app.tombstones TO app_api;
