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
		"CREATE TABLE \"odd \"\"name\" (\"a key\" TEXT PRIMARY KEY, v) WITHOUT ROWID", "CREATE TABLE keyless (a, b)",
		"CREATE TABLE names (id TEXT PRIMARY KEY, name TEXT UNIQUE)", "CREATE TABLE gone (id TEXT PRIMARY KEY)",
		"WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < 1000) INSERT INTO items (id, body) SELECT i, 'item ' || i FROM k",
		"INSERT INTO \"odd \"\"name\" VALUES ('x', 1.5)", "INSERT INTO names VALUES ('n1', 'same')", "INSERT INTO keyless VALUES (1, 2)")
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
	for table, code := range map[string]app.Code{"keyless": app.CodeInvalid, "gone": app.CodeInvalid, "names": app.CodeRefused} {
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

// TestBringBackByOddKeys: whatever is a key in SQLite tells rows apart: several columns, blobs, texts with a zero in them, numbers
// that no float holds, texts that only case tells apart.
func TestBringBackByOddKeys(t *testing.T) {
	f := newFile(t)
	makeDB(t, f.path, "PRAGMA journal_mode = WAL",
		"CREATE TABLE pair (v, b TEXT, a INTEGER, PRIMARY KEY (a, b))", "CREATE TABLE without (a, b, v, PRIMARY KEY (b, a)) WITHOUT ROWID",
		"CREATE TABLE blobs (k PRIMARY KEY, v)", "CREATE TABLE huge (id INTEGER PRIMARY KEY, v)", "CREATE TABLE cased (k TEXT PRIMARY KEY COLLATE NOCASE, v)",
		"INSERT INTO pair VALUES (1, 'x', 1), (2, 'y', 1), (3, 'x', 2), (4, NULL, 3)", "INSERT INTO without VALUES (1, 'x', 1), (9007199254740993, 'y', 2), (9007199254740992, 'y', 3)",
		"INSERT INTO blobs VALUES (x'00ff', 1), ('zero' || char(0) || 'inside', 2), ('zero', 3), (x'7a65726f', 4), (1.5, 5), (x'', 6)",
		"INSERT INTO huge VALUES (9223372036854775807, 1), (9223372036854775806, 2), (-9223372036854775808, 3)", "INSERT INTO cased VALUES ('Abc', 1)")
	image := momentOf(t, f)
	all := func(table, columns string) string {
		return ask(t, f.path, "SELECT ifnull(group_concat(r, ' '), '') FROM (SELECT "+columns+" AS r FROM "+table+" ORDER BY 1)")
	}
	makeDB(t, f.path, "DELETE FROM pair", "DELETE FROM without WHERE a > 1", "UPDATE without SET v = 'else'", "DELETE FROM blobs", "DELETE FROM huge",
		"UPDATE cased SET k = 'ABC', v = 2")
	for _, c := range []struct {
		choice app.Choice
		rows   int64
		then   string
	}{
		{app.Choice{Tables: []string{"pair"}, Where: "a = 1"}, 2, "1 2"},
		{app.Choice{Tables: []string{"pair", "PAIR"}}, 1, "1 2 3"}, // the one without a whole key tells no row, and a table counts once
		{app.Choice{Tables: []string{"without"}, Where: "a = 9007199254740993"}, 1, "2 else"},
		{app.Choice{Tables: []string{"without"}}, 2, "1 2 3"},
		{app.Choice{Tables: []string{"blobs"}, Where: "k = x'00ff' OR v = 2"}, 2, "1 2"},
		{app.Choice{Tables: []string{"blobs"}, IDs: []string{"x'7A65726f'", "1.5"}}, 2, "1 2 4 5"},
		{app.Choice{Tables: []string{"blobs"}, IDs: []string{"zero"}}, 1, "1 2 3 4 5"},
		{app.Choice{Tables: []string{"blobs"}}, 1, "1 2 3 4 5 6"},
		{app.Choice{Tables: []string{"huge"}, IDs: []string{"9223372036854775807"}}, 1, "1"},
		{app.Choice{Tables: []string{"huge"}, Where: "id < 0"}, 1, "1 3"},
		{app.Choice{Tables: []string{"cased"}}, 1, "1"},
	} {
		b := broughtBack(t, f, image, c.choice, false)
		if got := all(c.choice.Tables[0], "v"); b.Rows() != c.rows || len(b.Tables) != 1 || b.Tables[0].Differ != 0 || got != c.then {
			t.Errorf("%+v: %+v, there is %q, want %q", c.choice, b, got, c.then)
		}
	}
	if got := ask(t, f.path, "SELECT k FROM cased"); got != "Abc" {
		t.Errorf("the key is spelt %q", got)
	}
	for _, ids := range [][]string{{"1"}, {}} {
		if _, err := f.BringBack(t.Context(), image, app.Choice{Tables: []string{"pair"}, IDs: ids}, true, nil); app.CodeOf(err) != app.CodeInvalid {
			t.Errorf("an id of a key of two columns: %v", err)
		}
	}
}

// TestBringBackSaysWhatATriggerDid: the rows are written as any program does, and triggers run. What is not as it was is counted.
func TestBringBackSaysWhatATriggerDid(t *testing.T) {
	f := newFile(t)
	makeDB(t, f.path, "PRAGMA journal_mode = WAL", "CREATE TABLE notes (id INTEGER PRIMARY KEY, body)", "INSERT INTO notes VALUES (1, 'one'), (2, 'two'), (3, 3)")
	image := momentOf(t, f)
	makeDB(t, f.path, "UPDATE notes SET body = 'else' WHERE id < 3", "UPDATE notes SET body = 3.0 WHERE id = 3",
		"CREATE TRIGGER shout AFTER UPDATE ON notes WHEN new.id = 2 BEGIN UPDATE notes SET body = new.body || '!' WHERE id = 2; END",
		"CREATE TRIGGER never BEFORE UPDATE ON notes WHEN new.body = 'one' AND old.body = 'locked' BEGIN SELECT RAISE(ABORT, 'no'); END")
	b := broughtBack(t, f, image, app.Choice{Tables: []string{"notes"}}, false)
	if got := ask(t, f.path, "SELECT group_concat(body || typeof(body), ' ') FROM notes"); b.Rows() != 3 || b.Tables[0].Differ != 1 || got != "onetext two!text 3integer" {
		t.Errorf("%+v, %s", b, got)
	}
	makeDB(t, f.path, "UPDATE notes SET body = 'locked' WHERE id = 1")
	_, err := f.BringBack(t.Context(), image, app.Choice{Tables: []string{"notes"}}, false, nil)
	if e := app.AsError("", err); app.CodeOf(err) != app.CodeRefused || !strings.Contains(e.Message, "trigger") {
		t.Errorf("a trigger that lets nothing come back: %v", err)
	}
}

// TestBringBackKeepsRowsThatBelongTogether: a row that belongs to one that is gone comes back with it or not at all, one that
// belonged to nothing then comes back as it was, and where a newer row is in the way nothing is written.
func TestBringBackKeepsRowsThatBelongTogether(t *testing.T) {
	f := newFile(t)
	makeDB(t, f.path, "PRAGMA journal_mode = WAL", "CREATE TABLE parents (id INTEGER PRIMARY KEY, code UNIQUE)", "CREATE TABLE pairs (a, b, PRIMARY KEY (b, a))",
		"CREATE TABLE children (id INTEGER PRIMARY KEY, p REFERENCES parents, code REFERENCES parents (code), a, b, FOREIGN KEY (b, a) REFERENCES pairs)",
		"CREATE TABLE tree (id TEXT PRIMARY KEY, up REFERENCES tree)", "CREATE TABLE names (id INTEGER PRIMARY KEY, name UNIQUE)",
		"INSERT INTO parents VALUES (1, 'x'), (2, 'y')", "INSERT INTO pairs VALUES (1, 2)", "INSERT INTO children VALUES (1, 1, 'x', 1, 2), (2, 2, NULL, NULL, 7), (3, 99, NULL, NULL, NULL)",
		"INSERT INTO tree VALUES ('root', NULL), ('leaf', 'root')",
		"WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < 500) INSERT INTO names SELECT i, 'n' || i FROM k")
	image := momentOf(t, f)
	makeDB(t, f.path, "DELETE FROM parents WHERE id = 1", "DELETE FROM pairs", "DELETE FROM children", "DELETE FROM tree", "DELETE FROM names", "INSERT INTO names VALUES (1000, 'n499')")
	for _, c := range []struct {
		choice app.Choice
		says   string // of the refusal
	}{
		{app.Choice{Tables: []string{"children"}}, "1 of the rows of children belong to rows of pairs"},
		{app.Choice{Tables: []string{"children", "pairs"}}, "rows of parents that are gone"},
		{app.Choice{Tables: []string{"children"}, IDs: []string{"2", "3"}}, ""},
		{app.Choice{Tables: []string{"children", "pairs", "Parents"}}, ""},
		{app.Choice{Tables: []string{"tree"}, IDs: []string{"leaf"}}, "rows of tree that are gone"},
		{app.Choice{Tables: []string{"tree"}}, ""},
		{app.Choice{Tables: []string{"names"}}, "beside a newer one"},
	} {
		for _, dry := range []bool{true, false} {
			_, err := f.BringBack(t.Context(), image, c.choice, dry, nil)
			switch {
			case c.says == "" && err != nil:
				t.Errorf("%+v: %v", c.choice, err)
			case c.says != "" && (app.CodeOf(err) != app.CodeRefused || !strings.Contains(app.AsError("", err).Message, c.says)):
				t.Errorf("%+v, dry %v: %v", c.choice, dry, err)
			}
		}
	}
	if got := ask(t, f.path, "SELECT (SELECT count(*) FROM children) || (SELECT count(*) FROM tree) || (SELECT count(*) FROM names)"); got != "321" {
		t.Errorf("there are %s children, nodes and names", got)
	}
}

// TestBringBackRefusesWhatIsNoTable: rows of an index would not fit to the rest of it.
func TestBringBackRefusesWhatIsNoTable(t *testing.T) {
	f := newFile(t)
	makeDB(t, f.path, "PRAGMA journal_mode = WAL", "CREATE VIRTUAL TABLE found USING fts5(body)", "INSERT INTO found VALUES ('running dogs')", "CREATE VIEW seen AS SELECT * FROM found")
	image := momentOf(t, f)
	makeDB(t, f.path, "DELETE FROM found")
	for _, table := range []string{"found", "seen", "found_content", "FOUND_data"} {
		if _, err := f.BringBack(t.Context(), image, app.Choice{Tables: []string{table}}, false, nil); app.CodeOf(err) != app.CodeInvalid || strings.Contains(err.Error(), "told apart") {
			t.Errorf("%s: %v", table, err)
		}
	}
	if got := ask(t, f.path, "SELECT count(*) FROM found_content"); got != "0" {
		t.Errorf("%s rows came back", got)
	}
}
