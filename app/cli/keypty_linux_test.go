package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// TestRecoveryKeyOnATerminal: it is shown once and must come back before anything is saved; another machine asks for it, and
// does not show what is typed.
func TestRecoveryKeyOnATerminal(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+filepath.Join(t.TempDir(), "no-bus")) // so there is no keychain
	home, dir := filepath.Join(t.TempDir(), "home"), t.TempDir()
	db := apptest.MustOpenDB(t, dir)
	db.Write(5)
	copies := filepath.Join(dir, "copies")
	begin := func() (*pty, string) {
		t.Helper()
		p := onTerminal(t, 100, home, "setup", "--db", db.Path, "--target", copies, "--encrypt")
		p.await("Type or paste it from where you keep it now:")
		seen, _ := p.text()
		found := regexp.MustCompile(`AGE-SECRET-KEY-1[0-9A-Z]{58}`).FindAllString(seen, -1)
		if len(found) != 1 {
			t.Fatalf("the key was shown %d times", len(found))
		}
		return p, found[0]
	}
	setup, first := begin()
	for range keyTries {
		setup.press("AGE-SECRET-KEY-1WRONG\n")
	}
	if seen, status := setup.end(); status != 1 || strings.Count(seen, "That is not it.") != keyTries || !strings.Contains(seen, "nothing was changed") {
		t.Fatalf("a key that did not come back: %d, %q", status, seen)
	}
	setup, key := begin()
	if key == first {
		t.Error("the same key was shown twice")
	}
	setup.press("hm\n")
	setup.await("That is not it.")
	setup.press(strings.ToLower(key[:30]) + " " + key[30:] + "\n")
	if seen, status := setup.end(); status != 0 || !strings.Contains(seen, "Encrypted") {
		t.Fatalf("%d, %q", status, seen)
	}
	if seen, status := onTerminal(t, 100, home, "verify").end(); status != 0 || !strings.Contains(seen, "Proved") {
		t.Fatalf("%d, %q", status, seen)
	}

	second := filepath.Join(t.TempDir(), "second")
	other := onTerminal(t, 100, second, "setup", "--db", filepath.Join(dir, "other.db"), "--target", copies)
	other.await("Their recovery key:")
	other.press(key + "\n")
	seen, status := other.end()
	if status != 0 || !strings.Contains(seen, "are encrypted") || strings.Contains(seen, "AGE-SECRET") {
		t.Fatalf("%d, shown: %v", status, strings.Contains(seen, "AGE-SECRET"))
	}
	if err := os.RemoveAll(filepath.Join(second, "keys")); err != nil {
		t.Fatal(err)
	}
	lost := onTerminal(t, 100, second, "restore", "--to", filepath.Join(dir, "restored.db"))
	lost.await("Their recovery key:")
	lost.press(key + "\n")
	if seen, status = lost.end(); status != 0 || !strings.Contains(seen, "integrity ok") || strings.Contains(seen, "AGE-SECRET") {
		t.Fatalf("%d, shown: %v", status, strings.Contains(seen, "AGE-SECRET"))
	}
	interrupted := onTerminal(t, 100, filepath.Join(t.TempDir(), "third"), "setup", "--db", filepath.Join(dir, "third.db"), "--target", copies)
	interrupted.await("Their recovery key:")
	interrupted.press("\x03")
	if seen, status := interrupted.end(); status != 1 || !strings.Contains(seen, "Nothing was changed.") && !strings.Contains(seen, "nothing was changed.") {
		t.Errorf("%d, %q", status, seen)
	}
}
