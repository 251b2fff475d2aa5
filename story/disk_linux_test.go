package story_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// withDisks runs test in a process that may mount file systems without being root: in a user and mount namespace of its
// own, which the programs it starts share and which ends with it. Unlike a fake, such a disk is full, or read-only, for
// root as well.
func withDisks(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	const inside = "STORY_DISKS"
	if os.Getenv(inside) != "" {
		test(t)
		return
	}
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	c.Env = append(os.Environ(), inside+"=1", builtAlready+"="+program)
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("in a namespace of its own: %v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// disk is a small file system in memory.
type disk struct {
	t   *testing.T
	dir string
}

// newDisk mounts a disk of a size such as "8m".
func newDisk(t *testing.T, size string) *disk {
	t.Helper()
	d := &disk{t, filepath.Join(t.TempDir(), "disk")}
	d.must(os.Mkdir(d.dir, 0o700))
	d.must(syscall.Mount("tmpfs", d.dir, "tmpfs", 0, "mode=0700,size="+size))
	t.Cleanup(func() { d.must(syscall.Unmount(d.dir, syscall.MNT_DETACH)) })
	return d
}

func (d *disk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *disk) path(name ...string) string { return filepath.Join(append([]string{d.dir}, name...)...) }

// fill takes all the space that is left.
func (d *disk) fill() {
	d.t.Helper()
	f, err := os.Create(d.path("filler"))
	d.must(err)
	for block := make([]byte, 64<<10); len(block) > 0; {
		if _, err = f.Write(block); errors.Is(err, syscall.ENOSPC) {
			block = block[:len(block)/2]
			continue
		}
		d.must(err)
	}
	d.must(f.Close())
}

// free gives it back.
func (d *disk) free() {
	d.t.Helper()
	d.must(os.Remove(d.path("filler")))
}

// protect makes the disk read-only, as soon as nobody has a file on it open for writing.
func (d *disk) protect(m *machine) {
	d.t.Helper()
	m.eventually("a disk that can be made read-only", func() bool {
		err := syscall.Mount("", d.dir, "", syscall.MS_REMOUNT|syscall.MS_BIND|syscall.MS_RDONLY, "")
		if !errors.Is(err, syscall.EBUSY) {
			d.must(err)
		}
		return err == nil
	})
}

// unprotect makes it writable again.
func (d *disk) unprotect() {
	d.t.Helper()
	d.must(syscall.Mount("", d.dir, "", syscall.MS_REMOUNT|syscall.MS_BIND, ""))
}
