package standalone

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestAFolderOfManyFiles: each has its own size and time, in order, also where some go while it is listed.
func TestAFolderOfManyFiles(t *testing.T) {
	for _, n := range []int{0, 1, 4 * lookers, 4*lookers + 1, lookAt, 2*lookAt + 7} {
		root := t.TempDir()
		dir := filepath.Join(root, "many")
		if err := os.MkdirAll(filepath.Join(dir, "0005-a-folder"), 0o700); err != nil {
			t.Fatal(err)
		}
		at := time.Unix(1_790_000_000, 0).UTC()
		for i := range n {
			name := filepath.Join(dir, fmt.Sprintf("%04d", i))
			if err := os.WriteFile(name, make([]byte, i), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(name, at, at.Add(time.Duration(i)*time.Second)); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, "0003"+tmpSuffix), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		s, next := &fileStore{root: root}, 3
		for o, err := range s.list(t.Context(), "many", "0003") {
			if err != nil {
				t.Fatal(err)
			}
			if o.name != fmt.Sprintf("%04d", next) || o.size != int64(next) || !o.at.Equal(at.Add(time.Duration(next)*time.Second)) {
				t.Fatalf("%d files: %+v, want that of %d", n, o, next)
			}
			if next++; next == lookAt+3 { // those of the next look go meanwhile
				for i := next; i < n; i++ {
					if err := os.Remove(filepath.Join(dir, fmt.Sprintf("%04d", i))); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		if want := min(max(n, 3), lookAt+3); next != want {
			t.Errorf("%d files: listed up to %d, want %d", n, next, want)
		}
	}
}
