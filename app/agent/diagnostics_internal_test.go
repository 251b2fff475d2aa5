package agent

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTailBeginsWithAWholeLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte("first line\nsecond line\nthird\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := string(tailOf(path, 10)); got != "third\n" {
		t.Errorf("%q", got)
	}
	if got := string(tailOf(path, 1000)); got != "first line\nsecond line\nthird\n" {
		t.Errorf("%q", got)
	}
	if got := tailOf(path+"x", 10); got != nil {
		t.Errorf("%q", got)
	}
}
