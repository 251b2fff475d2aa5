package cloud

import (
	"context"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// rung is a step of the ladder.
type rung struct {
	text string
	take func(e *Engine, ctx context.Context, s *session) (anew bool)
}

// ladder is climbed from the first rung on, a rung at a time, until things move again.
var ladder = []rung{
	{"Try again at once", func(_ *Engine, _ context.Context, s *session) bool { s.retarget(); s.kick(); return false }},
	{"Connect anew", func(_ *Engine, _ context.Context, s *session) bool { s.reconnect(); return false }},
	{"Get a new token", func(_ *Engine, _ context.Context, s *session) bool { s.link.refuse(""); s.reconnect(); return false }},
	{"Begin everything anew", func(_ *Engine, _ context.Context, _ *session) bool { return true }},
	{"Fetch all rows again, keeping what waits", (*Engine).refetchStalled},
}

// retarget has the next push ask for a write checkpoint once more: the server may have forgotten the last one.
func (s *session) retarget() { s.again.Store(true) }

// reconnect ends the requests under way and tries with new connections.
func (s *session) reconnect() {
	s.retarget()
	s.link.renew()
	s.pushCuts.all()
	s.pullCuts.all()
	s.kick()
}

// refetchStalled is the last rung. It is of use for the way down alone; else everything begins anew once more.
func (e *Engine) refetchStalled(_ context.Context, s *session) bool {
	if _, d := e.board.look(); d.shut.IsZero() {
		return true
	}
	s.pull.anewWith(make(chan struct{}))
	s.reconnect()
	return false
}

// climb is where the watchdog stands on the ladder.
type climb struct {
	n     int // rungs taken
	next  time.Time
	since time.Time
}

// watch looks after a session until ctx ends; anew is called when another one is to begin.
func (e *Engine) watch(ctx context.Context, s *session, anew func()) {
	ticker := time.NewTicker(e.cfg.pace.settle)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if e.tick(ctx, s) {
			anew()
			return
		}
		if st, d := e.board.look(); st.PendingUploads == 0 && d.shut.IsZero() && e.climb.n == 0 { // nothing can stall
			select {
			case <-ctx.Done():
				return
			case <-e.board.alarm:
			}
		}
	}
}

// tick looks whether things stand still, and takes a rung when it is time.
func (e *Engine) tick(ctx context.Context, s *session) (anew bool) {
	now := e.cfg.Now()
	cause, since := stalled(e.board, now, e.cfg.pace.stall)
	if cause == "" {
		e.healed()
		return false
	}
	c := &e.climb
	if c.since.IsZero() {
		*c = climb{since: since, next: now}
		e.cfg.Logger.Warn("sync stalled", "since", since, "cause", cause)
	}
	if !now.Before(c.next) {
		anew = e.step(ctx, s, now)
	}
	e.board.change(func(_ *app.CloudStatus, d *doing) { d.stall = stall{cause, since} })
	return anew
}

// step takes the next rung; after the last one it goes on from the second, more slowly.
func (e *Engine) step(ctx context.Context, s *session, now time.Time) (anew bool) {
	c := &e.climb
	if c.n == len(ladder) {
		c.n = 1
	}
	r := ladder[c.n]
	e.cfg.Logger.Warn("step of the ladder", "step", r.text)
	anew = r.take(e, ctx, s)
	c.n++
	c.next = now.Add(e.cfg.pace.rung)
	if c.n == len(ladder) {
		c.next = now.Add(5 * e.cfg.pace.rung)
	}
	steps := make([]app.CureStep, len(ladder))
	for i := range ladder {
		steps[i] = app.CureStep{Text: ladder[i].text, Done: i < c.n, At: c.next.Add(time.Duration(i-c.n) * e.cfg.pace.rung)}
	}
	e.board.change(func(st *app.CloudStatus, _ *doing) { st.Steps = steps })
	return anew
}

// healed is the end of a stall.
func (e *Engine) healed() {
	if e.climb.since.IsZero() {
		return
	}
	e.cfg.Logger.Info("sync goes on", "stalled_for", e.cfg.Now().Sub(e.climb.since).Round(time.Second).String(), "steps", e.climb.n)
	e.climb = climb{}
	e.board.change(func(st *app.CloudStatus, d *doing) { st.Steps, d.stall = nil, stall{} })
}

// stalled says why nothing moves although something should, and since when; "" while all is well, or there is no network.
func stalled(b *board, now time.Time, patience time.Duration) (cause string, since time.Time) {
	st, d := b.look()
	if d.up.offline || d.down.offline && d.up.cause == "" {
		return "", since
	}
	if st.PendingUploads > 0 && !d.waits.IsZero() {
		since = later2(d.waits, d.acked)
		if now.Sub(since) >= patience {
			return cmpOr(d.up.cause, "The cloud does not acknowledge the changes of this machine."), since
		}
		return "", since
	}
	if !d.shut.IsZero() {
		since = later2(d.shut, d.landed)
		if now.Sub(since) >= patience {
			return cmpOr(cmpOr(d.down.cause, d.up.cause), "The cloud does not say that it has the changes of this machine."), since
		}
	}
	return "", since
}

func later2(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
