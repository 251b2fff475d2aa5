package cloud

import (
	"errors"
	"math/rand/v2"
	"time"
)

// retry spaces the tries of one direction. Its zero value, with a pace, has nothing to wait for.
type retry struct {
	pace  pace
	n     int
	since time.Time
	next  time.Time
}

// patient is how long trouble lasts before the tries become seldom.
const patient = 10 * time.Minute

// failed plans the next try: from firstTry on, doubled, and half of that again at most, so that machines that failed
// together do not come back together. For ten minutes it stays below ten seconds, so that what is healed shows soon.
func (r *retry) failed(now time.Time, err error) time.Time {
	if r.n == 0 {
		r.since = now
	}
	most := r.pace.lastTry
	if now.Sub(r.since) < patient {
		most = min(most, 4*r.pace.firstTry)
	}
	d := min(most, r.pace.firstTry<<min(r.n, 10))
	r.n++
	var refused *refusal
	if errors.As(err, &refused) {
		d = max(d, refused.after)
	}
	r.next = now.Add(d + rand.N(d/2+1))
	return r.next
}

func (r *retry) ok() { r.n, r.next, r.since = 0, time.Time{}, time.Time{} }

// wait is the time until the next try, 0 when nothing failed.
func (r *retry) wait(now time.Time) time.Duration { return max(r.next.Sub(now), 0) }

func (r *retry) waits() bool { return !r.next.IsZero() }
