package standalone

import (
	"context"
	"errors"
	"sync"
)

// giveWays is how often what reads the file is broken off at most. After that it goes on, and checkpoints wait: those that
// come again and again must not keep the copies from being made.
const giveWays = 5

// errGaveWay is why something was broken off.
var errGaveWay = errors.New("another program's checkpoint goes first")

// longReads are those who read the file for longer than a moment, for a full copy or a test restore. While one does, the file
// cannot be closed to let another program's blocking checkpoint through, and all that want to write wait for that. So whoever
// reads is broken off, and reads again once the checkpoint is through.
type longReads struct {
	mu      sync.Mutex
	changed *sync.Cond
	now     map[*longRead]struct{}
	claimed bool
}

type longRead struct {
	breakOff context.CancelCauseFunc
	last     bool // it is not broken off any more
}

func newLongReads() *longReads {
	r := &longReads{now: map[*longRead]struct{}{}}
	r.changed = sync.NewCond(&r.mu)
	return r
}

// do reads, with a ctx that ends when it has to give way, and then again. It waits while the file is closed.
func (r *longReads) do(ctx context.Context, read func(context.Context) error) error {
	for left := giveWays; ; left-- {
		err := r.once(ctx, left == 0, read)
		if !errors.Is(err, errGaveWay) {
			return err
		}
	}
}

func (r *longReads) once(ctx context.Context, last bool, read func(context.Context) error) error {
	work, breakOff := context.WithCancelCause(ctx)
	defer breakOff(nil)
	defer r.enter(&longRead{breakOff, last})()
	if err := read(work); err != nil && errors.Is(context.Cause(work), errGaveWay) {
		return errGaveWay
	} else if err != nil {
		return err
	}
	return nil
}

// enter waits until nobody has claimed the file.
func (r *longReads) enter(who *longRead) (leave func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.claimed {
		r.changed.Wait()
	}
	r.now[who] = struct{}{}
	return func() { r.change(func() { delete(r.now, who) }) }
}

func (r *longReads) change(how func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	how()
	r.changed.Broadcast()
}

// claim breaks off whoever reads, and waits for that; nobody reads until release. It is false when one is not broken off any
// more.
func (r *longReads) claim() (release func(), ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for who := range r.now {
		if who.last {
			return nil, false
		}
	}
	r.claimed = true
	for who := range r.now {
		who.breakOff(errGaveWay)
	}
	for len(r.now) > 0 {
		r.changed.Wait()
	}
	return func() { r.change(func() { r.claimed = false }) }, true
}
