package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

func prefsFile(t *testing.T) PrefsFile {
	t.Helper()
	return PrefsFile{Path: filepath.Join(t.TempDir(), "home", "prefs.json")}
}

func TestPrefsBothWays(t *testing.T) {
	f := prefsFile(t)
	want := app.Prefs{
		Mode: app.ModeStandalone, PausedUntil: app.UntilResumed, DB: "/m/context.db",
		Target: "gs://bucket/pre", User: "mira", Credentials: "/m/key.json",
	}
	if err := f.Save(want); err != nil {
		t.Fatal(err)
	}
	got, damaged, err := f.Load()
	if err != nil || damaged != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, %v", got, damaged, err)
	}
	info, err := os.Stat(f.Path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestPrefsOfAFreshHome(t *testing.T) {
	got, damaged, err := prefsFile(t).Load()
	if err != nil || damaged != nil || !reflect.DeepEqual(got, app.Prefs{}) {
		t.Errorf("got %+v, %v, %v", got, damaged, err)
	}
}

func TestDamagedPrefsAreKept(t *testing.T) {
	whole := `{"kind":"coditect-sync preferences","version":1,"data":{"mode":"off"}}`
	for name, content := range map[string]string{
		"empty":            "",
		"torn":             whole[:len(whole)/2],
		"zeros":            strings.Repeat("\x00", 64),
		"trailing":         whole + whole,
		"another kind":     `{"kind":"coditect-sync records","version":1,"data":{}}`,
		"foreign object":   `{"compilerOptions":{}}`,
		"foreign array":    `[1,2]`,
		"no version":       `{"kind":"coditect-sync preferences","data":{}}`,
		"a wrong mode":     `{"kind":"coditect-sync preferences","version":1,"data":{"mode":"fast"}}`,
		"a relative file":  `{"kind":"coditect-sync preferences","version":1,"data":{"db":"context.db"}}`,
		"a wrong type":     `{"kind":"coditect-sync preferences","version":1,"data":{"mode":7}}`,
		"a wrong time":     `{"kind":"coditect-sync preferences","version":1,"data":{"paused_until":"soon"}}`,
		"a key in another": `{"kind":"coditect-sync preferences","version":1,"data":{"target":"gs://b","more":[{"target":"s3://b?secret-access-key=c"}]}}`,
		"a key in it":      `{"kind":"coditect-sync preferences","version":1,"data":{"target":"s3://b?secret-access-key=c"}}`,
		"a password in it": `{"kind":"coditect-sync preferences","version":1,"data":{"target":"gs://a:b@c"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			f := prefsFile(t)
			write(t, f.Path, content)
			got, damaged, err := f.Load()
			if err != nil || !reflect.DeepEqual(got, app.Prefs{}) {
				t.Fatalf("got %+v, %v", got, err)
			}
			if damaged == nil || damaged.Code != app.CodeDamaged || damaged.Hint == "" {
				t.Fatalf("damaged is %+v", damaged)
			}
			kept, err := filepath.Glob(f.Path + ".damaged-*")
			if err != nil || len(kept) != 1 || !strings.Contains(damaged.Message, filepath.Base(kept[0])) {
				t.Fatalf("kept %v, %v; said %q", kept, err, damaged.Message)
			}
			if raw, err := os.ReadFile(kept[0]); err != nil || string(raw) != content {
				t.Errorf("kept %q, %v", raw, err)
			}
			if _, damaged, err := f.Load(); damaged != nil || err != nil {
				t.Errorf("the second load says %v, %v", damaged, err)
			}
		})
	}
}

func TestPrefsOfANewerVersionAreLeft(t *testing.T) {
	f := prefsFile(t)
	const content = `{"kind":"coditect-sync preferences","version":2,"data":{"mode":"off"}}`
	write(t, f.Path, content)
	if _, _, err := f.Load(); app.CodeOf(err) != app.CodeRefused {
		t.Errorf("got %v", err)
	}
	if raw, err := os.ReadFile(f.Path); err != nil || string(raw) != content {
		t.Errorf("the file is now %q, %v", raw, err)
	}
}

func TestPrefsWithAPasswordAreNotSaved(t *testing.T) {
	f := prefsFile(t)
	if err := f.Save(app.Prefs{Target: "sftp://mira:hunter2@nas/copies"}); app.CodeOf(err) != app.CodeInvalid || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a password for sftp: %v", err)
	}
	err := f.Save(app.Prefs{Target: "gs://mira:hunter2@bucket"})
	if app.CodeOf(err) != app.CodeInvalid || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(f.Path); !os.IsNotExist(err) {
		t.Errorf("the file is there: %v", err)
	}
	if err := f.Save(app.Prefs{Target: "sftp://mira@nas/copies"}); err != nil {
		t.Errorf("who logs in to a server is no secret: %v", err)
	}
}

func TestAFailedSaveLeavesTheOldFile(t *testing.T) {
	f := prefsFile(t)
	want := app.Prefs{Mode: app.ModeOff}
	if err := f.Save(want); err != nil {
		t.Fatal(err)
	}
	// A value that JSON cannot hold: a year beyond 9999.
	if err := f.Save(app.Prefs{PausedUntil: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}); err == nil {
		t.Fatal("saved a time that JSON cannot hold")
	}
	if got, _, err := f.Load(); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	noLitter(t, f.Path)
}

func TestSaveOverADirectory(t *testing.T) {
	f := prefsFile(t)
	if err := os.MkdirAll(filepath.Join(f.Path, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := f.Save(app.Prefs{}); app.CodeOf(err) != app.CodeFailed || !strings.Contains(err.Error(), f.Path) {
		t.Errorf("save: %v", err)
	}
	if _, _, err := f.Load(); app.CodeOf(err) != app.CodeFailed {
		t.Errorf("load: %v", err)
	}
	noLitter(t, f.Path)
}

func TestRecordsBothWays(t *testing.T) {
	f := RecordsFile{Path: filepath.Join(t.TempDir(), "records.json")}
	at := time.Date(2026, 11, 20, 14, 2, 5, 123456789, time.UTC)
	point := app.RestorePoint{ID: "00000000000000ff", Time: at, Size: 9, Kind: app.PointFull, Pinned: at}
	want := Records{
		Undo: &app.UndoPoint{Point: point, RestoredTo: at, RestoredAt: at, Until: at},
		Pins: []app.RestorePoint{point},
	}
	known := TargetRecord{
		LastDrill:   &app.Drill{At: at, OK: true, TXID: point.ID, Rows: 3, Tables: []app.TableHash{{Table: "messages", Rows: 3, Sum: "00ff"}}},
		FirstCopyAt: at, ReplicatedTXID: point.ID, LastReplicatedAt: at,
	}
	want.Set("file:///first", "file:///first", known)
	known.ReplicatedTXID = "00000000000000fe"
	want.Set("gs://second", "file:///first", known)
	if got := want.Of("gs://second", "file:///first"); !reflect.DeepEqual(got, known) || want.ReplicatedTXID != point.ID {
		t.Errorf("of the second %+v is known, of the first %+v", got, want.TargetRecord)
	}
	if err := f.Save(want); err != nil {
		t.Fatal(err)
	}
	got, damaged, err := f.Load()
	if err != nil || damaged != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, %v", got, damaged, err)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// noLitter fails where anything lies beside path.
func noLitter(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("beside %s: %v, %v", path, entries, err)
	}
}
