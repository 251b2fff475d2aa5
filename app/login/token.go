package login

import (
	"context"
	"sync"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

const (
	// leastLeft is how long a token that is handed out is good for.
	leastLeft = 30 * time.Second
	// renewAt is how much is left of a token when the next one is fetched. While that fails, the old one serves.
	renewAt = 90 * time.Second
	// A server that says otherwise is not believed: with less, every call would fetch a token.
	shortestLife, longestLife = time.Minute, 24 * time.Hour
)

// access is an access token and when it was asked for.
type access struct {
	token string
	born  time.Time
	life  time.Duration
}

// newAccess is a token that was asked for at a time and is said to live for some seconds.
func newAccess(token string, asked time.Time, seconds int64) access {
	return access{token, asked, min(max(time.Duration(seconds)*time.Second, shortestLife), longestLife)}
}

// left is how long the token is still good for, by the clock that is further.
func (a access) left(now time.Time) time.Duration {
	if a.token == "" {
		return 0
	}
	steady, wall := now.Sub(a.born), now.Round(0).Sub(a.born.Round(0))
	return a.life - max(steady, wall)
}

// tokens hands out the access token of a sign-in, and has it renewed in time.
type tokens struct {
	now  func() time.Time
	turn chan struct{} // held by whoever uses the refresh token

	mu     sync.Mutex
	access access
	pause  pause
}

func newTokens(now func() time.Time) *tokens {
	return &tokens{now: now, turn: make(chan struct{}, 1)}
}

// get returns an access token that is good for 30 seconds or more. It blocks while renew, which puts the next one, is called;
// of many callers one calls it. While renew fails it is called at most once a second.
func (t *tokens) get(ctx context.Context, renew func(context.Context) error) (string, error) {
	if token, left := t.current(); left >= renewAt {
		return token, nil
	}
	done, err := t.takeTurn(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	token, left := t.current()
	if left >= renewAt {
		return token, nil
	}
	err = t.unlessPaused(ctx, renew)
	if token, left = t.current(); left >= leastLeft {
		return token, nil
	}
	return "", err
}

// refuse takes note that a token was not taken (401). The next get fetches another one.
func (t *tokens) refuse(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if token == "" || t.access.token != token {
		return // it was replaced already
	}
	t.pause.refused(t.now(), t.access)
	t.access = access{}
}

func (t *tokens) current() (string, time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.access.token, t.access.left(t.now())
}

// put replaces the token; a zero one drops it.
func (t *tokens) put(a access) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.access = a
}

// startAnew forgets the pauses: a person has just signed in.
func (t *tokens) startAnew() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pause = pause{}
}

// takeTurn waits for the right to use the refresh token in this process.
func (t *tokens) takeTurn(ctx context.Context) (done func(), err error) {
	select {
	case t.turn <- struct{}{}:
		return func() { <-t.turn }, nil
	case <-ctx.Done():
		return nil, canceled(ctx)
	}
}

func (t *tokens) unlessPaused(ctx context.Context, renew func(context.Context) error) error {
	t.mu.Lock()
	err := t.pause.holds(t.now())
	t.mu.Unlock()
	if err != nil {
		return err
	}
	err = renew(ctx)
	if app.CodeOf(err) != app.CodeCanceled {
		t.mu.Lock()
		t.pause.after(t.now(), err)
		t.mu.Unlock()
	}
	if err == nil {
		return nil
	}
	return err
}

func canceled(ctx context.Context) *app.Error {
	return app.Errorf(app.CodeCanceled, op, "Canceled.").Wrap(context.Cause(ctx))
}

// op is what all errors of the package are about.
const op = "sign in"
