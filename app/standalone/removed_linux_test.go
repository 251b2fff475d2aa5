package standalone

import (
	"os"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
)

// A log that somebody removed under open programs splits them in two. The session must say so, and must not write the
// old log into the file by closing it.
func TestRemovedLogEndsTheSession(t *testing.T) {
	s, other := openedSession(t)
	if err := s.lookAtFile(); err != nil {
		t.Fatal(err)
	}
	path := s.k.cfg.File.Path()
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil {
			t.Fatal(err)
		}
	}
	err := s.lookAtFile()
	if e := mustCode(t, err, app.CodeDamaged); e.Hint == "" || !strings.Contains(e.Message, path) {
		t.Errorf("%q, %q", e.Message, e.Hint)
	}
	s.abandon()
	if !ownFiles()[path] {
		t.Error("the file was closed, which writes the old log into it")
	}
	if _, err := newSession(t.Context(), s.k, ""); app.CodeOf(err) != app.CodeDamaged {
		t.Errorf("a new session of this process: %v", err)
	}
	_ = other // stays open, as the other program does
}

// A file that was removed with its log is another matter: its successor is replicated.
func TestRemovedFileIsNoRemovedLog(t *testing.T) {
	s, _ := openedSession(t)
	path := s.k.cfg.File.Path()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil {
			t.Fatal(err)
		}
	}
	if logRemoved(path) {
		t.Error("the file is gone too")
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if logRemoved(path) {
		t.Error("there is another file now")
	}
	s.abandon()
	if s.db.SQLDB() != nil {
		t.Error("the old file was left open")
	}
}

// While a session steps aside, the last program that closes the file removes its log in good order. That is not the
// removal that ends a session.
func TestLogThatWasClosedWhileSteppedAsideIsNotRemoved(t *testing.T) {
	s, other := openedSession(t)
	if _, err := s.k.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	path := s.k.cfg.File.Path()
	s.closeQuietly()
	if out, err := inShell(path, "INSERT INTO notes(body) VALUES ('second')", "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := s.comeBack(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.lookAtFile(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.k.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := restoredNotes(t, s); got != 2 {
		t.Errorf("%d rows at the target, want 2", got)
	}
	s.abandon()
}
