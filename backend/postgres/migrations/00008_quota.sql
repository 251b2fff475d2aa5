-- How many bytes each client pushed on each day, so that a tenant has a daily limit. A line per client, because a line per
-- tenant would make all of its pushes wait for each other. And when the sweep was last done: of several processes that call
-- it every day, one does it.

-- +goose Up
CREATE TABLE app.usage (
  tenant_id text COLLATE "C" NOT NULL,
  day date NOT NULL,  -- UTC
  user_id text COLLATE "C" NOT NULL,
  client_id text COLLATE "C" NOT NULL,
  bytes bigint NOT NULL,  -- of groups, inflated
  PRIMARY KEY (tenant_id, day, user_id, client_id)
);
ALTER TABLE app.usage ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON app.usage AS RESTRICTIVE TO app_api
  USING (tenant_id = (SELECT app.tenant_id())) WITH CHECK (tenant_id = (SELECT app.tenant_id()));
CREATE POLICY own ON app.usage TO app_api
  USING (user_id = (SELECT app.user_id())) WITH CHECK (user_id = (SELECT app.user_id()));
CREATE POLICY admin ON app.usage TO app_admin USING (true);
GRANT SELECT, INSERT, UPDATE ON app.usage TO app_api;
GRANT SELECT, DELETE ON app.usage TO app_admin;

CREATE TABLE app.swept (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  at timestamptz NOT NULL
);
INSERT INTO app.swept (at) VALUES ('-infinity');
ALTER TABLE app.swept ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY admin ON app.swept TO app_admin USING (true);
GRANT SELECT, UPDATE ON app.swept TO app_admin;

GRANT CREATE ON SCHEMA app TO app_admin;
SET LOCAL ROLE app_admin;
-- What the whole tenant of the transaction pushed today; a person does not see which colleague how much.
CREATE FUNCTION app.used_today() RETURNS numeric LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  RETURN (SELECT coalesce(sum(u.bytes), 0) FROM app.usage u
    WHERE u.tenant_id = app.tenant_id() AND u.day = (now() AT TIME ZONE 'UTC')::date);

-- +goose StatementBegin
-- Sweeps unless that was done within the last 20 hours, or is being done: then NULL.
CREATE FUNCTION app.sweep_daily() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE gone bigint; n bigint;
BEGIN
  PERFORM FROM app.swept WHERE at < now() - interval '20 hours' FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  gone := app.sweep();
  DELETE FROM app.usage WHERE day < (now() AT TIME ZONE 'UTC')::date - 62;
  GET DIAGNOSTICS n = ROW_COUNT;
  UPDATE app.swept SET at = now();
  RETURN gone + n;
END $$;
-- +goose StatementEnd
REVOKE EXECUTE ON FUNCTION app.used_today(), app.sweep_daily() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.used_today(), app.sweep_daily() TO app_api;
REVOKE EXECUTE ON FUNCTION app.sweep() FROM app_api;
RESET ROLE;
REVOKE CREATE ON SCHEMA app FROM app_admin;
