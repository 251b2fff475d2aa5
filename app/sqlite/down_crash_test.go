//go:build unix

package sqlite

import (
	"context"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/coditect-ai/coditect-sync/app/powersync"
)

const pullRows = 400

// pullServer is a model's server in its first or second state.
func pullServer(state int) *modelServer {
	s := newModelServer(99, pullRows)
	for range state * 600 {
		s.change()
	}
	return s
}

func smallSteps(f *File) {
	f.tables = modelTables()
	f.down.most, f.down.live, f.down.hold = 90, 60, 0
}

// childPull follows the model's server in the second state.
func childPull(f *File, _ string) error {
	smallSteps(f)
	return syncAll(context.Background(), f, pullServer(2))
}

// Killed between any two rows, with files half written, between slices and around the last commit: the next start goes on,
// and nothing is missing or too much.
func TestDownloadsSurviveAKill(t *testing.T) {
	ready := filepath.Join(t.TempDir(), "ready.db")
	first := newClient(t, ready, modelTables())
	smallSteps(first.f)
	if err := syncAll(t.Context(), first.f, pullServer(1)); err != nil {
		t.Fatal(err)
	}
	compareRows(t, ready, pullServer(1).wanted())
	killed := 0
	for step := 0; ; step += 1 + step/3 {
		path := filepath.Join(t.TempDir(), "context.db")
		copyFile(t, ready, path)
		alive := !killedAt(t, step, "pull", path, "")
		if !alive {
			killed++
			next := newClient(t, path, modelTables())
			smallSteps(next.f)
			if err := syncAll(t.Context(), next.f, pullServer(2)); err != nil {
				t.Fatalf("step %d: %v", step, err)
			}
		}
		compareRows(t, path, pullServer(2).wanted())
		if got := ask(t, path, "PRAGMA integrity_check"); got != "ok" {
			t.Errorf("step %s: %s", strconv.Itoa(step), got)
		}
		if t.Failed() || alive {
			break
		}
	}
	if killed < 8 {
		t.Errorf("killed at %d steps only", killed)
	}
}

// A file of operations that is not whole is thrown away, and what was in it comes again.
func TestTornFilesOfOperations(t *testing.T) {
	for name, spoil := range map[string]func([]byte) []byte{
		"cut":      func(b []byte) []byte { return b[:len(b)/2] },
		"empty":    func([]byte) []byte { return nil },
		"a bit":    func(b []byte) []byte { b[20] ^= 1; return b },
		"its tail": func(b []byte) []byte { b[len(b)-5] ^= 1; return b },
	} {
		t.Run(name, func(t *testing.T) {
			s := pullServer(1)
			k := newClient(t, filepath.Join(t.TempDir(), "context.db"), modelTables())
			smallSteps(k.f)
			s.open(k.connect())
			k.hear([]byte(s.announce()))
			for _, name := range s.names() {
				for line := s.data(s.buckets[name], 20); s.listed[name] && line != "" && k.left == powersync.Reason(""); line = s.data(s.buckets[name], 20) {
					k.hear([]byte(line))
				}
			}
			files, err := filepath.Glob(filepath.Join(escapeGlob(spoolDir(k.f.path)), "*.run"))
			if err != nil || len(files) < 2 {
				t.Fatalf("%d files, %v", len(files), err)
			}
			write(t, files[1], spoil(read(t, files[1])))
			next := newClient(t, k.f.path, modelTables())
			smallSteps(next.f)
			if err := syncAll(t.Context(), next.f, s); err != nil {
				t.Fatal(err)
			}
			compareRows(t, k.f.path, s.wanted())
		})
	}
}
