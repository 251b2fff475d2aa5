-- Teams as their people make them: whoever makes one is its admin; admins put people of their tenant in and take them out;
-- everybody may leave. The API writes no team itself; these functions, which check who asks, do, as app_admin. Each says how
-- it went: done, unknown (team or person), denied, last (a team keeps an admin).

-- +goose Up
-- +goose StatementBegin
CREATE FUNCTION app.make_team(team text, name text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM app.users u WHERE u.tenant_id = app.tenant_id() AND u.id = app.user_id() AND u.disabled_at IS NULL) THEN
    RETURN 'denied';
  END IF;
  INSERT INTO app.teams (tenant_id, id, name) VALUES (app.tenant_id(), team, make_team.name);
  INSERT INTO app.memberships (tenant_id, team_id, user_id, role) VALUES (app.tenant_id(), team, app.user_id(), 'admin');
  RETURN 'done';
END $$;

CREATE FUNCTION app.set_member(team text, person text, role text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE is_admin boolean;
BEGIN
  PERFORM FROM app.teams t WHERE t.tenant_id = app.tenant_id() AND t.id = team FOR UPDATE; -- one change of a team at a time
  IF NOT FOUND THEN
    RETURN 'unknown';
  END IF;
  is_admin := EXISTS (SELECT FROM app.memberships m WHERE m.tenant_id = app.tenant_id() AND m.team_id = team
    AND m.user_id = app.user_id() AND m.role = 'admin');
  IF NOT is_admin AND NOT (set_member.role IS NULL AND person = app.user_id()) THEN
    RETURN 'denied';
  END IF;
  IF NOT EXISTS (SELECT FROM app.users u WHERE u.tenant_id = app.tenant_id() AND u.id = person) THEN
    RETURN 'unknown';
  END IF;
  IF set_member.role IS DISTINCT FROM 'admin' AND NOT EXISTS (SELECT FROM app.memberships m WHERE m.tenant_id = app.tenant_id()
      AND m.team_id = team AND m.user_id <> person AND m.role = 'admin') THEN
    RETURN 'last';
  END IF;
  IF set_member.role IS NULL THEN
    DELETE FROM app.memberships m WHERE m.tenant_id = app.tenant_id() AND m.team_id = team AND m.user_id = person;
  ELSE
    INSERT INTO app.memberships AS m (tenant_id, team_id, user_id, role) VALUES (app.tenant_id(), team, person, set_member.role)
    ON CONFLICT (tenant_id, team_id, user_id) DO UPDATE SET role = excluded.role WHERE m.role <> excluded.role;
  END IF;
  RETURN 'done';
END $$;
-- +goose StatementEnd

GRANT CREATE ON SCHEMA app TO app_admin;
ALTER FUNCTION app.make_team(text, text) OWNER TO app_admin;
ALTER FUNCTION app.set_member(text, text, text) OWNER TO app_admin;
REVOKE CREATE ON SCHEMA app FROM app_admin;
-- Rights on a function are its owner's to give and take; taken by app_owner, those of the earlier ones stayed PUBLIC's.
SET LOCAL ROLE app_admin;
REVOKE EXECUTE ON FUNCTION app.make_team(text, text), app.set_member(text, text, text), app.sweep(),
  app.refresh_access(text, text[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.make_team(text, text), app.set_member(text, text, text), app.sweep() TO app_api;
RESET ROLE;
