package provider

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// window is after what a quiet time failures are forgotten.
const window = 15 * time.Minute

// rule is how often somebody may fail, and how long he then waits: twice as long with every further failure, up to most.
type rule struct {
	about string
	free  int
	most  time.Duration
}

// Guesses at one account from one place; from one place at many accounts; at one account from everywhere, where the wait is
// short, because a stranger must not be able to lock people out.
var rules = []rule{
	{about: "person and place", free: 5, most: 15 * time.Minute},
	{about: "place", free: 50, most: 15 * time.Minute},
	{about: "person", free: 100, most: 10 * time.Second},
}

// throttle counts failures in the database, so that all processes count together.
type throttle struct {
	pool *pgxpool.Pool
	now  func() time.Time
}

func attemptKeys(email, place string) [][]byte {
	email = strings.ToLower(email)
	var keys [][]byte
	for i, about := range []string{email + "\x00" + place, place, email} {
		sum := sha256.Sum256([]byte(rules[i].about + "\x00" + about))
		keys = append(keys, sum[:])
	}
	return keys
}

// countAttempt leaves a blocked one alone, and else says how long the next ones are.
const countAttempt = `
	INSERT INTO identity.attempts AS a (key, failures, last_at, until) VALUES ($1, 1, $2, $2)
	ON CONFLICT (key) DO UPDATE SET
		blocked = a.until > $2,
		last_at = $2,
		failures = CASE WHEN a.until > $2 THEN a.failures WHEN a.last_at < $3 THEN 1 ELSE a.failures + 1 END,
		until = CASE WHEN a.until > $2 THEN a.until WHEN a.last_at < $3 OR a.failures + 1 < $4 THEN $2
			ELSE $2::timestamptz + make_interval(secs => least($5::float8, 2 ^ least(a.failures + 2 - $4, 20))) END
	RETURNING until, blocked`

// begin counts an attempt as failed before anything is compared, so that many at once count as many. wait is how long the
// person has to wait instead; then nothing must be compared.
func (t *throttle) begin(ctx context.Context, keys [][]byte) (wait time.Duration, err error) {
	now := t.now()
	for i, key := range keys {
		var until time.Time
		var blocked bool
		err := t.pool.QueryRow(ctx, countAttempt, key, now, now.Add(-window), rules[i].free, rules[i].most.Seconds()).Scan(&until, &blocked)
		if err != nil {
			return 0, fmt.Errorf("count an attempt to sign in: %w", err)
		}
		if blocked {
			wait = max(wait, until.Sub(now))
		}
	}
	return wait, nil
}

// succeeded forgets what was counted about a person from this place. The place as a whole stays suspicious.
func (t *throttle) succeeded(ctx context.Context, keys [][]byte) error {
	if _, err := t.pool.Exec(ctx, "DELETE FROM identity.attempts WHERE key = $1", keys[0]); err != nil {
		return fmt.Errorf("forget failed attempts: %w", err)
	}
	_, err := t.pool.Exec(ctx, "UPDATE identity.attempts SET failures = greatest(failures - 1, 0) WHERE key = ANY ($1)", keys[1:])
	if err != nil {
		return fmt.Errorf("forget a failed attempt: %w", err)
	}
	return nil
}

// place is where a request comes from: an IPv4 address, or the network of an IPv6 one, which a single person has whole.
func (c *Config) place(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	if c.Forwarded {
		all := strings.Split(r.Header.Get("X-Forwarded-For"), ",")
		if last := strings.TrimSpace(all[len(all)-1]); last != "" { // what our proxy saw; the ones before may be invented
			host = last
		}
	}
	ip := net.ParseIP(host)
	if ip == nil || ip.To4() != nil {
		return host
	}
	return ip.Mask(net.CIDRMask(64, 128)).String()
}
