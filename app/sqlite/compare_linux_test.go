package sqlite

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A file is compared in a few megabytes, however large it is.
func TestCompareNeedsLittleMemory(t *testing.T) {
	const rows, each = 1500, 100_000 // 150 MB on either side
	f, image := newFile(t), filepath.Join(t.TempDir(), "image.db")
	big := []string{
		"PRAGMA journal_mode = WAL", "CREATE TABLE big (id INTEGER PRIMARY KEY, body BLOB)",
		fmt.Sprintf("WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < %d) INSERT INTO big SELECT i, zeroblob(%d) FROM k", rows, each),
	}
	makeDB(t, image, big...)
	makeDB(t, f.path, append(big, "UPDATE big SET body = zeroblob(50) WHERE id % 3 = 0")...)
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil { // the most begins anew
		t.Fatal(err)
	}
	before := memoryIn(t, "VmRSS")
	d := diffOf(t, compare(t, f, image), "big")
	if got, want := counts(d), [5]int64{rows, rows, 0, rows / 3, 0}; got != want {
		t.Errorf("%v, want %v", got, want)
	}
	if grown := memoryIn(t, "VmHWM") - before; grown > 48<<10 {
		t.Errorf("comparing took %d MB of memory", grown>>10)
	}
}

// memoryIn is a line of /proc/self/status, in kB: VmRSS is what this process has now, VmHWM the most it had.
func memoryIn(t *testing.T, line string) (kB int) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), line+":")
	if _, err := fmt.Sscan(rest, &kB); err != nil {
		t.Fatal(err)
	}
	return kB
}
