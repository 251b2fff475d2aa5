package standalone

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/benbjohnson/litestream"
	"github.com/superfly/ltx"

	"github.com/coditect-ai/coditect-sync/app"
)

const (
	// busyTimeout is how long Litestream's own statements wait for a writer before they are put off to the next turn.
	busyTimeout = 500 * time.Millisecond
	// walKeep is the size the WAL file is cut back to when SQLite starts it anew, in bytes.
	walKeep = 16 << 20
	// lookEvery is how often the file is looked at when no event came: it finds a replaced file, a changed one on file
	// systems without events, and a machine that woke up.
	lookEvery = 5 * time.Second
)

// session is the time between opening the file for replication and closing it.
type session struct {
	k             *Keeper
	db            *litestream.DB
	ships         []*shipper // one for each target
	log           *slog.Logger
	litestreamLog *slog.Logger
	identity      os.FileInfo
	readOnly      bool // as it was opened
	interval      time.Duration

	capturing sync.Mutex    // one capture at a time; held while the file is closed to step aside
	ended     bool          // nothing may be captured any more; guarded by capturing
	done      chan struct{} // closed when the session was abandoned
	reads     *longReads    // of the file, for a full copy or a test restore
	walIndex  *walIndex
	sealed    seal
	whole     ltx.TXID    // the newest change that holds the whole file and was not looked at; guarded by capturing
	hashes    *pageHashes // of the pages, once they are needed; guarded by capturing
	slimPages int         // the largest file whose changes are made smaller
	asideAt   time.Time   // when another program's checkpoint was let through last; guarded by capturing
	local     sync.Mutex  // guards the change files against being dropped
	trust     trust       // what may be sent
	// What is kept at most for one target alone.
	keptChanges, keptBytes int
	life                   context.Context //nolint:containedctx // ends with the session, for flushes that their caller does not wait for
	die                    context.CancelFunc
	flushes                sync.WaitGroup
}

func newSession(ctx context.Context, k *Keeper, rebase string) (*session, error) {
	if err := logThere(k.cfg.File.Path()); err != nil {
		return nil, err
	}
	identity, err := os.Stat(k.cfg.File.Path())
	if err != nil {
		return nil, fileMissing(k.cfg.File.Path(), err)
	}
	s := &session{
		k: k, log: k.cfg.Logger, identity: identity, readOnly: !writable(k.cfg.File.Path()), interval: k.interval(),
		slimPages: slimPages, keptChanges: keptChanges, keptBytes: keptBytes, done: make(chan struct{}), reads: newLongReads(),
	}
	s.life, s.die = context.WithCancel(context.Background())
	s.litestreamLog = slog.New(quiet{k.cfg.Logger.Handler()})
	for _, p := range k.outlets {
		s.ships = append(s.ships, newShipper(s, p, rebase))
	}
	if err := s.firstCapture(ctx); err != nil {
		s.die()
		return nil, err
	}
	for _, sh := range s.ships {
		if sh.rebaseFor == "" && sh.pagesDiffer() {
			sh.rebaseFor = "the file has pages of another size"
		}
	}
	if s.walIndex, err = openWALIndex(k.cfg.File.Path()); err != nil {
		s.log.Warn("checkpoints of other programs cannot be seen", "error", err)
		s.walIndex = &walIndex{}
	}
	if err := s.tune(ctx); err != nil {
		s.log.Warn("wal size limit not set", "error", err)
	}
	if err := s.followLarge(ctx); err != nil {
		s.log.Warn("the newest change stays a large one", "error", err)
	}
	return s, nil
}

// openDB makes the handle of a session, not yet open.
func (s *session) openDB() {
	s.db = litestream.NewDB(s.k.cfg.File.Path())
	s.db.SetLogger(s.litestreamLog)
	// This package runs the loop: no monitor of Litestream's, no timer, no request of its own accord.
	s.db.MonitorInterval = 0
	s.db.CheckpointInterval = 0
	s.db.ShutdownSyncTimeout = 0
	s.db.BusyTimeout = busyTimeout
	// Checkpoints are made by captureLoop. A truncating one stalls writers and is never made.
	s.db.MinCheckpointPageN = math.MaxInt32
	s.db.TruncatePageN = math.MaxInt32
	s.db.Replica = litestream.NewReplicaWithClient(s.db, nowhere{s.db})
	s.db.Replica.MonitorEnabled = false
}

