package story_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestKilledAgentLosesNothing ends the agent with SIGKILL at random moments while two programs write. Whatever it had
// reported as replicated must be in the replica; and it must have reported nearly everything, else the test proves
// nothing.
func TestKilledAgentLosesNothing(t *testing.T) {
	db, reference := memory(t)
	m := newMachine(t)
	m.do("setup", "--db", db, "--target", fileURL(filepath.Join(t.TempDir(), "copies")), "--user", "mira")
	w := startWriters(t, db)
	var kills []kill
	for i := range killRounds {
		m.start()
		life := time.Duration(rand.IntN(1500)) * time.Millisecond
		time.Sleep(life) // a random moment is the subject
		reported := m.status().Standalone.LastReplicatedAt
		m.kill()
		k := kill{at: time.Now(), reported: reported}
		if i%5 == 4 && !reported.IsZero() { // before the first copy there is nothing to restore
			k.file = filepath.Join(t.TempDir(), fmt.Sprintf("after-kill-%d.db", i))
			m.do("restore", "--latest", "--to", k.file) // without an agent
		}
		kills = append(kills, k)
	}
	w.stop()
	if n := len(restored(kills)); n < killRounds/10 {
		t.Fatalf("only %d of %d kills were followed by a restore: that proves too little", n, killRounds)
	}
	commits := readJournal(t, w.journal)
	old, inTime := 0, 0
	for _, k := range kills {
		for _, c := range commits {
			if k.at.Sub(c.at) > 10*time.Second {
				old++
				if c.at.Before(k.reported) {
					inTime++
				}
			}
		}
		if k.file != "" {
			k.holdsWhatWasReported(t, commits)
		}
	}
	t.Logf("%d kills; of %d rows older than 10 s at a kill, %d (%.2f %%) had been reported", len(kills), old, inTime, 100*float64(inTime)/float64(old))
	if old == 0 || float64(inTime) < 0.99*float64(old) {
		t.Errorf("only %d of %d rows older than 10 s had been reported as replicated", inTime, old)
	}

	m.start()
	m.do("verify")
	points := m.points()
	files := []string{filepath.Join(t.TempDir(), "newest.db"), filepath.Join(t.TempDir(), "middle.db")}
	m.do("restore", "--latest", "--to", files[0])
	m.do("restore", "--point", points[len(points)/2].ID, "--to", files[1])
	m.quit()
	holdAgainstLedger(t, reference, db, append(files, restored(kills)...))
}

func restored(kills []kill) (files []string) {
	for _, k := range kills {
		if k.file != "" {
			files = append(files, k.file)
		}
	}
	return files
}

// kill is one SIGKILL: when, what had been reported as replicated, and what could be restored right after it.
type kill struct {
	at, reported time.Time
	file         string
}

func (k kill) holdsWhatWasReported(t *testing.T, commits []commit) {
	t.Helper()
	restored := map[int64]bool{}
	for _, seq := range seqs(t, k.file) {
		restored[seq] = true
	}
	for _, c := range commits {
		if c.at.Before(k.reported) && !restored[c.seq] {
			t.Errorf("row %d was committed at %s and reported as replicated by %s, but the replica does not have it", c.seq, c.at, k.reported)
		}
	}
}

func seqs(t *testing.T, path string) (out []int64) {
	t.Helper()
	var first, last int64
	if _, err := fmt.Sscanf(shell(t, path, "SELECT min(seq), max(seq), count(*) FROM ledger"), "%d|%d", &first, &last); err != nil {
		t.Fatal(err)
	}
	for seq := first; seq <= last; seq++ {
		out = append(out, seq)
	}
	return out
}

// commit is one line of the journal: a ledger entry, and when its COMMIT had returned.
type commit struct {
	seq int64
	at  time.Time
}

func readJournal(t *testing.T, path string) (out []commit) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var c commit
		var at float64
		if _, err := fmt.Sscanf(lines.Text(), "%d %f", &c.seq, &at); err != nil {
			t.Fatalf("journal: %q: %v", lines.Text(), err)
		}
		c.at = time.UnixMicro(int64(at * 1e6))
		out = append(out, c)
	}
	return out
}
