-- Who sees a project, with their machines: a copy of its rows is on each of those that are signed in. People come from
-- app.access as before, which is what row-level security and the stream have; machines are theirs, without the revoked ones.
-- A function cannot return more than it did, so this is another one of the same name.

-- +goose Up
SET LOCAL ROLE app_admin;
DROP FUNCTION app.readers(text);
RESET ROLE;

-- +goose StatementBegin
CREATE FUNCTION app.readers(project text)
RETURNS TABLE (user_id text, email text, name text, owner boolean, can_write boolean, machines text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  BEGIN ATOMIC
    SELECT u.id, u.email, u.name, u.id = p.user_id, a.can_write,
      ARRAY(SELECT coalesce(nullif(m.name, ''), left(m.id, 8)) FROM app.machines m
        WHERE m.tenant_id = a.tenant_id AND m.user_id = a.user_id AND m.revoked_at IS NULL
        ORDER BY m.last_seen_at DESC NULLS LAST, m.id)
    FROM app.access a
    JOIN app.users u ON u.tenant_id = a.tenant_id AND u.id = a.user_id
    JOIN app.projects p ON p.tenant_id = a.tenant_id AND p.id = a.project_id
    WHERE a.tenant_id = app.tenant_id() AND a.project_id = readers.project
      AND EXISTS (SELECT FROM app.access mine WHERE mine.tenant_id = a.tenant_id AND mine.project_id = a.project_id
        AND mine.user_id = app.user_id())
    ORDER BY u.id <> p.user_id, lower(u.email);
  END;
-- +goose StatementEnd

GRANT CREATE ON SCHEMA app TO app_admin;
ALTER FUNCTION app.readers(text) OWNER TO app_admin;
REVOKE CREATE ON SCHEMA app FROM app_admin;
SET LOCAL ROLE app_admin;
REVOKE EXECUTE ON FUNCTION app.readers(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.readers(text) TO app_api;
RESET ROLE;
