-- Who sees a project, for those who do; and whether its members write, which only its owner says. Like the teams' functions
-- these check who asks and run as app_admin, because the API sees nobody else's line of app.access and writes no
-- members_can_write: that column is not in the file on people's machines, so it is no change that is pushed.

-- +goose Up
-- +goose StatementBegin
CREATE FUNCTION app.readers(project text) RETURNS TABLE (user_id text, email text, name text, owner boolean, can_write boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  BEGIN ATOMIC
    SELECT u.id, u.email, u.name, u.id = p.user_id, a.can_write
    FROM app.access a
    JOIN app.users u ON u.tenant_id = a.tenant_id AND u.id = a.user_id
    JOIN app.projects p ON p.tenant_id = a.tenant_id AND p.id = a.project_id
    WHERE a.tenant_id = app.tenant_id() AND a.project_id = readers.project
      AND EXISTS (SELECT FROM app.access mine WHERE mine.tenant_id = a.tenant_id AND mine.project_id = a.project_id
        AND mine.user_id = app.user_id())
    ORDER BY u.id <> p.user_id, lower(u.email);
  END;

-- Says how it went: done, unknown (or not to be seen by who asks), denied (not the owner's wish).
CREATE FUNCTION app.set_members_write(project text, may boolean) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE its_owner text;
BEGIN
  SELECT p.user_id INTO its_owner FROM app.projects p
  JOIN app.access a ON a.tenant_id = p.tenant_id AND a.project_id = p.id AND a.user_id = app.user_id()
  WHERE p.tenant_id = app.tenant_id() AND p.id = set_members_write.project;
  IF NOT FOUND THEN
    RETURN 'unknown';
  END IF;
  IF its_owner <> app.user_id() THEN
    RETURN 'denied';
  END IF;
  UPDATE app.projects p SET members_can_write = may
  WHERE p.tenant_id = app.tenant_id() AND p.id = set_members_write.project AND p.members_can_write <> may;
  RETURN 'done';
END $$;
-- +goose StatementEnd

GRANT UPDATE (members_can_write) ON app.projects TO app_admin;
GRANT CREATE ON SCHEMA app TO app_admin;
ALTER FUNCTION app.readers(text) OWNER TO app_admin;
ALTER FUNCTION app.set_members_write(text, boolean) OWNER TO app_admin;
REVOKE CREATE ON SCHEMA app FROM app_admin;
SET LOCAL ROLE app_admin;
REVOKE EXECUTE ON FUNCTION app.readers(text), app.set_members_write(text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.readers(text), app.set_members_write(text, boolean) TO app_api;
RESET ROLE;
