package story_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// TestStory is the promise end to end: a file that others made and go on writing is streamed to a place its owner has,
// and any moment of it comes back, exact, here and on another machine.
func TestStory(t *testing.T) {
	t.Run("folder", func(t *testing.T) {
		tell(t, fileURL(filepath.Join(t.TempDir(), "copies")))
	})
	t.Run("cloud storage", func(t *testing.T) {
		gcs := apptest.StartGCS(t, "memory-backup")
		tell(t, "gs://memory-backup/mine", "STORAGE_EMULATOR_HOST="+gcs.URL)
	})
	t.Run("S3", func(t *testing.T) {
		server := apptest.StartS3(t, "memory-backup")
		tell(t, server.Target("memory-backup/mine"), server.Env()...)
	})
}

func tell(t *testing.T, target string, env ...string) {
	const moments = 50
	db, reference := largeMemory(t, storyRows)
	m := newMachine(t, env...)
	m.do("setup", "--db", db, "--target", target, "--user", "mira")
	w := startWriters(t, db)
	m.start()
	m.healthy()
	m.eventually("enough moments to go back to", func() bool { return len(m.points()) > moments/2 })
	m.do("verify") // under load
	w.stop()
	m.do("verify")
	points := m.points()

	files := m.restoreAll(points, moments)
	m.restoreHereAndBack(db, points)
	files = append(files, elsewhere(t, m, target, env))
	m.quit()
	holdAgainstLedger(t, reference, db, files)
}

func (m *machine) points() []app.RestorePoint {
	m.t.Helper()
	var tl app.Timeline
	m.json(&tl, "points")
	return tl.Points
}

// restoreAll restores the newest moment, and half of n by TXID and half by time, each to a new file.
func (m *machine) restoreAll(points []app.RestorePoint, n int) (files []string) {
	dir := m.t.TempDir()
	restore := func(i int, args ...string) app.RestoreResult {
		f := filepath.Join(dir, fmt.Sprintf("%02d.db", i))
		var res app.RestoreResult
		m.json(&res, append([]string{"restore", "--to", f}, args...)...)
		keepDigest(m.t, f)
		files = append(files, f)
		return res
	}
	if res := restore(0, "--latest"); res.Point.ID != points[0].ID {
		m.t.Errorf("the latest is %s, restored was %s", points[0].ID, res.Point.ID)
	}
	for i := range n {
		p := points[rand.IntN(len(points))]
		if i%2 == 0 {
			if res := restore(1+i, "--point", p.ID); res.Point.ID != p.ID {
				m.t.Errorf("asked for %s, got %s", p.ID, res.Point.ID)
			}
			continue
		}
		at := p.Time.Add(time.Duration(rand.IntN(1000)) * time.Millisecond)
		res := restore(1+i, "--at", at.Format(time.RFC3339Nano))
		if want := newestAt(points, at); res.Point.ID != want {
			m.t.Errorf("at %s: got %s, the newest point by then is %s", at, res.Point.ID, want)
		}
	}
	return files
}

// keepDigest replaces a file by what is needed to check it: fifty large ones would fill the disk.
func keepDigest(t *testing.T, file string) {
	t.Helper()
	err := os.WriteFile(file+".digest", []byte(ledger(t, "digest", file)), 0o600)
	if err = errors.Join(err, os.Remove(file)); err != nil {
		t.Fatal(err)
	}
}

// newestAt is the ID of the newest point at or before a time.
func newestAt(points []app.RestorePoint, at time.Time) string {
	for _, p := range points {
		if !p.Time.After(at) {
			return p.ID
		}
	}
	return ""
}

// restoreHereAndBack restores into the live file, undoes it, and undoes the undo, while another program holds the file
// open. At the end everything is as it was.
func (m *machine) restoreHereAndBack(db string, points []app.RestorePoint) {
	m.t.Helper()
	other := openConnection(m.t, db)
	count := func() string { return other.ask("SELECT count(*), coalesce(max(seq), 0) FROM ledger") }
	before := count()
	old := points[len(points)/2]
	var res app.RestoreResult
	m.json(&res, "restore", "--point", old.ID, "--yes")
	if !res.Equal || res.Integrity != "ok" || res.Undo == nil {
		m.t.Errorf("restore: %+v", res)
	}
	after := count()
	if after == before {
		m.t.Errorf("the open connection still sees %q", after)
	}
	m.json(&res, "undo", "--yes")
	if got := count(); got != before || !res.Equal {
		m.t.Errorf("after undo the open connection sees %q, want %q", got, before)
	}
	m.json(&res, "undo", "--yes")
	if got := count(); got != after {
		m.t.Errorf("after the undo of the undo the open connection sees %q, want %q", got, after)
	}
	m.json(&res, "undo", "--yes")
	if got := count(); got != before {
		m.t.Errorf("at the end the open connection sees %q, want %q", got, before)
	}
	m.do("verify")
}

// elsewhere restores the newest moment on a second machine that knows the target only.
func elsewhere(t *testing.T, first *machine, target string, env []string) string {
	t.Helper()
	second := newMachine(t, env...)
	second.do("setup", "--target", target, "--user", "mira")
	var machines []app.Machine
	second.json(&machines, "machines")
	f := filepath.Join(t.TempDir(), "elsewhere.db")
	second.do("restore", "--latest", "--machine", first.status().MachineID, "--to", f)
	return f
}

func holdAgainstLedger(t *testing.T, reference, full string, files []string) {
	t.Helper()
	// The ledger of the live file is complete: it was put back to the newest moment.
	out := ledger(t, append([]string{"check", reference, full}, append(files, full)...)...)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != len(files)+1 {
		t.Fatalf("%d files checked, want %d:\n%s", len(lines), len(files)+1, out)
	}
	moments := map[string]bool{}
	for _, line := range lines {
		if !strings.HasSuffix(line, " ok") {
			t.Error(line)
		}
		moments[strings.Fields(line)[1]] = true
	}
	if len(moments) < 10 {
		t.Errorf("only %d different moments were restored; the story proves nothing", len(moments))
	}
}

// TestNothingIsAskedWhileNothingChanges counts requests at the emulated Cloud Storage.
func TestNothingIsAskedWhileNothingChanges(t *testing.T) {
	gcs := apptest.StartGCS(t, "memory-backup")
	db, _ := memory(t)
	m := newMachine(t, "STORAGE_EMULATOR_HOST="+gcs.URL)
	m.do("setup", "--db", db, "--target", "gs://memory-backup", "--user", "mira")
	m.start()
	m.healthy()
	shell(t, db, "INSERT INTO notes(body) VALUES ('the last change')")
	want := m.status().Standalone.TXID
	m.eventually("the last change at the target", func() bool {
		s := m.status().Standalone
		return s.ReplicatedTXID > want && s.WaitingSince.IsZero()
	})
	before := len(gcs.Requests())
	time.Sleep(idleFor) // idleness is the subject
	if extra := gcs.Requests()[before:]; len(extra) > 0 {
		t.Errorf("%d requests in %s without a change: %+v", len(extra), idleFor, extra)
	}
}
