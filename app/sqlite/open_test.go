package sqlite

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
)

func TestNewRefusesAnOldLibrary(t *testing.T) {
	for number, ok := range map[int]bool{3_051_002: false, 3_050_007: false, 3_051_003: true, 3_054_001: true} {
		if err := checkFloor(number); (err == nil) != ok {
			t.Errorf("%d: %v", number, err)
		} else if !ok {
			wantCode(t, err, app.CodeFailed)
		}
	}
	if got, want := LibraryVersion(), ask(t, newMemory(t), "SELECT sqlite_version()"); got != want {
		t.Errorf("LibraryVersion is %s, SQLite says %s", got, want)
	}
}

func newMemory(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "x.db")
	makeDB(t, path, "CREATE TABLE x (a)")
	return path
}

func TestNewWantsAnAbsolutePath(t *testing.T) {
	_, err := New(Config{Path: "context.db"})
	wantCode(t, err, app.CodeInvalid)
}

func TestExists(t *testing.T) {
	f := newFile(t)
	if there, err := f.Exists(); there || err != nil {
		t.Errorf("missing: %v, %v", there, err)
	}
	write(t, f.path, nil)
	if there, err := f.Exists(); !there || err != nil {
		t.Errorf("present: %v, %v", there, err)
	}
	_, err := fileAt(t, filepath.Dir(f.path)).Exists()
	wantCode(t, err, app.CodeInvalid)
}

// A path is data: no character of it may be read as part of an address.
func TestAnyPathWorks(t *testing.T) {
	for _, name := range []string{"a b.db", "a?mode=ro.db", "a#b.db", "a%20b.db", "ü€.db", "a&b;c.db", "'q\".db"} {
		f := fileAt(t, filepath.Join(t.TempDir(), name))
		if err := f.Create(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		check(t, f, "")
		entries, err := os.ReadDir(filepath.Dir(f.path))
		if err != nil || len(entries) == 0 || entries[0].Name() != name {
			t.Errorf("%s: made %v, %v", name, entries, err)
		}
	}
}

func TestMissingFileIsSaid(t *testing.T) {
	f := newFile(t)
	_, err := f.Inspect(t.Context())
	wantCode(t, err, app.CodeNotFound)
	_, err = f.Check(t.Context(), "")
	wantCode(t, err, app.CodeNotFound)
	_, err = f.Freeze(t.Context(), nothing)
	wantCode(t, err, app.CodeNotFound)
	_, err = f.Check(t.Context(), f.path+".image")
	wantCode(t, err, app.CodeNotFound)
	if there, err := f.Exists(); there || err != nil {
		t.Errorf("looking made a file: %v, %v", there, err)
	}
}
