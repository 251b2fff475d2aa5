//go:build unix

package local_test

import (
	"bufio"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
	"github.com/coditect-ai/coditect-sync/app/local"
)

func modeOf(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode()
}

func TestOnlyTheUserMayEnter(t *testing.T) {
	socket := socketPath(t)
	ln := listen(t, socket)
	defer ln.Close()
	if m := modeOf(t, filepath.Dir(socket)); m != fs.ModeDir|0o700 {
		t.Errorf("the folder is %v", m)
	}
	if m := modeOf(t, socket); m != fs.ModeSocket|0o600 {
		t.Errorf("the socket is %v", m)
	}
}

func TestOpenFolderIsNarrowed(t *testing.T) {
	socket := socketPath(t)
	dir := filepath.Dir(socket)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	defer listen(t, socket).Close()
	if m := modeOf(t, dir); m.Perm() != 0o700 {
		t.Errorf("the folder is %v", m)
	}
}

func TestFolderThatIsNoneOfOurs(t *testing.T) {
	socket := socketPath(t)
	dir := filepath.Dir(socket)
	real := filepath.Join(t.TempDir(), "elsewhere")
	for _, d := range []string{filepath.Dir(dir), real} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(real, dir); err != nil {
		t.Fatal(err)
	}
	_, err := local.Listen(socket)
	wantCode(t, err, app.CodeRefused)
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 { // only root can make a folder of somebody else
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(dir, nobody, nobody); err != nil {
			t.Fatal(err)
		}
		_, err := local.Listen(socket)
		if e := wantCode(t, err, app.CodeRefused); !strings.Contains(e.Message, strconv.Itoa(nobody)) {
			t.Errorf("%+v", e)
		}
	}
}

func TestStaleSocketIsRemoved(t *testing.T) {
	socket := socketPath(t)
	ln := listen(t, socket)
	ln.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	modeOf(t, socket) // it is still there
	_, err := local.NewClient(socket, "1.0.0").Status(t.Context())
	wantCode(t, err, app.CodeNotRunning)
	serve(t, socket, local.Config{Service: &apptest.FakeService{}})
	if _, err := local.NewClient(socket, "1.0.0").Status(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestSecondListener(t *testing.T) {
	socket := socketPath(t)
	serve(t, socket, local.Config{Service: &apptest.FakeService{}})
	_, err := local.Listen(socket)
	wantCode(t, err, app.CodeBusy)
	if _, err := local.NewClient(socket, "1.0.0").Status(t.Context()); err != nil {
		t.Errorf("the first one was harmed: %v", err)
	}
}

func TestWhatIsNoSocketStays(t *testing.T) {
	socket := socketPath(t)
	if err := os.MkdirAll(filepath.Dir(socket), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(socket, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := local.Listen(socket)
	wantCode(t, err, app.CodeRefused)
	if text, err := os.ReadFile(socket); err != nil || string(text) != "precious" {
		t.Errorf("the file is now %q, %v", text, err)
	}
}

func TestSocketPath(t *testing.T) {
	if got, want := local.SocketPath("/home/mira/.x"), "/home/mira/.x/run/agent.sock"; got != want {
		t.Errorf("short home: %s, want %s", got, want)
	}
	long, other := "/"+strings.Repeat("long/", 30), "/"+strings.Repeat("other/", 30)
	got := local.SocketPath(long)
	dir := filepath.Base(filepath.Dir(got))
	if len(got) > 103 || dir != "coditect-sync-"+strconv.Itoa(os.Geteuid()) {
		t.Errorf("long home: %s", got)
	}
	if local.SocketPath(long+"/") != got || local.SocketPath(other) == got {
		t.Error("the path does not tell homes apart")
	}
	t.Setenv("TMPDIR", long)
	if got := local.SocketPath(long); len(got) > 103 {
		t.Errorf("long temporary folder: %s", got)
	}
	_, err := local.Listen(filepath.Join(long, "agent.sock"))
	wantCode(t, err, app.CodeInvalid)
}

// child starts this test binary as another program.
func child(t *testing.T, binary, role string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Env = append(os.Environ(), roleVar+"="+role)
	return cmd
}

// startAgent returns once the child listens, or what it said instead.
func startAgent(t *testing.T, lock, socket string) (*exec.Cmd, string) {
	t.Helper()
	cmd := child(t, os.Args[0], "agent", lock, socket)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return cmd, strings.TrimSpace(line)
}

func kill(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // "signal: killed"
}

// TestKillNineAndAgain: what a killed agent leaves is in nobody's way.
func TestKillNineAndAgain(t *testing.T) {
	socket := socketPath(t)
	lock := filepath.Join(t.TempDir(), "agent.lock")
	for range 3 {
		cmd, said := startAgent(t, lock, socket)
		if said != "ready" {
			t.Fatalf("the agent said %q", said)
		}
		if _, err := local.NewClient(socket, "child").Status(t.Context()); err != nil {
			t.Errorf("asked: %v", err)
		}
		second, said := startAgent(t, lock, socket)
		if err := second.Wait(); err == nil || !strings.Contains(said, "process "+strconv.Itoa(cmd.Process.Pid)) {
			t.Errorf("the second agent: %q, %v", said, err)
		}
		kill(t, cmd)
		modeOf(t, socket) // it is left behind
		_, err := local.NewClient(socket, "child").Status(t.Context())
		wantCode(t, err, app.CodeNotRunning)
	}
}

// nobody is another user, by convention.
const nobody = 65534

// TestOtherUser: refused by the modes, by the server's look at its peer where the modes are open, and by the client's
// look at the server. Only root can be two users; TestPeerIsAsked checks the look itself for everybody.
func TestOtherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("not root: one user only")
		return
	}
	binary, socket := sharedBinary(t), socketPath(t)
	serve(t, socket, local.Config{Service: untouched(t)})
	open(t, filepath.Dir(filepath.Dir(filepath.Dir(socket))))
	if said := asNobody(t, child(t, binary, "client", socket)); !strings.HasPrefix(said, string(app.CodeDenied)) {
		t.Errorf("closed modes: %q", said)
	}
	for dir := filepath.Dir(socket); filepath.Base(dir) != "tmp" && dir != "/"; dir = filepath.Dir(dir) {
		open(t, dir)
	}
	open(t, socket)
	if said := asNobody(t, child(t, binary, "client", socket)); !strings.Contains(said, "another user") {
		t.Errorf("open modes, our client: %q", said)
	}
	if said := asNobody(t, child(t, binary, "knock", socket)); !strings.HasPrefix(said, "HTTP/1.1 403") ||
		!strings.Contains(said, string(app.CodeDenied)) {
		t.Errorf("open modes, a client that does not look: %q", said)
	}
}

func open(t *testing.T, path string) {
	t.Helper()
	if err := os.Chmod(path, 0o777); err != nil {
		t.Fatal(err)
	}
}

func asNobody(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, _ := cmd.CombinedOutput() // being refused is a failure for the child
	return string(out)
}

// sharedBinary is this test binary where every user may run it.
func sharedBinary(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	open(t, filepath.Dir(dir))
	open(t, dir)
	self, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "client")
	if err := os.WriteFile(path, self, 0o755); err != nil {
		t.Fatal(err)
	}
	open(t, path)
	return path
}
