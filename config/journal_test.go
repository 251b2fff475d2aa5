package config

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

func TestJournalSurvivesATornLine(t *testing.T) {
	f := JournalFile{Path: filepath.Join(t.TempDir(), JournalName)}
	first := app.Event{At: time.Unix(1, 0).UTC(), Kind: app.EventProof, Text: "Proved"}
	second := app.Event{At: time.Unix(2, 0).UTC(), Kind: app.EventCopy, Text: "2 changes went up", Count: 2}
	if err := f.Append(first); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(f.Path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.Path, append(raw, []byte(`{"at":"2026-`)...), 0o600); err != nil { // the power went
		t.Fatal(err)
	}
	if err := f.Append(second); err != nil {
		t.Fatal(err)
	}
	got, err := f.Load()
	if err != nil || len(got) != 2 || got[0] != first || got[1] != second {
		t.Errorf("got %+v, %v", got, err)
	}
	if info, err := os.Stat(f.Path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestJournalWithoutAFileIsEmpty(t *testing.T) {
	got, err := JournalFile{Path: filepath.Join(t.TempDir(), JournalName)}.Load()
	if err != nil || got != nil {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestJournalReplaced(t *testing.T) {
	f := JournalFile{Path: filepath.Join(t.TempDir(), JournalName)}
	kept := app.Event{At: time.Unix(3, 0).UTC(), Kind: app.EventSetting, Text: "Paused"}
	for _, step := range []error{f.Append(app.Event{Kind: app.EventCopy, Text: "old"}), f.Replace([]app.Event{kept})} {
		if step != nil {
			t.Fatal(step)
		}
	}
	got, err := f.Load()
	if err != nil || len(got) != 1 || got[0] != kept {
		t.Errorf("got %+v, %v", got, err)
	}
}
