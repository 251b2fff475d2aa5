package sqlite

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
)

// PostgreSQL 15 gave these for
//
//	SELECT to_hex(hashtextextended(left(repeat('abcdefghijklmnopqrstuvwxyz0123456789', 3), n), 0))
//	FROM generate_series(0, 40) n
var postgresHashes = strings.Split("9fb1b765a7ea466d,31d94c66401370b1,2751f60c666effbd,a25b273dd12feb97,f196c20ce885082c,"+
	"2ab16994e56fc644,409b0ff97d7dfc0,aa8a45cf1de65ece,84bc1e238b1e9c33,d2817546fa822f5f,d3d2a43a741ce98c,2b3346a5a78ef3d3,"+
	"97216e83a1763ad4,7b1e572e1830c6d0,4504200712c9ce35,7d80773ead313697,c32ac11840989db,da0bfe9623c3a42,6b99b6dc73d18dc,"+
	"fcc598d2d7311067,ab874c62dad54f1,6ef8fd8a7e9e4b92,464b8f6afcfbc4be,ef5dd13fbb7de978,e52be9a24a99b38f,4e6581e63a6bea6d,"+
	"a43a28a40a00e7bb,def5cd338d58f72c,5e8a08c4da1256cf,d1f54f9e770e90e,a9ac40e80557ffca,1df5b18cc9db54c2,3140a57f47b8b968,"+
	"46a60b42fed42d05,7ca0a79ff4baa084,9a4dcb78a8124b99,826987f34e9586fc,800b2f11ebb6db18,ae36b0f8b490d689,840a9f3bb14bd1ac,"+
	"1f21bc5159910b6a", ",")

func TestHashIsPostgreSQLs(t *testing.T) {
	text := []byte(strings.Repeat("abcdefghijklmnopqrstuvwxyz0123456789", 3))
	for n, want := range postgresHashes {
		if got := fmt.Sprintf("%x", hashText(text[:n])); got != want {
			t.Errorf("%d bytes: got %s, want %s", n, got, want)
		}
	}
}

// PostgreSQL 15 gave 4 rows and 840fcdb400102ce1 for
//
//	SELECT count(*), sum(hashtextextended(concat(
//	  coalesce('t' || octet_length(a) || ':' || a, 'n'),
//	  coalesce('i' || octet_length(b::text) || ':' || b, 'n'),
//	  coalesce('r16:' || encode(float8send(c + 0.0), 'hex'), 'n')) COLLATE "C", 0)::numeric)   -- mod 2^64, in hex
//	FROM (VALUES (U&'h\00E9llo', 42::bigint, -1.5::float8), ('', -9223372036854775808, 0), (NULL, NULL, NULL),
//	  ('a longer text that fills more than twelve bytes', 0, 1e308)) v (a, b, c)
func TestTableHashIsPostgreSQLs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "v.db")
	makeDB(t, path, "CREATE TABLE v (a TEXT, b INTEGER, c REAL) STRICT",
		"INSERT INTO v VALUES ('héllo', 42, -1.5), ('', -9223372036854775808, -0.0), (NULL, NULL, NULL), "+
			"('a longer text that fills more than twelve bytes', 0, 1e308)")
	want := []app.TableHash{{Table: "v", Rows: 4, Sum: "840fcdb400102ce1"}}
	if got := check(t, newFile(t), path); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestCanonicalText(t *testing.T) {
	for _, c := range []struct{ value, want string }{
		{"NULL", "n"}, {"0", "i1:0"}, {"-12", "i3:-12"}, {"''", "t0:"}, {"x''", "b0:"}, {"'n'", "t1:n"},
		{"x'00ff'", "b4:00ff"}, {"1.0", "r16:3ff0000000000000"}, {"-0.0", "r16:0000000000000000"},
		{"9e999", "r16:7ff0000000000000"}, {"CAST(x'ff00' AS TEXT)", "t2:\xff\x00"}, {"'é'", "t2:é"},
	} {
		path := filepath.Join(t.TempDir(), "c.db")
		makeDB(t, path, "CREATE TABLE c (v)", "INSERT INTO c VALUES ("+c.value+")")
		want := fmt.Sprintf("%016x", hashText([]byte(c.want)))
		if got := check(t, newFile(t), path)[0].Sum; got != want {
			t.Errorf("%s: not hashed as %q", c.value, c.want)
		}
	}
}

// Declared types must not change what is hashed: a driver may read a TIMESTAMP as a time, a BOOLEAN as a truth value.
func TestHashIgnoresDeclaredTypes(t *testing.T) {
	sum := func(types string) string {
		path := filepath.Join(t.TempDir(), "d.db")
		makeDB(t, path, "CREATE TABLE d ("+types+")", "INSERT INTO d VALUES ('2026-11-23 14:02:05', 1, 1700000000)")
		return check(t, newFile(t), path)[0].Sum
	}
	if plain, declared := sum("a TEXT, b INT, c INT"), sum("a TIMESTAMP, b BOOLEAN, c INT"); plain != declared {
		t.Errorf("%s as declared, %s plain", declared, plain)
	}
}

