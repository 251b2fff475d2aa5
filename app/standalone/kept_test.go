package standalone

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"testing"
	"time"
)

// readsOf counts how often an object of each level is read.
type readsOf struct {
	store
	levels map[string]int
}

func (s *readsOf) open(ctx context.Context, key string, offset, size int64) (io.ReadCloser, error) {
	s.levels[path.Base(path.Dir(key))]++
	return s.store.open(ctx, key, offset, size)
}

// busyMonth is a month whose merges keep what they wrote, and what it reads.
func busyMonth(t *testing.T, most int64) (*month, *readsOf) {
	m := newMonth(t)
	m.s.kept = newKeptMerges(filepath.Join(t.TempDir(), "merged"), most)
	target := m.s.index.ReplicaClient.(*ltxClient).t
	reads := &readsOf{target.store, map[string]int{}}
	target.store = reads
	return m, reads
}

// TestWhatWasMergedIsNotReadBack: hours of merging ask for no merged file, and what they come to is every moment as it was.
func TestWhatWasMergedIsNotReadBack(t *testing.T) {
	t.Parallel()
	m, reads := busyMonth(t, keptMost)
	m.live(3*time.Hour, 2*time.Second, 8*time.Second)
	if reads.levels["1"] != 0 || reads.levels["2"] != 0 {
		t.Errorf("merged files were read %v times", reads.levels)
	}
	entries, err := os.ReadDir(m.s.kept.dir)
	if err != nil || len(entries) != len(m.s.kept.sizes) || len(entries) > 40 {
		t.Errorf("%d files are kept, %d are known, %v", len(entries), len(m.s.kept.sizes), err)
	}
	var total int64
	for _, e := range entries {
		if fi, err := e.Info(); err == nil {
			total += fi.Size()
		}
	}
	if total != m.s.kept.total {
		t.Errorf("%d bytes are kept, %d are counted", total, m.s.kept.total)
	}
	holdsAll(m, 3*time.Hour)
}

// holdsAll restores moments of a while back.
func holdsAll(m *month, back time.Duration) {
	for d := time.Duration(0); d < back; d += back / 40 {
		m.holds(d)
	}
}

// TestWhatIsKeptIsNotBelieved: a file that is damaged or gone here, or that there was no room for, is read from the target.
func TestWhatIsKeptIsNotBelieved(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(name string, content []byte) error{
		"gone":  func(name string, _ []byte) error { return os.Remove(name) },
		"cut":   func(name string, content []byte) error { return os.WriteFile(name, content[:len(content)-9], 0o600) },
		"empty": func(name string, _ []byte) error { return os.WriteFile(name, nil, 0o600) },
		"damaged": func(name string, content []byte) error {
			content[len(content)/2] ^= 1
			return os.WriteFile(name, content, 0o600)
		},
		"swapped":   nil,
		"no room":   nil,
		"no folder": nil,
	} {
		t.Run(name, func(t *testing.T) {
			most := int64(keptMost)
			if name == "no room" {
				most = 1000
			}
			m, reads := busyMonth(t, most)
			if name == "no folder" {
				m.s.kept = newKeptMerges(filepath.Join(m.s.kept.dir, "\x00"), most)
			}
			m.live(4*time.Minute, 2*time.Second, 8*time.Second)
			harmKept(t, m.s.kept, harm)
			m.live(20*time.Minute, 2*time.Second, 8*time.Second)
			if reads.levels["1"] == 0 {
				t.Error("no merged file was read from the target")
			}
			if m.s.kept.total > most {
				t.Errorf("%d bytes are kept", m.s.kept.total)
			}
			holdsAll(m, 20*time.Minute)
		})
	}
}

// harmKept does something to every file that is kept; to swap them where nothing is said.
func harmKept(t *testing.T, k *keptMerges, harm func(name string, content []byte) error) {
	t.Helper()
	var before []byte
	for n := range k.sizes {
		content, err := os.ReadFile(k.path(n))
		switch {
		case err != nil:
		case harm != nil:
			err = harm(k.path(n), bytes.Clone(content))
		case before == nil:
			err = os.WriteFile(k.path(n), nil, 0o600)
		default:
			err = os.WriteFile(k.path(n), before, 0o600)
		}
		if before = content; err != nil {
			t.Fatal(err)
		}
	}
}

// TestASessionKeepsItsOwn: what the session before kept is not looked at, and what did not come to the target is not kept.
func TestASessionKeepsItsOwn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "merged")
	k := newKeptMerges(dir, keptMost)
	keep := func(ok bool) {
		r, written := k.keep(keptName{1, 1, 1}, bytes.NewReader([]byte("content")))
		if _, err := io.Copy(io.Discard, r); err != nil {
			t.Fatal(err)
		}
		written(ok)
	}
	keep(false)
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("%v, %v", entries, err)
	}
	keep(true)
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
	k = newKeptMerges(dir, keptMost)
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 || k.total != 0 {
		t.Errorf("%v, %v", entries, err)
	}
	if _, err := k.open(1, 1, 1); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if _, written := k.keep(keptName{3, 1, 1}, nil); written == nil {
		t.Error("the coarsest level has nothing to do")
	}
	if got := fmt.Sprint(k.sizes); got != "map[]" {
		t.Errorf("of the coarsest level is kept %s", got)
	}
}
