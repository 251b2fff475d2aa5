package standalone

import (
	"math/rand/v2"
	"time"
)

// backoff spaces retries: from one second, doubled to a minute, with jitter. The zero value has nothing to retry.
type backoff struct {
	n    int
	next time.Time
}

const backoffMax = time.Minute

func (b *backoff) failed(now time.Time) {
	d := min(backoffMax, time.Second<<min(b.n, 6))
	b.n++
	b.next = now.Add(d/2 + rand.N(d/2+1))
}

func (b *backoff) ok() { *b = backoff{} }

// reset makes a waiting retry due now: the machine woke up, so what failed may work again.
func (b *backoff) reset() {
	b.n = 0
	if !b.next.IsZero() {
		b.next = time.Unix(0, 1)
	}
}

// due tells whether a retry waits and its time has come.
func (b *backoff) due(now time.Time) bool { return !b.next.IsZero() && !now.Before(b.next) }

// wait is the time until the retry, at most limit.
func (b *backoff) wait(now time.Time, limit time.Duration) time.Duration {
	if b.next.IsZero() {
		return limit
	}
	return max(0, min(limit, b.next.Sub(now)))
}
