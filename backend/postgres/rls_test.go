package postgres_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/coditect-ai/coditect-sync/backend/pgtest"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

// town is two tenants. In acme ann owns everything: a row of her own, a private project, one shared with the team core to
// write, one with the team readers to read. bob is in core, rod in readers, dan was in both, cy is in neither, and otto is in
// a team of his own. In evil there are eve and somebody whose id is ann too.
const town = `
	INSERT INTO app.tenants VALUES ('acme', 'Acme'), ('evil', 'Evil');
	INSERT INTO app.users (tenant_id, id, email) SELECT 'acme', u, u || '@acme' FROM unnest('{ann,bob,rod,dan,cy,otto}'::text[]) u;
	INSERT INTO app.users (tenant_id, id, email) VALUES ('evil', 'eve', 'e@x'), ('evil', 'ann', 'a@x');
	INSERT INTO app.teams (tenant_id, id, name) VALUES ('acme', 'core', ''), ('acme', 'readers', ''), ('acme', 'others', ''), ('evil', 'core', '');
	INSERT INTO app.memberships (tenant_id, team_id, user_id) VALUES ('acme', 'core', 'ann'), ('acme', 'core', 'bob'), ('acme', 'core', 'dan'),
		('acme', 'readers', 'ann'), ('acme', 'readers', 'rod'), ('acme', 'readers', 'dan'), ('acme', 'others', 'otto'), ('evil', 'core', 'eve');
	INSERT INTO app.projects (tenant_id, id, user_id, team_id, visibility, members_can_write, name) VALUES
		('acme', 'private', 'ann', NULL, 'private', true, 'secret'), ('acme', 'shared', 'ann', 'core', 'team', true, 'secret'),
		('acme', 'reading', 'ann', 'readers', 'team', false, 'secret');
	INSERT INTO app.projects (tenant_id, id, user_id) VALUES ('acme', 'own-cy', 'cy'), ('acme', 'own-dan', 'dan'), ('acme', 'own-rod', 'rod'),
		('acme', 'own-otto', 'otto'), ('acme', 'own-bob', 'bob'), ('evil', 'own-eve', 'eve'), ('evil', 'own-ann', 'ann');
	DELETE FROM app.memberships WHERE user_id = 'dan';
	INSERT INTO app.machines (tenant_id, id, user_id) VALUES ('acme', 'ann-pc', 'ann');
	INSERT INTO app.ledger (tenant_id, user_id, client_id, group_no, digests, rejected) VALUES ('acme', 'ann', 'c', 1, 'x', false);
	INSERT INTO app.staged (tenant_id, user_id, client_id, group_no, part, parts, digest, raw) VALUES ('acme', 'ann', 'c', 2, 1, 2, 'x', 'secret');
	INSERT INTO app.rejected (tenant_id, user_id, machine_id, client_id, group_no, part, digest, schema_version, code, message, raw)
		VALUES ('acme', 'ann', 'm', 'c', 3, 0, 'x', 1, 'X', '', 'secret');
	INSERT INTO app.usage VALUES ('acme', '2026-11-20', 'ann', 'c', 1);
	INSERT INTO app.attempts VALUES ('acme', 'ann', 'c', 4, 1);
	INSERT INTO app.lost (tenant_id, user_id, project_id, table_name, row_id, column_name, kind, value, hlc, winner_hlc, client_id, group_no)
		VALUES ('acme', 'ann', NULL, 'decisions', 'r', '', 'older', '"secret"', '', '', 'c', 1), ('acme', 'ann', 'private', 'decisions', 'r', '', 'older', '"secret"', '', '', 'c', 1);
	INSERT INTO app.tombstones (tenant_id, table_name, row_id, user_id, project_id, hlc) VALUES ('acme', 'decisions', 'g1', 'ann', NULL, ''), ('acme', 'decisions', 'g2', 'ann', 'private', '');`

// attacker is somebody who tries, and what he may see and write of ann's things, by project (” is a row without one).
type attacker struct {
	name, tenant, user, own string // own is a project of his
	reads, writes           []string
}

