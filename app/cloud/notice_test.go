package cloud

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/sqlite"
)

// TestASlowCommit: what a program commits can be read some time after the last write to the log, when the disk has it, and
// nothing tells of that moment. It is noticed all the same, long before the next look that comes by time.
func TestASlowCommit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "context.db")
	file, err := sqlite.New(sqlite.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	n := newNotice(path, file.Stamp, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	var committed, seen atomic.Bool
	write := func() {
		if err := os.WriteFile(path+"-wal", []byte("frames"), 0o600); err != nil {
			t.Error(err)
		}
	}
	write()
	var calls int
	n.run(ctx, 100*time.Millisecond, func() {
		calls++
		if committed.Load() {
			seen.Store(true)
			stop()
		}
		committed.Store(true) // after this look
	})
	if !seen.Load() {
		t.Errorf("it is not noticed; %d looks", calls)
	}
}

// Another owner or mode is no change of a row: opening the log under root sets its owner, and would wake us after each look.
func TestNoticeTellsOfChangesOnly(t *testing.T) {
	n := &notice{path: "/home/mira/context.db"}
	for _, c := range []struct {
		name string
		op   fsnotify.Op
		want bool
	}{
		{"context.db", fsnotify.Write, true},
		{"context.db-wal", fsnotify.Write, true},
		{"context.db-wal", fsnotify.Create, true},
		{"context.db-wal", fsnotify.Write | fsnotify.Chmod, true},
		{"context.db-wal", fsnotify.Chmod, false},
		{"context.db-shm", fsnotify.Write, false},
		{"context.db-download", fsnotify.Create, false},
		{"other.db-wal", fsnotify.Write, false},
	} {
		if got := n.tells(fsnotify.Event{Name: "/home/mira/" + c.name, Op: c.op}); got != c.want {
			t.Errorf("%s %v: %v", c.name, c.op, got)
		}
	}
}

// TestNoticeSleepsAfterItsOwnLooks: where no other program has the file open, looking at it makes a log and removes it again,
// which is no change of anybody's. What a program commits afterwards is.
func TestNoticeSleepsAfterItsOwnLooks(t *testing.T) {
	d := alone(t, "http://127.0.0.1:1", &coins{}, nil)
	if err := d.file.Enrol(t.Context(), app.Enrolment{Server: "http://127.0.0.1:1", User: "mira", Machine: "studio"}, nil); err != nil {
		t.Fatal(err)
	}
	n := newNotice(d.file.Path(), d.file.Stamp, d.logger())
	ctx, stop := context.WithCancel(t.Context())
	var looks atomic.Int64
	var waiting atomic.Int64
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		n.run(ctx, 20*time.Millisecond, func() {
			looks.Add(1)
			out, err := d.file.NextGroups(ctx, 100, 1<<20)
			if err != nil && ctx.Err() == nil {
				t.Error(err)
			}
			waiting.Store(int64(out.Changes))
		})
	}()
	defer func() { stop(); <-ended }()
	for i := range 3 {
		d.db.Exec(fmt.Sprintf("INSERT INTO decisions (id, decision) VALUES ('d%d', 'one')", i))
		d.waits(patience, func() error {
			if got := waiting.Load(); got != int64(i+1) {
				return fmt.Errorf("%d changes are seen, not %d", got, i+1)
			}
			return nil
		})
	}
	// As many looks as come by themselves after a change, and a few for what was written down by them.
	most := int64(len(afterwards) + 10)
	before := looks.Load()
	time.Sleep(afterwards[0] + afterwards[1] + 2*time.Second)
	if n := looks.Load() - before; n > most {
		t.Errorf("%d looks while nothing changes", n)
	}
}

// A few looks are made at once; whoever writes all the time makes one in every pause.
func TestBudget(t *testing.T) {
	b := budget{every: 100 * time.Millisecond}
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	for i := range atOnce {
		if got := b.wait(now); got != 0 {
			t.Errorf("look %d waits %v", i, got)
		}
	}
	for i := range 50 {
		got := b.wait(now)
		if got > b.every || i > 0 && got == 0 {
			t.Errorf("look %d of one who writes all the time waits %v", i, got)
		}
		now = now.Add(got)
	}
	if got := b.wait(now.Add(time.Minute)); got != 0 {
		t.Errorf("after a quiet minute it waits %v", got)
	}
}
