package standalone

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/superfly/ltx"

	"github.com/coditect-ai/coditect-sync/app"
)

// openedSession is one session over a real file that another connection writes.
func openedSession(t *testing.T) (s *shipper, other *sql.DB) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "memory.db")
	other, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	if _, err := other.Exec("CREATE TABLE notes(id INTEGER PRIMARY KEY, body TEXT); INSERT INTO notes(body) VALUES ('first')"); err != nil {
		t.Fatal(err)
	}
	k := NewKeeper(KeeperConfig{
		File: plainFile{path}, Target: fileTarget(t), User: twinUser, Machine: "m1", Tmp: t.TempDir(), Logger: slog.New(slog.DiscardHandler),
		Info: func(context.Context) app.MachineInfo { return app.MachineInfo{} },
	})
	return begun(t, k), other
}

// begun is what keeps the first target of a Keeper up to date, in its next session.
func begun(t *testing.T, k *Keeper) *shipper {
	t.Helper()
	s, err := k.open(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	return s.ships[0]
}

// another is the same in a session that the Keeper knows nothing of.
func another(t *testing.T, k *Keeper) *shipper {
	t.Helper()
	s, err := newSession(t.Context(), k, "")
	if err != nil {
		t.Fatal(err)
	}
	return s.ships[0]
}

// plainFile is a file that nothing of this process has open beside Litestream.
type plainFile struct{ path string }

func (f plainFile) Path() string { return f.path }
func (f plainFile) Freeze(context.Context, func() error) (app.Snapshot, error) {
	return nil, errors.New("not asked for")
}
func (f plainFile) Check(context.Context, string) ([]app.TableHash, error) {
	return nil, errors.New("not asked for")
}
func (f plainFile) Replace(context.Context, string, func() error, func(done, total int64)) (time.Duration, error) {
	return 0, errors.New("not asked for")
}
func (f plainFile) Quiesce(context.Context) (func(), error) { return func() {}, nil }

func locals(t *testing.T, s *shipper) (out []ltx.TXID) {
	t.Helper()
	entries, err := os.ReadDir(s.db.LTXLevelDir(0))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if _, hi, err := ltx.ParseFilename(e.Name()); err == nil {
			out = append(out, hi)
		}
	}
	return out
}

// A change that was not proved to follow is never sent, and the next session does without it, also after a crash.
func TestUnprovedChangeIsNeitherSentNorKept(t *testing.T) {
	for name, end := range map[string]func(*shipper){
		"the session ends":    func(s *shipper) { s.abandon() },
		"the agent is killed": func(s *shipper) { s.closeDB() },
	} {
		t.Run(name, func(t *testing.T) {
			s, other := openedSession(t)
			point, err := s.k.flush(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			last, err := s.db.Pos()
			if err != nil || last.TXID.String() != point.ID {
				t.Fatalf("%v, %v, want %s", last, err, point.ID)
			}
			if err := s.unprove(last.TXID); err != nil {
				t.Fatal(err)
			}
			if _, err := other.Exec("INSERT INTO notes(body) VALUES ('second')"); err != nil {
				t.Fatal(err)
			}
			if err := s.capture(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := s.ship(t.Context()); !errors.Is(err, errUnproved) {
				t.Errorf("shipping says %v", err)
			}
			if _, err := s.fullCopy(t.Context(), "a test"); !errors.Is(err, errUnproved) {
				t.Errorf("a full copy says %v", err)
			}
			if got := locals(t, s); got[len(got)-1] != last.TXID+1 {
				t.Fatalf("captured %v, want one after %s", got, last.TXID)
			}
			end(s)
			next := another(t, s.k)
			defer next.closeDB()
			if err := next.ship(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(next.unprovedPath()); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the note stands: %v", err)
			}
			if got := restoredNotes(t, next); got != 2 {
				t.Errorf("%d rows at the target, want 2", got)
			}
		})
	}
}

// VACUUM gives a file pages of another size while no agent runs. No chain leads over that, so the copies begin anew.
func TestPagesOfAnotherSizeBeginACopy(t *testing.T) {
	for name, unsent := range map[string]bool{"at once": false, "what was captured was never sent": true} {
		t.Run(name, func(t *testing.T) {
			s, other := openedSession(t)
			if _, err := s.k.flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.abandon()
			path := s.k.cfg.File.Path()
			if err := other.Close(); err != nil {
				t.Fatal(err)
			}
			if out, err := inShell(path, "PRAGMA journal_mode=DELETE", "PRAGMA page_size=32768", "VACUUM", "PRAGMA journal_mode=WAL", "INSERT INTO notes(body) VALUES ('second')"); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			s = begun(t, s.k)
			if unsent {
				s.abandon()
				s = begun(t, s.k)
			}
			defer s.closeDB()
			if _, err := s.k.flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := restoredNotes(t, s); got != 2 {
				t.Errorf("%d rows at the target, want 2", got)
			}
		})
	}
}

// A program that keeps the file locked for longer than Litestream waits does not end a session before it began.
func TestStartWaitsForAnotherProgramsLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "memory.db")
	other, err := sql.Open("sqlite", path+"?_pragma=journal_mode(wal)&_txlock=immediate")
	if err == nil {
		_, err = other.Exec("CREATE TABLE notes(id INTEGER PRIMARY KEY, body TEXT); INSERT INTO notes(body) VALUES ('first')")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	lock, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	waited := 0
	k := NewKeeper(KeeperConfig{
		File: plainFile{path}, Target: fileTarget(t), User: twinUser, Machine: "m1", Tmp: t.TempDir(),
		Logger: slog.New(onInfo(func(said string) {
			if waited++; waited == 1 && strings.Contains(said, "locked") {
				_ = lock.Rollback()
			}
		})),
		Info: func(context.Context) app.MachineInfo { return app.MachineInfo{} },
	})
	s, err := k.open(t.Context(), "")
	if err != nil || waited == 0 {
		t.Fatalf("waited %d times, %v", waited, err)
	}
	s.abandon()
}

// onInfo is a log whose lines of that level are told.
type onInfo func(said string)

func (h onInfo) Enabled(_ context.Context, l slog.Level) bool { return l == slog.LevelInfo }
func (h onInfo) Handle(_ context.Context, r slog.Record) error {
	h(r.Message)
	return nil
}
func (h onInfo) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h onInfo) WithGroup(string) slog.Handler      { return h }

