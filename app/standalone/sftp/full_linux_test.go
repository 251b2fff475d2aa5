package sftp

import (
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/pkg/sftp"
)

// TestFullDisk: SFTP has no word for a full disk, so it is looked for. OpenSSH's sftp-server runs without its sshd here, in
// a user and mount namespace of its own, where a small disk may be mounted and sshd could not run.
func TestFullDisk(t *testing.T) {
	const inside = "SFTP_FULL_DISK"
	if os.Getenv(inside) == "" {
		c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFullDisk$", "-test.v")
		c.Env = append(os.Environ(), inside+"=1")
		c.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
			Pdeathsig:   syscall.SIGKILL,
		}
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("in a namespace of its own: %v\n%s", err, out)
		}
		return
	}
	dir := filepath.Join(t.TempDir(), "disk")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0700,size=2m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	f := New(Config{Root: dir})
	f.conn = withoutSSH(t)
	put(t, f, "x", "before")
	_, err := f.Put(t.Context(), "x", time.Time{}, func(w io.Writer) error { _, err := w.Write(make([]byte, 4<<20)); return err })
	if KindOf(err) != Full {
		t.Errorf("%v", err)
	}
	if got := read(t, f, "x"); got != "before" {
		t.Errorf("it holds %d bytes", len(got))
	}
	put(t, f, "y", "there is room again")
}

// withoutSSH speaks to a sftp-server of this computer over pipes.
func withoutSSH(t *testing.T) *connection {
	t.Helper()
	c := exec.Command("/usr/lib/openssh/sftp-server")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	files, err := sftp.NewClientPipe(out, in, sftp.UseConcurrentWrites(true))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = files.Close()
		_ = c.Wait()
	})
	wire, other := net.Pipe() // nothing goes over it
	_ = other.Close()
	return &connection{files: files, wire: wire}
}