var attackers = []attacker{
	{"another user", "acme", "cy", "own-cy", nil, nil},
	{"another team", "acme", "otto", "own-otto", nil, nil},
	{"an ex-member", "acme", "dan", "own-dan", nil, nil},
	{"a member who may read", "acme", "rod", "own-rod", []string{"reading"}, nil},
	{"a member who may write", "acme", "bob", "own-bob", []string{"shared"}, []string{"shared"}},
	{"another tenant", "evil", "eve", "own-eve", nil, nil},
	{"the same name in another tenant", "evil", "ann", "own-ann", nil, nil},
	{"anonymous", "", "", "own-cy", nil, nil},
	{"a tenant without a user", "acme", "", "own-cy", nil, nil},
	{"a user without a tenant", "", "ann", "own-cy", nil, nil},
	{"injection into the tenant", "acme' OR '1'='1", "cy", "own-cy", nil, nil},
	{"injection into the user", "acme", "ann' OR tenant_id='acme", "own-cy", nil, nil},
}

// prey is ann's rows of a table, by project.
func prey(table string) map[string]string {
	if table == schema.Projects {
		return map[string]string{"private": "private", "shared": "shared", "reading": "reading"}
	}
	return map[string]string{"": "of-ann", "private": "of-private", "shared": "of-shared", "reading": "of-reading"}
}

// fillTown gives ann her rows.
func fillTown(t *testing.T, db *pgtest.DB) {
	db.Exec(t, town)
	for _, table := range schema.Tables()[1:] {
		for project, id := range prey(table.Name) {
			db.Exec(t, "INSERT INTO app."+table.Name+" (tenant_id, id, user_id, project_id) VALUES ('acme', $1, 'ann', nullif($2, ''))", id, project)
		}
	}
}

// attack is one statement that must have no effect: no row, or a refusal.
type attack struct {
	what, sql string
	args      []any
}

// attacks are the statements of one attacker against one row of ann's.
func attacks(a attacker, table, project, id string) []attack {
	name, column := "app."+table, "updated_at"
	var out []attack
	add := func(what, sql string, args ...any) { out = append(out, attack{what, sql, args}) }
	if !slices.Contains(a.reads, project) {
		add("select", "SELECT id FROM "+name+" WHERE id = $1", id)
		add("select by another column", "SELECT id FROM "+name+" WHERE user_id = 'ann' AND tenant_id = 'acme' AND id = $1", id)
	}
	// A member who may write to the project is no attacker of its rows; the project's own row is its owner's.
	if slices.Contains(a.writes, project) && table != schema.Projects {
		return append(out, attack{"take it away", "UPDATE " + name + " SET project_id = NULL WHERE id = $1 RETURNING id", []any{id}})
	}
	add("update", "UPDATE "+name+" SET "+column+" = 'stolen' WHERE id = $1 RETURNING id", id)
	add("delete", "DELETE FROM "+name+" WHERE id = $1 RETURNING id", id)
	add("lock", "SELECT id FROM "+name+" WHERE id = $1 FOR UPDATE", id)
	add("take over the id", "INSERT INTO "+name+" (tenant_id, id, user_id) VALUES ('acme', $1, $2) ON CONFLICT (tenant_id, id) DO UPDATE SET "+
		column+" = 'stolen' RETURNING id", id, a.user)
	add("take over the owner", "UPDATE "+name+" SET user_id = $2 WHERE id = $1 RETURNING id", id, a.user)
	add("forge the owner", "INSERT INTO "+name+" (tenant_id, id, user_id) VALUES ($1, 'forged', 'ann') RETURNING id", "acme")
	add("forge the tenant", "INSERT INTO "+name+" (tenant_id, id, user_id) VALUES ($1, 'forged', $2) RETURNING id", other(a.tenant), a.user)
	if table != schema.Projects && project != "" {
		add("insert into the project", "INSERT INTO "+name+" (tenant_id, id, user_id, project_id) VALUES ('acme', 'forged', $1, $2) RETURNING id", a.user, project)
		add("take it home", "UPDATE "+name+" SET project_id = $2 WHERE id = $1 RETURNING id", id, a.own)
	}
	return out
}

func other(tenant string) string {
	if tenant == "acme" {
		return "evil"
	}
	return "acme"
}

// serverTables are attacked as a whole: none of ann's rows is anybody else's.
var serverTables = []string{"access", "tombstones", "lost", "ledger", "staged", "rejected", "attempts", "usage", "clients", "machines", "memberships", "users", "tenants", "teams"}

