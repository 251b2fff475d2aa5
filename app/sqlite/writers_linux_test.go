package sqlite

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
)

func TestOtherWritersAreNamed(t *testing.T) {
	f := adopted(t, 5)
	peers(t, func(t *testing.T, start func(testing.TB, string) *peer) {
		p := start(t, f.path)
		p.exec("SELECT * FROM items")
		version := p.exec("SELECT sqlite_version()")[0]
		writers, err := OtherWriters(f.path)
		if err != nil || len(writers) != 1 {
			t.Fatalf("got %v, %v", writers, err)
		}
		w := writers[0]
		if w.PID != p.cmd.Process.Pid || w.SQLite != version || w.Name == "" {
			t.Errorf("got %+v, want process %d with %s", w, p.cmd.Process.Pid, version)
		}
		found := f.Surroundings(t.Context())
		i := slices.IndexFunc(found, func(f app.Finding) bool { return f.Check == "writers" })
		if i < 0 || !strings.Contains(found[i].Detail, version) || (found[i].Level == app.LevelBad) != w.Harmful() {
			t.Errorf("got %+v", found)
		}
		p.stop()
	})
}

// The version may lie on either side of the border between two reads.
func TestVersionIsFoundAcrossReads(t *testing.T) {
	const id = "2022-12-28 14:03:47 df5c253c0b3dd24916e4ec7cf77d3db5294cc9fd45ae7b9c5e82ad8197f3alt1"
	for _, at := range []int{0, 500, window + overlap - 100, window - 3, window, window + overlap - 3, 3*window + 17} {
		path := filepath.Join(t.TempDir(), "program")
		write(t, path, []byte(strings.Repeat("x", at)+"\x003.40.1\x00"+id+"\x00"+strings.Repeat("y", 200)+"\x003.9.9\x00"))
		if got := versionIn(path); got != "3.40.1" {
			t.Errorf("at %d: %q", at, got)
		}
	}
	path := filepath.Join(t.TempDir(), "other")
	write(t, path, []byte("\x003.40.1\x00 without the id"))
	if got := versionIn(path); got != "" {
		t.Errorf("took %q for SQLite's version", got)
	}
}
