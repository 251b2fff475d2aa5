//go:build !windows

package standalone

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// alsoSFTP runs a test on a folder of another computer.
func alsoSFTP(t *testing.T, test func(t *testing.T, target *Target)) {
	t.Run("sftp", func(t *testing.T) {
		target, _ := sftpTarget(t)
		patient(t, target)
		test(t, target)
	})
}

func sftpTarget(t testing.TB) (*Target, *apptest.SSHD) {
	t.Helper()
	server := apptest.StartSSHD(t)
	server.Setenv(t)
	return openTarget(t, TargetConfig{URL: server.Target("copies")}), server
}

// TestSFTPFaultsHaveNames: every lasting fault has its code, a sentence and a hint.
func TestSFTPFaultsHaveNames(t *testing.T) {
	for name, tc := range map[string]struct {
		fault func(t *testing.T, s *apptest.SSHD)
		code  app.Code
		says  string
	}{
		"unknown server":   {func(_ *testing.T, s *apptest.SSHD) { s.Forget() }, app.CodeRefused, "does not know the server"},
		"another server":   {func(_ *testing.T, s *apptest.SSHD) { s.NewHostKey() }, app.CodeRefused, "STOP"},
		"no list":          {func(t *testing.T, s *apptest.SSHD) { nonsense(t, s, "known_hosts") }, app.CodeInvalid, "known_hosts"},
		"no key":           {func(t *testing.T, s *apptest.SSHD) { removeKey(t, s) }, app.CodeDenied, "no SSH key"},
		"locked key":       {func(_ *testing.T, s *apptest.SSHD) { s.Lock() }, app.CodeDenied, "needs its passphrase"},
		"key not let in":   {func(_ *testing.T, s *apptest.SSHD) { s.With("AuthorizedKeysFile=none") }, app.CodeDenied, "lets none of this machine's SSH keys in"},
		"no files":         {func(_ *testing.T, s *apptest.SSHD) { s.With("ForceCommand=/bin/false") }, app.CodeRefused, "does not speak SFTP"},
		"read only":        {func(_ *testing.T, s *apptest.SSHD) { s.With("ForceCommand=internal-sftp -R") }, app.CodeDenied, "may not write"},
		"hangs up":         {func(_ *testing.T, s *apptest.SSHD) { s.SetDown(true) }, app.CodeUnreachable, "does not answer"},
		"no folder":        {func(t *testing.T, s *apptest.SSHD) { removeAll(t, filepath.Join(s.Dir, "copies")) }, app.CodeNotFound, "no folder"},
		"overwrites links": {func(_ *testing.T, s *apptest.SSHD) { s.With("ForceCommand=internal-sftp -P hardlink,open") }, app.CodeDenied, "may not"},
	} {
		t.Run(name, func(t *testing.T) {
			target, server := sftpTarget(t)
			tc.fault(t, server)
			server.Drop()
			_, err := target.Probe(t.Context())
			e := mustCode(t, err, tc.code)
			if !strings.Contains(e.Message, tc.says) {
				t.Errorf("%q, want %q in it", e.Message, tc.says)
			}
			t.Logf("%s %s", e.Message, e.Hint)
			if left, err := filepath.Glob(filepath.Join(server.Dir, "copies", "standalone", "*")); err != nil || left != nil {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

// TestSFTPTheWayOnAfterAnotherKey: what is said to type makes the machine forget the server, also at a port of its own, and a key
// that was revoked is not called another one.
func TestSFTPTheWayOnAfterAnotherKey(t *testing.T) {
	target, server := sftpTarget(t)
	server.NewHostKey()
	server.Drop()
	probe := func() *app.Error {
		_, err := target.Probe(t.Context())
		return mustCode(t, err, app.CodeRefused)
	}
	_, command, _ := strings.Cut(probe().Hint, "on purpose: ")
	command, _, _ = strings.Cut(command, ", then")
	known := filepath.Join(server.Home, ".ssh", "known_hosts")
	if out, err := exec.Command("sh", "-c", command+" -f "+known).CombinedOutput(); err != nil { // it looks at the home of the account else
		t.Fatalf("%s: %v, %s", command, err, out)
	}
	if e := probe(); !strings.Contains(e.Message, "does not know the server") {
		t.Errorf("after %s it says %q", command, e.Message)
	}
	server.Know()
	text, err := os.ReadFile(known)
	if err == nil {
		err = os.WriteFile(known, append([]byte("@revoked "), text...), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if e := probe(); !strings.Contains(e.Message, "revoked") || strings.Contains(e.Message, "another") {
		t.Errorf("a revoked key: %q", e.Message)
	}
}

func nonsense(t *testing.T, s *apptest.SSHD, name string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.Home, ".ssh", name), []byte("host ssh-ed25519 nonsense\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func removeKey(t *testing.T, s *apptest.SSHD) {
	t.Helper()
	if err := os.Remove(filepath.Join(s.Home, ".ssh", "id_ed25519")); err != nil {
		t.Fatal(err)
	}
}

func removeAll(t *testing.T, dir string) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
}

// TestSFTPDropsAreRiddenOut: a connection that broke is made anew, also in the middle of a read.
func TestSFTPDropsAreRiddenOut(t *testing.T) {
	target, server := sftpTarget(t)
	patient(t, target)
	large := make([]byte, 20<<20)
	_, _ = rand.Read(large)
	mustPut(t, target.store, "large", time.Time{}, large)
	for name, run := range map[string]func() error{
		"upload": func() error {
			_, err := target.store.put(t.Context(), "s/x", time.Time{}, writeAll([]byte("x")))
			return err
		},
		"list":   func() error { _, err := target.store.dirs(t.Context(), ""); return err },
		"delete": func() error { return target.store.remove(t.Context(), "s/x") },
	} {
		server.Drop()
		if err := run(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	r, err := target.store.open(t.Context(), "large", 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	var got bytes.Buffer
	for piece := make([]byte, 1<<20); ; {
		n, err := r.Read(piece)
		if got.Write(piece[:n]); err != nil {
			break
		}
		if before := got.Len() - n; before>>22 != got.Len()>>22 { // every 4 MB
			server.Drop()
		}
	}
	if !bytes.Equal(got.Bytes(), large) {
		t.Errorf("%d bytes, or another content", got.Len())
	}
}

// TestSFTPBrokenUploadLeavesTheObject: an upload that breaks fails, and the object is as it was.
func TestSFTPBrokenUploadLeavesTheObject(t *testing.T) {
	target, server := sftpTarget(t)
	patient(t, target)
	mustPut(t, target.store, "x", time.Time{}, []byte("before"))
	_, err := target.store.put(t.Context(), "x", time.Time{}, func(w io.Writer) error {
		if err := writeAll(make([]byte, 2<<20))(w); err != nil {
			return err
		}
		server.Drop()
		return writeAll(make([]byte, 2<<20))(w)
	})
	mustCode(t, asError("replicate", err), app.CodeUnreachable)
	if got := mustRead(t, target.store, "x", 0, 0); string(got) != "before" {
		t.Errorf("it holds %d bytes", len(got))
	}
	if left, _ := filepath.Glob(filepath.Join(server.Dir, "copies", "*")); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

// TestSFTPSilentServerIsLeft: what asks a server that went silent fails after the time that is set, and not what asks
// after it is back.
func TestSFTPSilentServerIsLeft(t *testing.T) {
	target, server := sftpTarget(t)
	if err := target.store.close(); err != nil {
		t.Fatal(err)
	}
	target.store = newSFTPStore(target.at, time.Second)
	mustPut(t, target.store, "x", time.Time{}, []byte("x"))
	server.With("ForceCommand=/bin/sh -c 'kill -STOP $PPID'") // the next connections are silent from the beginning
	server.Freeze()
	_, err := target.store.dirs(t.Context(), "")
	mustCode(t, asError("points", err), app.CodeUnreachable)
	server.With()
	if got := mustRead(t, target.store, "x", 0, 0); string(got) != "x" {
		t.Errorf("it holds %q", got)
	}
}

// TestSFTPHangsUpWhenIdle: nothing is asked while nothing changes, also not to keep a connection.
func TestSFTPHangsUpWhenIdle(t *testing.T) {
	target, server := sftpTarget(t)
	if err := target.store.close(); err != nil {
		t.Fatal(err)
	}
	target.store = newSFTPStore(target.at, 200*time.Millisecond)
	before := server.Logins()
	for range 2 {
		mustPut(t, target.store, "x", time.Time{}, []byte("x"))
		if !server.Idle(time.Minute) {
			t.Fatal("the connection stays")
		}
	}
	if n := server.Logins() - before; n != 2 {
		t.Errorf("%d connections for two uploads far apart", n)
	}
}

// TestSFTPIsForItsOwner: what is made there is for nobody else.
func TestSFTPIsForItsOwner(t *testing.T) {
	target, server := sftpTarget(t)
	newTwin(t, target, "m1", 4096).write(3, 100)
	n := 0
	err := filepath.WalkDir(filepath.Join(server.Dir, "copies"), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := d.Info()
		if n++; err == nil && fi.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v", path, fi.Mode())
		}
		return err
	})
	if err != nil || n < 5 {
		t.Errorf("%d files, %v", n, err)
	}
}

// TestSFTPMakesNoFolder: one that went away must not come back as an empty one.
func TestSFTPMakesNoFolder(t *testing.T) {
	target, server := sftpTarget(t)
	dir := filepath.Join(server.Dir, "copies")
	removeAll(t, dir)
	for what, try := range map[string]func() error{
		"timeline": func() error { _, err := replicaOf(target, "m").Timeline(t.Context(), ""); return err },
		"machines": func() error { _, err := replicaOf(target, "m").Machines(t.Context()); return err },
		"probe":    func() error { _, err := target.Probe(t.Context()); return err },
		"write":    func() error { return target.WriteMachine(t.Context(), "u", "m", app.MachineInfo{}) },
	} {
		if e := mustCode(t, try(), app.CodeNotFound); !strings.Contains(e.Message, dir) {
			t.Errorf("%s: %q", what, e.Message)
		}
	}
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder was made: %v", err)
	}
}
