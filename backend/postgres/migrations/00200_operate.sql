-- Which migrations there are, for the server, which may not read the table of whoever migrates.

-- +goose Up
-- +goose StatementBegin
CREATE FUNCTION app.migrations() RETURNS SETOF bigint LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT version_id FROM public.goose_db_version WHERE is_applied;
END $$;
-- +goose StatementEnd
REVOKE EXECUTE ON FUNCTION app.migrations() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.migrations() TO app_api;
