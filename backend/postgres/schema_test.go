package postgres_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend/pgtest"
	"github.com/coditect-ai/coditect-sync/backend/postgres"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

// serverOnly are the columns that synced tables have in the cloud alone.
var serverOnly = []string{"tenant_id text", "hlc text", "cv jsonb"}

func TestTheTablesAreThoseOfTheSchema(t *testing.T) {
	conn := pgtest.New(t).Connect(t, "postgres")
	types := map[schema.Type]string{schema.Text: "text", schema.Integer: "bigint", schema.Real: "double precision"}
	for _, table := range schema.Tables() {
		want := slices.Clone(serverOnly)
		if table.Name == schema.Projects {
			want = append(want, "members_can_write boolean")
		}
		for _, c := range table.Columns {
			want = append(want, c.Name+" "+types[c.Type])
		}
		slices.Sort(want)
		got := lines(t, conn, `SELECT column_name || ' ' || data_type FROM information_schema.columns
			WHERE table_schema = 'app' AND table_name = $1`, table.Name)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s has %q, want %q", table.Name, got, want)
		}
	}
}

func TestTextIsInTheOrderOfItsBytes(t *testing.T) {
	conn := pgtest.New(t).Connect(t, "postgres")
	for _, table := range schema.Tables() {
		if other := lines(t, conn, `SELECT a.attname FROM pg_attribute a JOIN pg_collation c ON c.oid = a.attcollation
			WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND c.collname <> 'C'`, "app."+table.Name); len(other) > 0 {
			t.Errorf("%s: %q are not COLLATE \"C\"", table.Name, other)
		}
		if key := lines(t, conn, "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = $1::regclass AND contype = 'p'",
			"app."+table.Name); !slices.Equal(key, []string{"PRIMARY KEY (tenant_id, id)"}) {
			t.Errorf("%s: %q", table.Name, key)
		}
	}
}

func TestThePublicationNamesItsTables(t *testing.T) {
	conn := pgtest.New(t).Connect(t, "postgres")
	want := []string{"access"}
	for _, table := range schema.Tables() {
		want = append(want, table.Name)
	}
	slices.Sort(want)
	got := lines(t, conn, "SELECT tablename::text FROM pg_publication_tables WHERE pubname = 'powersync' ORDER BY 1")
	if !slices.Equal(got, want) {
		t.Errorf("published are %q, want %q", got, want)
	}
	if all := lines(t, conn, "SELECT pubname::text FROM pg_publication WHERE puballtables"); len(all) > 0 {
		t.Errorf("%q publish everything", all)
	}
}

func TestMigratingAgainChangesNothing(t *testing.T) {
	db := pgtest.New(t)
	if err := postgres.Migrate(t.Context(), db.DSN("app_migrator")); err != nil {
		t.Error(err)
	}
	if err := postgres.Bootstrap(t.Context(), db.Connect(t, "postgres")); err != nil {
		t.Error(err)
	}
}

// lines are the results of a query with one text column.
func lines(t *testing.T, conn *pgx.Conn, sql string, args ...any) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", strings.Join(strings.Fields(sql), " "), err)
	}
	return got
}
