//go:build !windows

package standalone

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app/apptest"
	"github.com/coditect-ai/coditect-sync/app/standalone/s3"
)

// TestUnfinishedUploadsAreSwept: what an upload left that was killed goes a day later, also where the agent has run on since
// before, from a bucket, a folder and a folder of another computer.
func TestUnfinishedUploadsAreSwept(t *testing.T) {
	const key = "standalone/" + twinUser + "/m1/ltx/0/x"
	stray := func(t *testing.T, root string) (count func() int) {
		path := filepath.Join(root, filepath.FromSlash(key)+tmpSuffix)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		return func() int {
			if _, err := os.Stat(path); err != nil {
				return 0
			}
			return 1
		}
	}
	t.Run("s3", func(t *testing.T) {
		target, server := s3Target(t)
		server.Fault(apptest.Deletes, apptest.Unplugged) // as if it were killed: what it began is not taken away
		_, err := target.store.put(t.Context(), key, time.Time{}, func(w io.Writer) error {
			return errors.Join(writeAll(make([]byte, 2*s3.MinPart+1))(w), errors.New("killed"))
		})
		server.Heal()
		if err == nil {
			t.Fatal("it was not killed")
		}
		swept(t, target, func() int { return server.Unfinished("memory") })
	})
	t.Run("file", func(t *testing.T) {
		target := fileTarget(t)
		swept(t, target, stray(t, target.at.path))
	})
	t.Run("sftp", func(t *testing.T) {
		target, server := sftpTarget(t)
		swept(t, target, stray(t, filepath.Join(server.Dir, "copies")))
	})
}

func swept(t *testing.T, target *Target, count func() int) {
	t.Helper()
	k, other := keeperOf(t, filepath.Join(t.TempDir(), "memory.db"), target)
	clock := newClock()
	k.cfg.Now = clock.now
	s := begun(t, k)
	defer s.closeDB()
	shipped(t, s)
	if count() != 1 {
		t.Fatalf("%d unfinished uploads at the beginning", count())
	}
	for _, passed := range []time.Duration{23 * time.Hour, 2 * time.Hour} {
		clock.pass(passed)
		insert(t, other, 1, 5)
		mustCapture(t, s)
		shipped(t, s)
	}
	if count() != 0 {
		t.Error("it is there a day later")
	}
}
