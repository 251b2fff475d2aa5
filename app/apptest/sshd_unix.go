//go:build !windows

package apptest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// sshd is OpenSSH's server; `make test` installs it.
const sshd = "/usr/sbin/sshd"

// SSHD is OpenSSH's server on loopback: a real sshd for each connection. It lets one key in, as the user that runs the
// test. The home directory it makes has that key and knows the server; clients of this process use it by Setenv, other
// programs by Env.
type SSHD struct {
	// Port is where it listens on 127.0.0.1.
	Port string
	// Home has .ssh with the key and the known server.
	Home string
	// Dir is a folder of the server's computer, which is this one.
	Dir string

	t       testing.TB
	user    string
	conf    string
	ln      net.Listener
	said    bytes.Buffer // of the servers; its lock is mu
	running sync.WaitGroup

	mu      sync.Mutex
	options []string
	down    bool
	servers map[int]bool // by process
	logins  int
}

// StartSSHD serves until the test ends.
func StartSSHD(t testing.TB) *SSHD {
	t.Helper()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	if me.Uid == "0" {
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	s := &SSHD{
		t: t, user: me.Username, Home: filepath.Join(dir, "home"), Dir: filepath.Join(dir, "there"), conf: filepath.Join(dir, "sshd_config"),
		servers: map[int]bool{},
	}
	ssh := filepath.Join(s.Home, ".ssh")
	for _, folder := range []string{ssh, s.Dir} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if s.ln, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	_, s.Port, _ = net.SplitHostPort(s.ln.Addr().String())
	s.NewHostKey()
	s.Know()
	s.keygen(filepath.Join(ssh, "id_ed25519"), "")
	s.write(s.conf, strings.Join([]string{
		"HostKey " + s.hostKey(), "AuthorizedKeysFile " + filepath.Join(ssh, "id_ed25519.pub"), "StrictModes no", "UsePAM no", "LogLevel ERROR", "PidFile none",
		"PasswordAuthentication no", "KbdInteractiveAuthentication no", "PermitRootLogin prohibit-password", "Subsystem sftp internal-sftp", "",
	}, "\n"))
	s.running.Go(s.accept)
	t.Cleanup(func() {
		_ = s.ln.Close()
		s.Drop()
		s.running.Wait()
		if t.Failed() && s.said.Len() > 0 {
			t.Logf("sshd: %s", s.said.String())
		}
	})
	return s
}

func (s *SSHD) hostKey() string { return filepath.Join(filepath.Dir(s.conf), "host_key") }

// NewHostKey gives the server another key, from the next connection on.
func (s *SSHD) NewHostKey() {
	s.t.Helper()
	_ = os.Remove(s.hostKey())
	s.keygen(s.hostKey(), "")
}

// Know writes the server's key where the home knows servers, and Forget takes it away.
func (s *SSHD) Know() {
	s.t.Helper()
	public, err := os.ReadFile(s.hostKey() + ".pub")
	if err != nil {
		s.t.Fatal(err)
	}
	s.write(s.knownHosts(), fmt.Sprintf("[127.0.0.1]:%s %s", s.Port, public))
}

// Forget makes the home know no server.
func (s *SSHD) Forget() {
	if err := os.Remove(s.knownHosts()); err != nil {
		s.t.Fatal(err)
	}
}

// Lock puts a passphrase on the home's key, and Unlock takes it away.
func (s *SSHD) Lock() { s.passphrase("", "secret") }

// Unlock takes the passphrase away that Lock put on the key.
func (s *SSHD) Unlock() { s.passphrase("secret", "") }

func (s *SSHD) passphrase(was, next string) {
	s.t.Helper()
	key := filepath.Join(s.Home, ".ssh", "id_ed25519")
	if out, err := exec.Command("ssh-keygen", "-q", "-p", "-f", key, "-P", was, "-N", next).CombinedOutput(); err != nil {
		s.t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
}

func (s *SSHD) knownHosts() string { return filepath.Join(s.Home, ".ssh", "known_hosts") }

func (s *SSHD) keygen(file, passphrase string) {
	s.t.Helper()
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", file).CombinedOutput(); err != nil {
		s.t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
}

func (s *SSHD) write(file, content string) {
	s.t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// Env makes other programs use the home's key and known servers, and no ssh agent.
func (s *SSHD) Env() []string { return []string{"HOME=" + s.Home, "SSH_AUTH_SOCK="} }

// Setenv does so with this process until the test ends.
func (s *SSHD) Setenv(t testing.TB) {
	t.Setenv("HOME", s.Home)
	t.Setenv("SSH_AUTH_SOCK", "")
}

// Target is the URL of a folder below Dir.
func (s *SSHD) Target(folder string) string {
	return "sftp://" + s.user + "@127.0.0.1:" + s.Port + filepath.ToSlash(s.Dir) + "/" + folder
}

// With sets options of sshd_config for the connections from now on, instead of those set before.
func (s *SSHD) With(options ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.options = options
}

// SetDown makes the server hang up on everybody who comes, or stops that.
func (s *SSHD) SetDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// Drop ends every connection.
func (s *SSHD) Drop() { s.signal(syscall.SIGKILL) }

// Freeze makes every connection silent, without ending it.
func (s *SSHD) Freeze() { s.signal(syscall.SIGSTOP) }

func (s *SSHD) signal(sig syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for pid := range s.servers {
		_ = syscall.Kill(-pid, sig)
	}
}

// Logins is how many connections there were.
func (s *SSHD) Logins() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logins
}

// Idle waits until there is no connection, at most for d.
func (s *SSHD) Idle(d time.Duration) bool {
	for deadline := time.Now().Add(d); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		s.mu.Lock()
		n := len(s.servers)
		s.mu.Unlock()
		if n == 0 {
			return true
		}
	}
	return false
}

func (s *SSHD) accept() {
	for {
		conn, err := s.ln.Accept()
		if err != nil {
			return // the test ended
		}
		s.running.Go(func() { s.serve(conn) })
	}
}

// serve is one connection's server. It has a process group of its own, for the sake of signal.
func (s *SSHD) serve(conn net.Conn) {
	socket, err := conn.(*net.TCPConn).File()
	_ = conn.Close()
	if err != nil {
		return
	}
	defer func() { _ = socket.Close() }()
	c := exec.Command(sshd, "-i", "-e", "-f", s.conf)
	c.Stdin, c.Stdout = socket, socket
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	said := &bytes.Buffer{}
	c.Stderr = said
	if !s.begin(c) {
		return
	}
	_ = socket.Close()
	_ = c.Wait() // ended by Drop or by its client
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.servers, c.Process.Pid)
	_, _ = s.said.Write(said.Bytes())
}

func (s *SSHD) begin(c *exec.Cmd) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return false
	}
	for _, o := range s.options {
		c.Args = append(c.Args, "-o", o)
	}
	if err := c.Start(); err != nil {
		_, _ = s.said.WriteString("sshd: " + err.Error() + " (make test installs it)")
		return false
	}
	s.servers[c.Process.Pid] = true
	s.logins++
	return true
}
