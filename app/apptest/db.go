package apptest

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// DB is a SQLite file that another program owns: every call starts the sqlite3 shell (or Python's sqlite3 where there
// is no shell), which opens the file, works and closes it. It waits up to 30 s for a lock.
type DB struct {
	Path string
	t    testing.TB
}

// MustOpenDB makes dir/memory.db in WAL mode with a table "items" (id, body, n), empty.
func MustOpenDB(t testing.TB, dir string) *DB {
	t.Helper()
	db := OpenDB(t, filepath.Join(dir, "memory.db"))
	db.Exec(`PRAGMA journal_mode=WAL; CREATE TABLE items(id INTEGER PRIMARY KEY, body TEXT NOT NULL, n REAL);`)
	return db
}

// OpenDB is an existing file, or one that the first Exec makes.
func OpenDB(t testing.TB, path string) *DB { return &DB{Path: path, t: t} }

// Write commits rows new rows to items in one transaction.
func (d *DB) Write(rows int) {
	d.t.Helper()
	d.Exec(fmt.Sprintf(`WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM k WHERE i<%d)
		INSERT INTO items(body, n) SELECT hex(randomblob(32)), i/3.0 FROM k;`, rows))
}

// Rows counts items.
func (d *DB) Rows() int64 { return d.Int(`SELECT count(*) FROM items;`) }

// Int runs a query with one number as its answer.
func (d *DB) Int(sql string) int64 {
	d.t.Helper()
	text := d.Exec(sql)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		d.t.Fatalf("%s: %q is not a number", sql, text)
	}
	return n
}

// Exec runs statements and returns their rows, one a line, columns separated by "|".
func (d *DB) Exec(sql string) string {
	d.t.Helper()
	out, err := d.TryExec(sql)
	if err != nil {
		d.t.Fatal(err)
	}
	return out
}

// TryExec is Exec for statements that may fail.
func (d *DB) TryExec(sql string) (string, error) {
	cmd := shell(d.Path)
	cmd.Stdin = strings.NewReader(sql)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", d.Path, err, errs.String())
	}
	if errs.Len() > 0 {
		return "", fmt.Errorf("%s: %s", d.Path, errs.String())
	}
	return strings.TrimSpace(out.String()), nil
}

// python reads statements from stdin as the shell does.
const python = `import sqlite3, sys
c = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
text = ""
for piece in sys.stdin.read().split(";"):
    text += piece + ";"
    if sqlite3.complete_statement(text):
        for row in c.execute(text):
            print("|".join("" if v is None else str(v) for v in row))
        text = ""
`

func shell(path string) *exec.Cmd {
	if name, err := exec.LookPath("sqlite3"); err == nil {
		return exec.Command(name, "-batch", "-bail", "-cmd", ".timeout 30000", path)
	}
	return exec.Command("python3", "-c", python, path)
}