func (s *session) now() time.Time  { return s.k.cfg.Now() }
func (s *session) walPath() string { return s.db.WALPath() }

// run captures, ships and drills until ctx ends or the session cannot go on.
func (s *session) run(ctx context.Context) error {
	work, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	loops := []func(context.Context) error{s.captureLoop}
	for _, sh := range s.ships {
		loops = append(loops, sh.shipLoop, sh.drillLoop)
	}
	for _, loop := range loops {
		wg.Go(func() {
			if err := loop(work); err != nil {
				cancel(err)
			}
		})
	}
	<-work.Done()
	wg.Wait()
	cause := context.Cause(work)
	cancel(nil)
	if ctx.Err() != nil {
		return s.finish()
	}
	s.abandon()
	return cause
}

// finish is the orderly end: a last flush within the time limit, then every handle closed.
func (s *session) finish() error {
	ctx, cancel := context.WithTimeout(context.Background(), s.k.cfg.StopTimeout)
	defer cancel()
	if err := s.flushAll(ctx); err != nil {
		s.log.Warn("final flush incomplete; what waits is sent at the next start", "error", err)
	}
	s.k.closed()
	s.endFlushes()
	if err := s.closeForGood(ctx); err != nil {
		return err
	}
	if err := s.shipAll(ctx); err != nil { // what the closing captured
		s.log.Warn("closed with something left to send", "error", err)
	}
	for _, sh := range s.ships {
		if sh.newest.Load() > 0 {
			sh.tellNewest(ctx)
		}
	}
	return nil
}

// closeForGood captures a last time, unless nothing may be captured any more, and closes every handle.
func (s *session) closeForGood(ctx context.Context) error {
	s.capturing.Lock()
	ended := s.ended
	s.capturing.Unlock()
	if ended {
		s.closeDB()
		return nil
	}
	// Litestream closes a plain descriptor of the file, which drops this process's locks on it.
	release, err := s.k.cfg.File.Quiesce(ctx)
	if err != nil {
		s.log.Warn("closing while the file is in use", "error", err)
	} else {
		defer release()
	}
	if logRemoved(s.k.cfg.File.Path()) {
		return logThere(s.k.cfg.File.Path())
	}
	if err := s.db.Close(ctx); err != nil {
		s.log.Warn("closed with something left to capture", "error", err)
	}
	s.walIndex.close()
	return nil
}

// abandon ends a session whose file is no longer the one that was opened: nothing may be read from it any more. The
// loops have ended; who else flushes finds out by ended.
func (s *session) abandon() {
	s.k.closed()
	s.endFlushes()
	s.capturing.Lock()
	defer s.capturing.Unlock()
	s.ended = true
	s.closeDB()
	close(s.done)
}

// closeDB ends Litestream's handle without a last look at the file. Closing its plain descriptor drops every lock that
// this process has on the file, so nothing else of this process may have it open meanwhile.
func (s *session) closeDB() {
	if logRemoved(s.k.cfg.File.Path()) {
		s.log.Error("connections left open: closing them would write an old log into the file")
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.k.cfg.StopTimeout)
	defer cancel()
	release, err := s.k.cfg.File.Quiesce(ctx)
	if err != nil {
		s.log.Warn("closing while the file is in use", "error", err)
	} else {
		defer release()
	}
	meta := s.db.MetaPath()
	s.db.SetMetaPath(filepath.Join(s.k.cfg.File.Path(), "closed")) // not a folder: the last capture of Close fails
	cancel()
	if err := s.db.Close(ctx); err != nil {
		s.log.Debug("handle closed", "error", err)
	}
	s.db.SetMetaPath(meta)
	if s.walIndex != nil {
		s.walIndex.close()
		s.walIndex = nil
	}
}

