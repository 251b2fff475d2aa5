package window

import (
	"context"
	"log/slog"
	"sync"

	"github.com/coditect-ai/coditect-sync/app"
)

// starter starts an agent where none runs, one attempt at a time.
type starter struct {
	// runs asks the agent whether it is there; start starts it and returns once it answers.
	runs  func(context.Context) error
	start func(context.Context) error
	log   *slog.Logger

	mu      sync.Mutex
	attempt chan struct{} // closed when the attempt under way has ended; nil before the first
	err     error         // of the last one
}

// begin starts an agent in the background if none runs. It returns at once.
func (s *starter) begin(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.underWay() {
		return
	}
	ended := make(chan struct{})
	s.attempt = ended
	go func() {
		defer close(ended)
		err := s.try(ctx)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.err = err
	}()
}

func (s *starter) underWay() bool {
	if s.attempt == nil {
		return false
	}
	select {
	case <-s.attempt:
		return false
	default:
		return true
	}
}

func (s *starter) try(ctx context.Context) error {
	if s.start == nil || app.CodeOf(s.runs(ctx)) != app.CodeNotRunning {
		return nil
	}
	err := s.start(ctx)
	s.log.Info("agent started by the window", "error", err)
	return err
}

// wait returns what came of the last attempt, when it has ended or ctx did. Without one it returns nil at once.
func (s *starter) wait(ctx context.Context) error {
	s.mu.Lock()
	attempt := s.attempt
	s.mu.Unlock()
	if attempt == nil {
		return nil
	}
	select {
	case <-attempt:
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}
