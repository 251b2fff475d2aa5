//go:build unix

package standalone

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// TestAFolderThatWasPutBackIsNoticed: an older copy of a folder takes its place while the engine runs. The next change sees it, and
// the newest point can be restored at once, not after the next test restore.
func TestAFolderThatWasPutBackIsNoticed(t *testing.T) {
	swapped := func(t *testing.T, target *Target, dir string) *racer {
		r := newRacer(t, target, "m1", "l1", filepath.Join(t.TempDir(), "memory.db"), newClock())
		r.start(t)
		r.keeps(t)
		s, err := r.k.current(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for s.ships[0].newestTold.Load() == 0 { // until the upkeep after the first copy is through
			time.Sleep(5 * time.Millisecond)
		}
		old := filepath.Join(t.TempDir(), "old")
		if err := os.CopyFS(old, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		r.keeps(t)
		r.keeps(t)
		if err := os.Rename(dir, old+"-newest"); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(old, dir); err != nil {
			t.Fatal(err)
		}
		return r
	}
	goesOn := func(t *testing.T, r *racer) {
		r.keeps(t)
		r.keeps(t)
		r.restores(t, app.Moment{}, contentOf(t, r.db))
		r.end(t)
	}
	t.Run("folder", func(t *testing.T) {
		target := fileTarget(t)
		goesOn(t, swapped(t, target, target.at.path))
	})
	t.Run("folder of another computer", func(t *testing.T) {
		target, server := sftpTarget(t)
		patient(t, target)
		goesOn(t, swapped(t, target, filepath.Join(server.Dir, "copies")))
	})
	t.Run("encrypted", func(t *testing.T) { // where nothing is to cover that up
		target := fileTarget(t).sealedWith(newKey(t))
		r := swapped(t, target, target.at.path)
		if _, err := r.db.Exec("INSERT INTO notes(body) VALUES (randomblob(300))"); err != nil {
			t.Fatal(err)
		}
		if _, err := r.k.Flush(t.Context()); !errors.Is(err, errOldState) {
			t.Errorf("it says %v", err)
		}
		r.stop()
		<-r.ended // which may say so, too
	})
}