func TestHashTakesEveryTable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "odd.db")
	makeDB(t, path,
		`CREATE TABLE "a ""quoted"" name; --" ("a b", "select")`, `INSERT INTO "a ""quoted"" name; --" VALUES (1, 2)`,
		`CREATE TABLE norowid (k TEXT PRIMARY KEY, v) WITHOUT ROWID`, `INSERT INTO norowid VALUES ('x', 1), ('y', 2)`,
		`CREATE TABLE made (a, b AS (a * 2) STORED, c AS (a * 3))`, `INSERT INTO made VALUES (7)`,
		`CREATE VIRTUAL TABLE words USING fts5(w)`, `INSERT INTO words VALUES ('hello')`,
		`CREATE TABLE _litestream_seq (id, seq)`, `INSERT INTO _litestream_seq VALUES (1, 1)`,
		`CREATE TABLE auto (id INTEGER PRIMARY KEY AUTOINCREMENT)`, `INSERT INTO auto DEFAULT VALUES`,
		`CREATE TABLE _coditect_search_notes (kind, id)`, `CREATE VIEW v AS SELECT 1`)
	hashes := check(t, newFile(t), path)
	rows := map[string]int64{}
	for _, h := range hashes {
		rows[h.Table] = h.Rows
	}
	for name, n := range map[string]int64{`a "quoted" name; --`: 1, "norowid": 2, "made": 1, "words_content": 1, "auto": 1} {
		if rows[name] != n {
			t.Errorf("%s: %d rows, want %d", name, rows[name], n)
		}
	}
	for _, name := range []string{"words", "_litestream_seq", "sqlite_sequence", "_coditect_search_notes", "v"} {
		if _, hashed := rows[name]; hashed {
			t.Errorf("%s was hashed", name)
		}
	}
	made := slices.IndexFunc(hashes, func(h app.TableHash) bool { return h.Table == "made" })
	if want := fmt.Sprintf("%016x", hashText([]byte("i1:7i2:14i2:21"))); hashes[made].Sum != want {
		t.Errorf("generated columns: %s, want %s", hashes[made].Sum, want)
	}
}

func TestHashIgnoresOrderAndSeesEveryChange(t *testing.T) {
	sum := func(statements ...string) string {
		path := filepath.Join(t.TempDir(), "o.db")
		makeDB(t, path, append([]string{"CREATE TABLE o (a, b)"}, statements...)...)
		return check(t, newFile(t), path)[0].Sum
	}
	base := sum("INSERT INTO o VALUES ('a', 'b'), (1, 2.5), (x'01', NULL)")
	if other := sum("INSERT INTO o VALUES (x'01', NULL), ('a', 'b')", "INSERT INTO o VALUES (1, 2.5)"); other != base {
		t.Error("the order of rows changes the hash")
	}
	for _, changed := range []string{
		"('ab', ''), (1, 2.5), (x'01', NULL)", "('a', 'b'), ('1', 2.5), (x'01', NULL)", "('a', 'b'), (1, 2.5), ('01', NULL)",
		"('a', 'b'), (1, 2.5), (x'01', '')", "('a', 'b'), (1, 2.5)", "('a', 'b'), (1.0, 2.5), (x'01', NULL)",
	} {
		if sum("INSERT INTO o VALUES "+changed) == base {
			t.Errorf("%s has the same hash", changed)
		}
	}
}

func TestHashOfUTF16IsThatOfUTF8(t *testing.T) {
	sums := map[string]bool{}
	for _, encoding := range []string{"UTF-8", "UTF-16le", "UTF-16be"} {
		path := filepath.Join(t.TempDir(), "e.db")
		makeDB(t, path, "PRAGMA encoding = '"+encoding+"'", "CREATE TABLE e (a)", "INSERT INTO e VALUES ('héllo €')")
		sums[check(t, newFile(t), path)[0].Sum] = true
	}
	if len(sums) != 1 {
		t.Errorf("got %v", sums)
	}
}

func TestHashStopsWithItsContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "big.db")
	makeItems(t, path, 4096, "row", 20000)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := newFile(t).Check(ctx, path)
	wantCode(t, err, app.CodeCanceled)
}

func TestCanonicalRealsAreExact(t *testing.T) {
	seen := map[string]float64{}
	for _, v := range []float64{0, 1, -1, math.MaxFloat64, math.SmallestNonzeroFloat64, math.Inf(1), math.Inf(-1), 1.0 / 3} {
		text := string(appendReal(nil, v))
		if other, ok := seen[text]; ok {
			t.Errorf("%v and %v are both %q", v, other, text)
		}
		seen[text] = v
	}
	if string(appendReal(nil, math.Copysign(0, -1))) != string(appendReal(nil, 0)) {
		t.Error("-0 differs from 0")
	}
}

// BenchmarkRowHash hashes rows of twelve columns and about 500 bytes.
func BenchmarkRowHash(b *testing.B) {
	const rows = 50_000
	path := filepath.Join(b.TempDir(), "bench.db")
	makeDB(b, path, "CREATE TABLE m (id TEXT PRIMARY KEY, a TEXT, b TEXT, c TEXT, d TEXT, e TEXT, f TEXT, hash TEXT, role TEXT, content TEXT, n INTEGER, score REAL)",
		fmt.Sprintf(`WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < %d)
			INSERT INTO m SELECT hex(randomblob(18)), hex(randomblob(18)), 'user', hex(randomblob(18)), '2026-11-23T05:50:06.980Z',
			'2026-11-23T05:50:06.980Z', 's' || i, hex(randomblob(32)), 'user', hex(randomblob(100)), i, i / 3.0 FROM k`, rows))
	r, err := openRaw(b.Context(), path, modeImage)
	if err != nil {
		b.Fatal(err)
	}
	defer r.close()
	for b.Loop() {
		if _, err := r.hashTables(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
}
