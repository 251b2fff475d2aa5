-- Accounts, begun by a letter and ended for good.
--
-- identity.letters: links that were sent, kept as digests. Whoever has the one of an invitation chooses the first password,
-- whoever has the one of a reset another. Each is good once.
--
-- app.erase: deletes all that a person has written or is known by. Projects of his in which others have rows go over to the
-- one of them who has most, who else would lose them, without the name that he gave them; teams keep an admin. What stays elsewhere are random ids: of deleted
-- rows, and of the person in the names of buckets.

-- +goose Up
CREATE TABLE identity.letters (
  digest bytea PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('invitation', 'reset')),
  tenant_id text COLLATE "C" NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  FOREIGN KEY (tenant_id, user_id) REFERENCES app.users ON DELETE CASCADE
);
CREATE INDEX letters_user ON identity.letters (tenant_id, user_id);
CREATE INDEX letters_expires ON identity.letters (expires_at);
ALTER TABLE identity.letters ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY identity ON identity.letters TO app_identity USING (true);
CREATE POLICY admin ON identity.letters TO app_admin USING (true);
GRANT SELECT, INSERT, DELETE ON identity.letters TO app_identity, app_admin;

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['projects', 'sessions', 'messages', 'decisions', 'skill_learnings', 'error_solutions'] LOOP
    EXECUTE format('CREATE POLICY erase ON app.%I FOR DELETE TO app_admin USING (true)', t);
    EXECUTE format('GRANT DELETE ON app.%I TO app_admin', t);
  END LOOP;
END $$;
-- +goose StatementEnd
CREATE POLICY hand_over ON app.projects FOR UPDATE TO app_admin USING (true);
GRANT UPDATE (user_id, name, path) ON app.projects TO app_admin;
GRANT DELETE ON app.tombstones TO app_admin;

