//go:build unix

package sqlite_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/coditect-ai/coditect-sync/app/sqlite"
)

// TestCreatedFileIsPrivate: whoever shares the machine must not read the memory.
func TestCreatedFileIsPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "context.db")
	f, err := sqlite.New(sqlite.Config{Path: path, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	fi, err := os.Stat(path)
	if err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", fi.Mode(), err)
	}
}
