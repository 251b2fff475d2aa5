package sqlite

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
)

// newFile is a File in a folder of its own; nothing is there yet.
func newFile(t testing.TB) *File { return fileAt(t, filepath.Join(t.TempDir(), "context.db")) }

func fileAt(t testing.TB, path string) *File {
	t.Helper()
	f, err := New(Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	f.chunk = testChunk
	return f
}

// testChunk makes a small image take many steps to copy.
const testChunk = 64 << 10

// adopted is a foreign file of n rows under our care.
func adopted(t testing.TB, n int) *File {
	t.Helper()
	f := newFile(t)
	makeItems(t, f.path, 4096, "live", n)
	if _, err := f.Adopt(t.Context()); err != nil {
		t.Fatal(err)
	}
	return f
}

// makeItems makes a database with a table of n rows of about 1 kB.
func makeItems(t testing.TB, path string, pageSize int, text string, n int) {
	t.Helper()
	makeDB(t, path, fmt.Sprintf("PRAGMA page_size = %d", pageSize),
		"CREATE TABLE items (id INTEGER PRIMARY KEY, body TEXT, n REAL, data BLOB)",
		"CREATE INDEX items_body ON items (body)",
		fmt.Sprintf(`WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < %d)
			INSERT INTO items SELECT i, '%s ' || i, i / 3.0, randomblob(900) FROM k`, n, text))
}

// makeDB runs the statements in the sqlite3 shell, which makes the file if it is not there. (Under the race detector
// it is much faster than our own SQLite.)
func makeDB(t testing.TB, path string, statements ...string) {
	t.Helper()
	cmd := exec.Command("sqlite3", "-batch", "-bail", path)
	cmd.Stdin = strings.NewReader(strings.Join(statements, ";\n") + ";\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func closing(t testing.TB, c *conn) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// ask reads one text from the file at path.
func ask(t testing.TB, path, query string) string {
	t.Helper()
	c, err := open(t.Context(), path, modeRead)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, c)
	var s string
	if err := c.one(t.Context(), query, nil, &s); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return s
}

func check(t testing.TB, f *File, image string) []app.TableHash {
	t.Helper()
	hashes, err := f.Check(t.Context(), image)
	if err != nil {
		t.Fatal(err)
	}
	return hashes
}

// wantCode fails unless err has the code and a sentence.
func wantCode(t testing.TB, err error, code app.Code) {
	t.Helper()
	if app.CodeOf(err) != code {
		t.Fatalf("got %q: %v, want %q", app.CodeOf(err), err, code)
	}
	if e := app.AsError("", err); e.Message == "" || e.Message[len(e.Message)-1] != '.' {
		t.Errorf("%q is no sentence", e.Message)
	}
}

func size(t testing.TB, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func nothing() error { return nil }

func quiet(int64, int64) {}
