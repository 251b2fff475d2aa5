package cloud

import (
	"context"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/coditect-ai/coditect-sync/app"
)

// notice tells when the file or its log may have changed. It opens neither: it watches their folder, or looks at sizes and
// times where watching a folder would open what is in it (macOS): closing such a descriptor would drop SQLite's locks.
type notice struct {
	path  string
	stamp func() (now, own app.Stamp)
	fs    *fsnotify.Watcher // nil: look
	seen  app.Stamp
}

// change is what an event was about.
type change int

const (
	nothing change = iota
	ours           // this process's own commit
	others
)

// lookEvery is how often sizes and times are looked at.
const lookEvery = 500 * time.Millisecond

func newNotice(path string, stamp func() (now, own app.Stamp), log interface{ Warn(string, ...any) }) *notice {
	n := &notice{path: path, stamp: stamp}
	if runtime.GOOS == "darwin" {
		return n
	}
	fs, err := fsnotify.NewWatcher()
	if err == nil {
		err = fs.Add(filepath.Dir(path))
	}
	if err != nil {
		log.Warn("no file events; looking twice a second instead", "error", err)
		return n
	}
	n.fs = fs
	return n
}

// run calls changed after changes, the last one included, until ctx ends: some times at once, and while they go on once in the
// pause. It calls it some more times after the last one: see afterwards.
func (n *notice) run(ctx context.Context, pause time.Duration, changed func()) {
	defer n.close()
	again := len(afterwards) // how often it looked again after the last change
	looks := budget{every: pause}
	for {
		what, ok := n.waitFor(ctx, again)
		switch {
		case !ok:
			return
		case what == nothing:
			again++
			changed()
			continue
		case what == ours:
			again = 0 // somebody else's may have been at the same instant
			continue
		}
		// Whoever writes a lot makes one wake-up a pause.
		n.disarm()
		if !sleep(ctx, firstPause+looks.wait(time.Now())) {
			return
		}
		n.arm()
		changed()
		again = 0
	}
}

// budget lets a few things be done at once, and after them one in every pause.
type budget struct {
	every time.Duration
	spent time.Time // when all that was done would have been done, one in every pause
}

// atOnce is how many are.
const atOnce = 5

// wait is how long the next one has to wait.
func (b *budget) wait(now time.Time) time.Duration {
	if b.spent.Before(now) {
		b.spent = now
	}
	b.spent = b.spent.Add(b.every)
	return max(0, b.spent.Sub(now)-atOnce*b.every)
}

// afterwards is when to look again after a change, each counted from the look before. What is written to the log can be read when
// the disk has it, and nothing tells of that moment: the index of the log is shared memory. A disk that is slow or busy takes
// longer than any pause that a quick one could bear.
var afterwards = []time.Duration{100 * time.Millisecond, 300 * time.Millisecond, time.Second, 3 * time.Second, 10 * time.Second}

// waitFor waits for a change, or until it is time to look again.
func (n *notice) waitFor(ctx context.Context, again int) (what change, ok bool) {
	if again < len(afterwards) {
		limited, cancel := context.WithTimeout(ctx, afterwards[again])
		defer cancel()
		what = n.wait(limited)
	} else {
		what = n.wait(ctx)
	}
	return what, ctx.Err() == nil
}

// firstPause lets the transactions that belong together go together, and costs nobody anything.
const firstPause = 2 * time.Millisecond

// wait returns after a change, or with nothing when ctx ended.
func (n *notice) wait(ctx context.Context) change {
	if n.fs == nil {
		for sleep(ctx, lookEvery) {
			if what := n.moved(); what != nothing {
				return what
			}
		}
		return nothing
	}
	for {
		select {
		case e := <-n.fs.Events:
			if !n.tells(e) {
				continue
			}
			if what := n.moved(); what != nothing {
				return what
			}
		case <-n.fs.Errors: //nolint:errcheck // an overflow: something changed
			return others
		case <-ctx.Done():
			return nothing
		}
	}
}

// tells tells whether an event is that of a change. SQLite under root gives the log the owner that it has whenever it is
// opened, and who looks for a change opens it: taking that for one would make the next look follow each look for good.
func (n *notice) tells(e fsnotify.Event) bool { return e.Op != fsnotify.Chmod && n.ours(e.Name) }

// ours tells whether a name is that of the file or its log. The index of the log is changed by readers too.
func (n *notice) ours(name string) bool {
	base := filepath.Base(n.path)
	rest, found := strings.CutPrefix(filepath.Base(name), base)
	return found && (rest == "" || rest == "-wal" || rest == "-journal")
}

// moved compares the file with what the last call saw. Opening it and closing it again changes nothing.
func (n *notice) moved() change {
	now, own := n.stamp()
	was := n.seen
	n.seen = now
	switch now {
	case was:
		return nothing
	case own:
		return ours
	}
	return others
}

func (n *notice) disarm() {
	if n.fs != nil {
		_ = n.fs.Remove(filepath.Dir(n.path))
	}
}

// arm watches again, for what differs from now on. Where that fails the next look comes by time.
func (n *notice) arm() {
	if n.fs == nil {
		return
	}
	defer n.moved()
	for {
		select {
		case <-n.fs.Events:
			continue
		case <-n.fs.Errors: //nolint:errcheck // of before, like the events
			continue
		default:
		}
		break
	}
	if err := n.fs.Add(filepath.Dir(n.path)); err != nil {
		_ = n.fs.Close()
		n.fs = nil
	}
}

func (n *notice) close() {
	if n.fs != nil {
		_ = n.fs.Close()
	}
}

// sleep returns false when ctx ended before.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
