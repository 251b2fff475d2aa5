package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/coditect-ai/coditect-sync/app"
)

// compared makes two files out of one, edits the second, and compares them.
func compared(t testing.TB, base, edits []string) []app.TableDiff {
	t.Helper()
	f := newFile(t)
	image := filepath.Join(t.TempDir(), "image.db")
	makeDB(t, f.path, base...)
	write(t, image, read(t, f.path))
	makeDB(t, f.path, edits...)
	return compare(t, f, image)
}

func compare(t testing.TB, f *File, image string) []app.TableDiff {
	t.Helper()
	diffs, err := f.Compare(t.Context(), image, nil)
	if err != nil {
		t.Fatal(err)
	}
	return diffs
}

func diffOf(t testing.TB, diffs []app.TableDiff, table string) app.TableDiff {
	t.Helper()
	i := slices.IndexFunc(diffs, func(d app.TableDiff) bool { return d.Table == table })
	if i < 0 {
		t.Fatalf("no table %q in %v", table, diffs)
	}
	return diffs[i]
}

// counts are the numbers of a difference.
func counts(d app.TableDiff) [5]int64 { return [5]int64{d.Then, d.Now, d.Added, d.Changed, d.Removed} }

// keyed are tables of every kind of key, with the columns that tell a row from another.
var keyed = []struct{ name, ddl, key string }{
	{"by_int", "(id INTEGER PRIMARY KEY, a, b TEXT, c REAL)", "id"},
	{"by_text", "(id TEXT PRIMARY KEY, a, b TEXT, c REAL)", "id"},
	{"by_none", "(id, a, b TEXT, c REAL)", "rowid"},
	{"by_pair", "(id, a, b TEXT, c REAL, PRIMARY KEY (b, id))", "b, id"},
	{"by_real", "(id REAL PRIMARY KEY, a, b TEXT, c REAL)", "id"},
	{"apart", "(id TEXT, a, b TEXT, c REAL, PRIMARY KEY (id))", "id"},
	{"without", "(id TEXT PRIMARY KEY, a, b TEXT, c REAL) WITHOUT ROWID", "id"},
	{"without_pair", "(id INT, a, b TEXT, c REAL, PRIMARY KEY (b DESC, id)) WITHOUT ROWID", "b, id"},
	{"without_case", "(id TEXT COLLATE NOCASE PRIMARY KEY, a, b TEXT, c REAL) WITHOUT ROWID", "lower(id)"},
	{"by_case", "(id TEXT COLLATE NOCASE PRIMARY KEY, a, b TEXT, c REAL)", "lower(id)"},
	{`odd "name"; --`, "(id TEXT PRIMARY KEY, a, b TEXT, c REAL)", "id"},
	{"rowid_taken", "(id TEXT PRIMARY KEY, a, b TEXT, c REAL, rowid, oid)", "id"},
	{"all_taken", "(id TEXT PRIMARY KEY, a, b TEXT, c REAL, rowid, oid, _rowid_)", "id"},
}

// TestCompareAgreesWithBruteForce edits files at random and counts in another way: the sqlite3 shell prints every row,
// and a map of them is held against another.
func TestCompareAgreesWithBruteForce(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 5))
			f := newFile(t)
			image := filepath.Join(t.TempDir(), "image.db")
			makeDB(t, f.path, filled(random)...)
			write(t, image, read(t, f.path))
			makeDB(t, f.path, edited(random)...)
			diffs := compare(t, f, image)
			for _, table := range keyed {
				got, want := counts(diffOf(t, diffs, table.name)), bruteForce(t, image, f.path, table.name, table.key)
				if got != want {
					t.Errorf("%s: then, now, added, changed, removed %v, want %v", table.name, got, want)
				}
			}
		})
	}
}

func filled(random *rand.Rand) (statements []string) {
	statements = append(statements, "PRAGMA encoding = '"+[]string{"UTF-8", "UTF-16le"}[random.IntN(2)]+"'", "BEGIN")
	for _, table := range keyed {
		statements = append(statements, "CREATE TABLE "+quoted(table.name)+" "+table.ddl)
		for range random.IntN(300) {
			statements = append(statements, insert(random, table.name))
		}
	}
	return append(statements, "COMMIT")
}

