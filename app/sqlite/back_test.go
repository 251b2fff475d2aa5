package sqlite

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
)

// momentOf is the file as it is now, in a file of its own.
func momentOf(t testing.TB, f *File) string {
	t.Helper()
	image := filepath.Join(t.TempDir(), "image.db")
	makeDB(t, f.path, "VACUUM INTO '"+image+"'")
	return image
}

func broughtBack(t testing.TB, f *File, image string, choice app.Choice, dry bool) app.Back {
	t.Helper()
	b, err := f.BringBack(t.Context(), image, choice, dry, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestBringBack: rows that are gone and rows that changed are as they were, new ones stay, and all of it goes up as what it
// is: changes of now.
func TestBringBack(t *testing.T) {
	f := enrolledMemory(t, "INSERT INTO decisions (id, decision, project_id) VALUES ('d1', 'one', 'p1'), ('d2', 'two', NULL), ('d3', 'it''s \"so\"', 'p1'), ('d4', 'four', 'p2')",
		"INSERT INTO sessions (id, title) VALUES ('s1', 'kept')")
	image := momentOf(t, f)
	before := read(t, image)
	makeDB(t, f.path, "UPDATE decisions SET user_id = 'mira'", // the cloud's
		"DELETE FROM decisions WHERE id IN ('d1', 'd3')", "UPDATE decisions SET decision = 'else' WHERE id = 'd2'",
		"INSERT INTO decisions (id, decision) VALUES ('new', 'stays')", "DELETE FROM sessions")
	pushAll(t, f)
	waiting := capture(t, f).Waiting
	choice := app.Choice{Tables: []string{"decisions"}}
	want := app.Back{Tables: []app.TableBack{{Table: "decisions", Again: 2, Changed: 1}}, Projects: []string{"p1"}}

	if got := broughtBack(t, f, image, choice, true); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("to be brought back: %+v, want %+v", got, want)
	}
	if d := diffOf(t, compare(t, f, image), "decisions"); counts(d) != [5]int64{4, 3, 1, 1, 2} {
		t.Errorf("the preview counts %v: it must not count whose a row is", counts(d))
	}
	if capture(t, f).Waiting != waiting {
		t.Error("a look wrote something")
	}
	if got := broughtBack(t, f, image, choice, false); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("brought back: %+v, want %+v", got, want)
	}
	rows := ask(t, f.path, "SELECT group_concat(id || ' ' || quote(decision) || ' ' || ifnull(project_id, ''), char(10) ORDER BY id) FROM decisions")
	if rows != "d1 'one' p1\nd2 'two' \nd3 'it''s \"so\"' p1\nd4 'four' p2\nnew 'stays' " {
		t.Errorf("rows:\n%s", rows)
	}
	if n := ask(t, f.path, "SELECT count(*) FROM sessions"); n != "0" {
		t.Error("a table that was not chosen came back")
	}
	ids := []string{}
	for _, c := range decoded(t, next(t, f)) {
		ids = append(ids, c.ID)
	}
	slices.Sort(ids)
	if fmt.Sprint(ids) != "[d1 d2 d3]" {
		t.Errorf("%v go up", ids)
	}
	if string(read(t, image)) != string(before) {
		t.Error("the image was written to")
	}
	if got := broughtBack(t, f, image, choice, false); got.Rows() != 0 {
		t.Errorf("a second time: %+v", got)
	}
}

