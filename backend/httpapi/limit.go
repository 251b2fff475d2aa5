package httpapi

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits are how much one machine and one tenant may ask of this process, and how long a client may take. Zero values are
// replaced by the defaults.
type Limits struct {
	MachinePerSecond, TenantPerSecond float64       // requests; 20 and 200
	MachineBurst, TenantBurst         int           // 200, so that 100,000 rows go up at once, and 1000
	HeaderTime                        time.Duration // to send a request's header; 5 s
	BodyTime                          time.Duration // to send its body; 60 s
	MachineAtOnce                     int           // pushes of one machine at the same time; 4
	ProofEvery                        time.Duration // how often a machine may have rows counted and hashed; 5 s
	ProofBurst                        int           // after a pause; 20
	TenantProofs, Proofs              int           // so many of them at the same time, of one tenant and of all; 2 and 4
}

func (l Limits) orDefaults() Limits {
	if l.MachinePerSecond == 0 {
		l.MachinePerSecond, l.MachineBurst = 20, 200
	}
	if l.TenantPerSecond == 0 {
		l.TenantPerSecond, l.TenantBurst = 200, 1000
	}
	if l.HeaderTime == 0 {
		l.HeaderTime = 5 * time.Second
	}
	if l.MachineAtOnce == 0 {
		l.MachineAtOnce = 4
	}
	if l.BodyTime == 0 {
		l.BodyTime = time.Minute
	}
	if l.ProofEvery == 0 {
		l.ProofEvery, l.ProofBurst = 5*time.Second, 20
	}
	if l.Proofs == 0 {
		l.TenantProofs, l.Proofs = 2, 4
	}
	return l
}

// limiter has a bucket of tokens per key. Those that were not used for a while are full again and forgotten.
type limiter struct {
	perSecond rate.Limit
	burst     int

	mu      sync.Mutex
	buckets map[string]*bucket
	swept   time.Time
}

type bucket struct {
	*rate.Limiter
	used time.Time
}

func newLimiter(perSecond float64, burst int) *limiter {
	return &limiter{perSecond: rate.Limit(perSecond), burst: burst, buckets: map[string]*bucket{}}
}

// allow takes a token of the key's, if there is one.
func (l *limiter) allow(key string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweep(now)
	b := l.buckets[key]
	if b == nil {
		b = &bucket{Limiter: rate.NewLimiter(l.perSecond, l.burst)}
		l.buckets[key] = b
	}
	b.used = now
	return b.AllowN(now, 1)
}

func (l *limiter) sweep(now time.Time) {
	full := time.Duration(float64(l.burst)/float64(l.perSecond)*float64(time.Second)) + time.Minute
	if now.Sub(l.swept) < full {
		return
	}
	l.swept = now
	for key, b := range l.buckets {
		if now.Sub(b.used) > full {
			delete(l.buckets, key)
		}
	}
}

// gate counts what goes on at the same time, per key. Pushes of one client wait for each other in the database, each with a
// connection; a machine that sends many would keep the connections from everybody else.
type gate struct {
	most int

	mu     sync.Mutex
	inside map[string]int
}

func newGate(most int) *gate { return &gate{most: most, inside: map[string]int{}} }

// enter reports whether there is room; then leave must follow.
func (g *gate) enter(key string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inside[key] >= g.most {
		return false
	}
	g.inside[key]++
	return true
}

func (g *gate) leave(key string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inside[key]--; g.inside[key] == 0 {
		delete(g.inside, key)
	}
}