// restoredNotes fetches the newest point and counts its rows.
func restoredNotes(t *testing.T, s *shipper) (n int) {
	t.Helper()
	r := replicaOf(s.k.cfg.Target, "m1")
	plan, err := r.Plan(t.Context(), "", app.Moment{})
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "restored.db")
	if err := r.Fetch(t.Context(), plan, to, nil); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", to)
	if err == nil {
		err = db.QueryRow("SELECT count(*) FROM notes").Scan(&n)
	}
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestACheckpointThatFailsLosesNothing: Litestream gives its read transaction up for a checkpoint. Where it does not get it
// back, others may begin the log anew, and more than once, before the next capture.
func TestACheckpointThatFailsLosesNothing(t *testing.T) {
	for name, then := range map[string]func(t *testing.T, s *shipper){
		"a capture": func(t *testing.T, s *shipper) {
			if err := s.capture(t.Context()); !errors.Is(err, errAside) {
				t.Errorf("a capture then says %v", err)
			}
			s.abandon()
		},
		"the end of the agent": func(t *testing.T, s *shipper) {
			if err := s.finish(); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, other := openedSession(t)
			insert(t, other, 100, 30)
			mustCapture(t, s)
			const table = "ALTER TABLE _litestream_seq%s RENAME TO _litestream_seq%s"
			if _, err := other.Exec(fmt.Sprintf(table, "", "_away")); err != nil { // so that the transaction cannot be begun again
				t.Fatal(err)
			}
			mustCapture(t, s)
			s.checkpoint(t.Context())
			if _, err := other.Exec(fmt.Sprintf(table, "_away", "")); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				insert(t, other, 5, 20)
				checkpointBy(t, other, "TRUNCATE")
			}
			insert(t, other, 1, 20)
			then(t, s)
			next := begun(t, s.k)
			defer next.closeDB()
			allThere(t, next, 1+100*30+11*20)
		})
	}
}

// TestACheckpointIsNotCutShort: the last capture comes after it.
func TestACheckpointIsNotCutShort(t *testing.T) {
	s, other := openedSession(t)
	defer s.closeDB()
	insert(t, other, 100, 30)
	mustCapture(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.checkpoint(ctx)
	if frames, ok := s.walIndex.waiting(); !ok || frames > 10 || !s.watching() {
		t.Errorf("%d frames are not in the file yet; the log is held: %t", frames, s.watching())
	}
}

// A flush that meets a session which has ended goes on with the next one.
func TestFlushGoesOnWithTheNextSession(t *testing.T) {
	s, _ := openedSession(t)
	s.capturing.Lock()
	s.ended = true
	s.capturing.Unlock()
	flushed := make(chan error, 1)
	go func() {
		_, err := s.k.flush(t.Context())
		flushed <- err
	}()
	s.abandon()
	defer begun(t, s.k).closeDB()
	if err := <-flushed; err != nil {
		t.Error(err)
	}
}
