//go:build unix

package sqlite

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
)

// The rights of the file system do not bind root, so the test becomes somebody else where it is root.
func TestAdoptWithoutRights(t *testing.T) {
	for name, c := range map[string]struct{ folder, file os.FileMode }{
		"folder cannot be written": {0o555, 0o666}, "file cannot be written": {0o777, 0o444}, "file cannot be read": {0o777, 0o000},
	} {
		t.Run(name, func(t *testing.T) {
			folder := openFolder(t)
			path := filepath.Join(folder, "context.db")
			makeItems(t, path, 4096, "row", 5)
			for _, err := range []error{os.Chmod(path, c.file), os.Chmod(folder, c.folder)} {
				if err != nil {
					t.Fatal(err)
				}
			}
			out := asNobody(t, "adopt", path)
			if !strings.HasPrefix(out, string(app.CodeDenied)+" ") {
				t.Errorf("got %q", out)
			}
			if entries, err := os.ReadDir(folder); err != nil || len(entries) != 1 {
				t.Errorf("left %v, %v", entries, err)
			}
		})
	}
}

// openFolder is a temporary folder that every account can reach.
func openFolder(t *testing.T) string {
	folder, err := os.MkdirTemp("", "adopt") //nolint:usetesting // t.TempDir is closed to other accounts
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(folder, 0o700); _ = os.RemoveAll(folder) })
	return folder
}

// asNobody runs the job in a child without root's rights and returns the code and message of its error.
func asNobody(t *testing.T, job string, args ...string) string {
	t.Helper()
	folder := openFolder(t)
	binary := filepath.Join(folder, "child")
	write(t, binary, read(t, os.Args[0]))
	for path, mode := range map[string]os.FileMode{binary: 0o755, folder: 0o755} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(binary)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), childJob+"="+job, childArgs+"="+strings.Join(args, "\n"), childDies+"=1000000")
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatalf("%s worked: %s", job, out)
	}
	return string(out)
}
