package sqlite

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/pgtest"
	"github.com/coditect-ai/coditect-sync/backend/postgres"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

// Values of each type, for SQLite and for PostgreSQL.
var sameValues = map[schema.Type][][2]string{
	schema.Text: {{"NULL", "NULL"}, {"''", "''"}, {"'n'", "'n'"}, {"'i1:0'", "'i1:0'"}, {"'héllo wörld €'", "'héllo wörld €'"}, {"'😀''\"\\'", "'😀''\"\\'"},
		{"'a longer text that fills more than twelve bytes'", "'a longer text that fills more than twelve bytes'"}, {"char(10, 9, 32)", "chr(10) || chr(9) || chr(32)"}},
	schema.Integer: {{"NULL", "NULL"}, {"0", "0"}, {"-1", "-1"}, {"9223372036854775807", "9223372036854775807"}, {"-9223372036854775807 - 1", "-9223372036854775808"},
		{"9007199254740993", "9007199254740993"}},
	schema.Real: {{"NULL", "NULL"}, {"0.0", "0"}, {"-0.0", "'-0'"}, {"9e999", "'Infinity'"}, {"-9e999", "'-Infinity'"}, {"1.0 / 3", "float8 '1' / 3"},
		{"1.7976931348623157e308", "'1.7976931348623157e308'"}, {"-5e-324", "'-5e-324'"}, {"2.0", "2"}, {"0.1", "0.1"}, {"NULL", "'NaN'"}},
}

// TestTheServerHashesAsTheFileDoes puts the same rows into a file and into the server's database, and has both hash them.
func TestTheServerHashesAsTheFileDoes(t *testing.T) {
	db := pgtest.Start(t).New(t)
	db.Exec(t, "INSERT INTO app.tenants VALUES ('acme', 'Acme'); INSERT INTO app.users (tenant_id, id, email) VALUES ('acme', 'ann', 'a@x')")
	var local []string
	for _, table := range schema.Tables() {
		local = append(local, table.DDL())
		for i := range 25 {
			lite, post := sameRow(table, i)
			local = append(local, "INSERT INTO "+table.Name+" VALUES ("+lite+")")
			db.Exec(t, "INSERT INTO app."+table.Name+" (tenant_id, "+columnNames(table)+") VALUES ('acme', "+post+")")
		}
	}
	path := filepath.Join(t.TempDir(), "same.db")
	makeDB(t, path, local...)
	store, err := postgres.Open(t.Context(), postgres.Config{DSN: db.DSN("app_api"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	cloud, err := store.Proof(t.Context(), backend.Principal{Tenant: "acme", User: "ann", Machine: "m"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	file := map[string]string{}
	for _, h := range check(t, newFile(t), path) {
		file[h.Table] = h.Sum
	}
	for _, h := range cloud {
		if h.Rows != 25 || h.Sum != file[h.Table] {
			t.Errorf("%s: the server has %d rows, %s; the file %s", h.Table, h.Rows, h.Sum, file[h.Table])
		}
	}
}

func columnNames(table schema.Table) string {
	var names []string
	for _, c := range table.Columns {
		names = append(names, c.Name)
	}
	return strings.Join(names, ", ")
}

// sameRow is the i-th row of a table, all of ann's own, in the words of SQLite and of PostgreSQL.
func sameRow(table schema.Table, i int) (lite, post string) {
	var a, b []string
	for k, c := range table.Columns {
		values := sameValues[c.Type]
		v := values[(i+k)%len(values)]
		switch {
		case c.Name == schema.ID:
			id := "'" + strings.Repeat("x", i+1) + "'"
			v = [2]string{id, id}
		case c.Name == "user_id":
			v = [2]string{"'ann'", "'ann'"}
		case c.Name == "project_id" || c.Check != "":
			v = values[0]
		case c.NotNull:
			v = values[1+(i+k)%(len(values)-1)]
		}
		a, b = append(a, v[0]), append(b, v[1])
	}
	return strings.Join(a, ", "), strings.Join(b, ", ")
}
