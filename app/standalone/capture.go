package standalone

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/benbjohnson/litestream"
	"github.com/fsnotify/fsnotify"
	"github.com/superfly/ltx"

	"github.com/coditect-ai/coditect-sync/app"
)

// captureLoop copies what is committed from the WAL into local change files, at most once an interval, and only when
// the WAL changed.
func (s *session) captureLoop(ctx context.Context) error {
	watch := newWatcher(s.walPath(), s.log)
	defer watch.close()
	var retry backoff
	for first := true; ; first = false {
		watch.arm()
		changed := first || watch.changed() // the first turn sends what the start of the session captured
		if changed || retry.due(s.now()) {
			if err := s.captureTurn(ctx, first, &retry); err != nil {
				return err
			}
		}
		if first {
			continue // the WAL may exist only now, and needs its watch
		}
		if err := s.waitForChange(ctx, watch, &retry); err != nil {
			return err
		}
	}
}

func (s *session) captureTurn(ctx context.Context, first bool, retry *backoff) error {
	err := s.capture(ctx)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, errAside):
		return err
	case err != nil && damagedLocalState(err):
		return s.resetLocal(err)
	case err != nil:
		retry.failed(s.now())
		s.log.Warn("change not captured", "error", err)
		for _, sh := range s.ships {
			sh.status.captureFailed(classify("replicate", err))
		}
		return nil
	}
	retry.ok()
	for _, sh := range s.ships {
		sh.status.captureOK()
	}
	if first {
		s.wake()
	}
	s.checkpoint(ctx)
	return nil
}

// watching tells that Litestream's read transaction is open. It gives that up for a checkpoint, and where it does not get it
// back, because the checkpoint failed or was cut short, others may begin the log anew before all of it is captured.
func (s *session) watching() bool {
	db := s.db.SQLDB()
	return db == nil || db.Stats().InUse > 0
}

// checkpointPages is how many pages the WAL may hold before it is checkpointed, as SQLite does by default.
const checkpointPages = 1000

// othersCheckpoint is for how long after stepping aside the checkpoints are left to the program that wanted one: two that
// checkpoint at once disturb each other, and Litestream then takes the whole file. Not once the WAL holds muchLog pages.
const (
	othersCheckpoint = 30 * time.Second
	muchLog          = 8 * checkpointPages
)

// checkpoint moves the WAL's pages into the database where there are many of them. It never waits for readers, and a
// busy file is left for the next turn.
func (s *session) checkpoint(ctx context.Context) {
	s.capturing.Lock()
	defer s.capturing.Unlock()
	pages := s.db.SyncDiagnostic().LastSyncedWALOffset / int64(s.db.PageSize()+litestream.WALFrameHeaderSize)
	if pages < checkpointPages || pages < muchLog && s.now().Sub(s.asideAt) < othersCheckpoint {
		return
	}
	// Cut short, it would leave nothing that keeps others from beginning the log anew before the last capture.
	if err := s.db.Checkpoint(context.WithoutCancel(ctx), litestream.CheckpointModePassive); err != nil {
		s.log.Debug("checkpoint put off", "error", err)
	}
	s.tellWhole("checkpoint")
}

// waitForChange returns when there may be something to capture: a changed WAL, not sooner than an interval after the
// last turn; a due retry; a machine that woke up. The error is one that ends the session.
func (s *session) waitForChange(ctx context.Context, watch *watcher, retry *backoff) error {
	if err := s.pace(ctx); err != nil {
		return err
	}
	busyUntil := s.now().Add(asideAfter)
	for {
		before := s.now()
		every := lookEvery
		if before.Before(busyUntil) {
			every = asideEvery
		}
		look := time.NewTimer(retry.wait(before, every))
		select {
		case <-ctx.Done():
			look.Stop()
			return ctx.Err()
		case <-watch.events():
			look.Stop()
			return s.lookAtFile()
		case <-look.C:
		}
		if s.walIndex.blockedCheckpoint() {
			if err := s.stepAside(ctx); err != nil {
				return err
			}
		}
		if before.Before(busyUntil) && !retry.due(s.now()) && !slept(before, s.now()) {
			continue
		}
		if err := s.lookAtFile(); err != nil {
			return err
		}
		if slept(before, s.now()) {
			s.log.Info("woke up", "away", s.now().Round(0).Sub(before.Round(0)).String())
			retry.reset()
			s.wake()
			for _, sh := range s.ships {
				poke(sh.drillWake)
			}
			return nil
		}
		if retry.due(s.now()) || watch.changed() {
			return nil
		}
	}
}

