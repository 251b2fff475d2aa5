package cloud

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/powersync"
)

// session is one generation of loops with connections of their own. The ladder may begin another one.
type session struct {
	cfg   Config
	board *board
	link  *link
	push  *pusher
	pull  *puller
	marks *checkpoints

	kickPush, kickPull, changed chan struct{}
	pushCuts, pullCuts          cuts
	targeted                    int64 // the mark that a write checkpoint was noted for
	again                       atomic.Bool
}

// cuts ends what is under way, without ending the loops.
type cuts struct {
	mu   sync.Mutex
	live map[int]context.CancelFunc
	n    int
}

// with makes a context that all ends.
func (c *cuts) with(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.live == nil {
		c.live = map[int]context.CancelFunc{}
	}
	c.n++
	id := c.n
	c.live[id] = cancel
	return ctx, func() {
		cancel()
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.live, id)
	}
}

func (c *cuts) all() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, cancel := range c.live {
		cancel()
	}
}

func (e *Engine) newSession() (*session, error) {
	l := newLink(e.cfg)
	push, err := newPusher(e.cfg, l, e.board, e.pushed)
	if err != nil {
		return nil, err
	}
	s := &session{cfg: e.cfg, board: e.board, link: l, push: push, pull: newPuller(e.cfg, l, e.board, e.reached),
		marks: &checkpoints{cfg: e.cfg, link: l}, kickPush: make(chan struct{}, 1), kickPull: make(chan struct{}, 1),
		changed: make(chan struct{}, 1), targeted: -1}
	// The stream tells of write checkpoints only to the client that it was opened for.
	push.renewed = func() {
		if open, is := s.pull.client.Load().(string); is && open != push.client {
			s.pullCuts.all()
		}
	}
	return s, nil
}

// kick tries everything at once.
func (s *session) kick() {
	poke(s.kickPush)
	poke(s.kickPull)
}

// run works until ctx ends, or something fails that it cannot go on with.
func (s *session) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	for _, loop := range []func(context.Context) error{s.pushLoop, s.pullLoop, s.notice} {
		all.Go(func() {
			if err := loop(ctx); err != nil {
				cancel(err)
			}
		})
	}
	all.Wait()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

func (s *session) notice(ctx context.Context) error {
	newNotice(s.cfg.File.Path(), s.cfg.File.Stamp, s.cfg.Logger).run(ctx, s.cfg.pace.gather, func() { poke(s.changed) })
	return nil
}

// pushLoop sends what waits, when something changed, when a failed try is due, and now and then to be sure.
func (s *session) pushLoop(ctx context.Context) error {
	r := retry{pace: s.cfg.pace}
	for ctx.Err() == nil {
		work, done := s.pushCuts.with(ctx)
		err := s.link.signed(work, s.pushOnce)
		cut := work.Err() != nil
		done()
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the end was asked for
		case cut && err != nil: // by ourselves
			continue
		case err == nil:
			s.pushGoes(&r)
		case ends(err):
			return err
		default:
			s.pushFails(&r, err)
		}
		s.pushWait(ctx, &r)
	}
	return nil
}

// pushOnce sends all that waits and asks for a write checkpoint then.
func (s *session) pushOnce(ctx context.Context) error {
	if err := s.push.drain(ctx); err != nil {
		return err
	}
	return s.target(ctx)
}

// target asks for a write checkpoint for everything that was captured, if that is new.
func (s *session) target(ctx context.Context) error {
	if s.push.mark == s.targeted && !s.again.Load() {
		return nil
	}
	// Asked anew, just before it counts: with somebody who writes all the time, what was true a moment ago is not any more.
	mark, drained, err := s.cfg.File.QueueMark(ctx)
	if err != nil || !drained || mark == s.targeted && !s.again.Swap(false) {
		return err
	}
	var set int64
	number, err := s.marks.request(ctx, s.push.client, func(number int64) error {
		ok, err := s.cfg.File.SetTarget(ctx, number, mark)
		if err == nil && !ok {
			err = errCaptured
		}
		set = number
		return err
	})
	if errors.Is(err, errCaptured) {
		return nil // which asks again, when that has gone up
	}
	ok := err == nil
	if ok && number != set {
		ok, err = s.cfg.File.SetTarget(ctx, number, mark)
	}
	if err == nil && ok {
		s.targeted = mark
	}
	return err
}