func insert(random *rand.Rand, table string) string {
	return fmt.Sprintf("INSERT OR IGNORE INTO %s (id, a, b, c) VALUES (%s, %s, %s, %s)",
		quoted(table), id(random, table), value(random), text(random), value(random))
}

// id is a key that fits the table, now and then one that is odd.
func id(random *rand.Rand, table string) string {
	switch {
	case table == "by_int" || random.IntN(3) == 0:
		return fmt.Sprint(random.IntN(400) - 100)
	case random.IntN(10) == 0 && table != "all_taken":
		return "NULL"
	case random.IntN(20) == 0 && !strings.HasSuffix(table, "_case"):
		return fmt.Sprintf("x'%04x'", random.IntN(100))
	case random.IntN(10) == 0:
		return fmt.Sprintf("%d.5", random.IntN(100))
	}
	return text(random)
}

func text(random *rand.Rand) string {
	return "'" + string(rune('A'+random.IntN(26)+32*random.IntN(2))) + []string{"", "é", "€", "𝄞", " x"}[random.IntN(5)] + "'"
}

func value(random *rand.Rand) string {
	return []string{"NULL", "1", "1.0", "'1'", "x'31'", "''", "x''", "-0.0", "9e999", text(random), "zeroblob(9000)"}[random.IntN(11)]
}

// edited are statements that insert, update and delete, move rows, and now and then rewrite the file.
func edited(random *rand.Rand) (statements []string) {
	for _, table := range keyed {
		name := quoted(table.name)
		some := fmt.Sprintf(" WHERE (unicode(b || 'x') * %d + unicode(ifnull(id, 'n') || 'x')) %% %d = 0", 1+random.IntN(50), 2+random.IntN(20))
		all := []string{
			"UPDATE " + name + " SET a = " + value(random) + some,
			"UPDATE " + name + " SET c = " + value(random) + ", a = a || 'x'" + some,
			"UPDATE OR IGNORE " + name + " SET id = " + id(random, table.name) + some,
			"UPDATE OR IGNORE " + name + " SET b = lower(b), id = lower(id)" + some,
			"DELETE FROM " + name + some,
			"REPLACE INTO " + name + " SELECT * FROM " + name + some,
			"DELETE FROM " + name,
			"ALTER TABLE " + name + " ADD COLUMN extra",
			"VACUUM",
			insert(random, table.name), insert(random, table.name), insert(random, table.name),
		}
		for range random.IntN(6) {
			i := random.IntN(len(all))
			statements = append(statements, all[i])
			if i == 7 {
				all[7] = "UPDATE " + name + " SET extra = 1" + some
			}
		}
	}
	return append(statements, "SELECT 1")
}

// bruteForce reads both tables as a whole. A column that only one has is left out while nothing is in it.
func bruteForce(t *testing.T, then, now, table, key string) (counts [5]int64) {
	t.Helper()
	before, after := everything(t, then, table, key), everything(t, now, table, key)
	counts[0], counts[1] = int64(len(before)), int64(len(after))
	for k, row := range after {
		if old, was := before[k]; !was {
			counts[2]++
		} else if old != row {
			counts[3]++
		}
	}
	for k := range before {
		if _, is := after[k]; !is {
			counts[4]++
		}
	}
	return counts
}

// everything maps the key of each row to all of it. A NULL in a key tells nothing, so the row's number joins it.
func everything(t *testing.T, path, table, key string) map[string]string {
	t.Helper()
	var keys, nulls []string
	for _, k := range strings.Split(key, ", ") {
		keys, nulls = append(keys, "quote("+k+")"), append(nulls, k+" IS NULL")
	}
	query := fmt.Sprintf("SELECT %s || CASE WHEN %s THEN %s ELSE '' END, %s FROM %s NOT INDEXED", strings.Join(keys, " || ',' || "),
		strings.Join(nulls, " OR "), numberIn(table), quotedColumns(t, path, table), quoted(table))
	out, err := exec.Command("sqlite3", "-batch", "-separator", "\x1f", "-newline", "\x1e", path, query).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	all := map[string]string{}
	for line := range strings.SplitSeq(string(out), "\x1e") {
		if k, row, ok := strings.Cut(line, "\x1f"); ok {
			for strings.HasSuffix(row, ",NULL") {
				row = strings.TrimSuffix(row, ",NULL") // a column that was added, with nothing in it
			}
			all[k] = row
		}
	}
	return all
}

