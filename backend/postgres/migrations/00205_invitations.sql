-- Invitations that nobody has taken up yet, for the admins of the team: who was invited, by whom, until when; and the way to
-- withdraw one. What the link is made of stays in identity, where the API reads nothing. An invitation of whoever runs the
-- server has no invited_by and is his alone.

-- +goose Up
-- made: the person is here because of this invitation, and goes with it.
ALTER TABLE identity.letters ADD COLUMN invited_by text COLLATE "C", ADD COLUMN made boolean NOT NULL DEFAULT false;
GRANT UPDATE (made) ON identity.letters TO app_admin; -- which locks one

GRANT CREATE ON SCHEMA app TO app_admin;
SET LOCAL ROLE app_admin;
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION app.invite(person text, email text, name text, team text, letter bytea, until timestamptz) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE known app.users; fresh boolean := false;
BEGIN
  PERFORM FROM app.teams t WHERE t.tenant_id = app.tenant_id() AND t.id = team FOR UPDATE;
  IF NOT FOUND OR NOT app.looks_after(team) THEN
    RETURN 'denied';
  END IF;
  SELECT * INTO known FROM app.users u WHERE u.tenant_id = app.tenant_id() AND lower(u.email) = lower(invite.email) FOR UPDATE;
  IF NOT FOUND THEN
    INSERT INTO app.users (tenant_id, id, email, name) VALUES (app.tenant_id(), person, invite.email, invite.name) RETURNING * INTO known;
    fresh := true;
  ELSIF known.disabled_at IS NOT NULL THEN
    RETURN 'taken';
  END IF;
  INSERT INTO app.memberships (tenant_id, team_id, user_id) VALUES (app.tenant_id(), team, known.id) ON CONFLICT DO NOTHING;
  IF EXISTS (SELECT FROM identity.links l WHERE l.tenant_id = known.tenant_id AND l.user_id = known.id) THEN
    RETURN 'joined';
  END IF;
  fresh := fresh OR EXISTS (SELECT FROM identity.letters l WHERE l.tenant_id = known.tenant_id AND l.user_id = known.id AND l.made);
  DELETE FROM identity.letters l WHERE l.tenant_id = known.tenant_id AND l.user_id = known.id; -- the newest one is good
  INSERT INTO identity.letters (digest, kind, tenant_id, user_id, expires_at, invited_by, made)
    VALUES (letter, 'invitation', known.tenant_id, known.id, until, app.user_id(), fresh);
  RETURN 'invited';
END $$;

-- Whether whoever asks is an admin of a team, and not locked out.
CREATE FUNCTION app.looks_after(team text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
  BEGIN ATOMIC
    SELECT EXISTS (SELECT FROM app.memberships m JOIN app.users u ON u.tenant_id = m.tenant_id AND u.id = m.user_id
      WHERE m.tenant_id = app.tenant_id() AND m.team_id = looks_after.team AND m.user_id = app.user_id() AND m.role = 'admin' AND u.disabled_at IS NULL);
  END;

CREATE FUNCTION app.invitations()
RETURNS TABLE (team_id text, user_id text, email text, name text, invited_by text, invited_at timestamptz, expires_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  BEGIN ATOMIC
    SELECT m.team_id, u.id, u.email, u.name, coalesce(nullif(b.name, ''), b.email, ''), l.created_at, l.expires_at
    FROM identity.letters l
    JOIN app.users u ON u.tenant_id = l.tenant_id AND u.id = l.user_id
    JOIN app.memberships m ON m.tenant_id = l.tenant_id AND m.user_id = l.user_id
    LEFT JOIN app.users b ON b.tenant_id = l.tenant_id AND b.id = l.invited_by
    WHERE l.tenant_id = app.tenant_id() AND l.kind = 'invitation' AND l.invited_by IS NOT NULL AND app.looks_after(m.team_id)
    ORDER BY l.created_at, lower(u.email), m.team_id;
  END;

-- Takes back what app.invite did: the person leaves the team, and without another team the link is good for nothing and who is
-- here only because of it is gone. It says: done, denied, none (nobody of that id is invited, or he has taken it up by now).
CREATE FUNCTION app.withdraw_invitation(team text, person text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE is_made boolean;
BEGIN
  PERFORM FROM app.teams t WHERE t.tenant_id = app.tenant_id() AND t.id = team FOR UPDATE;
  IF NOT FOUND OR NOT app.looks_after(team) THEN
    RETURN 'denied';
  END IF;
  SELECT l.made INTO is_made FROM identity.letters l WHERE l.tenant_id = app.tenant_id() AND l.user_id = person AND l.kind = 'invitation'
    AND l.invited_by IS NOT NULL FOR UPDATE; -- whoever takes it up at this moment does so before or not at all
  IF NOT FOUND THEN
    RETURN 'none';
  END IF;
  DELETE FROM app.memberships m WHERE m.tenant_id = app.tenant_id() AND m.team_id = team AND m.user_id = person;
  IF NOT FOUND THEN
    RETURN 'none';
  END IF;
  IF EXISTS (SELECT FROM app.memberships m WHERE m.tenant_id = app.tenant_id() AND m.user_id = person) THEN
    RETURN 'done';
  END IF;
  DELETE FROM identity.letters l WHERE l.tenant_id = app.tenant_id() AND l.user_id = person;
  IF is_made THEN
    PERFORM app.erase(app.tenant_id(), person);
  END IF;
  RETURN 'done';
END $$;
-- +goose StatementEnd
REVOKE EXECUTE ON FUNCTION app.looks_after(text), app.invitations(), app.withdraw_invitation(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.invitations(), app.withdraw_invitation(text, text) TO app_api;
RESET ROLE;
REVOKE CREATE ON SCHEMA app FROM app_admin;
