//go:build linux

package meta

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// installed runs build/setup/install.sh.
func installed(t *testing.T, args ...string) (said string, err error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), filepath.Join(treeRoot(t), "build/setup/install.sh"), args...).CombinedOutput()
	return string(out), err
}

// filesBelow are the files in a folder, but for a cache of the desktop.
func filesBelow(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && d.Name() != "mimeinfo.cache" {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestInstall puts a program into a folder with a space in its name, has the desktop's own tools read its entry and start
// it, and takes it away again.
func TestInstall(t *testing.T) {
	prefix, said := filepath.Join(t.TempDir(), "my local"), filepath.Join(t.TempDir(), "said")
	program := filepath.Join(t.TempDir(), "built")
	script := "#!/bin/sh\necho \"$@\" >'" + said + ".new' && mv '" + said + ".new' '" + said + "'\n"
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time over the first
		if out, err := installed(t, prefix, program, program); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	entry := filepath.Join(prefix, "share/applications/coditect-sync.desktop")
	if out, err := exec.CommandContext(t.Context(), "desktop-file-validate", entry).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("desktop-file-validate (Debian package desktop-file-utils): %v\n%s", err, out)
	}
	if out, err := exec.CommandContext(t.Context(), "gio", "launch", entry).CombinedOutput(); err != nil {
		t.Errorf("gio launch (Debian package libglib2.0-bin): %v\n%s", err, out)
	}
	wantSaid(t, said, "window\n")
	for _, path := range []string{
		"bin/coditect-sync", "lib/coditect-sync/coditect-sync-window",
		"share/icons/hicolor/48x48/apps/coditect-sync.png", "share/icons/hicolor/scalable/apps/coditect-sync.svg",
	} {
		if info, err := os.Stat(filepath.Join(prefix, path)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", path, err)
		}
	}
	if out, err := installed(t, "--remove", prefix); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if left := filesBelow(t, prefix); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func wantSaid(t *testing.T, path, want string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if text, err := os.ReadFile(path); err == nil {
			if string(text) != want {
				t.Errorf("the program was started with %q", text)
			}
			return
		}
	}
	t.Error("the program was not started")
}

// TestInstallRefuses what the format of the entry cannot hold, and says so.
func TestInstallRefuses(t *testing.T) {
	for _, prefix := range []string{"relative", `/tmp/a"b`, "/tmp/a$b", `/tmp/a\b`, "/tmp/a%b", "/tmp/a`b"} {
		if out, err := installed(t, prefix, "/bin/true"); err == nil || !strings.Contains(out, "PREFIX must be") {
			t.Errorf("%s: %v %s", prefix, err, out)
		}
	}
}