func numberIn(table string) string {
	switch {
	case table == "rowid_taken":
		return "_rowid_"
	case table == "all_taken", strings.HasPrefix(table, "without"):
		return "0" // none can be had
	}
	return "rowid"
}

func quotedColumns(t *testing.T, path, table string) string {
	return ask(t, path, "SELECT group_concat('quote(\"' || replace(name, '\"', '\"\"') || '\")', ' || '','' || ') FROM pragma_table_info('"+table+"')")
}

func TestCompareTablesOfOneSide(t *testing.T) {
	diffs := compared(t,
		[]string{"CREATE TABLE gone (id TEXT PRIMARY KEY, body)", "INSERT INTO gone VALUES ('a', 'Ada'), ('b', 'Bob')", "CREATE TABLE both (a)"},
		[]string{"DROP TABLE gone", "CREATE TABLE came (id TEXT PRIMARY KEY, body) WITHOUT ROWID", "INSERT INTO came VALUES ('c', 'Cy')"})
	if got, want := counts(diffOf(t, diffs, "gone")), [5]int64{2, 0, 0, 0, 2}; got != want {
		t.Errorf("gone: %v, want %v", got, want)
	}
	if got, want := counts(diffOf(t, diffs, "came")), [5]int64{0, 1, 1, 0, 0}; got != want {
		t.Errorf("came: %v, want %v", got, want)
	}
	names := []string{}
	for _, d := range diffs {
		names = append(names, d.Table)
	}
	if !slices.Equal(names, []string{"both", "came", "gone"}) {
		t.Errorf("tables %v", names)
	}
	if e := diffOf(t, diffs, "gone").Examples; len(e) != 2 || e[0] != (app.RowDiff{Kind: app.DiffRemoved, ID: "a", Then: "Ada"}) {
		t.Errorf("examples %+v", e)
	}
}

// A table made anew with another key has no row that is surely the same.
func TestCompareAcrossAnotherKey(t *testing.T) {
	remade := func(before, after string) [5]int64 {
		return counts(diffOf(t, compared(t,
			[]string{"CREATE TABLE k " + before, "INSERT INTO k (id, v) VALUES (1, 'x'), (2, 'y')"},
			[]string{"DROP TABLE k", "CREATE TABLE k " + after, "INSERT INTO k (id, v) VALUES (1, 'x'), (2, 'z')"}), "k"))
	}
	for _, c := range []struct {
		before, after string
		want          [5]int64
	}{
		{"(id INTEGER PRIMARY KEY, v)", "(id, v)", [5]int64{2, 2, 0, 1, 0}}, // by number
		{"(id TEXT PRIMARY KEY, v)", "(id TEXT PRIMARY KEY, v) WITHOUT ROWID", [5]int64{2, 2, 0, 1, 0}},
		{"(id INT PRIMARY KEY, v)", "(id INT, v, PRIMARY KEY (v, id)) WITHOUT ROWID", [5]int64{2, 2, 2, 0, 2}},
		{"(ID INT PRIMARY KEY, V)", "(v, more, id INT PRIMARY KEY)", [5]int64{2, 2, 0, 1, 0}},
	} {
		if got := remade(c.before, c.after); got != c.want {
			t.Errorf("%s to %s: %v, want %v", c.before, c.after, got, c.want)
		}
	}
}

