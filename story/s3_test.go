package story_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// TestS3FromOneHomeToAnother: set up, write, stop, and get the file back on a machine that knows the storage only. What
// the server knows as the secret key is nowhere in the home directory.
func TestS3FromOneHomeToAnother(t *testing.T) {
	server := apptest.StartS3(t, "memory-backup")
	target := server.Target("memory-backup/mine")
	db, reference := memory(t)
	m := newMachine(t, append(server.Env(), "CODITECT_LOG=debug")...)
	m.do("setup", "--db", db, "--target", target, "--user", "mira")
	w := startWriters(t, db)
	m.start()
	m.healthy()
	m.eventually("some history", func() bool { return len(m.points()) > 3 })
	w.stop()
	m.do("verify")
	m.do("doctor", "--bundle", filepath.Join(m.home, "bundle.zip"))
	m.do("stop")
	m.quit()

	second := newMachine(t, server.Env()...)
	second.do("setup", "--target", target, "--user", "mira")
	f := filepath.Join(t.TempDir(), "restored.db")
	second.do("restore", "--latest", "--to", f)
	if out := ledger(t, "check", reference, db, f); !strings.HasSuffix(strings.TrimSpace(out), " ok") {
		t.Error(out)
	}
	nowhere(t, m.home, server.Secret())
}

// nowhere looks for a secret in every file of a folder.
func nowhere(t *testing.T, dir, secret string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if files++; bytes.Contains(b, []byte(secret)) {
			t.Errorf("%s holds the secret key", path)
		}
		return err
	})
	if err != nil || files < 3 {
		t.Errorf("looked into %d files: %v", files, err)
	}
}

// TestS3HasOnePrimary: of two copies of a home that take the history over at the same moment one has it. The other, and
// the machine that wrote it before, say so and copy nothing.
func TestS3HasOnePrimary(t *testing.T) {
	server := apptest.StartS3(t, "memory-backup")
	db, _ := memory(t)
	first := newMachine(t, server.Env()...)
	target := server.Target("memory-backup")
	first.do("setup", "--db", db, "--target", target, "--user", "mira")
	first.do("verify")

	var twins [2]*machine
	var files [2]string
	for i := range twins {
		twins[i] = newMachine(t, server.Env()...)
		if err := os.CopyFS(twins[i].home, os.DirFS(first.home)); err != nil {
			t.Fatal(err)
		}
		files[i], _ = memory(t)
		if _, errs, code := twins[i].try("setup", "--db", files[i], "--target", target); code != 5 || !strings.Contains(errs, "--take-over") {
			t.Fatalf("a copy of the home: exit %d, %s", code, errs)
		}
	}
	var wg sync.WaitGroup
	for i, twin := range twins {
		wg.Go(func() {
			if _, errs, code := twin.try("setup", "--db", files[i], "--target", target, "--take-over"); code != 0 {
				t.Errorf("to take over: exit %d, %s", code, errs)
			}
		})
	}
	wg.Wait()
	held, refused := 0, 0
	for _, m := range []*machine{twins[0], twins[1], first} {
		switch _, errs, code := m.try("verify"); {
		case code == 0:
			held++
		case code == 5 && strings.Contains(errs, "writes the history of this file"):
			refused++
		default:
			t.Errorf("exit %d: %s", code, errs)
		}
	}
	if held != 1 || refused != 2 {
		t.Errorf("%d machines write the history and %d are refused", held, refused)
	}
	var machines []app.Machine
	first.json(&machines, "machines")
	primaries := 0
	for _, m := range machines {
		if m.Primary {
			primaries++
		}
	}
	if primaries != 1 {
		t.Errorf("%d are named as the one that writes: %+v", primaries, machines)
	}
}

// TestS3ByAnAccessKey: a machine without AWS's tools is let in by an access key, whose secret is in the keychain, or sealed
// where there is none. One that does not do leaves everything as it was.
func TestS3ByAnAccessKey(t *testing.T) {
	server := apptest.StartS3(t, "memory-backup")
	target := server.Target("memory-backup")
	db, reference := memory(t)
	env := append(server.Env(), "AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=", "DBUS_SESSION_BUS_ADDRESS=unix:path="+filepath.Join(t.TempDir(), "no-bus"))
	m := newMachine(t, env...)
	if _, errs, code := m.try("setup", "--db", db, "--target", target); code != 1 || !strings.Contains(errs, "--s3-keys") {
		t.Fatalf("without a key: exit %d, %s", code, errs)
	}
	write := func(text string) string {
		path := filepath.Join(t.TempDir(), "keys")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, wrong := write(server.Access()+"\n"+server.Secret()+"\n"), write(server.Access()+"\nnot-it\n")
	if _, errs, code := m.try("setup", "--db", db, "--target", target, "--s3-keys", wrong); code != 1 || !strings.Contains(errs, "does not know these credentials") {
		t.Fatalf("with a wrong secret: exit %d, %s", code, errs)
	}
	if left, _ := filepath.Glob(filepath.Join(m.home, "keys", "*", "*")); len(left) > 0 {
		t.Errorf("kept although setup failed: %v", left)
	}
	m.do("setup", "--db", db, "--target", target, "--s3-keys", good)
	m.start()
	if s := m.healthy(); s.Standalone.Access != server.Access() {
		t.Errorf("let in by %q", s.Standalone.Access)
	}
	if _, _, code := m.try("setup", "--s3-keys", wrong); code == 0 {
		t.Error("a wrong secret was taken")
	}
	m.do("verify")
	m.quit()
	m.start()
	m.do("verify")

	second := newMachine(t, env...)
	second.do("setup", "--target", target, "--s3-keys", good)
	f := filepath.Join(t.TempDir(), "restored.db")
	second.do("restore", "--latest", "--to", f)
	if out := ledger(t, "check", reference, db, f); !strings.HasSuffix(strings.TrimSpace(out), " ok") {
		t.Error(out)
	}
	nowhere(t, m.home, server.Secret())
	m.do("setup", "--target", filepath.Join(t.TempDir(), "copies"))
	if left, _ := filepath.Glob(filepath.Join(m.home, "keys", "*", "*")); len(left) > 0 {
		t.Errorf("kept although no storage needs it: %v", left)
	}
}
