package standalone

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// TestNobodyWaitsForAFullCopyThatIsSent: a blocking checkpoint of another program, for which all writers wait, gets through
// while a full copy is still on its way, which may take hours.
func TestNobodyWaitsForAFullCopyThatIsSent(t *testing.T) {
	s := sendingFull(t, func(context.Context, int) error { return nil })
	s.checkpointsThrough(t)
	s.mayEnd()
	s.endsWell(t, 1)
}

// TestAFullCopyGivesWay: where there is no room to keep it here, a full copy is read while it is sent. It is broken off for
// a blocking checkpoint and sent again.
func TestAFullCopyGivesWay(t *testing.T) {
	s := sendingFull(t, func(ctx context.Context, attempt int) error {
		if attempt > 1 {
			return nil
		}
		<-ctx.Done()
		return ctx.Err()
	}, func(s *shipper) {
		if err := os.Mkdir(s.spoolPath(s.k.cfg.File.Path()), dirMode); err != nil { // nothing can be kept there
			t.Fatal(err)
		}
	})
	s.checkpointsThrough(t)
	s.mayEnd()
	s.endsWell(t, 2)
}

// fullSend is a full copy on its way, beside the capture of a session.
type fullSend struct {
	*shipper
	store *heldStore
	sent  chan error
	rows  int
}

// sendingFull begins one, once prepare is through. Of each attempt to put it to the target hold decides; then it waits for
// mayEnd, too.
func sendingFull(t *testing.T, hold func(ctx context.Context, attempt int) error, prepare ...func(*shipper)) *fullSend {
	t.Helper()
	s, other := openedSession(t)
	t.Cleanup(s.closeDB)
	for _, p := range prepare {
		p(s)
	}
	insert(t, other, 3, 50)
	mustCapture(t, s)
	if err := s.ship(t.Context()); err != nil {
		t.Fatal(err)
	}
	insert(t, other, 3, 50)
	if err := other.Close(); err != nil { // stepping aside drops the locks of everything else in this process
		t.Fatal(err)
	}
	f := &fullSend{s, &heldStore{store: s.target.store, hold: hold, asked: make(chan struct{}), may: make(chan struct{})}, make(chan error, 1), 1 + 6*50}
	s.target.store = f.store
	capturing, stop := context.WithCancel(t.Context())
	captured := make(chan struct{})
	go func() {
		defer close(captured)
		_ = s.captureLoop(capturing) // it ends with its ctx
	}()
	t.Cleanup(func() { stop(); <-captured })
	go func() {
		_, err := s.snapshot(t.Context())
		f.sent <- err
	}()
	select {
	case <-f.store.asked:
	case err := <-f.sent:
		t.Fatalf("it ended before it was sent: %v", err)
	}
	return f
}

// checkpointsThrough fails unless another program's TRUNCATE checkpoint comes to its end, and a write after it.
func (f *fullSend) checkpointsThrough(t *testing.T) {
	t.Helper()
	out, err := inShell(f.k.cfg.File.Path(), "INSERT INTO notes(body) VALUES ('meanwhile')", "PRAGMA wal_checkpoint(TRUNCATE)")
	if err != nil || out != "0|0|0" {
		t.Errorf("a checkpoint during the full copy says %q, %v", out, err)
	}
	f.rows++
	select {
	case err := <-f.sent:
		t.Fatalf("the full copy had ended before: %v", err)
	default:
	}
}

func (f *fullSend) mayEnd() { close(f.store.may) }

// endsWell waits for the full copy, which restores.
func (f *fullSend) endsWell(t *testing.T, attempts int) {
	t.Helper()
	if err := <-f.sent; err != nil {
		t.Fatal(err)
	}
	if f.store.attempts != attempts {
		t.Errorf("it was sent %d times, want %d", f.store.attempts, attempts)
	}
	mustCapture(t, f.shipper)
	allThere(t, f.shipper, f.rows)
	if _, err := os.Stat(f.spoolPath(f.k.cfg.File.Path())); attempts == 1 && !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is kept although it was sent: %v", err)
	}
}

