package scenes_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/frontend/scenes"
)

var update = flag.Bool("update", false, "write the goldens that the page's tests read")

const folder = "../testdata/status"

// TestStatusGoldens holds the files that the page's own tests read against real values.
func TestStatusGoldens(t *testing.T) {
	left := map[string]bool{}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		left[e.Name()] = true
	}
	for _, s := range scenes.All() {
		golden(t, s.Name, s.Status)
		delete(left, s.Name+".json")
	}
	for name := range left {
		t.Errorf("%s is of no scene", name)
	}
}

func golden(t *testing.T, name string, st app.Status) {
	t.Helper()
	var want bytes.Buffer
	enc := json.NewEncoder(&want)
	enc.SetIndent("", "  ")
	if err := enc.Encode(st); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, name+".json")
	if *update {
		if err := os.WriteFile(path, want.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(have, want.Bytes()) {
		t.Errorf("%s differs (%v): run go test ./frontend/scenes -update", path, err)
	}
}

// TestEveryStateHasAScene keeps a new state from being forgotten.
func TestEveryStateHasAScene(t *testing.T) {
	shown := map[app.State]bool{}
	for _, s := range scenes.All() {
		shown[s.Status.State] = true
		if again, ok := scenes.Find(s.Name); !ok || again.Status.State != s.Status.State {
			t.Errorf("%s is there twice", s.Name)
		}
	}
	for _, state := range []app.State{
		app.StateNew, app.StateOff, app.StateSignedOut, app.StateCloud, app.StateStandalone, app.StatePaused, app.StateRestoring, app.StateError,
	} {
		if !shown[state] {
			t.Errorf("no scene shows %s", state)
		}
	}
}

func TestTimelinesAreNewestFirst(t *testing.T) {
	s, _ := scenes.Find("protected")
	line := s.Timeline(scenes.Machine)
	if len(line.Points) < 1000 {
		t.Fatalf("%d points", len(line.Points))
	}
	for i, p := range line.Points[1:] {
		if !p.Time.Before(line.Points[i].Time) || p.ID >= line.Points[i].ID {
			t.Fatalf("point %d is not older than the one before it", i+1)
		}
	}
}
