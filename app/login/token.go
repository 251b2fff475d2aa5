package login

import (
	"context"
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

// left is how long the token is still good for, by the clock that is further.
func (a access) left(now time.Time) time.Duration {
	if a.token == "" {
		return 0
	}
	steady, wall := now.Sub(a.born), now.Round(0).Sub(a.born.Round(0))
	return a.life - max(steady, wall)
}

// Token returns an access token that is good for 30 seconds or more. It blocks while one is fetched; of many callers one
// fetches. Errors are *app.Error: CodeSignedOut when nobody is signed in any more, CodeCanceled when ctx ended, and any other
// code means "not now": try again, nobody is signed out. While fetching fails the server is asked at most once a second,
// however often this is called.
func (s *Session) Token(ctx context.Context) (string, error) {
	if token, left := s.current(); left >= renewAt {
		return token, nil
	}
	done, err := s.takeTurn(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	token, left := s.current()
	if left >= renewAt {
		return token, nil
	}
	err = s.renewUnlessPaused(ctx)
	if token, left = s.current(); left >= leastLeft {
		return token, nil
	}
	return "", err
}

// Refuse takes note that the server did not take a token (401). The next Token fetches another one. One refusal signs nobody
// out; refusals of one token after another are answered with growing pauses.
func (s *Session) Refuse(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if token == "" || s.access.token != token {
		return // it was replaced already
	}
	s.pause.refused(s.c.Now(), s.access)
	s.access = access{}
}

func (s *Session) current() (string, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.access.token, s.access.left(s.c.Now())
}

// takeTurn waits for the right to use the refresh token in this process.
func (s *Session) takeTurn(ctx context.Context) (done func(), err error) {
	select {
	case s.turn <- struct{}{}:
		return func() { <-s.turn }, nil
	case <-ctx.Done():
		return nil, canceled(ctx)
	}
}

func (s *Session) renewUnlessPaused(ctx context.Context) error {
	s.mu.Lock()
	err := s.pause.holds(s.c.Now())
	s.mu.Unlock()
	if err != nil {
		return err
	}
	err = s.renew(ctx)
	if app.CodeOf(err) != app.CodeCanceled {
		s.mu.Lock()
		s.pause.after(s.c.Now(), err)
		s.mu.Unlock()
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
