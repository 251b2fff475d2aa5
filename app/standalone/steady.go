package standalone

import (
	"sync"
	"time"
)

// steady is the time that thinning goes by. A clock that is years ahead for an hour, as an empty battery or a slip sets it, would
// have the whole history go for good. So from one look to the next, which is an hour, it goes on no faster than the machine ran,
// and catchUp more. That is a night in which the machine slept or was off; after weeks of that, things are kept for some hours
// longer than was promised, and nothing is lost.
type steady struct {
	now    func() time.Time
	uptime func() time.Duration // by a clock that nobody sets

	mu     sync.Mutex
	seen   time.Time // the latest time that was believed; zero for none
	seenAt time.Duration
}

// catchUp is how much faster it may go from one look to the next.
const catchUp = 24 * time.Hour

// look is the time now, as far as it is believed.
func (c *steady) look() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, up := c.now(), c.uptime()
	if most := c.seen.Add(up - c.seenAt + catchUp); !c.seen.IsZero() && now.After(most) {
		now = most
	}
	if now.After(c.seen) {
		c.seen = now
	}
	c.seenAt = up
	return now
}

// steadyOf begins with the time of what was copied last.
func steadyOf(cfg *KeeperConfig, last time.Time) *steady {
	return &steady{now: cfg.Now, uptime: cfg.Uptime, seen: last, seenAt: cfg.Uptime()}
}
