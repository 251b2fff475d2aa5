package sqlite

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
)

func findings(t *testing.T, f *File) map[string]app.Finding {
	t.Helper()
	byCheck := map[string]app.Finding{}
	for _, found := range f.Surroundings(t.Context()) {
		if found.Detail == "" || found.Level != app.LevelOK && found.Hint == "" {
			t.Errorf("%+v says too little", found)
		}
		byCheck[found.Check] = found
	}
	return byCheck
}

func TestSurroundingsOfAFileInOrder(t *testing.T) {
	f := adopted(t, 5)
	got := findings(t, f)
	for _, check := range []string{"folder", "journal", "log"} {
		if got[check].Level != app.LevelOK {
			t.Errorf("%s: %+v", check, got[check])
		}
	}
	for _, check := range []string{"volume", "disk"} { // as this machine has it
		if _, ok := got[check]; !ok {
			t.Errorf("no %s", check)
		}
	}
	if _, ok := got["writers"]; ok {
		t.Errorf("found a writer: %+v", got["writers"])
	}
}

func TestSurroundingsWarn(t *testing.T) {
	t.Run("folder", func(t *testing.T) {
		for _, folder := range []string{"Dropbox (Personal)", "OneDrive - Firm", "iCloudDrive", "Mobile Documents", "Google Drive"} {
			f := fileAt(t, filepath.Join(t.TempDir(), folder, "deep", "context.db"))
			if got := folderFinding(f.path); got.Level != app.LevelWarn {
				t.Errorf("%s: %+v", folder, got)
			}
		}
	})
	t.Run("mark of syncthing", func(t *testing.T) {
		f := newFile(t)
		if err := os.Mkdir(filepath.Join(filepath.Dir(f.path), ".stfolder"), 0o700); err != nil {
			t.Fatal(err)
		}
		if got := folderFinding(f.path); got.Level != app.LevelWarn || !strings.Contains(got.Detail, "Syncthing") {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("symbolic link into one", func(t *testing.T) {
		folder := t.TempDir()
		real := filepath.Join(folder, "Dropbox", "context.db")
		if err := os.Mkdir(filepath.Dir(real), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, real, nil)
		link := filepath.Join(folder, "context.db")
		if err := os.Symlink(real, link); err != nil {
			t.Fatal(err)
		}
		if got := folderFinding(link); got.Level != app.LevelWarn {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("journal mode", func(t *testing.T) {
		f := adopted(t, 5)
		makeDB(t, f.path, "PRAGMA journal_mode = DELETE")
		if got := findings(t, f)["journal"]; got.Level != app.LevelWarn {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("missing", func(t *testing.T) {
		if got := findings(t, newFile(t))["journal"]; got.Level != app.LevelBad {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("large log", func(t *testing.T) {
		f := adopted(t, 5)
		write(t, f.path+"-wal", nil)
		if err := os.Truncate(f.path+"-wal", logLarge+1); err != nil {
			t.Fatal(err)
		}
		if got := logFinding(f.path); got.Level != app.LevelWarn {
			t.Errorf("got %+v", got)
		}
	})
}

func TestHarmfulVersions(t *testing.T) {
	for version, harmful := range map[string]bool{
		"3.40.1": true, "3.46.0": true, "3.51.2": true, "3.51.3": false, "3.52.1": false, "3.50.6": true, "3.50.7": false,
		"3.44.5": true, "3.44.6": false, "3.49.9": true, "4.0.0": false, "": false, "unknown": false,
	} {
		if got := (Writer{SQLite: version}).Harmful(); got != harmful {
			t.Errorf("%q: %v", version, got)
		}
	}
}
