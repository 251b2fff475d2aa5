package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestBinary builds the program as it is shipped: without cgo, with its version from the linker.
func TestBinary(t *testing.T) {
	exe := filepath.Join(t.TempDir(), "coditect-sync.exe")
	build := exec.Command("go", "build", "-buildvcs=false", "-ldflags", "-X main.version=v1.2.3", "-o", exe, "../..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, err := exec.Command(exe, "--version").Output()
	if err != nil || string(out) != "coditect-sync version v1.2.3\n" {
		t.Errorf("%q, %v", out, err)
	}
	status := exec.Command(exe, "status", "--home", t.TempDir())
	all, err := status.CombinedOutput()
	if statusOf(err) != 3 || !strings.HasPrefix(string(all), "CODITECT Sync is not running") {
		t.Errorf("%q, %v", all, err)
	}
}