// TestBringBackChosenRows chooses by id and by condition, and takes nothing but a condition for one.
func TestBringBackChosenRows(t *testing.T) {
	f := enrolledMemory(t, "INSERT INTO decisions (id, decision) VALUES ('d1', 'one'), ('d2', 'two'), ('it''s', 'three'), ('d4', 'four')")
	image := momentOf(t, f)
	makeDB(t, f.path, "DELETE FROM decisions")
	for _, c := range []struct {
		ids   []string
		where string
		then  string
	}{
		{ids: []string{"it's", "unknown"}, then: "it's"},
		{ids: []string{}, then: "it's"},
		{where: "decision LIKE 't%' AND id < 'e'", then: "d2 it's"},
		{where: "id = 'd4' -- the last", then: "d2 d4 it's"},
		{where: "id IN (SELECT max(id) FROM sessions)", then: "d2 d4 it's"},
	} {
		broughtBack(t, f, image, app.Choice{Tables: []string{"decisions"}, IDs: c.ids, Where: c.where}, false)
		if got := ask(t, f.path, "SELECT group_concat(id, ' ') FROM (SELECT id FROM decisions ORDER BY id)"); got != c.then {
			t.Errorf("%+v: there is %q", c, got)
		}
	}
	for _, c := range []app.Choice{
		{},
		{Tables: []string{"decisions", "sessions"}, Where: "1"},
		{Tables: []string{"decisions"}, Where: "1", IDs: []string{"d1"}},
		{Tables: []string{"decisions"}, Where: "1); DELETE FROM decisions; --"},
		{Tables: []string{"decisions"}, Where: "nothing = 1"},
		{Tables: []string{"decisions"}, Where: "?"},
		{Tables: []string{"decisions"}, Where: "id = load_extension('x')"},
		{Tables: []string{"absent"}},
		{Tables: []string{"absent"}, Where: "1"},
		{Tables: []string{"_coditect_queue"}},
		{Tables: []string{"sqlite_schema"}},
	} {
		if c.Where == "?" { // a parameter that nobody gives is NULL: no row
			if b := broughtBack(t, f, image, c, false); b.Rows() != 0 {
				t.Errorf("%+v: %+v", c, b)
			}
			continue
		}
		if _, err := f.BringBack(t.Context(), image, c, false, nil); app.CodeOf(err) != app.CodeInvalid || app.AsError("", err).Hint == "" {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if got := ask(t, f.path, "SELECT count(*) FROM decisions"); got != "3" {
		t.Errorf("%s rows are left", got)
	}
}

// TestBringBackOfOtherTables: any table with a key can be chosen; one whose rows cannot be told apart, or stand in the way of
// each other, is refused, and nothing of the row is changed.
func TestBringBackOfOtherTables(t *testing.T) {
	f := newFile(t)
	makeDB(t, f.path, "PRAGMA journal_mode = WAL",
		"CREATE TABLE items (id INTEGER PRIMARY KEY, body TEXT, twice TEXT GENERATED ALWAYS AS (body || body))",
		"CREATE TABLE \"odd \"\"name\" (\"a key\" TEXT PRIMARY KEY, v) WITHOUT ROWID", "CREATE TABLE keyless (a, b)", "CREATE TABLE pair (a, b, PRIMARY KEY (a, b))",
		"CREATE TABLE names (id TEXT PRIMARY KEY, name TEXT UNIQUE)", "CREATE TABLE gone (id TEXT PRIMARY KEY)",
		"WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < 1000) INSERT INTO items (id, body) SELECT i, 'item ' || i FROM k",
		"INSERT INTO \"odd \"\"name\" VALUES ('x', 1.5)", "INSERT INTO names VALUES ('n1', 'same')", "INSERT INTO pair VALUES (1, 2)", "INSERT INTO keyless VALUES (1, 2)")
	image := momentOf(t, f)
	want := ask(t, f.path, "SELECT count(*) || ' ' || sum(id) || ' ' || max(twice) FROM items")
	makeDB(t, f.path, "DELETE FROM items WHERE id % 2", "UPDATE items SET body = 'else'", "DELETE FROM \"odd \"\"name\"", "DROP TABLE gone",
		"DELETE FROM names", "INSERT INTO names VALUES ('n2', 'same')", "ALTER TABLE items ADD COLUMN newer TEXT")
	told := []int64{}
	_, err := f.BringBack(t.Context(), image, app.Choice{Tables: []string{"items", `odd "name`}}, false, func(done, total int64) { told = append(told, done, total) })
	if err != nil {
		t.Fatal(err)
	}
	if got := ask(t, f.path, "SELECT count(*) || ' ' || sum(id) || ' ' || max(twice) FROM items"); got != want {
		t.Errorf("items: %s, want %s", got, want)
	}
	if got := ask(t, f.path, `SELECT "a key" || v FROM "odd ""name"`); got != "x1.5" {
		t.Errorf("odd: %s", got)
	}
	if len(told) < 10 || told[len(told)-1] != 1001 || told[len(told)-2] != 1001 {
		t.Errorf("progress: %v", told)
	}
	for table, code := range map[string]app.Code{"keyless": app.CodeInvalid, "pair": app.CodeInvalid, "gone": app.CodeInvalid, "names": app.CodeRefused} {
		if _, err := f.BringBack(t.Context(), image, app.Choice{Tables: []string{table}}, false, nil); app.CodeOf(err) != code || app.AsError("", err).Hint == "" {
			t.Errorf("%s: %v", table, err)
		}
	}
	if got := ask(t, f.path, "SELECT group_concat(id || name) FROM names"); got != "n2same" {
		t.Errorf("names: %s", got)
	}
	if leftovers := ask(t, f.path, "SELECT count(*) FROM sqlite_schema WHERE name LIKE '%back%' OR name = 'gone'"); strings.TrimSpace(leftovers) != "0" {
		t.Errorf("%s tables were left", leftovers)
	}
}