// A key in a sort order that only its own program knows cannot be looked up, so the number of the row must do.
func TestCompareWithForeignSortOrder(t *testing.T) {
	diffs := compared(t, []string{"CREATE TABLE k (id TEXT COLLATE NOCASE PRIMARY KEY, v)", "INSERT INTO k VALUES ('a', 1), ('b', 2), ('c', 3)"},
		[]string{
			"UPDATE k SET v = 9 WHERE id = 'a'", "DELETE FROM k WHERE id = 'c'",
			"PRAGMA writable_schema = ON", "UPDATE sqlite_schema SET sql = replace(sql, 'NOCASE', 'FOREIGN_ORDER')",
		})
	if got, want := counts(diffOf(t, diffs, "k")), [5]int64{3, 2, 0, 1, 1}; got != want {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestCompareLeavesBookkeepingOut(t *testing.T) {
	diffs := compared(t, []string{
		"CREATE TABLE _litestream_seq (id, seq)", "CREATE TABLE _coditect_search_notes (kind, id)",
		"CREATE TABLE auto (id INTEGER PRIMARY KEY AUTOINCREMENT)", "CREATE VIEW v AS SELECT 1", "CREATE TABLE plain_content (a)",
		"CREATE VIRTUAL TABLE words USING fts5(w)", "INSERT INTO words VALUES ('hello')",
	}, []string{"UPDATE words SET w = 'good bye'", "INSERT INTO auto DEFAULT VALUES"})
	var names []string
	for _, d := range diffs {
		names = append(names, d.Table)
	}
	if !slices.Equal(names, []string{"auto", "plain_content", "words"}) {
		t.Errorf("tables %v", names)
	}
	if e := diffOf(t, diffs, "words").Examples; len(e) != 1 || e[0].Then != "hello" || e[0].Now != "good bye" {
		t.Errorf("%+v", e)
	}
}

func TestCompareShowsRows(t *testing.T) {
	long := strings.Repeat("the same beginning, ", 40)
	diffs := compared(t, []string{
		"CREATE TABLE m (id TEXT PRIMARY KEY, session_id TEXT, content TEXT, updated_at TEXT)",
		"INSERT INTO m VALUES ('1', 's', '" + long + "one', '2026-11-20T14:02:05.120Z'), ('2', 's', 'to go', '2026-11-20 14:02:05'), ('3', 's', NULL, 'soon')",
	}, []string{
		"UPDATE m SET content = '" + long + "two', updated_at = '2026-11-21T14:02:05.500Z' WHERE id = '1'", "DELETE FROM m WHERE id = '2'",
		"INSERT INTO m VALUES ('4', 's', CAST(x'1b5b33316d610a62ff20e280ae63' AS TEXT), 1795269725123)",
		"UPDATE m SET session_id = 't' WHERE id = '3'",
	})
	at := time.Date(2026, 11, 21, 14, 2, 5, 5e8, time.UTC)
	want := []app.RowDiff{
		{Kind: app.DiffRemoved, ID: "2", Then: "to go", At: time.Date(2026, 11, 20, 14, 2, 5, 0, time.UTC)},
		{Kind: app.DiffChanged, ID: "1", Then: "…the same beginning, the same beginning, one", Now: "…the same beginning, the same beginning, two", At: at},
		{Kind: app.DiffChanged, ID: "3", Then: "s", Now: "t"},
		{Kind: app.DiffAdded, ID: "4", Now: "\uFFFD[31ma b\uFFFD \uFFFDc", At: time.UnixMilli(1795269725123).UTC()},
	}
	got := diffOf(t, diffs, "m").Examples
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			t.Errorf("example %d:\n got %+v\nwant %+v", i, got[i:], want[i])
		}
	}
}

func TestCompareExamplesAreFewAndShort(t *testing.T) {
	d := diffOf(t, compared(t, []string{
		"CREATE TABLE m (id TEXT PRIMARY KEY, content BLOB)",
		"WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < 300) INSERT INTO m SELECT printf('%0500d', i), CAST(randomblob(3000) AS TEXT) FROM k",
	}, []string{
		"DELETE FROM m WHERE rowid % 3 = 0", "UPDATE m SET content = CAST(randomblob(3000) AS TEXT) WHERE rowid % 3 = 1",
		"INSERT INTO m VALUES ('new', '𝄞' || replace(hex(zeroblob(500)), '00', '𝄞'))",
	}), "m")
	if got, want := counts(d), [5]int64{300, 201, 1, 100, 100}; got != want {
		t.Errorf("%v, want %v", got, want)
	}
	if len(d.Examples) != maxExamples {
		t.Errorf("%d examples", len(d.Examples))
	}
	for _, kind := range kinds {
		if !slices.ContainsFunc(d.Examples, func(e app.RowDiff) bool { return e.Kind == kind }) {
			t.Errorf("no example of %s", kind)
		}
	}
	for _, e := range d.Examples {
		for _, s := range []string{e.ID, e.Then, e.Now} {
			if utf8.RuneCountInString(s) > 200 || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%q", s)
			}
		}
	}
}

