package stream

import "context"

// lineSteps begin a step in each trace that woke the session; they end when its lines are sent. A step that fails with its
// stream is never told.
func (s *session) lineSteps(ctx context.Context) (ends []func(error)) {
	tracer := s.server.config.Trace
	if tracer == nil {
		return nil
	}
	for _, carried := range s.server.hub.traced(s.sleeper) {
		_, end := tracer.Start(tracer.Join(ctx, carried), "line")
		ends = append(ends, end)
	}
	return ends
}
