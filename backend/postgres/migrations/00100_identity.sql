-- Sign-in: what the embedded OpenID provider and the sessions of machines keep. app_identity, a role that logs in for this
-- alone, is the only one that reads it, so that whoever gets to run SQL as app_api finds no password, token or key here.
-- Codes and refresh tokens are kept as digests, passwords as argon2id, private keys sealed with the server's secret.

-- +goose Up
CREATE SCHEMA identity;
GRANT USAGE ON SCHEMA identity TO app_identity, app_admin;
GRANT USAGE ON SCHEMA app TO app_identity;

-- Keys that sign. A key is published from created_at on, signs from signs_from on until a newer one does, and is published
-- until ends_at.
CREATE TABLE identity.keys (
  kid text COLLATE "C" PRIMARY KEY,
  purpose text NOT NULL CHECK (purpose IN ('id', 'access')),
  public text NOT NULL,  -- JWK
  private bytea NOT NULL,  -- sealed
  created_at timestamptz NOT NULL,
  signs_from timestamptz NOT NULL,
  ends_at timestamptz
);

-- People who sign in with a password at the embedded provider. Its subjects are these ids.
CREATE TABLE identity.accounts (
  id text COLLATE "C" PRIMARY KEY,
  email text NOT NULL,
  name text NOT NULL DEFAULT '',
  password text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  disabled_at timestamptz
);
CREATE UNIQUE INDEX accounts_email ON identity.accounts (lower(email));

-- Which user somebody is whom an issuer names, ours or another.
CREATE TABLE identity.links (
  issuer text COLLATE "C" NOT NULL,
  subject text COLLATE "C" NOT NULL,
  tenant_id text COLLATE "C" NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (issuer, subject),
  FOREIGN KEY (tenant_id, user_id) REFERENCES app.users ON DELETE CASCADE
);
CREATE INDEX links_user ON identity.links (tenant_id, user_id);

-- Sign-ins that go on in a browser, and the codes they end with.
CREATE TABLE identity.requests (
  id text COLLATE "C" PRIMARY KEY,
  client_id text NOT NULL,
  redirect_uri text NOT NULL,
  scopes text[] NOT NULL,
  state text NOT NULL,
  nonce text NOT NULL,
  challenge text NOT NULL,  -- S256
  browser bytea NOT NULL,  -- digest of the cookie of the browser it began in
  expires_at timestamptz NOT NULL,
  account_id text COLLATE "C" REFERENCES identity.accounts ON DELETE CASCADE,
  signed_in_at timestamptz,
  code bytea UNIQUE,  -- digest
  code_expires_at timestamptz,
  code_used_at timestamptz
);
CREATE INDEX requests_expires ON identity.requests (expires_at);

-- The refresh tokens that came from one sign-in. A token is used once; whoever uses one again ends the family.
CREATE TABLE identity.families (
  id text COLLATE "C" PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('provider', 'session')),
  tenant_id text COLLATE "C",
  subject text COLLATE "C" NOT NULL,  -- account at the provider, user of a session
  machine_id text COLLATE "C",
  request_id text COLLATE "C",
  client_id text NOT NULL DEFAULT '',
  scopes text[] NOT NULL DEFAULT '{}',
  signed_in_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  ended_at timestamptz,
  ended_because text
);
CREATE INDEX families_machine ON identity.families (tenant_id, machine_id);
CREATE INDEX families_subject ON identity.families (subject);
CREATE INDEX families_request ON identity.families (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX families_expires ON identity.families (expires_at);

CREATE TABLE identity.refresh_tokens (
  digest bytea PRIMARY KEY,
  family_id text COLLATE "C" NOT NULL REFERENCES identity.families ON DELETE CASCADE,
  created_at timestamptz NOT NULL,
  used_at timestamptz,
  uses integer NOT NULL DEFAULT 0
);
CREATE INDEX refresh_tokens_family ON identity.refresh_tokens (family_id);

-- ID tokens that were exchanged: each is good for one session.
CREATE TABLE identity.exchanged (
  digest bytea PRIMARY KEY,
  expires_at timestamptz NOT NULL
);

-- Failed attempts to sign in, by digests of who and from where.
CREATE TABLE identity.attempts (
  key bytea PRIMARY KEY,
  failures integer NOT NULL,
  last_at timestamptz NOT NULL,
  until timestamptz NOT NULL,
  blocked boolean NOT NULL DEFAULT false  -- the last one
);

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['keys', 'accounts', 'links', 'requests', 'families', 'refresh_tokens', 'exchanged', 'attempts'] LOOP
    EXECUTE format('ALTER TABLE identity.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY identity ON identity.%I TO app_identity USING (true)', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON identity.%I TO app_identity', t);
  END LOOP;
  -- The command line adds people and ends their sessions; tokens and keys are no matter of its.
  FOREACH t IN ARRAY ARRAY['accounts', 'links', 'families'] LOOP
    EXECUTE format('CREATE POLICY admin ON identity.%I TO app_admin USING (true)', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON identity.%I TO app_admin', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['tenants', 'users', 'machines'] LOOP
    EXECUTE format('CREATE POLICY identity ON app.%I TO app_identity USING (true)', t);
  END LOOP;
END $$;
-- +goose StatementEnd
GRANT SELECT ON app.tenants, app.users TO app_identity;
GRANT SELECT, INSERT, UPDATE ON app.machines TO app_identity;
