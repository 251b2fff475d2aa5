package sqlite

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/backend/pushapi"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

// others is what other people have in their file: unique keys, and triggers that change rows once more.
var others = []string{
	"CREATE UNIQUE INDEX messages_hash ON messages (hash)",
	"CREATE UNIQUE INDEX decisions_pair ON decisions (decision COLLATE NOCASE, tags) WHERE tags IS NOT NULL",
	"CREATE TRIGGER touch AFTER UPDATE OF title ON sessions BEGIN UPDATE sessions SET updated_at = 'touched ' || new.title WHERE id = new.id; END",
	"CREATE TRIGGER stamp AFTER INSERT ON sessions BEGIN UPDATE sessions SET source = ifnull(source, 'stamped') WHERE id = new.id; END",
	"CREATE TRIGGER tomb AFTER DELETE ON sessions WHEN old.title = 'again' BEGIN INSERT INTO sessions (id, created_at, updated_at, title) VALUES (old.id || '+', 'c', 'u', 'tomb'); END",
	"CREATE TABLE files (id INTEGER PRIMARY KEY, project TEXT REFERENCES projects (id) ON DELETE CASCADE ON UPDATE CASCADE)",
}

// statements makes statements of all kinds, many of which fail or are ignored.
type statements struct{ *rand.Rand }

func (r statements) pick(of ...string) string { return of[r.IntN(len(of))] }

func (r statements) id() string { return fmt.Sprintf("'%c'", 'a'+rune(r.IntN(9))) }

func (r statements) or() string {
	return r.pick("", "", " OR REPLACE", " OR IGNORE", " OR ABORT", " OR FAIL", " OR ROLLBACK")
}

func (r statements) text() string {
	return r.pick("NULL", "'x'", "'it''s'", "'Ä\u2028\"\\'", "'again'", "'line' || char(10) || char(9) || char(1)", "'nul' || char(0) || 'l'", "7", "x'00ff'", "printf('%.*c', 300, 'z')")
}

func (r statements) real() string {
	return r.pick("NULL", "0.1 + 0.2", "9e999", "-9e999", "1", "-0.0", "1e-320", "123456789.123456789", "'high'", "2.0/3")
}

// row are the values of a row of a table, by column.
func (r statements) row(table string) map[string]string {
	row := map[string]string{"id": r.id(), "created_at": "'c'", "updated_at": "'u'"}
	switch table {
	case "messages":
		row["content"], row["hash"] = r.text(), r.pick("NULL", "'h1'", "'h2'", "'h3'")
	case "decisions":
		row["decision"], row["tags"], row["confidence"] = r.pick("'yes'", "'YES'", "'no'"), r.pick("NULL", "'t'"), r.real()
	case "projects":
		row["name"], row["visibility"] = r.text(), r.pick("NULL", "'org'", "'team'", "'nobody'")
	case "sessions":
		row["title"], row["source"] = r.text(), r.pick("NULL", "'s'")
	}
	if r.IntN(15) == 0 {
		row["rowid"] = fmt.Sprint(r.IntN(12))
	}
	return row
}

func (r statements) next() string {
	table := r.pick("messages", "decisions", "projects", "sessions")
	row := r.row(table)
	names := slices.Sorted(maps.Keys(row))
	switch k := r.IntN(20); {
	case k < 8:
		return r.insert(table, names) + r.pick("", "", "", " ON CONFLICT (id) DO NOTHING", " ON CONFLICT (id) DO UPDATE SET updated_at = excluded.updated_at || 'x', user_id = 'me'")
	case k < 13:
		column := names[r.IntN(len(names))]
		return fmt.Sprintf("UPDATE%s %s SET %s = %s WHERE id IN (%s, %s)", r.or(), table, column, row[column], r.id(), r.id())
	case k < 15:
		return fmt.Sprintf("UPDATE%s %s SET updated_at = %s, %s = %s WHERE id >= %s", r.or(), table, r.pick("'u'", "'v'", "NULL"), names[1], row[names[1]], r.id())
	case k < 17:
		return fmt.Sprintf("DELETE FROM %s WHERE id IN (%s, %s)", table, r.id(), r.id())
	case k < 18:
		return "INSERT INTO files (project) VALUES (" + r.id() + ")"
	}
	return r.pick("BEGIN", "BEGIN IMMEDIATE", "COMMIT", "COMMIT", "ROLLBACK", "SAVEPOINT s", "RELEASE s", "ROLLBACK TO s", "PRAGMA recursive_triggers = ON",
		"PRAGMA recursive_triggers = OFF", "PRAGMA foreign_keys = ON", "PRAGMA trusted_schema = OFF", "PRAGMA writable_schema = RESET")
}

func (r statements) insert(table string, names []string) string {
	var rows []string
	for range 1 + r.IntN(3) {
		row := r.row(table)
		var values []string
		for _, n := range names {
			if v, ok := row[n]; ok {
				values = append(values, v)
			} else {
				values = append(values, "77")
			}
		}
		one := "(" + strings.Join(values, ", ") + ")"
		if strings.Contains(one, "x'") || strings.Contains(one, "'high'") {
			// The wrong type for a STRICT table. In a statement of several rows with OR IGNORE, SQLite 3.40 to 3.51 fails half-way
			// and keeps the rows before, unless a trigger of whatever kind makes it able to undo the statement, as it should.
			rows = []string{one}
			break
		}
		rows = append(rows, one)
	}
	return fmt.Sprintf("%s INTO %s (%s) VALUES %s", r.pick("INSERT"+r.or(), "INSERT"+r.or(), "REPLACE"), table, strings.Join(names, ", "), strings.Join(rows, ", "))
}