func serverAttacks(a attacker, table string) []attack {
	name, victim := "app."+table, "user_id = 'ann' AND tenant_id = 'acme'"
	switch table {
	case "users":
		victim = "id = 'ann' AND tenant_id = 'acme'"
	case "tenants", "teams":
		victim = "tenant_id = 'acme'"
	}
	all := []attack{
		{"update", "UPDATE " + name + " SET tenant_id = tenant_id WHERE " + victim + " RETURNING tenant_id", nil},
		{"delete", "DELETE FROM " + name + " WHERE " + victim + " RETURNING tenant_id", nil},
	}
	// Colleagues may know each other, and who is in which team.
	colleague := slices.Contains([]string{"memberships", "users", "tenants", "teams"}, table) && a.tenant == "acme"
	if !colleague {
		all = append(all, attack{"select", "SELECT tenant_id FROM " + name + " WHERE " + victim, nil})
	}
	return all
}

func TestAttacksOnRowLevelSecurity(t *testing.T) {
	db := pgtest.New(t)
	fillTown(t, db)
	root, api := db.Connect(t, "postgres"), db.Connect(t, "app_api")
	before := fingerprint(t, root)
	tried, leaked := 0, 0
	try := func(a attacker, table string, x attack) {
		tried++
		if rows := underAttack(t, api, a, x); rows > 0 {
			leaked++
			t.Errorf("%s, %s of %s: %d rows (%s)", a.name, x.what, table, rows, x.sql)
		}
	}
	for _, a := range attackers {
		for _, table := range schema.Tables() {
			for project, id := range prey(table.Name) {
				for _, x := range attacks(a, table.Name, project, id) {
					try(a, table.Name, x)
				}
			}
		}
		for _, table := range serverTables {
			for _, x := range serverAttacks(a, table) {
				try(a, table, x)
			}
		}
	}
	if after := fingerprint(t, root); before != after {
		t.Errorf("the data changed: %s, %s", before, after)
	}
	if tried < 60 || leaked > 0 {
		t.Errorf("%d attacks, %d with effect", tried, leaked)
	}
	t.Logf("%d attacks, %d with effect", tried, leaked)
}

// underAttack runs one attack in a transaction that commits, and returns how many rows it saw or wrote. A refusal by
// PostgreSQL is none.
func underAttack(t *testing.T, conn *pgx.Conn, a attacker, x attack) int {
	t.Helper()
	count := 0
	err := pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
		if a.tenant != "" || a.user != "" {
			if _, err := tx.Exec(t.Context(), "SELECT set_config('app.tenant_id', $1, true), set_config('app.user_id', $2, true)", a.tenant, a.user); err != nil {
				return err
			}
		}
		rows, err := tx.Query(t.Context(), x.sql, x.args...)
		if err != nil {
			return err
		}
		found, err := pgx.CollectRows(rows, pgx.RowTo[string])
		count = len(found)
		return err
	})
	var pg *pgconn.PgError
	if err != nil && (!errors.As(err, &pg) || pg.Code != "42501") {
		t.Errorf("%s, %s: %v (%s)", a.name, x.what, err, x.sql)
	}
	if err != nil {
		return 0
	}
	return count
}

// fingerprint is of everything in the schema.
func fingerprint(t *testing.T, conn *pgx.Conn) string {
	t.Helper()
	var all []string
	for _, table := range lines(t, conn, "SELECT relname::text FROM pg_class WHERE relnamespace = 'app'::regnamespace AND relkind = 'r' ORDER BY 1") {
		all = append(all, table+" "+lines(t, conn, "SELECT coalesce(md5(string_agg(r::text, ',' ORDER BY r::text)), '') FROM app."+table+" r")[0])
	}
	return strings.Join(all, "\n")
}

