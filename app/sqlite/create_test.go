package sqlite

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

func TestCreateMakesAContextMemory(t *testing.T) {
	f := newFile(t)
	for range 2 { // the second time does nothing
		if err := f.Create(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	info, err := f.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !info.ContextMemory || info.SchemaVersion != len(migrations) || info.JournalMode != "wal" || info.Bytes == 0 || info.PageSize == 0 {
		t.Errorf("got %+v", info)
	}
	for _, table := range schema.Tables() {
		if n, ok := info.Rows[table.Name]; !ok || n != 0 {
			t.Errorf("%s: %d rows, %v", table.Name, n, ok)
		}
	}
	if len(info.Rows) != len(schema.Tables()) {
		t.Errorf("got %v", info.Rows)
	}
}

// Any SQLite that people have can write the file, and makes the ids itself.
func TestOtherProgramsWriteAContextMemory(t *testing.T) {
	f := newFile(t)
	if err := f.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	peers(t, func(t *testing.T, start func(testing.TB, string) *peer) {
		p := start(t, f.path)
		for _, table := range schema.Tables() {
			id := p.exec("INSERT INTO %s (user_id) VALUES ('u') RETURNING id", table.Name)
			if len(id) != 1 || len(id[0]) != 36 || id[0][14] != '7' {
				t.Errorf("%s: id %q", table.Name, id)
			}
		}
		p.exec("PRAGMA trusted_schema = OFF")
		p.exec("INSERT INTO messages (content) VALUES ('a')")
	})
	check(t, f, "")
}

func TestCreateBringsAnOlderFileUpToDate(t *testing.T) {
	f := newFile(t)
	makeFirstVersion(t, f.path)
	if err := f.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, f.path, "SELECT content FROM messages WHERE id = 'm1'"); got != "kept" {
		t.Errorf("got %q", got)
	}
	wantSchema(t, f.path)
}

// makeFirstVersion makes a context memory of the first schema with one message, "kept".
func makeFirstVersion(t *testing.T, path string) {
	makeDB(t, path, append(slices.Clone(migrations[0]), fmt.Sprintf("PRAGMA application_id = %d", applicationID),
		"PRAGMA user_version = 1", "INSERT INTO messages (id, content) VALUES ('m1', 'kept')")...)
}

// wantSchema fails unless the file has the schema that a new one has.
func wantSchema(t *testing.T, path string) {
	t.Helper()
	fresh := newFile(t)
	if err := fresh.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantSchemaOf(t, path, fresh.path)
}

func wantSchemaOf(t *testing.T, path, model string) {
	t.Helper()
	const all = "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema ORDER BY type, name)"
	if got, want := ask(t, path, all), ask(t, model, all); got != want {
		t.Errorf("got the schema\n%s\nwant\n%s", got, want)
	}
	if got, want := ask(t, path, "PRAGMA user_version"), strconv.Itoa(len(migrations)); got != want {
		t.Errorf("user_version is %s, want %s", got, want)
	}
}

func TestCreateRefusesWhatItDoesNotKnow(t *testing.T) {
	for name, statements := range map[string][]string{
		"foreign tables":   {"CREATE TABLE notes (a)", "INSERT INTO notes VALUES (1)"},
		"foreign id":       {"PRAGMA application_id = 7", "CREATE TABLE a (b)", "DROP TABLE a"},
		"same-named table": {"CREATE TABLE messages (a)"},
		"newer": append(slices.Clone(migrations[0]), fmt.Sprintf("PRAGMA application_id = %d", applicationID),
			fmt.Sprintf("PRAGMA user_version = %d", len(migrations)+1)),
	} {
		t.Run(name, func(t *testing.T) {
			f := newFile(t)
			makeDB(t, f.path, statements...)
			before := string(read(t, f.path))
			wantCode(t, f.Create(t.Context()), app.CodeRefused)
			if string(read(t, f.path)) != before {
				t.Error("the file changed")
			}
		})
	}
}

func TestCreateNeedsTheFolder(t *testing.T) {
	f := fileAt(t, filepath.Join(t.TempDir(), "missing", "context.db"))
	wantCode(t, f.Create(t.Context()), app.CodeNotFound)
}

// Somebody else makes the file while it is looked at.
func TestCreateWhileSomebodyElseDoes(t *testing.T) {
	f := newFile(t)
	other := fileAt(t, f.path)
	done := make(chan error, 1)
	once := sync.Once{}
	f.step = func(what string) {
		if what != "identity" {
			return
		}
		once.Do(func() {
			go func() { done <- other.Create(t.Context()) }()
			select { // it may have to wait for this look to end
			case err := <-done:
				done <- err
			case <-time.After(100 * time.Millisecond):
			}
		})
	}
	if err := errors.Join(f.Create(t.Context()), <-done); err != nil {
		t.Error(err)
	}
}

// Processes that create at the same time all end with the whole schema. Ten times: now and then they meet at the change
// to the write-ahead log.
func TestCreateTwiceAtOnce(t *testing.T) {
	for range 10 {
		createTwiceAtOnce(t)
	}
}

func createTwiceAtOnce(t *testing.T) {
	t.Helper()
	f := newFile(t)
	other := fileAt(t, f.path)
	errs := make(chan error, 2)
	for _, f := range []*File{f, other} {
		go func() { errs <- f.Create(t.Context()) }()
	}
	for range 2 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	wantSchema(t, f.path)
}
