package story_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestDoNoHarm puts long readers, bursts of writes and foreign checkpoints on a file, without the agent and with it:
// no program may be told "database is locked" because of us, and the write-ahead log stays bounded.
func TestDoNoHarm(t *testing.T) {
	alone := annoy(t, nil)
	t.Logf("without the agent: %+v", alone)
	var m *machine
	with := annoy(t, func(db string) {
		m = newMachine(t)
		m.do("setup", "--db", db, "--target", fileURL(filepath.Join(t.TempDir(), "copies")), "--user", "mira")
		m.start()
		m.healthy()
	})
	t.Logf("with the agent: %+v", with)
	if with.Commits < 100 || with.Checkpoints < 5 || with.Reads < 5 {
		t.Fatalf("too little happened to prove anything: %+v", with)
	}
	// A reader of 3 s and a checkpoint that waits 5 s for it make a busy machine lose one or two even without us, now in
	// one run and now in the other. Without stepping aside it is one in two checkpoints.
	if noise := with.Checkpoints / 8; with.Busy > alone.Busy+noise {
		t.Errorf("other programs were told %d times that the database is locked; without the agent %d times", with.Busy, alone.Busy)
	}
	const bound = 64 << 20
	if with.MaxWAL > bound && with.MaxWAL > 2*alone.MaxWAL {
		t.Errorf("the write-ahead log grew to %d bytes; without the agent to %d", with.MaxWAL, alone.MaxWAL)
	}
	m.do("verify")
}

// trouble is what testdata/harm.py saw.
type trouble struct {
	Commits, Reads, Checkpoints, Busy int
	MaxWAL                            int64
	SlowestCommit                     float64 // seconds
}

func annoy(t *testing.T, begin func(db string)) (out trouble) {
	t.Helper()
	db, _ := memory(t)
	shell(t, db, "PRAGMA journal_mode=wal")
	if begin != nil {
		begin(db)
	}
	c := exec.CommandContext(t.Context(), "python3", "testdata/harm.py", db, seconds(harmFor))
	c.Stderr = os.Stderr
	b, err := c.Output()
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		t.Fatalf("harm.py: %v\n%s", err, b)
	}
	return out
}

func seconds(d time.Duration) string { b, _ := json.Marshal(d.Seconds()); return string(b) }