// The same statements on a file that is enrolled and on one that is not have the same results, errors, changes() and rows;
// and the queue leads from the rows before to the rows after.
func TestCaptureChangesNothingForAWriterAndMissesNothing(t *testing.T) {
	peers(t, func(t *testing.T, start func(testing.TB, string) *peer) {
		for seed := range uint64(6) {
			t.Run(fmt.Sprint(seed), func(t *testing.T) { differential(t, start, seed) })
		}
	})
}

func differential(t *testing.T, start func(testing.TB, string) *peer, seed uint64) {
	r := statements{rand.New(rand.NewPCG(seed, 7))}
	plain := newFile(t)
	if err := plain.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	makeDB(t, plain.path, others...)
	f := enrolledMemory(t, others...)
	a, b := start(t, plain.path), start(t, f.path)
	model := map[string]map[string]json.RawMessage{}
	for round := range 3 {
		for n := range 120 {
			sql := r.next()
			sameAnswers(t, a, b, round*1000+n, sql)
			if t.Failed() {
				return
			}
		}
		for _, end := range []string{"COMMIT", "SELECT 1"} {
			sameAnswers(t, a, b, 0, end)
		}
		replay(t, model, pushAll(t, f))
		wantRows(t, f, model)
		if t.Failed() {
			return
		}
	}
	wantSameRows(t, plain, f)
}

// sameAnswers runs a statement on both and compares all that a program can see of it.
func sameAnswers(t *testing.T, a, b *peer, n int, sql string) {
	t.Helper()
	for _, q := range []string{sql, "SELECT changes(), last_insert_rowid()"} {
		wantOut, wantErr := a.try("%s", q)
		got, err := b.try("%s", q)
		if fmt.Sprint(wantOut, wantErr) != fmt.Sprint(got, err) {
			t.Errorf("%d: %s: %s: got %v, %v, want %v, %v", n, sql, q, got, err, wantOut, wantErr)
		}
	}
}

// pushAll sends everything to a server that takes all, and returns what it got.
func pushAll(t *testing.T, f *File) (all []pushapi.Change) {
	t.Helper()
	for {
		out := next(t, f)
		if len(out.Groups) == 0 {
			return all
		}
		all = append(all, decoded(t, out)...)
		settle(t, f, out, pushapi.Applied)
	}
}

// replay makes the changes in a model: table/id to columns.
func replay(t *testing.T, model map[string]map[string]json.RawMessage, changes []pushapi.Change) {
	t.Helper()
	last := ""
	for _, c := range changes {
		key := c.Table + "/" + c.ID
		if clock := string(c.HLC); clock <= last {
			t.Errorf("%s: clock %s after %s", key, clock, last)
		}
		last = string(c.HLC)
		if c.Op == pushapi.Delete {
			delete(model, key)
			continue
		}
		if model[key] == nil {
			model[key] = map[string]json.RawMessage{}
		}
		for name, v := range pushapi.Members(c.Data) {
			if before := member(c.Old, name); before != nil && c.Op == pushapi.Patch && bytes.Equal(before, v) {
				t.Logf("%s.%s is said to change from and to the same", key, name)
			}
			model[key][name] = bytes.Clone(v)
		}
	}
}

func member(object []byte, name string) []byte {
	for n, v := range pushapi.Members(object) {
		if n == name {
			return v
		}
	}
	return nil
}

// rowsOf are the rows of a file as the push contract has them.
func rowsOf(t testing.TB, f *File) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := f.reading(t.Context(), "test", func(c *conn) error {
		for _, table := range schema.Tables() {
			ids, err := texts(t.Context(), c, "SELECT id FROM "+table.Name)
			if err != nil {
				return err
			}
			for _, id := range ids {
				row, err := c.rowJSON(t.Context(), table, id)
				if err != nil {
					return err
				}
				all[table.Name+"/"+id] = string(row)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func wantRows(t *testing.T, f *File, model map[string]map[string]json.RawMessage) {
	t.Helper()
	replayed := map[string]string{}
	for key, values := range model {
		table, _, _ := strings.Cut(key, "/")
		b := []byte{'{'}
		for _, st := range schema.Tables() {
			if st.Name != table {
				continue
			}
			for _, column := range st.Columns[1:] {
				if len(b) > 1 {
					b = append(b, ',')
				}
				b = append(append(b, `"`+column.Name+`":`...), values[column.Name]...)
			}
		}
		replayed[key] = string(b) + "}"
	}
	wantSame(t, rowsOf(t, f), replayed)
}

func wantSame(t *testing.T, rows, replayed map[string]string) {
	t.Helper()
	for key, row := range rows {
		if replayed[key] != row {
			t.Errorf("%s is\n%s\nand the queue makes it\n%s", key, row, replayed[key])
		}
	}
	for key := range replayed {
		if _, there := rows[key]; !there {
			t.Errorf("%s is gone, and the queue leaves it", key)
		}
	}
}

// wantSameRows compares the files but for content hashes, which are filled in an enrolled one, and times that a default made.
func wantSameRows(t *testing.T, plain, f *File) {
	t.Helper()
	strip := func(rows map[string]string) map[string]string {
		for key, row := range rows {
			var values map[string]any
			if err := json.Unmarshal([]byte(row), &values); err != nil {
				t.Fatal(err)
			}
			for name, v := range values {
				text, _ := v.(string)
				if name == "hash" && len(text) == 64 || strings.HasPrefix(text, "20") && strings.HasSuffix(text, "Z") {
					values[name] = nil // filled in, or the time of a default
				}
			}
			rows[key] = fmt.Sprint(values)
		}
		return rows
	}
	wantSame(t, strip(rowsOf(t, f)), strip(rowsOf(t, plain)))
}
