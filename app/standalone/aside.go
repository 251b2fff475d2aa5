package standalone

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/superfly/ltx"
)

const (
	// asideEvery is how often it is looked whether another program's checkpoint waits for us, while the file is in use.
	asideEvery = 150 * time.Millisecond
	// asideAfter is how long after the last change it is still looked at that pace.
	asideAfter = 10 * time.Second
	// asideFor is how long we stay away at most.
	asideFor = 15 * time.Second
	// asidePatience is how long we wait for our own other connections to end before we give up stepping aside.
	asidePatience = 200 * time.Millisecond
	// comeBackTries is how often the file is opened again while passive checkpoints of others come in between.
	comeBackTries = 5
	// pinTries is how many empty commits are made until one of them is not checkpointed at once.
	pinTries = 100
)

// seal notes that everything committed up to the commit counter is in the changes up to txid.
type seal struct {
	txid   ltx.TXID
	change uint32
}

// stepAside lets another program's blocking checkpoint through.
//
// Litestream keeps a read transaction open, and a FULL, RESTART or TRUNCATE checkpoint waits for it, for as long as its
// program's timeout says, while every writer waits for the checkpoint: without us nobody would wait. So when one is
// seen waiting, all that is committed is captured (nobody can write meanwhile), the file is closed, and opened again
// when the checkpoint is through. Commit counting then proves that nothing was written in between that is not in the
// new WAL; without that proof the next change is a copy of the whole file.
func (s *session) stepAside(ctx context.Context) error {
	leave, ok := s.reads.claim()
	if !ok {
		return nil // what is read gave way often enough; the checkpoint must wait for that
	}
	defer leave()
	s.capturing.Lock()
	defer s.capturing.Unlock()
	if !s.sealAll(ctx) {
		return nil
	}
	patience, cancel := context.WithTimeout(ctx, asidePatience)
	defer cancel()
	release, err := s.k.cfg.File.Quiesce(patience)
	if err != nil {
		return nil // a test restore reads the file; it is tried again
	}
	s.closeQuietly()
	release()
	s.waitForCheckpoint(ctx)
	s.asideAt = s.now()
	s.log.Debug("stepped aside for another program's checkpoint")
	return s.comeBack(ctx)
}

// sealAll captures everything while the other program's checkpoint keeps writers out, and notes how far that is.
func (s *session) sealAll(ctx context.Context) bool {
	before, ok := s.walIndex.header()
	if !ok || !s.watching() {
		return false
	}
	if err := s.db.Sync(ctx); err != nil {
		return false
	}
	s.tellWhole("step aside")
	after, ok := s.walIndex.header()
	pos, err := s.db.Pos()
	if !ok || err != nil || after.change != before.change || s.beyondIndex() || !s.walIndex.blockedCheckpoint() {
		return false
	}
	s.tellCaptured(s.now(), pos.TXID)
	s.sealed = seal{pos.TXID, after.change}
	return true
}

// closeQuietly closes Litestream's handle without sending anything.
func (s *session) closeQuietly() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.db.Close(ctx); err != nil {
		s.log.Debug("handle closed", "error", err)
	}
}

func (s *session) waitForCheckpoint(ctx context.Context) {
	limit := time.NewTimer(asideFor)
	defer limit.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for s.walIndex.blockedCheckpoint() {
		select {
		case <-ctx.Done():
			return
		case <-limit.C:
			return
		case <-tick.C:
		}
	}
}

// comeBack opens the file again and goes on from the seal.
func (s *session) comeBack(ctx context.Context) error {
	for left := comeBackTries; ; left-- {
		pinned, err := s.reopen(ctx)
		if err != nil {
			s.ended = true // a capture would open the file by itself, and go on from a log that may be another one by now
			return fmt.Errorf("%w: %w", errAside, err)
		}
		if pinned || left <= 1 || !s.unpin(ctx) {
			break
		}
		s.log.Debug("another program checkpointed while the file was opened again; once more")
	}
	s.wake()
	return s.tune(ctx)
}

// reopen captures what was committed meanwhile. Other writers wait, a few hundredths of a second, so that nobody can
// begin the WAL anew under our eyes; not where the next change has to hold the whole file.
//
// pinned tells that nobody can do so afterwards either. A read transaction that begins while the WAL is wholly
// checkpointed does not hold the WAL: the next writer begins it anew, and once that is longer than the old one was,
// Litestream takes the whole file. So the WAL gets a frame that is not checkpointed before the file is opened, and it
// must be there still when Litestream reads: a passive checkpoint of another program does not wait for writers.
func (s *session) reopen(ctx context.Context) (pinned bool, err error) {
	release, err := s.holdWriters(ctx, s.pinsLog)
	if err != nil {
		return false, err
	}
	defer release()
	last, whole, err := s.settlePosition(ctx)
	if err != nil {
		return false, err
	}
	if whole {
		release()
	}
	if err := s.goOn(ctx, last, whole); err != nil {
		return false, err // the next session drops what was captured after last
	}
	if whole {
		s.freshIndex() // when the writers were let go nobody had the file open, and its log was removed
		if slices.ContainsFunc(s.ships, (*shipper).pagesDiffer) {
			return false, errors.New("the file has pages of another size")
		}
		if err := s.begunAnew(ctx); err != nil {
			return true, err
		}
		if pos, err := s.db.Pos(); err == nil {
			s.slim(pos.TXID)
		}
		return true, nil
	}
	return s.pinsLog(), s.sealHere()
}

