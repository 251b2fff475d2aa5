package standalone

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/benbjohnson/litestream"
	"github.com/superfly/ltx"

	"github.com/coditect-ai/coditect-sync/app"
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

// TestNothingIsCapturedAfterAFailureToComeBack: while the file was closed others may have begun its log anew more than once.
// Who flushes then, or proves the copies, must wait for the next session, which finds out what follows.
func TestNothingIsCapturedAfterAFailureToComeBack(t *testing.T) {
	s, other := openedSession(t)
	insert(t, other, 20, 100)
	mustCapture(t, s)
	goAway(t, s, func() {
		checkpointBy(t, other, "TRUNCATE")
		insert(t, other, 5, 20) // lost, if the next log is taken for the one after the first
		checkpointBy(t, other, "TRUNCATE")
		insert(t, other, 1, 20)
	})
	locker, err := other.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := locker.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	s.capturing.Lock()
	err = s.comeBack(t.Context())
	s.capturing.Unlock()
	if !errors.Is(err, errAside) {
		t.Fatalf("it came back while the file was locked: %v", err)
	}
	if err := s.capture(t.Context()); !errors.Is(err, errAside) {
		t.Errorf("a capture then says %v", err)
	}
	if err := locker.Close(); err != nil {
		t.Fatal(err)
	}
	s.abandon()
	next := begun(t, s.k)
	defer next.closeDB()
	allThere(t, next, 1+20*100+6*20)
}

// TestNobodyStepsAsideWhileATestRestoreHoldsTheLock: each would wait for what the other holds, and all other programs for both.
func TestNobodyStepsAsideWhileATestRestoreHoldsTheLock(t *testing.T) {
	s, _ := openedSession(t)
	defer s.closeDB()
	file := &lockedFile{LocalFile: s.k.cfg.File}
	s.k.cfg.File = file
	file.held = func() {
		s.reads.mu.Lock()
		defer s.reads.mu.Unlock()
		file.may = len(s.reads.now) == 0
	}
	_, err := s.drillOnce(t.Context())
	if !errors.Is(err, errHeld) || file.may {
		t.Errorf("%v; somebody may step aside meanwhile: %t", err, file.may)
	}
}

// lockedFile tells when its write lock is held, and gives it back at once.
type lockedFile struct {
	LocalFile
	held func()
	may  bool
}

var errHeld = errors.New("held")

func (f *lockedFile) Freeze(context.Context, func() error) (app.Snapshot, error) {
	f.held()
	return nil, errHeld
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
	goAway(t, s, during)
	if err := s.comeBack(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func goAway(t *testing.T, s *shipper, during func()) {
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

// TestAFullCopyOfALogThatNobodyHolds: the agent starts where all of the log is checkpointed, so whoever writes next begins it
// anew, under the hands of who reads a full copy of it.
func TestAFullCopyOfALogThatNobodyHolds(t *testing.T) {
	s, other := openedSession(t)
	insert(t, other, 10, 50)
	mustCapture(t, s)
	shipped(t, s)
	s.closeDB()
	insert(t, other, 40, 30)
	checkpointBy(t, other, "PASSIVE")
	s = another(t, s.k)
	defer s.closeDB()
	want := contentOf(t, other)
	peeks := &peekingTarget{ReplicaClient: s.index.ReplicaClient, then: func() { insert(t, other, 60, 30) }}
	s.index.ReplicaClient = peeks
	full, err := s.snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.index.ReplicaClient = peeks.ReplicaClient
	mustCapture(t, s)
	shipped(t, s)
	image, _ := fetch(t, replicaOf(s.target, "m1"), "m1", app.Moment{Point: full.MaxTXID.String()})
	if got := contentOfFile(t, image); got != want {
		t.Errorf("the full copy holds %s, the file held %s", got, want)
	}
	allThere(t, s, 1+10*50+100*30)
}

// peekingTarget does something once the first byte of an object is there.
type peekingTarget struct {
	litestream.ReplicaClient
	then func()
}

func (c *peekingTarget) WriteLTXFile(ctx context.Context, level int, lo, hi ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	in := bufio.NewReader(r)
	if _, err := in.Peek(1); err != nil {
		return nil, err
	}
	c.then()
	return c.ReplicaClient.WriteLTXFile(ctx, level, lo, hi, in)
}
