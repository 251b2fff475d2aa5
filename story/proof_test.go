package story_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
)

// protected is a machine whose memory is copied into a folder and proved.
func protected(t *testing.T) (m *machine, db, copies string) {
	t.Helper()
	db, _ = memory(t)
	copies = filepath.Join(t.TempDir(), "copies")
	m = newMachine(t)
	m.do("setup", "--db", db, "--target", fileURL(copies), "--user", "mira")
	m.start()
	m.healthy()
	return m, db, copies
}

// TestFlippedByteTurnsItRed damages the newest object at the target.
func TestFlippedByteTurnsItRed(t *testing.T) {
	m, db, copies := protected(t)
	shell(t, db, "INSERT INTO notes(body) VALUES (hex(randomblob(5000)))")
	m.eventually("the change at the target", func() bool { s := m.status().Standalone; return s.WaitingSince.IsZero() && s.TXID != s.LastDrill.TXID })
	newest := m.points()[0]
	objects, err := filepath.Glob(filepath.Join(copies, "standalone", "mira", "*", "ltx", "0", "*-"+newest.ID+".ltx"))
	if err != nil || len(objects) != 1 {
		t.Fatalf("the newest object: %v, %v", objects, err)
	}
	b, err := os.ReadFile(objects[0])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 0x40
	if err := os.WriteFile(objects[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	m.wantRed(newest.ID)
	// The cure is a new full copy, and green comes back only with a proof.
	m.do("verify")
	if s := m.status(); !s.Healthy {
		t.Errorf("after the new copy was proved: %s", s.Summary)
	}
}

// TestRowChangedBehindOurBackTurnsItRed changes a row in the file itself, past SQLite and its write-ahead log.
func TestRowChangedBehindOurBackTurnsItRed(t *testing.T) {
	m, db, _ := protected(t)
	const before, after = "a decision that nobody may change behind our back", "a decision that somebody DID change behind our bac"
	shell(t, db, "INSERT INTO notes(id, body) VALUES (4711, '"+before+"'); PRAGMA wal_checkpoint(PASSIVE)")
	m.eventually("the row in the replica", func() bool { return m.status().Standalone.WaitingSince.IsZero() })
	m.do("verify")
	m.quit()
	shell(t, db, "PRAGMA wal_checkpoint(TRUNCATE)")
	m.start()
	m.do("verify")
	patch(t, db, before, after)
	m.wantRed("notes")
}

// patch overwrites bytes of the file in place, from outside every process that has it open.
func patch(t *testing.T, path, before, after string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(b, []byte(before))
	if at < 0 || bytes.Contains(b[at+1:], []byte(before)) {
		t.Fatal("the row is not in the file exactly once")
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteAt([]byte(after)[:len(before)], int64(at))
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// wantRed asks for a proof, which must fail and name the culprit.
func (m *machine) wantRed(culprit string) {
	m.t.Helper()
	out, errs, code := m.try("verify")
	if code != 1 || !strings.Contains(out+errs, culprit) {
		m.t.Errorf("verify: exit %d, want 1 and %q named:\n%s%s", code, culprit, out, errs)
	}
	s := m.status()
	if s.Healthy || s.Standalone.LastDrill.OK || !strings.Contains(s.Standalone.LastDrill.Problem, culprit) {
		m.t.Errorf("the status is not red: healthy %v, %+v", s.Healthy, s.Standalone.LastDrill)
	}
}

// TestStoppedAndContinued lets the agent lose time, as a machine does that sleeps.
func TestStoppedAndContinued(t *testing.T) {
	m, db, _ := protected(t)
	if err := m.proc.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	shell(t, db, "INSERT INTO notes(body) VALUES ('written while the agent slept')")
	if err := m.proc.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	m.eventually("the row in the replica", func() bool {
		var res app.RestoreResult
		f := filepath.Join(t.TempDir(), "copy.db")
		m.json(&res, "restore", "--latest", "--to", f)
		return shell(t, f, "SELECT count(*) FROM notes WHERE body LIKE 'written while%'") == "1"
	})
}