-- +goose StatementBegin
CREATE FUNCTION app.erase(tenant text, person text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE t text; n bigint; gone bigint := 0; accounts text[];
BEGIN
  PERFORM FROM app.users u WHERE u.tenant_id = tenant AND u.id = person FOR UPDATE;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  UPDATE app.users u SET disabled_at = now() WHERE u.tenant_id = tenant AND u.id = person; -- nothing new is written

  WITH others AS (
    SELECT o.project_id, o.user_id, count(*) AS have FROM (
      SELECT r.tenant_id, r.project_id, r.user_id FROM app.sessions r
      UNION ALL SELECT r.tenant_id, r.project_id, r.user_id FROM app.messages r
      UNION ALL SELECT r.tenant_id, r.project_id, r.user_id FROM app.decisions r
      UNION ALL SELECT r.tenant_id, r.project_id, r.user_id FROM app.skill_learnings r
      UNION ALL SELECT r.tenant_id, r.project_id, r.user_id FROM app.error_solutions r
    ) o JOIN app.projects p ON p.tenant_id = o.tenant_id AND p.id = o.project_id
    WHERE o.tenant_id = tenant AND p.user_id = person AND o.user_id <> person
    GROUP BY o.project_id, o.user_id
  ), heirs AS (
    SELECT DISTINCT ON (project_id) project_id, user_id FROM others ORDER BY project_id, have DESC, user_id
  )
  UPDATE app.projects p SET user_id = h.user_id, name = NULL, path = NULL FROM heirs h WHERE p.tenant_id = tenant AND p.id = h.project_id;

  FOREACH t IN ARRAY ARRAY['messages', 'sessions', 'decisions', 'skill_learnings', 'error_solutions', 'projects',
      'lost', 'rejected', 'staged', 'attempts', 'ledger'] LOOP
    EXECUTE format('DELETE FROM app.%I x WHERE x.tenant_id = $1 AND x.user_id = $2', t) USING tenant, person;
    GET DIAGNOSTICS n = ROW_COUNT; gone := gone + n;
  END LOOP;
  -- The tombstones of other people's rows that he deleted are theirs. His projects' own were just made by a trigger.
  DELETE FROM app.tombstones x WHERE x.tenant_id = tenant AND x.user_id = person;

  UPDATE app.memberships m SET role = 'admin' FROM (
    SELECT DISTINCT ON (x.team_id) x.team_id, x.user_id FROM app.memberships x
    WHERE x.tenant_id = tenant AND x.user_id <> person
      AND x.team_id IN (SELECT mine.team_id FROM app.memberships mine WHERE mine.tenant_id = tenant AND mine.user_id = person AND mine.role = 'admin')
      AND NOT EXISTS (SELECT FROM app.memberships a WHERE a.tenant_id = tenant AND a.team_id = x.team_id AND a.user_id <> person AND a.role = 'admin')
    ORDER BY x.team_id, x.created_at, x.user_id
  ) heir WHERE m.tenant_id = tenant AND m.team_id = heir.team_id AND m.user_id = heir.user_id;
  DELETE FROM app.teams g WHERE g.tenant_id = tenant
    AND EXISTS (SELECT FROM app.memberships m WHERE m.tenant_id = tenant AND m.team_id = g.id AND m.user_id = person)
    AND NOT EXISTS (SELECT FROM app.memberships m WHERE m.tenant_id = tenant AND m.team_id = g.id AND m.user_id <> person);

  accounts := ARRAY(SELECT l.subject FROM identity.links l WHERE l.tenant_id = tenant AND l.user_id = person);
  DELETE FROM identity.families f WHERE f.kind = 'session' AND f.tenant_id = tenant AND f.subject = person
    OR f.kind = 'provider' AND f.subject = ANY (accounts);
  DELETE FROM identity.accounts a WHERE a.id = ANY (accounts);
  DELETE FROM app.users u WHERE u.tenant_id = tenant AND u.id = person; -- with machines, memberships, links, letters
  RETURN gone;
END $$;

CREATE FUNCTION app.erase_me() RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  BEGIN ATOMIC
    SELECT app.erase(app.tenant_id(), app.user_id());
  END;

-- Adds a person whom an admin of a team invites into it, with the digest of the letter. Who has an account already is put into
-- the team, and needs no letter. It says: invited, joined, denied, taken (a person who left a name behind cannot be invited
-- anew by it while disabled).
CREATE FUNCTION app.invite(person text, email text, name text, team text, letter bytea, until timestamptz) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE known app.users; may_sign_in boolean;
BEGIN
  PERFORM FROM app.teams t WHERE t.tenant_id = app.tenant_id() AND t.id = team FOR UPDATE;
  IF NOT FOUND OR NOT EXISTS (SELECT FROM app.memberships m JOIN app.users u ON u.tenant_id = m.tenant_id AND u.id = m.user_id
      WHERE m.tenant_id = app.tenant_id() AND m.team_id = team AND m.user_id = app.user_id() AND m.role = 'admin' AND u.disabled_at IS NULL) THEN
    RETURN 'denied';
  END IF;
  SELECT * INTO known FROM app.users u WHERE u.tenant_id = app.tenant_id() AND lower(u.email) = lower(invite.email) FOR UPDATE;
  IF NOT FOUND THEN
    INSERT INTO app.users (tenant_id, id, email, name) VALUES (app.tenant_id(), person, invite.email, invite.name) RETURNING * INTO known;
  ELSIF known.disabled_at IS NOT NULL THEN
    RETURN 'taken';
  END IF;
  INSERT INTO app.memberships (tenant_id, team_id, user_id) VALUES (app.tenant_id(), team, known.id) ON CONFLICT DO NOTHING;
  may_sign_in := EXISTS (SELECT FROM identity.links l WHERE l.tenant_id = known.tenant_id AND l.user_id = known.id);
  IF may_sign_in THEN
    RETURN 'joined';
  END IF;
  DELETE FROM identity.letters l WHERE l.tenant_id = known.tenant_id AND l.user_id = known.id; -- the newest one is good
  INSERT INTO identity.letters (digest, kind, tenant_id, user_id, expires_at) VALUES (letter, 'invitation', known.tenant_id, known.id, until);
  RETURN 'invited';
END $$;
-- +goose StatementEnd

GRANT CREATE ON SCHEMA app TO app_admin;
ALTER FUNCTION app.erase(text, text) OWNER TO app_admin;
ALTER FUNCTION app.erase_me() OWNER TO app_admin;
ALTER FUNCTION app.invite(text, text, text, text, bytea, timestamptz) OWNER TO app_admin;
REVOKE CREATE ON SCHEMA app FROM app_admin;
SET LOCAL ROLE app_admin;
REVOKE EXECUTE ON FUNCTION app.erase(text, text), app.erase_me(), app.invite(text, text, text, text, bytea, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.erase_me(), app.invite(text, text, text, text, bytea, timestamptz) TO app_api;
RESET ROLE;
