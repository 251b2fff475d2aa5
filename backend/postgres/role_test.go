package postgres_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/pgtest"
	"github.com/coditect-ai/coditect-sync/backend/postgres"
)

// apart are the tables of the schema that are no tenant's: no policy and no privilege lets app_api in, also not to a column.
const apart = `c.relname = 'swept' AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid
		AND p.polroles <> ARRAY['app_admin'::regrole::oid])
	AND NOT has_table_privilege('app_api', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
	AND NOT has_any_column_privilege('app_api', c.oid, 'SELECT, INSERT, UPDATE, REFERENCES')`

// unguarded lists the tables of the schema that lack something, and tables elsewhere that the API can reach.
func unguarded(t *testing.T, conn *pgx.Conn) []string {
	return lines(t, conn, `
		SELECT c.relname || ' is not under forced security' FROM pg_class c
		WHERE c.relnamespace = 'app'::regnamespace AND c.relkind IN ('r', 'p') AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
		UNION ALL
		SELECT c.relname || ' has no wall between tenants' FROM pg_class c
		WHERE c.relnamespace = 'app'::regnamespace AND c.relkind IN ('r', 'p') AND NOT (`+apart+`) AND NOT EXISTS (
			SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'tenant_wall' AND NOT p.polpermissive AND p.polcmd = '*'
				AND p.polroles = ARRAY['app_api'::regrole::oid] AND pg_get_expr(p.polqual, p.polrelid) LIKE '%tenant_id = ( SELECT app.tenant_id()%')
		UNION ALL
		SELECT c.relname || ' has no policy that lets anybody in' FROM pg_class c
		WHERE c.relnamespace = 'app'::regnamespace AND c.relkind IN ('r', 'p') AND NOT (`+apart+`) AND NOT EXISTS (
			SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polpermissive AND 'app_api'::regrole = ANY (p.polroles))
		UNION ALL
		SELECT c.relname || ' has a policy for everybody' FROM pg_class c
		WHERE c.relnamespace = 'app'::regnamespace AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polroles = '{0}')
		UNION ALL
		SELECT n.nspname || '.' || c.relname || ' is open to the API' FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname NOT IN ('app', 'pg_catalog', 'information_schema') AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
			AND (has_table_privilege('app_api', c.oid, 'SELECT') OR has_table_privilege('app_api', c.oid, 'INSERT'))
		UNION ALL
		SELECT c.relname || ' is a view that the API may read' FROM pg_class c
		WHERE c.relnamespace = 'app'::regnamespace AND c.relkind IN ('v', 'm') AND has_table_privilege('app_api', c.oid, 'SELECT')
		ORDER BY 1`)
}

func TestEveryTableIsGuarded(t *testing.T) {
	db := pgtest.New(t)
	conn := db.Connect(t, "postgres")
	if found := unguarded(t, conn); len(found) > 0 {
		t.Errorf("%q", found)
	}
	for _, hole := range []string{
		"CREATE TABLE app.hole (tenant_id text)",
		"ALTER TABLE app.hole ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
		"CREATE TABLE public.hole (a int); GRANT SELECT ON public.hole TO app_api",
		"DROP TABLE app.hole; DROP TABLE public.hole; ALTER TABLE app.messages NO FORCE ROW LEVEL SECURITY",
		"ALTER TABLE app.messages FORCE ROW LEVEL SECURITY; DROP POLICY tenant_wall ON app.lost",
		"CREATE POLICY tenant_wall ON app.lost AS RESTRICTIVE TO app_api USING (true)",
		"CREATE POLICY open ON app.ledger USING (true)",
	} {
		db.Exec(t, hole)
		if found := unguarded(t, conn); len(found) == 0 {
			t.Errorf("nothing is found after %s", hole)
		}
	}
}

// TestTheTableApartIsApart: the exception is for one table, and ends where app_api could do anything with it.
func TestTheTableApartIsApart(t *testing.T) {
	db := pgtest.New(t)
	conn := db.Connect(t, "postgres")
	for _, c := range []struct{ hole, table, cure string }{
		{"GRANT SELECT ON app.swept TO app_api", "swept", "REVOKE ALL ON app.swept FROM app_api"},
		{"GRANT TRUNCATE ON app.swept TO PUBLIC", "swept", "REVOKE ALL ON app.swept FROM PUBLIC"},
		{"GRANT UPDATE (at) ON app.swept TO app_api", "swept", "REVOKE UPDATE (at) ON app.swept FROM app_api"},
		{"CREATE POLICY more ON app.swept TO app_api USING (true)", "swept", "DROP POLICY more ON app.swept"},
		{"CREATE POLICY more ON app.swept TO app_admin, app_api USING (true)", "swept", "DROP POLICY more ON app.swept"},
		{`CREATE TABLE app.other (a int); ALTER TABLE app.other ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
			CREATE POLICY admin ON app.other TO app_admin USING (true)`, "other", "DROP TABLE app.other"},
	} {
		db.Exec(t, c.hole)
		if found := strings.Join(unguarded(t, conn), "\n"); !strings.Contains(found, c.table+" has no wall") {
			t.Errorf("%q is found after %s", found, c.hole)
		}
		db.Exec(t, c.cure)
		if found := unguarded(t, conn); len(found) > 0 {
			t.Errorf("%q after %s", found, c.cure)
		}
	}
}

func TestNoRoleBypassesSecurity(t *testing.T) {
	conn := pgtest.New(t).Connect(t, "postgres")
	if roles := lines(t, conn, `SELECT rolname::text FROM pg_roles WHERE (rolbypassrls OR rolsuper) AND rolname <> 'postgres'`); len(roles) > 0 {
		t.Errorf("%q", roles)
	}
	if roles := lines(t, conn, `SELECT r.rolname::text FROM pg_roles r WHERE pg_has_role('app_api', r.oid, 'MEMBER') AND r.rolname <> 'app_api'`); len(roles) > 0 {
		t.Errorf("app_api is a member of %q", roles)
	}
}

func TestTheServerRefusesRolesThatSecurityDoesNotHold(t *testing.T) {
	db := pgtest.New(t)
	db.Exec(t, `CREATE ROLE bypasser LOGIN BYPASSRLS; CREATE ROLE friend LOGIN; GRANT app_owner TO friend; CREATE ROLE plain LOGIN`)
	defer db.Exec(t, "DROP ROLE bypasser, friend, plain")
	for role, want := range map[string]string{"postgres": "superuser", "bypasser": "BYPASSRLS", "friend": "owns tables", "app_migrator": "owns tables", "app_api": "", "plain": ""} {
		s, err := postgres.Open(t.Context(), postgres.Config{DSN: db.DSN(role), Log: slog.New(slog.DiscardHandler)})
		if err == nil {
			s.Close()
		}
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || backend.CodeOf(err) != backend.Invalid) {
			t.Errorf("%s: %v, want %q", role, err, want)
		}
	}
}