// heldStore holds full copies up.
type heldStore struct {
	store
	hold     func(ctx context.Context, attempt int) error
	asked    chan struct{} // closed with the first
	may      chan struct{} // closed when they may go on
	attempts int
}

func (s *heldStore) put(ctx context.Context, key string, at time.Time, write func(io.Writer) error) (int64, error) {
	if !strings.Contains(key, "/ltx/9/") {
		return s.store.put(ctx, key, at, write)
	}
	return s.store.put(ctx, key, at, func(w io.Writer) error {
		if s.attempts++; s.attempts == 1 {
			close(s.asked)
		}
		if err := s.hold(ctx, s.attempts); err != nil {
			return err
		}
		select {
		case <-s.may:
		case <-ctx.Done():
			return ctx.Err()
		}
		return write(w)
	})
}

// TestReadingEndsAtLast: checkpoints that come again and again do not keep a full copy from being read.
func TestReadingEndsAtLast(t *testing.T) {
	r := newLongReads()
	claims, attempts := 0, 0
	err := r.do(t.Context(), func(ctx context.Context) error {
		attempts++
		done := make(chan bool)
		go func() {
			release, ok := r.claim()
			if ok {
				release()
			}
			done <- ok
		}()
		select {
		case <-ctx.Done():
			claims++
			go func() { <-done }()
			return ctx.Err()
		case ok := <-done:
			if ok {
				t.Error("the file was claimed while it was read")
			}
			return nil
		}
	})
	if err != nil || claims != giveWays || attempts != giveWays+1 {
		t.Errorf("%v after %d claims and %d attempts, want %d claims", err, claims, attempts, giveWays)
	}
}

// TestNobodyReadsAClaimedFile: who wants to read waits until the file is open again.
func TestNobodyReadsAClaimedFile(t *testing.T) {
	r := newLongReads()
	release, ok := r.claim()
	if !ok {
		t.Fatal("nobody reads, and it cannot be claimed")
	}
	var open bool
	read := make(chan error)
	go func() {
		read <- r.do(t.Context(), func(context.Context) error {
			if !open {
				return errors.New("it is closed")
			}
			return nil
		})
	}()
	open = true
	release()
	if err := <-read; err != nil {
		t.Error(err)
	}
}

// TestATestRestoreLetsGoOfTheFile: once it knows what the file holds, a test restore does not keep it open: fetching the copies
// takes long, and a checkpoint of another program would wait for all of that.
func TestATestRestoreLetsGoOfTheFile(t *testing.T) {
	s, _ := openedSession(t)
	defer s.closeDB()
	file := &watchedFile{LocalFile: s.k.cfg.File}
	s.k.cfg.File = file
	d, err := s.drillOnce(t.Context())
	if err != nil || !d.OK || file.checked != 1 {
		t.Fatalf("%+v, %v after %d copies were looked at", d, err, file.checked)
	}
	if file.during {
		t.Error("the file was open when its copy was looked at")
	}
}

// watchedFile knows whether a snapshot of it is open while a copy is looked at.
type watchedFile struct {
	LocalFile
	open, during bool
	checked      int
}

func (f *watchedFile) Freeze(_ context.Context, mark func() error) (app.Snapshot, error) {
	f.open = true
	return f, mark()
}
func (f *watchedFile) Hash(context.Context) ([]app.TableHash, error) { return nil, nil }
func (f *watchedFile) Close() error                                  { f.open = false; return nil }

func (f *watchedFile) Check(context.Context, string) ([]app.TableHash, error) {
	f.checked++
	f.during = f.open
	return nil, nil
}

// TestAKilledFullCopyIsTakenAway: what an agent that was killed had kept to send is removed by the next one.
func TestAKilledFullCopyIsTakenAway(t *testing.T) {
	s, _ := openedSession(t)
	s.closeDB()
	path := s.spoolPath(s.k.cfg.File.Path())
	if err := os.WriteFile(path, []byte("half a copy"), fileMode); err != nil {
		t.Fatal(err)
	}
	next := another(t, s.k)
	defer next.closeDB()
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
}
