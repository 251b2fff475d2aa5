package stream

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/coditect-ai/coditect-sync/backend/stream/oplog"
	"github.com/coditect-ai/coditect-sync/backend/stream/wire"
)

// lead is how long before the end of a token its client is told once more.
const lead = 20 * time.Second

// serveStream answers a request with a stream. The status is decided when the first lines are ready; what fails later
// can only cut the stream.
func (s *Server) serveStream(w http.ResponseWriter, r *http.Request) {
	session, err := s.open(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer s.hub.leave(session.sleeper)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	var out *output
	flush := func() (err error) {
		if out == nil {
			if out, err = begin(w, r, s.config.Patience); err != nil {
				return err
			}
		}
		err = out.send(session.lines)
		session.lines = session.lines[:0]
		return err
	}
	err = session.run(ctx, flush)
	switch {
	case out == nil:
		s.fail(w, r, err)
	case err == nil && out.end() == nil:
	default:
		s.noteCut(ctx, err)
		panic(http.ErrAbortHandler) // the only way to cut a body without its end
	}
}

func (s *Server) noteCut(ctx context.Context, err error) {
	if ctx.Err() == nil && !errors.Is(err, errCut) {
		s.config.Log.Warn("a stream is cut", "error", err)
	}
}

// open checks a request and makes its session.
func (s *Server) open(w http.ResponseWriter, r *http.Request) (*session, error) {
	token, err := tokenOf(r)
	if err != nil {
		return nil, err
	}
	who, err := s.config.Verifier.Verify(r.Context(), token)
	if err != nil {
		return nil, err
	}
	body, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	request, err := parseRequest(body)
	if err != nil {
		return nil, err
	}
	sleeper, err := s.hub.join(s.config.MaxStreams)
	if err != nil {
		return nil, err
	}
	return s.newSession(who, token, request, sleeper), nil
}

// run sends lines until the token ends, which is a proper end; until the server ends; or until something fails.
func (s *session) run(ctx context.Context, flush func() error) error {
	for {
		err := s.round(ctx, flush)
		switch {
		case errors.Is(err, errExpired):
			return s.expire(flush)
		case errors.Is(err, oplog.ErrNotReady):
			return errNotReady
		case err != nil:
			return err
		}
	}
}

// round brings the client to where the log is, and waits for news.
func (s *session) round(ctx context.Context, flush func() error) error {
	if err := s.mayGoOn(ctx); err != nil {
		return err
	}
	lines := s.lineSteps(ctx)
	if err := s.advance(ctx, flush); err != nil {
		return err
	}
	if len(s.lines) > 0 {
		if err := flush(); err != nil {
			return err
		}
	}
	for _, end := range lines {
		end(nil)
	}
	return s.sleep(ctx, flush)
}

// verifyTime is the most that verifying a token again may take.
const verifyTime = 5 * time.Second

// mayGoOn returns errExpired when the token has ended, by time or because whoever gave it out refuses it now: its machine is
// signed out, its person disabled. That is asked every now and then; what cannot be told now is asked again.
func (s *session) mayGoOn(ctx context.Context) error {
	if !time.Now().Before(s.principal.Expires) {
		return errExpired
	}
	if time.Since(s.verified) < s.server.config.Recheck {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, verifyTime)
	defer cancel()
	_, err := s.server.config.Verifier.Verify(ctx, s.token)
	s.verified = time.Now()
	var refused *AuthError
	if errors.As(err, &refused) {
		return errExpired
	}
	return nil
}

// expire says that the token is no longer good, which is the last line.
func (s *session) expire(flush func() error) error {
	s.lines = wire.AppendTokenExpires(s.lines, 0)
	return flush()
}

// sleep waits for news, and meanwhile tells now and then how long the token is good for. Its error says that the stream ends.
func (s *session) sleep(ctx context.Context, flush func() error) error {
	speak := time.Now().Add(s.pause(time.Until(s.principal.Expires)))
	for {
		timer := time.NewTimer(min(time.Until(speak), s.server.config.Recheck))
		select {
		case <-s.sleeper.wake:
			timer.Stop()
			return nil
		case <-s.sleeper.ended:
			timer.Stop()
			return errCut
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
		if err := s.mayGoOn(ctx); err != nil {
			return err
		}
		if time.Now().Before(speak) {
			continue
		}
		left := time.Until(s.principal.Expires)
		s.lines = wire.AppendTokenExpires(s.lines, int64((left+time.Second/2)/time.Second))
		if err := flush(); err != nil {
			return err
		}
		speak = time.Now().Add(s.pause(left))
	}
}

// pause is how long a stream may be silent: until the next sign of life is due, or the token has the lead left, or ends.
func (s *session) pause(left time.Duration) time.Duration {
	pause := min(s.server.config.Quiet, left)
	if left > lead {
		pause = min(pause, left-lead)
	}
	return pause
}