// TestTheAttacksWouldBeSeen shows that the attacks are real: without security every kind of them has an effect.
func TestTheAttacksWouldBeSeen(t *testing.T) {
	db := pgtest.New(t)
	fillTown(t, db)
	for _, table := range schema.Tables() {
		db.Exec(t, "ALTER TABLE app."+table.Name+" DISABLE ROW LEVEL SECURITY; GRANT ALL ON app."+table.Name+" TO app_api")
	}
	api := db.Connect(t, "app_api")
	for _, table := range schema.Tables() {
		for _, x := range attacks(attackers[0], table.Name, "private", prey(table.Name)["private"]) {
			t.Run(fmt.Sprint(table.Name, " ", x.what), func(t *testing.T) {
				tx, err := api.Begin(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = tx.Rollback(t.Context()) }()
				rows, err := tx.Query(t.Context(), x.sql, x.args...)
				if err != nil {
					t.Fatal(err)
				}
				if found, err := pgx.CollectRows(rows, pgx.RowTo[string]); len(found) == 0 {
					t.Errorf("no effect: %s (%v)", x.sql, err)
				}
			})
		}
	}
}

// TestWhoMayMay shows the other side: what is allowed works.
func TestWhoMayMay(t *testing.T) {
	db := pgtest.New(t)
	fillTown(t, db)
	api := db.Connect(t, "app_api")
	ann := attacker{name: "the owner", tenant: "acme", user: "ann"}
	bob, rod := attackers[4], attackers[3]
	for _, table := range schema.Tables()[1:] {
		for _, x := range []struct {
			who       attacker
			sql, want string
		}{
			{ann, "SELECT id FROM app.%s WHERE user_id = 'ann'", "4"},
			{bob, "SELECT id FROM app.%s", "1"},
			{rod, "SELECT id FROM app.%s", "1"},
			{bob, "UPDATE app.%s SET updated_at = 'now' RETURNING id", "1"},
			{bob, "INSERT INTO app.%s (tenant_id, id, user_id, project_id) VALUES ('acme', 'new', 'bob', 'shared') RETURNING id", "1"},
			{ann, "DELETE FROM app.%s WHERE id = 'new' RETURNING id", "1"},
		} {
			if got := underAttack(t, api, x.who, attack{"allowed", fmt.Sprintf(x.sql, table.Name), nil}); fmt.Sprint(got) != x.want {
				t.Errorf("%s: "+x.sql+": %d rows, want %s", x.who.name, table.Name, got, x.want)
			}
		}
	}
}

func TestAPooledConnectionForgetsWhoAsked(t *testing.T) {
	db := pgtest.New(t)
	fillTown(t, db)
	api := db.Connect(t, "app_api")
	ann := attacker{tenant: "acme", user: "ann"}
	count := attack{"count", "SELECT id FROM app.decisions", nil}
	if n := underAttack(t, api, ann, count); n != 4 {
		t.Fatalf("ann sees %d", n)
	}
	if n := underAttack(t, api, attacker{}, count); n != 0 {
		t.Errorf("the next one sees %d", n)
	}
	tx, err := api.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "SELECT set_config('app.tenant_id', 'acme', true), set_config('app.user_id', 'ann', true)"); err != nil {
		t.Fatal(err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := underAttack(t, api, attacker{}, count); n != 0 {
		t.Errorf("after a rollback the next one sees %d", n)
	}
}

// TestADeletedProjectIsNotUpForGrabs deletes a shared project: its owner still sees the rows in it, the members do not, and a
// member who makes a project of that id does not get them.
func TestADeletedProjectIsNotUpForGrabs(t *testing.T) {
	db := pgtest.New(t)
	fillTown(t, db)
	api := db.Connect(t, "app_api")
	ann, bob := attacker{tenant: "acme", user: "ann"}, attackers[4]
	if n := underAttack(t, api, ann, attack{"", "DELETE FROM app.projects WHERE id = 'shared' RETURNING id", nil}); n != 1 {
		t.Fatal(n)
	}
	rows := attack{"", "SELECT id FROM app.messages WHERE project_id = 'shared'", nil}
	if n := underAttack(t, api, ann, rows); n != 1 {
		t.Errorf("the owner sees %d", n)
	}
	if n := underAttack(t, api, bob, attack{"", "INSERT INTO app.projects (tenant_id, id, user_id) VALUES ('acme', 'shared', 'bob') RETURNING id", nil}); n != 0 {
		t.Error("a member took over the project")
	}
	if n := underAttack(t, api, bob, rows); n != 0 {
		t.Errorf("a member sees %d", n)
	}
	if n := underAttack(t, api, ann, attack{"", "INSERT INTO app.projects (tenant_id, id, user_id) VALUES ('acme', 'shared', 'ann') RETURNING id", nil}); n != 1 {
		t.Error("the owner cannot make it again")
	}
}