// begunAnew makes and captures a small change: if the WAL is going to be begun anew, then by that.
func (s *session) begunAnew(ctx context.Context) error {
	if _, err := s.db.SQLDB().ExecContext(ctx, bumpSeq); err != nil {
		return err
	}
	return s.db.Sync(ctx)
}

// sealHere notes that all that is committed is captured. The caller holds the write lock.
func (s *session) sealHere() error {
	pos, err := s.db.Pos()
	if h, ok := s.walIndex.header(); ok && err == nil {
		s.sealed = seal{pos.TXID, h.change}
	}
	return err
}

// unpin closes the file once more. It tells whether it could.
func (s *session) unpin(ctx context.Context) bool {
	patience, cancel := context.WithTimeout(ctx, asidePatience)
	defer cancel()
	release, err := s.k.cfg.File.Quiesce(patience)
	if err != nil {
		return false
	}
	defer release()
	s.closeQuietly()
	return true
}

// hasHeader tells that the WAL has one: its salts tell its generation.
func (s *session) hasHeader() bool {
	now, err := walSalts(s.db.WALPath())
	return err != nil || now != salts{} // whoever reads it next says what is wrong
}

// pinsLog tells that the WAL holds a frame that is not checkpointed yet; also where that cannot be known.
func (s *session) pinsLog() bool {
	s.freshIndex()
	waiting, ok := s.walIndex.waiting()
	return s.hasHeader() && (waiting > 0 || !ok)
}

// freshIndex opens the -shm file anew where the last program that closed the file meanwhile has removed it.
func (s *session) freshIndex() {
	if now, err := os.Stat(s.k.cfg.File.Path() + "-shm"); err == nil && s.walIndex.is(now) {
		return
	}
	s.walIndex.close()
	s.sealed = seal{} // commits are counted from 0 again
	var err error
	if s.walIndex, err = openWALIndex(s.k.cfg.File.Path()); err != nil {
		s.log.Warn("checkpoints of other programs cannot be seen", "error", err)
		s.walIndex = &walIndex{}
	}
}

// goOn captures what was committed meanwhile and proves that it follows last. The upload goes on beside it, but takes
// nothing that is not proved.
func (s *session) goOn(ctx context.Context, last ltx.TXID, whole bool) error {
	if err := s.unprove(last); err != nil {
		return err
	}
	if err := s.db.Open(); err != nil {
		return err
	}
	if err := s.db.Sync(ctx); err != nil {
		return err
	}
	s.tellWhole("come back")
	sound, err := s.soundStart(last, whole)
	if err == nil && !sound {
		err = errUnproved
	}
	if err == nil {
		s.prove()
	}
	return err
}

// holdWriters takes the file's write lock, through a connection of its own, on a WAL that is ready: an empty commit is
// made until it is. release may be called twice.
func (s *session) holdWriters(ctx context.Context, ready func() bool) (release func(), err error) {
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: s.k.cfg.File.Path()}).EscapedPath(), RawQuery: "_pragma=busy_timeout(5000)&_pragma=wal_autocheckpoint(0)"}
	db, err := sql.Open("sqlite", u.String()) // the driver that Litestream registers
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // a transaction must not wander
	for range pinTries {
		if _, err = db.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
			break
		}
		if ready() {
			return sync.OnceFunc(func() { s.freeWriters(db) }), nil
		}
		if _, err = db.ExecContext(ctx, bumpSeq+"; COMMIT"); err != nil {
			break
		}
	}
	_ = db.Close() // the reason is err
	return nil, cmp.Or(err, errors.New("the log is checkpointed without a pause"))
}

func (s *session) freeWriters(db *sql.DB) {
	if err := db.Close(); err != nil { // ends the transaction, which has written nothing
		s.log.Warn("write lock not given back in order", "error", err)
	}
}

// continues proves by counting that every commit since the seal is in the WAL that is there now.
func (s *session) continues(last ltx.TXID, now salts) bool {
	if s.sealed.txid == 0 || s.sealed.txid != last || s.walIndex == nil {
		return false
	}
	h, ok := s.walIndex.header()
	if !ok || h.salts != now {
		return false
	}
	n, err := commits(s.db.WALPath(), s.db.PageSize(), h.frames)
	return err == nil && h.change-s.sealed.change == n
}
