package stream

import (
	"sync"

	"github.com/coditect-ai/coditect-sync/backend/stream/oplog"
)

// hub wakes the sessions that a commit concerns.
type hub struct {
	mu       sync.Mutex
	sleepers map[*sleeper]bool
	closed   bool
	epoch    int64 // and
	seq      int64 // of the last news
}

// sleeper is a session as the hub sees it.
type sleeper struct {
	wake    chan struct{} // holds one
	ended   chan struct{} // closed when the session must end
	epoch   int64         // 0 = it has not read the log yet, and wants to hear everything
	buckets map[string]bool
	access  map[[2]string]bool
	client  [2]string
	once    sync.Once
	traces  []string // of the commits that woke it, and are not sent yet
}

// join adds a session, which hears of everything until it says what it watches. It fails when there are limit already,
// or the server is ending.
func (h *hub) join(limit int) (*sleeper, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, errEnding
	}
	if len(h.sleepers) >= limit {
		return nil, errStreams
	}
	s := &sleeper{wake: make(chan struct{}, 1), ended: make(chan struct{})}
	h.sleepers[s] = true
	return s, nil
}

func (h *hub) leave(s *sleeper) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.sleepers, s)
}

// watch says what a session wants to hear of, having read the log as of at. News that came since then were held against what
// it watched before, so they wake it.
func (h *hub) watch(s *sleeper, at oplog.Head, buckets map[string]bool, access map[[2]string]bool, client [2]string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s.epoch, s.buckets, s.access, s.client = at.Epoch, buckets, access, client
	if h.epoch == at.Epoch && h.seq > at.Seq {
		s.rouse()
	}
}

func (h *hub) tell(news oplog.News) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.epoch, h.seq = news.Epoch, news.Seq
	for s := range h.sleepers {
		switch {
		case s.epoch != 0 && news.Reset && news.Epoch != s.epoch:
			s.end()
		case s.concerned(news):
			if len(s.traces) < mostTraces {
				s.traces = append(s.traces, news.Traces...)
			}
			s.rouse()
		}
	}
}

func (s *sleeper) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// close ends every session, and lets none join.
func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for s := range h.sleepers {
		s.end()
	}
}

func (s *sleeper) end() { s.once.Do(func() { close(s.ended) }) }

func (s *sleeper) concerned(news oplog.News) bool {
	if s.epoch == 0 || news.Reset || news.Reached[s.client] {
		return true
	}
	for _, name := range news.Buckets {
		if s.buckets[name] {
			return true
		}
	}
	for who := range s.access {
		if news.Access[who] {
			return true
		}
	}
	return false
}

// mostTraces bounds what is followed for one session.
const mostTraces = 64

// traced takes the traces of the commits that woke a session.
func (h *hub) traced(s *sleeper) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := s.traces
	s.traces = nil
	return all
}

func (h *hub) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.sleepers)
}