// pace waits an interval, letting blocking checkpoints through meanwhile.
func (s *session) pace(ctx context.Context) error {
	end := time.NewTimer(s.interval)
	defer end.Stop()
	tick := time.NewTicker(asideEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-end.C:
			return nil
		case <-tick.C:
			if s.walIndex.blockedCheckpoint() {
				if err := s.stepAside(ctx); err != nil {
					return err
				}
			}
		}
	}
}

// slept tells that the wall clock moved far more than a timer of lookEvery explains: the machine slept, or its clock
// was set.
func slept(before, after time.Time) bool {
	wall := after.Round(0).Sub(before.Round(0))
	return wall > 3*lookEvery || wall < -lookEvery
}

// capture copies everything committed into local change files, and wakes who sends them.
func (s *session) capture(ctx context.Context) error {
	s.capturing.Lock()
	defer s.capturing.Unlock()
	if s.ended {
		return errAside
	}
	if !s.watching() {
		s.ended = true
		s.log.Warn("the log was not held after a checkpoint; the file is opened anew")
		return fmt.Errorf("%w: nothing kept the log from being begun anew", errAside)
	}
	started := s.now()
	before, _ := s.db.Pos()
	if err := s.db.Sync(ctx); err != nil {
		return err
	}
	s.tellWhole("capture")
	if err := s.exorcise(ctx); err != nil {
		return err
	}
	after, err := s.db.Pos()
	if err != nil {
		return err
	}
	s.slim(after.TXID)
	s.tellCaptured(started, after.TXID)
	if after.TXID == before.TXID {
		return nil
	}
	s.wake() // whoever captured it, for whichever target
	return nil
}

// tellCaptured says how much waits for each target.
func (s *session) tellCaptured(started time.Time, end ltx.TXID) {
	for _, sh := range s.ships {
		bytes, large := sh.pending(end)
		if large > 1 {
			s.supersede()
			bytes, _ = sh.pending(end)
		}
		sh.status.captured(started, end, bytes)
	}
}

// tellWhole notes that the last change holds the whole file, where it does, and logs why: for a large one that is much to send.
func (s *session) tellWhole(during string) {
	d := s.db.SyncDiagnostic()
	if !d.Snapshotting || d.Reason == "" {
		return
	}
	s.log.Info("a change holds the whole file", "during", during, "reason", d.Reason)
	if pos, err := s.db.Pos(); err == nil {
		s.whole = pos.TXID
	}
}

// pending is the size of the local change files that are not at the target yet, and how many of them are large.
func (s *shipper) pending(end ltx.TXID) (bytes int64, large int) {
	const enough = 10_000 // files; beyond that the exact figure does not matter
	start := s.sentUpTo() + 1
	if end > enough && start < end-enough {
		start = end - enough
	}
	for txid := start; txid <= end; txid++ {
		size := s.sizes(txid)
		if bytes += size; size >= largeChange {
			large++
		}
	}
	return bytes, large
}

// watcher tells when the WAL changes. Under load it is disarmed after the first event of a turn, so that a busy
// writer costs one wake-up an interval, not one a commit.
type watcher struct {
	path string
	fs   *fsnotify.Watcher // nil where events cannot be had: then only changed() tells
	seen walState
}

type walState struct {
	size int64
	mod  time.Time
}

func newWatcher(path string, log interface{ Warn(string, ...any) }) *watcher {
	fs, err := fsnotify.NewWatcher()
	if err != nil {
		log.Warn("no file events; looking every few seconds instead", "error", err)
	}
	return &watcher{path: path, fs: fs}
}

// arm starts watching again and drops events that are already there.
func (w *watcher) arm() {
	if w.fs == nil {
		return
	}
	for {
		select {
		case <-w.fs.Events:
			continue
		case <-w.fs.Errors: //nolint:errcheck // of before, like the events
			continue
		default:
		}
		break
	}
	// It fails while the WAL does not exist; the look every few seconds finds it then.
	_ = w.fs.Add(w.path)
}

// events delivers the first change since arm, then nothing until the next arm.
func (w *watcher) events() <-chan fsnotify.Event {
	if w.fs == nil {
		return nil
	}
	return w.fs.Events
}

// changed compares the WAL with what the last call saw. It never opens the file.
func (w *watcher) changed() bool {
	var now walState
	if fi, err := os.Stat(w.path); err == nil {
		now = walState{fi.Size(), fi.ModTime()}
	}
	was := w.seen
	w.seen = now
	return now != was
}

func (w *watcher) close() {
	if w.fs != nil {
		_ = w.fs.Close()
	}
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// fault decides whether an error needs a person: then it is shown as one while the engine goes on trying.
func fault(e *app.Error) *app.Error {
	switch e.Code {
	case app.CodeUnreachable, app.CodeCanceled, app.CodeBusy:
		return nil
	}
	return e
}
