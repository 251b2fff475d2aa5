package powersync_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"gopkg.in/yaml.v3"

	"github.com/coditect-ai/coditect-sync/backend/pgtest"
	"github.com/coditect-ai/coditect-sync/config/powersync"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// TestTheSourceHasWhatIsAskedFor runs every query, as PostgreSQL understands it, over the migrated database in the role
// that the service signs in as: it needs the tables, the columns, the right to read, and rows past row-level security.
func TestTheSourceHasWhatIsAskedFor(t *testing.T) {
	db := pgtest.New(t)
	db.Exec(t, `INSERT INTO app.tenants VALUES ('acme', 'Acme'), ('rival', 'Rival');
		INSERT INTO app.users (tenant_id, id, email) VALUES ('acme', 'ann', 'a@x'), ('acme', 'bob', 'b@x'), ('rival', 'ann', 'a@y')`)
	for _, table := range schema.Tables() {
		db.Exec(t, rowsOf(table.Name))
	}
	conn := db.Connect(t, "powersync")
	for stream, queries := range postgresQueries(t) {
		for _, query := range queries {
			rows, err := conn.Query(t.Context(), query)
			if err != nil {
				t.Fatalf("%s: %v in %s", stream, err, query)
			}
			ids, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
				values, err := row.Values()
				return fmt.Sprint(values[0]), err
			})
			want := []string{strings.SplitN(stream, "_", 2)[0]} // rows are called as the kind of stream they are in
			if err != nil || !slices.Equal(ids, want) {
				t.Errorf("%s: got %q, %v, want %q from %s", stream, ids, err, want, query)
			}
		}
	}
	published(t, conn)
}

// rowsOf adds a row of ann's own, one of a project of hers, and some that she must not see.
func rowsOf(table string) string {
	if table == schema.Projects {
		return `INSERT INTO app.projects (tenant_id, id, user_id) VALUES ('acme', 'project', 'ann'), ('acme', 'bobs', 'bob'), ('rival', 'other', 'ann')`
	}
	return "INSERT INTO app." + table + ` (tenant_id, id, user_id, project_id) VALUES ('acme', 'own', 'ann', NULL), ('acme', 'project', 'ann', 'project'),
		('acme', 'bobs-own', 'bob', NULL), ('acme', 'bobs', 'bob', 'bobs'), ('rival', 'other-own', 'ann', NULL), ('rival', 'other', 'ann', 'project')`
}

// postgresQueries are the queries of each stream, for ann of acme.
func postgresQueries(t *testing.T) map[string][]string {
	t.Helper()
	var file struct {
		Streams map[string]struct {
			With    map[string]string
			Queries []string
		}
	}
	if err := yaml.Unmarshal(powersync.SyncStreams, &file); err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for name, stream := range file.Streams {
		for _, query := range stream.Queries {
			for with, selected := range stream.With {
				query = strings.ReplaceAll(query, "IN "+with, "IN ("+selected+")")
			}
			query = strings.NewReplacer("auth.parameter('tenant_id')", "'acme'", "auth.user_id()", "'ann'").Replace(query)
			all[name] = append(all[name], query)
		}
	}
	if len(all) != 6 {
		t.Fatalf("%d streams", len(all))
	}
	return all
}

// published: the service reads changes of the tables in the publication of this name, and of no others.
func published(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	rows, err := conn.Query(t.Context(), "SELECT schemaname || '.' || tablename FROM pg_publication_tables WHERE pubname = 'powersync'")
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"app.access"}
	for table := range partOf {
		want = append(want, "app."+table)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the publication has %q, the streams read %q", got, want)
	}
}