// lookAtFile finds out whether the path still leads to the file that was opened, and whether it can be written again:
// connections that were opened on a read-only disk stay so, and SQLite lets no other of this process be better.
func (s *session) lookAtFile() error {
	fi, err := os.Stat(s.k.cfg.File.Path())
	if err != nil {
		return fileMissing(s.k.cfg.File.Path(), err)
	}
	if !os.SameFile(fi, s.identity) {
		return fmt.Errorf("%w: the file was replaced by another one", errReopen)
	}
	if err := logThere(s.k.cfg.File.Path()); err != nil {
		return err
	}
	if s.readOnly && writable(s.k.cfg.File.Path()) {
		return fmt.Errorf("%w: the file can be written again", errAside)
	}
	return nil
}

// logThere fails when the write-ahead log that this process has open was removed. Only a new process can see the new
// one, and this one must not close its connections any more: the last one would write the old log into the file.
func logThere(path string) error {
	if !logRemoved(path) {
		return nil
	}
	return app.Errorf(app.CodeDamaged, "file", "The write-ahead log of %s was removed while programs had the file open.", path).
		WithHint("End every program that has it open, CODITECT Sync too, and look at the file; then start again, or restore.")
}

// tune runs once the file is open: what Litestream's connections need beyond its own settings.
func (s *session) tune(ctx context.Context) error {
	db := s.db.SQLDB()
	db.SetMaxIdleConns(4)
	for range 3 {
		conn, err := db.Conn(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }()
		if _, err := conn.ExecContext(ctx, fmt.Sprintf("PRAGMA journal_size_limit=%d", walKeep)); err != nil {
			return err
		}
	}
	return nil
}

// largeChange is from what size on a change is not left the newest, in bytes.
const largeChange = 16 << 20

// followLarge makes a small change after one that holds the whole file, as the first copy does. Litestream reads the
// newest change twice at every start, and keeps its page index in memory until the next one, 100 bytes a page.
func (s *session) followLarge(ctx context.Context) error {
	pos, err := s.db.Pos()
	if err != nil || s.sizes(pos.TXID) < largeChange {
		return err
	}
	_, err = s.db.SQLDB().ExecContext(ctx, bumpSeq)
	return err
}

// bumpSeq is the smallest change that can be made without touching anything of the person's.
const bumpSeq = `INSERT INTO _litestream_seq (id, seq) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET seq = seq + 1`

// touch makes and captures the smallest change. The file is open meanwhile.
func (s *session) touch(ctx context.Context) error {
	if err := s.bump(ctx); err != nil {
		return err
	}
	return s.capture(ctx)
}

func (s *session) bump(ctx context.Context) error {
	s.capturing.Lock()
	defer s.capturing.Unlock()
	if s.ended {
		return errAside
	}
	_, err := s.db.SQLDB().ExecContext(ctx, bumpSeq)
	return err
}

// holdLog makes sure that nobody can begin the log anew while a full copy is read. One that was wholly checkpointed when
// Litestream's read transaction began is not held by it: whoever commits next begins it anew, over the pages that the copy is
// about to take from it. So that is done before; what is in a log beyond the beginning of the transaction stays there.
func (s *session) holdLog(ctx context.Context) error {
	s.capturing.Lock()
	held := false
	if !s.ended {
		waiting, ok := s.walIndex.waiting()
		held = ok && waiting > 0
	}
	s.capturing.Unlock()
	if held {
		return nil
	}
	return s.touch(ctx)
}

// resetLocal drops Litestream's local state after it was found damaged; the next session takes it from the target.
func (s *session) resetLocal(cause error) error {
	s.log.Warn("local state damaged; taking it from the target", "error", cause)
	if err := errors.Join(os.RemoveAll(filepath.Join(s.db.MetaPath(), "ltx")), s.forgetJoined()); err != nil {
		return s.notWritable(err)
	}
	return fmt.Errorf("%w: local state was damaged", errReopen)
}

func damagedLocalState(err error) bool {
	var e *litestream.LTXError
	return errors.As(err, &e) && e.IsAutoRecoverable()
}

// quiet hands Litestream's own log lines on one level lower: they are details to us.
type quiet struct{ slog.Handler }

func (q quiet) Enabled(ctx context.Context, l slog.Level) bool { return q.Handler.Enabled(ctx, l-4) }
func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	r.Level -= 4
	return q.Handler.Handle(ctx, r)
}
func (q quiet) WithAttrs(a []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(a)} }
func (q quiet) WithGroup(g string) slog.Handler      { return quiet{q.Handler.WithGroup(g)} }
