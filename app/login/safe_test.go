package login_test

import (
	"bytes"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/login"
)

// TestSafeWithoutAKeychain keeps secrets apart in files of this user, and in none of them in the clear.
func TestSafeWithoutAKeychain(t *testing.T) {
	home := t.TempDir()
	safe := safeOf(home, "m1", true)
	if _, err := safe.Get("one"); app.CodeOf(err) != app.CodeNotFound {
		t.Errorf("before: %v", err)
	}
	for name, text := range map[string]string{"one": "first-secret", "two": "second-secret"} {
		if note, err := safe.Keep(name, text); err != nil || !strings.Contains(note, "file") {
			t.Errorf("%s: %q, %v", name, note, err)
		}
	}
	if got, err := safe.Get("one"); err != nil || got != "first-secret" {
		t.Errorf("one: %v", err)
	}
	eachFile(t, home, func(path string, content []byte, mode fs.FileMode) {
		if bytes.Contains(content, []byte("secret")) || mode.Perm()&0o077 != 0 {
			t.Errorf("%s: %v, or in the clear", path, mode)
		}
	})
	other := safeOf(home, "m2", true)
	if _, err := other.Get("one"); app.CodeOf(err) != app.CodeNotFound {
		t.Errorf("for another machine: %v", err)
	}
	if err := os.Rename(filepath.Join(home, "keys", "two"), filepath.Join(home, "keys", "three")); err != nil {
		t.Fatal(err)
	}
	if _, err := safe.Get("three"); app.CodeOf(err) != app.CodeNotFound {
		t.Errorf("under another name: %v", err)
	}
	for range 2 {
		if err := safe.Forget("one"); err != nil {
			t.Error(err)
		}
	}
	if _, err := safe.Get("one"); app.CodeOf(err) != app.CodeNotFound {
		t.Errorf("afterwards: %v", err)
	}
}

func safeOf(home, machine string, noKeychain bool) *login.Safe {
	return login.NewSafe(login.Config{Home: home, Machine: machine, NoKeychain: noKeychain, Logger: slog.New(slog.DiscardHandler)})
}

func eachFile(t *testing.T, dir string, look func(path string, content []byte, mode fs.FileMode)) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		look(path, content, fi.Mode())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