// errCaptured is that something was captured before a write checkpoint could be asked for.
var errCaptured = errors.New("something was captured meanwhile")

// pushGoes notes a success. The other direction need not wait any longer then.
func (s *session) pushGoes(r *retry) {
	if r.waits() {
		poke(s.kickPull)
	}
	r.ok()
	s.board.setFault(partPush, nil)
	if _, d := s.board.look(); d.up != (trouble{}) {
		s.board.change(func(_ *app.CloudStatus, d *doing) { d.up = trouble{} })
	}
}

func (s *session) pushFails(r *retry, err error) {
	next := r.failed(s.cfg.Now(), err)
	cause, offline := causeOf(err)
	s.board.change(func(_ *app.CloudStatus, d *doing) { d.up = trouble{cause, offline, r.since, next} })
	s.board.setFault(partPush, fault(err))
	s.cfg.Logger.Warn("push put off", "error", err, "next", next)
}

// pushWait waits for a reason to look again. While a try is put off, changes are counted and not sent: what failed fails
// whether or not somebody writes.
func (s *session) pushWait(ctx context.Context, r *retry) {
	wait := s.cfg.pace.look
	if s.push.later {
		wait = min(wait, countEvery)
	}
	if r.waits() {
		wait = r.wait(s.cfg.Now())
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			return
		case <-s.kickPush:
			return
		case <-s.changed:
			if !r.waits() {
				return
			}
			if err := s.push.count(ctx, true); err != nil {
				s.cfg.Logger.Debug("waiting changes not counted", "error", err)
			}
		}
	}
}

// lived is how long a stream goes on that is no failure when it ends.
const lived = 10 * time.Second

// pullLoop keeps a stream open.
func (s *session) pullLoop(ctx context.Context) error {
	r := retry{pace: s.cfg.pace}
	for ctx.Err() == nil {
		began := s.cfg.Now()
		work, done := s.pullCuts.with(ctx)
		err := s.link.signed(work, s.pull.follow)
		cut := work.Err() != nil
		done()
		s.board.change(func(st *app.CloudStatus, _ *doing) { st.Connected = false })
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the end was asked for
		}
		if cut { // by ourselves
			continue
		}
		if ends(err) {
			return err
		}
		if s.cfg.Now().Sub(began) > lived {
			r.ok()
		}
		if s.pull.again(err) {
			continue
		}
		s.pullFails(ctx, &r, err)
	}
	return nil
}

// pullFails waits for the next try. A stream that ended is nothing to tell anybody, unless it happens again.
func (s *session) pullFails(ctx context.Context, r *retry, err error) {
	now := s.cfg.Now()
	next := r.failed(now, err)
	var l left
	ended := errors.As(err, &l) && l.reason == powersync.ReasonEnded || errors.Is(err, context.Canceled)
	if ended && r.n == 1 {
		next = now.Add(firstTryAfterEnd/2 + rand.N(firstTryAfterEnd))
	} else {
		cause, offline := causeOf(err)
		if errors.As(err, &l) {
			cause = l.sentence()
		}
		s.board.change(func(_ *app.CloudStatus, d *doing) { d.down = trouble{cause, offline, r.since, next} })
		s.board.setFault(partPull, fault(err))
		s.cfg.Logger.Warn("stream put off", "error", err, "next", next)
	}
	timer := time.NewTimer(next.Sub(now))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-s.kickPull:
	}
}

// firstTryAfterEnd spreads the machines that a server has disconnected when it ended.
const firstTryAfterEnd = 400 * time.Millisecond
