package standalone

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/benbjohnson/litestream"
	"github.com/superfly/ltx"

	"github.com/coditect-ai/coditect-sync/app"
)

// largeSession is a session over a file that is large enough for its copies to matter, the first of which is sent.
func largeSession(t *testing.T) (s *shipper, other *sql.DB) {
	t.Helper()
	s, other = openedSession(t)
	s.slimPages = 0 // whole changes stay so
	addLarge(t, other)
	mustCapture(t, s)
	if err := s.ship(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, other
}

// addLarge adds rows of some 20 MB that compress to nothing less.
func addLarge(t *testing.T, db *sql.DB) {
	t.Helper()
	_, err := db.Exec("INSERT INTO notes(body) WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM k WHERE i<20) SELECT randomblob(1000000) FROM k")
	if err != nil {
		t.Fatal(err)
	}
}

// captureWhole makes the next change one that holds the whole file, as after a log that others began anew.
func captureWhole(t *testing.T, s *shipper) ltx.TXID {
	t.Helper()
	mustCapture(t, s)
	wholeNext(t, s)
	whole := mustCapture(t, s)
	if !holdsWhole(s.db.LTXPath(0, whole, whole)) {
		t.Fatalf("the change %s does not hold the whole file", whole)
	}
	return whole
}

// TestNewestWholeChangeTakesThePlace: of several waiting copies of the whole file one is kept and sent, as a full copy.
func TestNewestWholeChangeTakesThePlace(t *testing.T) {
	s, other := largeSession(t)
	defer s.closeDB()
	insert(t, other, 1, 10)
	before := mustCapture(t, s)
	var newest ltx.TXID
	for range 3 {
		newest = captureWhole(t, s)
		insert(t, other, 1, 10)
		mustCapture(t, s)
	}
	if got := locals(t, s); got[0] > before || largeOnes(s, got) > 2 {
		t.Errorf("%v wait, %d of them large; want the change %s first and only one copy of the file beside the first", got, largeOnes(s, got), before)
	}
	allThere(t, s, 1+20+10+3*10)
	r := replicaOf(s.k.cfg.Target, "m1")
	if plan, err := r.Plan(t.Context(), "", app.Moment{Point: before.String()}); err != nil || plan.Point.ID != before.String() {
		t.Errorf("the change before them: %+v, %v", plan, err)
	}
	plan, err := r.Plan(t.Context(), "", app.Moment{Point: newest.String()})
	if err != nil || plan.Objects != 1 {
		t.Errorf("the newest whole one takes %d objects, %v; want the full copy", plan.Objects, err)
	}
	full, err := s.index.list(t.Context(), snapshotLevel)
	if err != nil || maxTXID(full) != newest {
		t.Errorf("full copies %v, %v, want one of %s", full, err, newest)
	}
	insert(t, other, 1, 10)
	mustCapture(t, s)
	allThere(t, s, 1+20+10+4*10)
	if err := s.upkeep(t.Context()); err != nil {
		t.Fatal(err)
	}
	allThere(t, s, 1+20+10+4*10)
}

func largeOnes(s *shipper, txids []ltx.TXID) (n int) {
	for _, txid := range txids {
		if s.sizes(txid) >= largeChange {
			n++
		}
	}
	return n
}

// TestWholeChangesDoNotPileUpBehindASlowUpload: while one is sent, one waits.
func TestWholeChangesDoNotPileUpBehindASlowUpload(t *testing.T) {
	s, other := largeSession(t)
	defer s.closeDB()
	sent := captureWhole(t, s)
	slow := &slowTarget{ReplicaClient: s.index.ReplicaClient, began: make(chan struct{}), goOn: make(chan struct{})}
	s.index.ReplicaClient = slow
	shipped := make(chan error, 1)
	go func() { shipped <- s.ship(context.WithoutCancel(t.Context())) }()
	<-slow.began
	for range 3 {
		captureWhole(t, s)
		insert(t, other, 1, 10)
		mustCapture(t, s)
	}
	if got := locals(t, s); largeOnes(s, got) > 3 {
		t.Errorf("%d copies of the file are kept: %v", largeOnes(s, got), got)
	}
	if s.sizes(sent) == 0 {
		t.Error("the one that is being sent was dropped")
	}
	close(slow.goOn)
	if err := <-shipped; err != nil {
		t.Fatal(err)
	}
	allThere(t, s, 1+20+3*10)
}

// slowTarget stops at the first object.
type slowTarget struct {
	litestream.ReplicaClient
	began, goOn chan struct{}
	all         bool
}

func (c *slowTarget) WriteLTXFile(ctx context.Context, level int, lo, hi ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	if !c.all {
		c.all = true
		close(c.began)
		<-c.goOn
	}
	return c.ReplicaClient.WriteLTXFile(ctx, level, lo, hi, r)
}

// TestPositionOfAFullCopy: when the agent and its local state are lost after the full copy and before the change that
// follows it, the numbers of the changes that were dropped are not used again.
func TestPositionOfAFullCopy(t *testing.T) {
	s, other := largeSession(t)
	captureWhole(t, s)
	whole := captureWhole(t, s)
	insert(t, other, 1, 10)
	mustCapture(t, s)
	s.index.ReplicaClient = &noChanges{s.index.ReplicaClient}
	if err := s.ship(t.Context()); !errors.Is(err, errNoChanges) {
		t.Fatalf("shipping says %v", err)
	}
	s.closeDB()
	if err := os.RemoveAll(s.db.MetaPath()); err != nil {
		t.Fatal(err)
	}
	next := another(t, s.k)
	defer next.closeDB()
	if pos := mustCapture(t, next); pos <= whole {
		t.Errorf("goes on at %s, the full copy holds %s", pos, whole)
	}
	allThere(t, next, 1+20+10)
}

// noChanges is a target that fails at every change.
type noChanges struct{ litestream.ReplicaClient }

var errNoChanges = errors.New("no changes, a test says")

func (c *noChanges) WriteLTXFile(ctx context.Context, level int, lo, hi ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	if level == 0 {
		return nil, errNoChanges
	}
	return c.ReplicaClient.WriteLTXFile(ctx, level, lo, hi, r)
}