func TestCompareNeedsBothFiles(t *testing.T) {
	f := adopted(t, 10)
	_, err := f.Compare(t.Context(), f.path+".none", nil)
	wantCode(t, err, app.CodeNotFound)
	image := f.path + ".image"
	if err := os.Rename(f.path, image); err != nil {
		t.Fatal(err)
	}
	_, err = f.Compare(t.Context(), image, nil)
	wantCode(t, err, app.CodeNotFound)
	if err := os.Remove(image); err != nil {
		t.Fatal(err)
	}
	for damaged, other := range map[string]string{f.path: image, image: f.path} { // the error names the one that is damaged
		makeItems(t, other, 4096, "whole", 10)
		write(t, damaged, []byte(strings.Repeat("not a database ", 100)))
		_, err = f.Compare(t.Context(), image, nil)
		wantCode(t, err, app.CodeDamaged)
		if message := app.AsError("", err).Message; !strings.Contains(message, damaged+" is") {
			t.Errorf("%s does not name %s", message, damaged)
		}
		if err := errors.Join(os.Remove(f.path), os.Remove(image)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCompareStopsWithItsContextAndTellsProgress(t *testing.T) {
	f := adopted(t, 20_000)
	image := f.path + ".image"
	makeItems(t, image, 8192, "then", 20_000)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := f.Compare(ctx, image, func(int64, int64) { cancel() })
	wantCode(t, err, app.CodeCanceled)
	var last, total int64
	_, err = f.Compare(t.Context(), image, func(done, all int64) {
		if done < last || done > all {
			t.Errorf("%d of %d after %d", done, all, last)
		}
		last, total = done, all
	})
	if err != nil || last != total || total == 0 {
		t.Errorf("%d of %d, %v", last, total, err)
	}
}

// TestCompareDoesNotDisturbWriters writes through another program, which waits for no lock, while tables are compared.
func TestCompareDoesNotDisturbWriters(t *testing.T) {
	f := adopted(t, 3000)
	image := f.path + ".image"
	makeItems(t, image, 4096, "then", 3000)
	n := 0
	_, err := f.Compare(t.Context(), image, func(int64, int64) {
		n++
		makeDB(t, f.path, "PRAGMA busy_timeout = 0", fmt.Sprintf("INSERT INTO items (body) VALUES ('written %d')", n))
	})
	if err != nil || n < 2 {
		t.Fatal(n, err)
	}
	if _, err := os.Stat(f.path + "-wal"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is still open: %v", err) // else the last writer had taken the WAL away
	}
}

// BenchmarkCompare holds files of about 1 GB against each other: a million messages, of which 1 in 500 changed or went.
// "moved" is the worst case, in which every row has another number than then and is looked up by its random key.
func BenchmarkCompare(b *testing.B) {
	const rows = 1_000_000
	f := newFile(b)
	image := f.path + ".image"
	makeDB(b, f.path, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF",
		"CREATE TABLE messages (id TEXT PRIMARY KEY, project_id TEXT, session_id TEXT, hash TEXT, role TEXT, content TEXT, created_at TEXT, updated_at TEXT)",
		fmt.Sprintf(`WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < %d)
			INSERT INTO messages SELECT hex(randomblob(18)), hex(randomblob(18)), hex(randomblob(18)), hex(randomblob(32)), 'user',
			hex(randomblob(320)), '2026-11-23T05:50:06.980Z', '2026-11-23T05:50:06.980Z' FROM k`, rows),
		"VACUUM INTO '"+image+"'",
		"UPDATE messages SET content = 'other' WHERE rowid % 1000 = 0", "DELETE FROM messages WHERE rowid % 1000 = 1")
	run := func(b *testing.B) {
		b.SetBytes(size(b, f.path) + size(b, image))
		for b.Loop() {
			if got := counts(compare(b, f, image)[0]); got != [5]int64{rows, rows - rows/1000, 0, rows / 1000, rows / 1000} {
				b.Fatal(got)
			}
		}
		b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	}
	b.Run("in place", run)
	makeDB(b, f.path, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", "UPDATE messages SET rowid = rowid + 10000000")
	b.Run("moved", run)
}
