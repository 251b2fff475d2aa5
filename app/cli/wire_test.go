package cli

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/agent"
	"github.com/coditect-ai/coditect-sync/app/sqlite"
)

func newOpener() *fileOpener {
	return &fileOpener{log: slog.New(slog.DiscardHandler), open: map[string]*sqlite.File{}}
}

// TestOneFileForAPath: two Files of one path would not know of each other's connections.
func TestOneFileForAPath(t *testing.T) {
	o := newOpener()
	path := filepath.Join(t.TempDir(), "a.db")
	first, err := o.file(path)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := o.file(path); err != nil || again != first {
		t.Errorf("%v is not %v, %v", again, first, err)
	}
	if other, err := o.file("relative.db"); err == nil || other != nil {
		t.Errorf("%v, %v", other, err)
	}
}

// TestKeeperOfNoFile: what cannot be opened ends the engine with its reason.
func TestKeeperOfNoFile(t *testing.T) {
	dir := t.TempDir()
	s, err := openStorage(newOpener(), keySafe{}, googleDoor{}, slog.New(slog.DiscardHandler))(t.Context(), app.Prefs{Target: "file://" + filepath.ToSlash(dir)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	k := s.Keeper(agent.KeeperSpec{File: elsewhere{}})
	if err := k.Run(t.Context(), nil); app.CodeOf(err) != app.CodeInvalid {
		t.Errorf("run: %v", err)
	}
	for what, call := range map[string]func() error{
		"flush": func() error { _, err := k.Flush(t.Context()); return err },
		"mark":  func() error { _, err := k.Mark(t.Context()); return err },
		"drill": func() error { _, err := k.Drill(t.Context()); return err },
	} {
		if err := call(); app.CodeOf(err) != app.CodeInvalid {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// elsewhere is a file whose path says nothing.
type elsewhere struct{ agent.File }

func (elsewhere) Path() string { return "relative.db" }

func TestHomeInAPath(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	if got, err := targetURL("~/copies"); err != nil || got != "file://"+filepath.ToSlash(home)+"/copies" {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := absoluteOrEmpty("~mira/x"); err != nil || filepath.Base(filepath.Dir(got)) != "~mira" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestLastWords: of what an agent wrote when it ended, the sentence counts and not its log.
func TestLastWords(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agent.log")
	old := "An older sentence.\n"
	if err := os.WriteFile(path, []byte(old+"{\"level\":\"INFO\"}\nThe socket cannot be made.\nA hint.\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for from, want := range map[int64]string{
		int64(len(old)): "The socket cannot be made.", 0: "An older sentence.", 1 << 20: "it does not say why.",
	} {
		if got := lastWords(path, from); got != want {
			t.Errorf("from %d: %q", from, got)
		}
	}
}
