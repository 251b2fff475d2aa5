package standalone

import (
	"context"
	"database/sql"
	"fmt"
	"testing"

	"github.com/benbjohnson/litestream"
	"github.com/superfly/ltx"
)

// TestComingBackPinsTheLog: whatever a checkpoint left of the log, nobody can begin it anew behind our back once we are
// back, so that the next change is a change and not the whole file.
func TestComingBackPinsTheLog(t *testing.T) {
	for _, mode := range []string{"PASSIVE", "FULL", "RESTART", "TRUNCATE"} {
		t.Run(mode, func(t *testing.T) {
			s, other := openedSession(t)
			defer s.closeDB()
			insert(t, other, 1, 4000) // a file much larger than what is written later
			mustCapture(t, s)
			for round := range 3 {
				insert(t, other, 5, 20)
				awayFor(t, s, func() {
					checkpointBy(t, other, "RESTART")
					insert(t, other, 5, 20) // a short new log
					checkpointBy(t, other, mode)
				})
				insert(t, other, 20, 20) // over all of it, if it may begin anew
				mustCapture(t, s)
				if d := s.db.SyncDiagnostic(); d.Snapshotting {
					t.Errorf("round %d: the change holds the whole file: %s", round, d.Reason)
				}
			}
			allThere(t, s, 1+4000+3*600)
		})
	}
}

// TestComingBackOnceMore: a passive checkpoint needs no write lock. One that comes between our last look at the log and
// Litestream's is noticed, and the file opened once more.
func TestComingBackOnceMore(t *testing.T) {
	s, other := openedSession(t)
	defer s.closeDB()
	insert(t, other, 1, 4000)
	mustCapture(t, s)
	asked := &onList{ReplicaClient: s.index.ReplicaClient, then: func() { checkpointBy(t, other, "PASSIVE") }}
	s.index.ReplicaClient = asked
	awayFor(t, s, func() {
		checkpointBy(t, other, "TRUNCATE")
		insert(t, other, 5, 20)
		s.index.forget() // the position is asked for while writers are held
	})
	if asked.n == 0 {
		t.Fatal("the target was not asked; the test proves nothing")
	}
	insert(t, other, 20, 20)
	mustCapture(t, s)
	if d := s.db.SyncDiagnostic(); d.Snapshotting {
		t.Errorf("the change holds the whole file: %s", d.Reason)
	}
	allThere(t, s, 1+4000+500)
}

// onList is a target that does something when level 0 is listed.
type onList struct {
	litestream.ReplicaClient
	then func()
	n    int
}

func (c *onList) LTXFiles(ctx context.Context, level int, seek ltx.TXID, meta bool) (ltx.FileIterator, error) {
	if level == 0 {
		c.n++
		c.then()
	}
	return c.ReplicaClient.LTXFiles(ctx, level, seek, meta)
}

// TestComingBackUnderAStorm: checkpoints without a pause leave no moment to come back in. Changes may hold the whole file
// then, and nothing is lost.
func TestComingBackUnderAStorm(t *testing.T) {
	s, other := openedSession(t)
	defer s.closeDB()
	for range 5 {
		insert(t, other, 5, 20)
		stop := func() {}
		awayFor(t, s, func() {
			checkpointBy(t, other, "TRUNCATE")
			insert(t, other, 5, 20)
			stop = passively(other)
		})
		stop()
		insert(t, other, 20, 20)
		mustCapture(t, s)
	}
	allThere(t, s, 1+5*600)
}

func allThere(t *testing.T, s *shipper, want int) {
	t.Helper()
	if err := s.ship(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := restoredNotes(t, s); got != want {
		t.Errorf("%d rows at the target, want %d", got, want)
	}
}

// passively checkpoints without a pause until stop.
func passively(db *sql.DB) (stop func()) {
	end, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-end:
				return
			default:
				_, _ = db.Exec("PRAGMA wal_checkpoint(PASSIVE)") // busy now and then
			}
		}
	}()
	return func() { close(end); <-done }
}

// awayFor steps aside as for a checkpoint of another program, which stepAside would have to see waiting.
func awayFor(t *testing.T, s *shipper, during func()) {
	t.Helper()
	mustCapture(t, s)
	pos, err := s.db.Pos()
	if err != nil {
		t.Fatal(err)
	}
	h, ok := s.walIndex.header()
	if !ok {
		t.Fatal("the index cannot be read")
	}
	s.sealed = seal{pos.TXID, h.change}
	s.closeQuietly()
	during()
	if err := s.comeBack(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func mustCapture(t *testing.T, s *shipper) ltx.TXID {
	t.Helper()
	if err := s.capture(t.Context()); err != nil {
		t.Fatal(err)
	}
	pos, err := s.db.Pos()
	if err != nil {
		t.Fatal(err)
	}
	return pos.TXID
}

// insert commits so many transactions of so many rows, a page each three.
func insert(t *testing.T, db *sql.DB, transactions, rows int) {
	t.Helper()
	for range transactions {
		_, err := db.Exec(fmt.Sprintf("INSERT INTO notes(body) WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM k WHERE i<%d) SELECT hex(randomblob(600)) FROM k", rows))
		if err != nil {
			t.Fatal(err)
		}
	}
}

func checkpointBy(t *testing.T, db *sql.DB, mode string) {
	t.Helper()
	var busy, frames, done int
	if err := db.QueryRow("PRAGMA wal_checkpoint("+mode+")").Scan(&busy, &frames, &done); err != nil {
		t.Fatal(err)
	}
	if busy != 0 || frames != done {
		t.Fatalf("%s: busy %d, %d of %d frames", mode, busy, done, frames)
	}
}
