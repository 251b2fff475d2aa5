package cloud

import (
	"reflect"
	"sync"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// board is what is known of how things stand. All parts write to it, a goroutine of its own reports it, and the watchdog
// reads it. Its methods may be called from any goroutine.
type board struct {
	now   func() time.Time
	dirty chan struct{} // holds one
	alarm chan struct{} // holds one: something waits that did not

	mu     sync.Mutex
	status app.CloudStatus
	doing  doing
	faults [parts]*app.Error
	sent   int64
	pushed int64 // changes that were acknowledged
}

// part is who may have found what a person must cure.
type part int

const (
	partCapture part = iota
	partPush
	partPull
	partProof
	parts
)

// doing is what goes on now; zero values are nothing.
type doing struct {
	enrol    work // rows that were there before are recorded
	first    bool // all rows of the account have not been here yet
	opening  time.Time
	up, down trouble
	waits    time.Time // since when this engine knows that something waits
	acked    time.Time // when something was acknowledged last
	upload   work      // of one burst
	download work
	landed   time.Time // when something that came was shown last
	shut     time.Time // since when a checkpoint cannot be shown because of changes of this machine
	proof    time.Time
	stall    stall
}

// work is a piece of work that is measured.
type work struct {
	done, total int64
	since       time.Time
}

// trouble is why one direction does not go on by itself now.
type trouble struct {
	cause   string
	offline bool // the network, not the server
	since   time.Time
	next    time.Time
}

// stall is what the watchdog found.
type stall struct {
	cause string
	since time.Time
}

func newBoard(c Config) *board {
	b := &board{now: c.Now, dirty: make(chan struct{}, 1), alarm: make(chan struct{}, 1), status: c.Known}
	b.status.Server, b.status.SignedIn, b.status.User, b.status.Tenant = c.Server, true, c.Name, c.Tenant
	b.status.Connected, b.status.Steps = false, nil
	b.doing.first = c.Known.LastSyncedAt.IsZero()
	return b
}

// change changes what is known and has it reported.
func (b *board) change(fn func(s *app.CloudStatus, d *doing)) {
	b.mu.Lock()
	calm := b.doing.shut.IsZero() && b.doing.waits.IsZero()
	fn(&b.status, &b.doing)
	alarm := calm && !(b.doing.shut.IsZero() && b.doing.waits.IsZero())
	b.mu.Unlock()
	if alarm {
		poke(b.alarm)
	}
	poke(b.dirty)
}

// begins forgets the trouble of the session before: the one that begins has not tried anything yet. What stands still stays
// on the board until the watchdog sees it move.
func (b *board) begins() {
	b.change(func(_ *app.CloudStatus, d *doing) { d.up, d.down, d.opening = trouble{}, trouble{}, time.Time{} })
}

// look reads what is known.
func (b *board) look() (app.CloudStatus, doing) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.status, b.doing
}

// setFault shows what a person must cure; nil when it is cured.
func (b *board) setFault(by part, e *app.Error) {
	b.mu.Lock()
	was := b.faults[by]
	same := (was == nil) == (e == nil) && (e == nil || was.Message == e.Message)
	b.faults[by] = e
	b.mu.Unlock()
	if !same {
		poke(b.dirty)
	}
}

func (b *board) acknowledged(changes int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pushed += int64(changes)
}

func (b *board) sentBytes(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent += int64(n)
}

// report is a snapshot.
func (b *board) report() app.Report {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.status
	s.Steps = append([]app.CureStep(nil), b.status.Steps...)
	r := app.Report{Cloud: &s, Progress: progress(s, b.doing, b.now()), Sent: b.sent, Pushed: b.pushed}
	for _, f := range b.faults {
		if f != nil {
			r.Fault = f
			break
		}
	}
	return r
}

// reportEvery is how often a change is reported at most.
const reportEvery = 100 * time.Millisecond

// reports calls fn with every change until stop is called, and a last time then. A call that does not return stops
// nothing but the reporting.
func (b *board) reports(fn func(app.Report)) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	poke(b.dirty)
	go func() {
		defer close(ended)
		var last app.Report
		for {
			select {
			case <-b.dirty:
				if now := b.report(); !reflect.DeepEqual(now, last) {
					last = now
					fn(now)
				}
			case <-done:
				fn(b.report())
				return
			}
			select {
			case <-time.After(reportEvery):
			case <-done:
			}
		}
	}()
	return func() {
		close(done)
		select {
		case <-ended:
		case <-time.After(reportEvery * 50):
		}
	}
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
