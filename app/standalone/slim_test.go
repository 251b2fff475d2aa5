package standalone

import (
	"context"
	"testing"
)

// TestWholeChangesAreMadeSmaller: what a change of the whole file has like the one before is left out, also where the file
// grew and shrank between, and where the one before was sent and is gone from here.
func TestWholeChangesAreMadeSmaller(t *testing.T) {
	s, other := openedSession(t)
	defer s.closeDB()
	addLarge(t, other)
	mustCapture(t, s)
	if err := s.ship(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows := 1 + 20
	for round := range 3 {
		switch round {
		case 1: // the file shrinks and grows again
			for _, q := range []string{"DELETE FROM notes WHERE id > 2", "VACUUM"} {
				if _, err := other.Exec(q); err != nil {
					t.Fatal(err)
				}
			}
			mustCapture(t, s)
			addLarge(t, other)
			rows = 2 + 20
		case 2:
			if err := s.ship(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		insert(t, other, 1, 10)
		rows += 10
		mustCapture(t, s)
		if _, err := other.Exec("UPDATE notes SET body = 'changed while nobody looked' WHERE id = 1"); err != nil {
			t.Fatal(err)
		}
		wholeNext(t, s)
		pos := mustCapture(t, s)
		if d := s.db.SyncDiagnostic(); !d.Snapshotting {
			t.Fatalf("round %d: the change does not hold the whole file; the test proves nothing", round)
		}
		// What is before the first is at the target and gone from here, so that one is what the next are held against.
		if size := s.sizes(pos); round > 0 && size > largeChange/2 {
			t.Errorf("round %d: the change takes %d bytes", round, size)
		}
		insert(t, other, 2, 5)
		rows += 10
		mustCapture(t, s)
		if d := s.db.SyncDiagnostic(); d.Snapshotting {
			t.Errorf("round %d: the change after it holds the whole file: %s", round, d.Reason)
		}
	}
	allThere(t, s, rows)
}

// wholeNext makes the next change one that holds the whole file: the log seems to be another one.
func wholeNext(t *testing.T, s *shipper) {
	t.Helper()
	pos, err := s.db.Pos()
	if err != nil {
		t.Fatal(err)
	}
	path := s.db.LTXPath(0, pos.TXID, pos.TXID)
	h, err := changeHeader(path)
	if err == nil {
		err = endAt(path, salts{^h.WALSalt1, ^h.WALSalt2})
	}
	if err == nil {
		_, err = s.db.SQLDB().Exec(bumpSeq)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestWhileTheFirstIsBeingSent: with a slow way to the target the changes behind the first are small, and go up at once after.
func TestWhileTheFirstIsBeingSent(t *testing.T) {
	s, other := openedSession(t)
	defer s.closeDB()
	addLarge(t, other)
	mustCapture(t, s)
	slow := &slowTarget{ReplicaClient: s.index.ReplicaClient, began: make(chan struct{}), goOn: make(chan struct{})}
	s.index.ReplicaClient = slow
	shipped := make(chan error, 1)
	go func() { shipped <- s.ship(context.WithoutCancel(t.Context())) }()
	<-slow.began
	for range 3 {
		wholeNext(t, s)
		if pos := mustCapture(t, s); s.sizes(pos) > largeChange/2 {
			t.Errorf("the change %s takes %d bytes", pos, s.sizes(pos))
		}
		insert(t, other, 1, 10)
		mustCapture(t, s)
	}
	close(slow.goOn)
	if err := <-shipped; err != nil {
		t.Fatal(err)
	}
	allThere(t, s, 1+20+3*10)
}
