-- Sign-ins of machines without a browser (RFC 8628): the machine shows a short code, and its person types it into the page of
-- the embedded provider on any other machine. Both codes are kept as digests.

-- +goose Up
CREATE TABLE identity.devices (
  code bytea PRIMARY KEY,  -- the machine's
  user_code bytea NOT NULL UNIQUE,  -- the person's
  client_id text NOT NULL,
  scopes text[] NOT NULL,
  nonce text NOT NULL,
  expires_at timestamptz NOT NULL,
  polled_at timestamptz,
  account_id text COLLATE "C" REFERENCES identity.accounts ON DELETE CASCADE,
  signed_in_at timestamptz,
  denied boolean NOT NULL DEFAULT false
);
CREATE INDEX devices_expires ON identity.devices (expires_at);
ALTER TABLE identity.devices ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY identity ON identity.devices TO app_identity USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON identity.devices TO app_identity;
