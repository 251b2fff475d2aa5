package cloudtest

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
)

// Official installs the official client of the protocol, once: the packages of the lock file in
// backend/stream/testdata/official and nothing else. It puts a copy of driver, a script, beside them, where it can import
// them, and returns the Node to run it with and the directory.
func Official(t testing.TB, driver string) (node, home string) {
	t.Helper()
	lock, err := os.ReadFile(filepath.Join(packages(), "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(lock)
	home = filepath.Join(root(), "build", "tmp", "official-"+hex.EncodeToString(sum[:6]))
	if !exists(home) {
		install(t, home)
	}
	script, err := os.ReadFile(driver)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, filepath.Base(driver)), script, 0o600); err != nil {
		t.Fatal(err)
	}
	arch := map[string]string{"amd64": "x64"}[runtime.GOARCH]
	if arch == "" {
		arch = runtime.GOARCH
	}
	return filepath.Join(home, "node_modules", "node-"+runtime.GOOS+"-"+arch, "bin", "node"), home
}

func packages() string { return filepath.Join(root(), "backend", "stream", "testdata", "official") }

func install(t testing.TB, home string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(home), 0o755); err != nil {
		t.Fatal(err)
	}
	fresh := home + "-" + strconv.Itoa(os.Getpid()) // beside home, so that it can be renamed
	if err := os.CopyFS(fresh, os.DirFS(packages())); err != nil {
		t.Fatal(err)
	}
	run := func(name string, args ...string) {
		cmd := exec.Command(name, args...)
		cmd.Dir = fresh
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
	}
	run(filepath.Join(root(), "build", "setup", "apt.sh"), "npm=npm")
	run("npm", "ci", "--no-progress")
	if err := os.Rename(fresh, home); err != nil && !exists(home) { // else another test process was faster
		t.Fatal(err)
	}
	_ = os.RemoveAll(fresh)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
