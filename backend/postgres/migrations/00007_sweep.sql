-- What is kept for a time only, and the function that forgets it, for all tenants: the API may call it, and not delete.
--
--   ledger    90 days, but for each client's last group, which its next one names; what is sent again later is merged again,
--             which changes nothing
--   staged    7 days: a client that has not sent the rest by then sends all of it again under a new number
--   rejected, lost    a year

-- +goose Up
CREATE INDEX ledger_at ON app.ledger (at);

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['ledger', 'staged', 'rejected', 'attempts', 'lost'] LOOP
    EXECUTE format('CREATE POLICY admin ON app.%I TO app_admin USING (true)', t);
    EXECUTE format('GRANT SELECT, DELETE ON app.%I TO app_admin', t);
  END LOOP;
END $$;

CREATE FUNCTION app.sweep() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE gone bigint := 0; n bigint;
BEGIN
  DELETE FROM app.ledger l WHERE l.at < now() - interval '90 days' AND EXISTS (
    SELECT FROM app.ledger later WHERE later.tenant_id = l.tenant_id AND later.user_id = l.user_id
      AND later.client_id = l.client_id AND later.group_no > l.group_no);
  GET DIAGNOSTICS n = ROW_COUNT; gone := gone + n;
  DELETE FROM app.attempts a WHERE EXISTS (SELECT FROM app.ledger l WHERE l.tenant_id = a.tenant_id AND l.user_id = a.user_id
    AND l.client_id = a.client_id AND l.group_no = a.group_no);
  GET DIAGNOSTICS n = ROW_COUNT; gone := gone + n;
  DELETE FROM app.staged WHERE at < now() - interval '7 days';
  GET DIAGNOSTICS n = ROW_COUNT; gone := gone + n;
  DELETE FROM app.rejected WHERE at < now() - interval '1 year';
  GET DIAGNOSTICS n = ROW_COUNT; gone := gone + n;
  DELETE FROM app.lost WHERE at < now() - interval '1 year';
  GET DIAGNOSTICS n = ROW_COUNT; gone := gone + n;
  RETURN gone;
END $$;
-- +goose StatementEnd

GRANT CREATE ON SCHEMA app TO app_admin;
ALTER FUNCTION app.sweep() OWNER TO app_admin;
REVOKE CREATE ON SCHEMA app FROM app_admin;
REVOKE EXECUTE ON FUNCTION app.sweep() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.sweep() TO app_api;
