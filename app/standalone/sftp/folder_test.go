//go:build !windows

package sftp

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app/apptest"
)

func start(t *testing.T, options ...string) (*Folder, *apptest.SSHD) {
	t.Helper()
	server := apptest.StartSSHD(t)
	server.With(options...)
	server.Setenv(t)
	return open(t, server), server
}

// open is a folder that is made.
func open(t *testing.T, server *apptest.SSHD) *Folder {
	t.Helper()
	u, err := url.Parse(server.Target("copies"))
	if err != nil {
		t.Fatal(err)
	}
	f := New(Config{User: u.User.Username(), Host: u.Hostname(), Port: u.Port(), Root: u.Path, Dial: new(net.Dialer).DialContext}.Own())
	t.Cleanup(func() { _ = f.Close() })
	if err := f.Create(t.Context()); err != nil && KindOf(err) == Unknown {
		t.Fatal(err)
	}
	return f
}

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
}

func put(t *testing.T, f *Folder, key, content string) {
	t.Helper()
	if n, err := f.Put(t.Context(), key, time.Unix(1_700_000_000, 0), text(content)); err != nil || n != int64(len(content)) {
		t.Fatalf("put: %d, %v", n, err)
	}
}

func read(t *testing.T, f *Folder, key string) string {
	t.Helper()
	r, err := f.Open(t.Context(), key, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// servers are OpenSSH as it is, and one that knows none of its extensions, as other servers do.
var servers = map[string][]string{
	"OpenSSH":            nil,
	"without extensions": {"ForceCommand=internal-sftp -P posix-rename,hardlink,fsync"},
}

// TestWhatAServerStillWritesIsNotWrittenInto: the server may still be at what came over a connection that is gone, while the
// same file is sent over the next.
func TestWhatAServerStillWritesIsNotWrittenInto(t *testing.T) {
	f, server := start(t)
	put(t, f, "a/b", "before")
	late, err := os.Create(filepath.Join(server.Dir, "copies", "a", "b"+tmpSuffix))
	if err != nil {
		t.Fatal(err)
	}
	put(t, f, "a/b", "whole")
	if _, err := late.WriteAt([]byte("late"), 0); err != nil {
		t.Fatal(err)
	}
	if err := late.Close(); err != nil {
		t.Fatal(err)
	}
	if got := read(t, f, "a/b"); got != "whole" {
		t.Errorf("it holds %q", got)
	}
}

func TestSweep(t *testing.T) {
	f, server := start(t)
	put(t, f, "u/m/ltx/0/x", "whole")
	put(t, f, "u/m2/x", "whole")
	now := time.Now()
	for name, at := range map[string]time.Time{"u/m/y": now.Add(-2 * time.Hour), "u/m/ltx/0/z": now.Add(-2 * time.Hour), "u/m/ltx/0/young": now, "u/m2/y": now.Add(-2 * time.Hour)} {
		path := filepath.Join(server.Dir, "copies", filepath.FromSlash(name)+tmpSuffix)
		err := os.WriteFile(path, []byte("half"), 0o600)
		if err = errors.Join(err, os.Chtimes(path, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := f.Sweep(t.Context(), "u/m", now.Add(-time.Hour)); left != 1 || err != nil {
		t.Errorf("%d are younger, %v", left, err)
	}
	if left, err := f.Sweep(t.Context(), "u/nobody", now); left != 0 || err != nil {
		t.Errorf("where nothing is: %d, %v", left, err)
	}
	var found []string
	err := filepath.WalkDir(server.Dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			found = append(found, e.Name())
		}
		return err
	})
	if want := []string{"x", "young.tmp", "x", "y.tmp"}; err != nil || !slices.Equal(found, want) {
		t.Errorf("there are %q, want %q; %v", found, want, err)
	}
}

func TestPutReplaces(t *testing.T) {
	for name, options := range servers {
		t.Run(name, func(t *testing.T) {
			f, _ := start(t, options...)
			put(t, f, "a/b/x", "one")
			put(t, f, "a/b/x", "another")
			if got := read(t, f, "a/b/x"); got != "another" {
				t.Errorf("it holds %q", got)
			}
			list, err := f.List(t.Context(), "a/b")
			if err != nil || len(list) != 1 || list[0].Name != "x" || list[0].At.Unix() != 1_700_000_000 {
				t.Errorf("listed %+v, %v", list, err)
			}
		})
	}
}

// TestOneClaims: of many that claim the same name at the same moment, over a connection each, one has it, whole.
func TestOneClaims(t *testing.T) {
	for name, options := range servers {
		t.Run(name, func(t *testing.T) {
			f, server := start(t, options...)
			put(t, f, "lease/other", "x")
			claimants := make([]*Folder, 6)
			for i := range claimants {
				claimants[i] = open(t, server)
			}
			for range 5 {
				errs := make([]error, len(claimants))
				var all sync.WaitGroup
				for i, c := range claimants {
					all.Go(func() { errs[i] = c.Claim(context.WithoutCancel(t.Context()), "lease/1", []byte{'0' + byte(i)}) })
				}
				all.Wait()
				winner := -1
				for i, err := range errs {
					if err == nil && winner >= 0 {
						t.Fatalf("%d and %d have it", winner, i)
					} else if err == nil {
						winner = i
					} else if KindOf(err) != Exists {
						t.Errorf("%d: %v", i, err)
					}
				}
				if got := read(t, f, "lease/1"); winner < 0 || got != string([]byte{'0' + byte(winner)}) {
					t.Errorf("%d won, and it is %q", winner, got)
				}
				if err := f.Remove(t.Context(), "lease/1"); err != nil {
					t.Fatal(err)
				}
			}
			if left, _ := filepath.Glob(filepath.Join(server.Dir, "copies", "lease", "*")); len(left) != 1 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestLinkIsTheSameUntilOneIsReplaced(t *testing.T) {
	f, server := start(t)
	put(t, f, "x", "one")
	for range 2 { // the second finds it done
		if able, err := f.Link(t.Context(), "x", "full/x"); !able || err != nil {
			t.Fatal(able, err)
		}
	}
	put(t, f, "x", "another")
	if got := read(t, f, "full/x"); got != "one" {
		t.Errorf("the second name holds %q", got)
	}
	if left, _ := filepath.Glob(filepath.Join(server.Dir, "copies", "full", "*")); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := f.Link(t.Context(), "nothing", "y"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of nothing: %v", err)
	}
	server.With(servers["without extensions"]...)
	server.Drop()
	if able, err := f.Link(t.Context(), "x", "y"); able || err != nil {
		t.Errorf("without the extension: %v, %v", able, err)
	}
}

// TestServerOfSeveralKeys: a server that is known by one kind of key is asked for that kind.
func TestServerOfSeveralKeys(t *testing.T) {
	server := apptest.StartSSHD(t)
	server.Setenv(t)
	rsa := filepath.Join(t.TempDir(), "rsa")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", rsa).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	server.With("HostKey=" + rsa) // beside the other one, which is what it is known by
	f := open(t, server)
	put(t, f, "x", "x")
	public, err := os.ReadFile(rsa + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	known := filepath.Join(server.Home, ".ssh", "known_hosts")
	if err := os.WriteFile(known, append([]byte("[127.0.0.1]:"+server.Port+" "), public...), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := read(t, open(t, server), "x"); got != "x" {
		t.Errorf("it holds %q", got)
	}
}

// TestKeysOfTheAgent: a key that is locked on the disk is used when the ssh agent has it.
func TestKeysOfTheAgent(t *testing.T) {
	server := apptest.StartSSHD(t)
	server.Setenv(t)
	dir, err := os.MkdirTemp("", "agent-") //nolint:usetesting // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "socket")
	c := exec.Command("ssh-agent", "-D", "-a", socket)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if conn, err := net.Dial("unix", socket); err == nil {
			_ = conn.Close()
			break
		} else if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	t.Setenv("SSH_AUTH_SOCK", socket)
	if out, err := exec.Command("ssh-add", "-q", filepath.Join(server.Home, ".ssh", "id_ed25519")).CombinedOutput(); err != nil {
		t.Fatalf("ssh-add: %v\n%s", err, out)
	}
	server.Lock()
	put(t, open(t, server), "x", "x")
	t.Setenv("SSH_AUTH_SOCK", socket+"-gone")
	u := open(t, server)
	if err := u.Remove(t.Context(), "x"); KindOf(err) != LockedKey {
		t.Errorf("without the agent: %v", err)
	}
}

// watched tells that something was sent.
type watched struct {
	net.Conn
	sent chan struct{}
}

func (w watched) Write(p []byte) (int, error) {
	n, err := w.Conn.Write(p)
	select {
	case w.sent <- struct{}{}:
	default:
	}
	return n, err
}

// TestCancelEndsWhatIsUnderWay: also at a server that does not answer.
func TestCancelEndsWhatIsUnderWay(t *testing.T) {
	f, server := start(t)
	if err := f.Close(); err != nil { // to see what is sent from now on
		t.Fatal(err)
	}
	sent := make(chan struct{}, 1)
	f.cfg.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, addr)
		return watched{c, sent}, err
	}
	put(t, f, "x", "x")
	server.Freeze()
	<-sent // of before
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- f.Remove(ctx, "x") }()
	<-sent
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if got := read(t, f, "x"); got != "x" {
		t.Errorf("afterwards it holds %q", got)
	}
}

// TestSourceThatBreaks: the file is as it was, and the reason is the source's.
func TestSourceThatBreaks(t *testing.T) {
	f, server := start(t)
	put(t, f, "x", "before")
	boom := errors.New("boom")
	_, err := f.Put(t.Context(), "x", time.Time{}, func(w io.Writer) error {
		_, err := w.Write(bytes.Repeat([]byte("x"), 1<<20))
		return errors.Join(err, boom)
	})
	if !errors.Is(err, boom) || read(t, f, "x") != "before" {
		t.Errorf("%v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(server.Dir, "copies", "*")); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

// TestLargeFilesAreMadeDurableOnTheWay: at the end a slow disk would be silent for too long.
func TestLargeFilesAreMadeDurableOnTheWay(t *testing.T) {
	synced := 0
	d := &durable{w: bufio.NewWriter(io.Discard), sync: func() error { synced++; return nil }}
	for range 7 {
		if _, err := d.Write(make([]byte, syncEvery/2)); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.flush(); err != nil || synced != 4 || d.n != 7*syncEvery/2 {
		t.Errorf("%d bytes were made durable in %d steps: %v", d.n, synced, err)
	}
}
