//go:build unix

package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/backend/pushapi"
)

// pushToFolder pushes everything to a folder in the place of a server: a file for each number of a client, and a number that
// comes with other bytes is refused. step is called where a crash loses the answer.
func pushToFolder(f *File, folder string, step func()) error {
	for {
		out, err := f.NextGroups(context.Background(), 40, pushapi.MaxBytes)
		if err != nil || len(out.Groups) == 0 {
			return err
		}
		var answer pushapi.Answer
		for _, g := range out.Groups {
			name := filepath.Join(folder, fmt.Sprintf("%s %09d %03d", out.ClientID, g.Number, g.Part))
			before, err := os.ReadFile(name)
			if err == nil && string(before) != string(g.Raw) {
				return fmt.Errorf("%s was sent as other bytes", name)
			}
			if errors.Is(err, fs.ErrNotExist) {
				err = os.WriteFile(name, g.Raw, 0o600)
			}
			if err != nil {
				return err
			}
			status := pushapi.Applied
			if g.Part < g.Parts {
				status = pushapi.Staged
			}
			answer.Results = append(answer.Results, pushapi.Result{Group: g.Number, Part: g.Part, Status: status})
		}
		step()
		if _, err := f.Settle(context.Background(), out.ClientID, answer); err != nil {
			return err
		}
	}
}

// folderChanges are the changes that a folder has, in order.
func folderChanges(t *testing.T, folder string) (all []pushapi.Change) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(files)
	for _, name := range files {
		all = append(all, pushapi.DecodeGroup(read(t, name)).Changes...)
	}
	return all
}

// Killed at each step of enrolling: the next call goes on, and each row is filed once.
func TestEnrolSurvivesAKillAtEveryStep(t *testing.T) {
	const rows = "WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < 250) INSERT INTO projects (id, name) SELECT printf('p%04d', i), 'n' FROM k"
	f := memory(t)
	makeDB(t, f.path, rows)
	steps := 0
	for ; killedAt(t, steps, "enrol", f.path); steps++ {
		makeDB(t, f.path, fmt.Sprintf("INSERT INTO messages (id, content) VALUES ('m%d', 'between kills')", steps))
		if steps > 100 {
			t.Fatal("it does not come to an end")
		}
	}
	if steps < 5 {
		t.Errorf("killed at %d steps only", steps)
	}
	if got := ask(t, f.path, "SELECT count(*) || ' ' || count(DISTINCT id) FROM _coditect_queue WHERE op = 'enrol' AND tbl = 'projects'"); got != "250 250" {
		t.Errorf("filed %s", got)
	}
	model := map[string]map[string]json.RawMessage{}
	for _, c := range pushAll(t, f) {
		replay(t, model, []pushapi.Change{c})
	}
	wantRows(t, f, model)
}

// Killed at each step of pushing, before and after the answer: what is sent again is the same bytes, and all of it arrives.
func TestPushSurvivesAKillAtEveryStep(t *testing.T) {
	f := enrolledMemory(t)
	folder := t.TempDir()
	makeDB(t, f.path, "CREATE UNIQUE INDEX u ON messages (hash)")
	steps := 0
	for ; killedAt(t, steps, "push", f.path, folder); steps++ {
		makeDB(t, f.path, fmt.Sprintf("WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < 30) INSERT INTO messages (id, content) SELECT 'm%d-' || i, 'c' || i || '-%d' FROM k", steps, steps),
			fmt.Sprintf("REPLACE INTO messages (id, content, hash) VALUES ('r%d', 'same hash', 'h')", steps))
		if steps > 100 {
			t.Fatal("it does not come to an end")
		}
	}
	if steps < 6 {
		t.Errorf("killed at %d steps only", steps)
	}
	model := map[string]map[string]json.RawMessage{}
	for _, c := range folderChanges(t, folder) {
		replay(t, model, []pushapi.Change{c})
	}
	wantRows(t, f, model)
}

// A writer that is killed in its transactions: the queue has what was committed, and nothing else.
func TestAKilledWriterLeavesRowsAndQueueAlike(t *testing.T) {
	f := enrolledMemory(t)
	const writer = `import sqlite3, sys
c = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
for i in range(100000):
    c.execute("BEGIN IMMEDIATE")
    c.execute("INSERT INTO messages (id, content) VALUES (?, 'a')", (sys.argv[2] + "-" + str(i),))
    c.execute("UPDATE messages SET role = ? WHERE id LIKE ?", (str(i), sys.argv[2] + "-%"))
    c.execute("REPLACE INTO projects (id, name) VALUES ('p', ?)", (str(i),))
    c.execute("COMMIT")
    print(i, flush=True)
`
	for round := range 4 {
		cmd := exec.Command("python3", "-c", writer, f.path, fmt.Sprint(round))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 1)); err != nil { // it has committed once
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rand.IntN(50)) * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
			t.Fatal(err)
		}
	}
	model := map[string]map[string]json.RawMessage{}
	replay(t, model, pushAll(t, f))
	wantRows(t, f, model)
}

// drainAll pushes everything to a server that takes all.
func drainAll(f *File) error {
	changes, reading := 0, time.Duration(0)
	for {
		started := time.Now()
		out, err := f.NextGroups(context.Background(), pushapi.MaxChanges, pushapi.MaxBytes)
		reading += time.Since(started)
		if err != nil || len(out.Groups) == 0 {
			status, _ := os.ReadFile("/proc/self/status")
			_, peak, _ := strings.Cut(string(status), "VmHWM:")
			peak, _, _ = strings.Cut(peak, "\n")
			fmt.Printf("VmHWM:%s, %d changes read in %v, %.2f us each", peak, changes, reading.Round(time.Millisecond), float64(reading.Microseconds())/float64(max(changes, 1)))
			return err
		}
		changes += out.Changes
		var answer pushapi.Answer
		for _, g := range out.Groups {
			r := pushapi.Result{Group: g.Number, Part: g.Part, Status: pushapi.Applied}
			if g.Part < g.Parts {
				r.Status = pushapi.Staged
			}
			answer.Results = append(answer.Results, r)
		}
		if _, err := f.Settle(context.Background(), out.ClientID, answer); err != nil {
			return err
		}
	}
}
