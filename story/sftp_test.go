package story_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// TestSFTPFromOneHomeToAnother: set up, write while the connection breaks again and again, stop, and get the file back on
// a machine that knows the storage only.
func TestSFTPFromOneHomeToAnother(t *testing.T) {
	server := apptest.StartSSHD(t)
	target := server.Target("copies")
	db, reference := memory(t)
	m := newMachine(t, server.Env()...)
	m.do("setup", "--db", db, "--target", target, "--user", "mira")
	w := startWriters(t, db)
	m.start()
	m.healthy()
	for range 5 {
		before := m.status().Standalone.ReplicatedTXID
		server.Drop()
		m.eventually("a copy after the connection broke", func() bool { return m.status().Standalone.ReplicatedTXID > before })
	}
	server.SetDown(true)
	server.Drop()
	m.eventually("a storage that is away to be said", func() bool { return strings.Contains(m.do("status"), "does not answer") })
	server.SetDown(false)
	w.stop()
	m.do("verify")
	m.do("stop")
	m.quit()

	second := newMachine(t, server.Env()...)
	second.do("setup", "--target", target, "--user", "mira")
	f := filepath.Join(t.TempDir(), "restored.db")
	second.do("restore", "--latest", "--to", f)
	if out := ledger(t, "check", reference, db, f); !strings.HasSuffix(strings.TrimSpace(out), " ok") {
		t.Error(out)
	}
}

// TestSFTPRefusals: who is not known is not written to, and nothing is saved.
func TestSFTPRefusals(t *testing.T) {
	server := apptest.StartSSHD(t)
	db, _ := memory(t)
	m := newMachine(t, server.Env()...)
	target := server.Target("copies")
	refused := func(target string, exit int, says ...string) {
		t.Helper()
		_, errs, code := m.try("setup", "--db", db, "--target", target)
		for _, s := range says {
			if flat := strings.Join(strings.Fields(errs), " "); code != exit || !strings.Contains(flat, s) {
				t.Errorf("exit %d, want %d and %q: %s", code, exit, s, errs)
			}
		}
		if strings.Contains(errs, "hunter2") {
			t.Errorf("it says the password: %s", errs)
		}
	}
	refused(strings.Replace(target, "@", ":hunter2@", 1), 2, "holds no password", "ssh-copy-id")
	refused("sftp://127.0.0.1/x", 2, "Who logs in")
	server.Forget()
	refused(target, 5, "does not know the server", "SHA256:", "known_hosts")
	server.Know()
	server.NewHostKey()
	refused(target, 5, "STOP", "ssh-keygen -R")
	server.Know()
	server.Lock()
	refused(target, 1, "needs its passphrase", "ssh-add")
	server.Unlock()
	m.do("setup", "--db", db, "--target", target)
}

// TestSFTPAsksNothingWhileNothingChanges: the connection ends, and no other one is made.
func TestSFTPAsksNothingWhileNothingChanges(t *testing.T) {
	server := apptest.StartSSHD(t)
	db, _ := memory(t)
	m := newMachine(t, server.Env()...)
	m.do("setup", "--db", db, "--target", server.Target("copies"), "--user", "mira")
	m.start()
	m.healthy()
	if !server.Idle(patience) {
		t.Fatal("the connection stays")
	}
	before := server.Logins()
	time.Sleep(idleFor) // idleness is the subject
	if n := server.Logins() - before; n != 0 {
		t.Errorf("%d connections in %s without a change", n, idleFor)
	}
}
