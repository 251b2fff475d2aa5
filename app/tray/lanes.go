package tray

import "sync"

// lane is where an action waits. What stands in one lane happens in the order of the clicks; lanes do not wait for each
// other, so that one can pause while a restore runs.
type lane string

const (
	laneWishes  lane = "wishes"
	laneRestore lane = "restore"
	laneFlush   lane = "flush"
	laneVerify  lane = "verify"
	laneDoctor  lane = "doctor"
	laneOpen    lane = "open"
	laneLogs    lane = "logs"
	lanePoints  lane = "points"
	laneQuit    lane = "quit"
)

func (a Action) lane() lane {
	switch a.Kind {
	case Restore, Undo:
		return laneRestore
	case Sync:
		return laneFlush
	case Verify, Prove:
		return laneVerify
	case Doctor:
		return laneDoctor
	case Open:
		return laneOpen
	case Logs:
		return laneLogs
	case Quit:
		return laneQuit
	case SetMode, Pause, Resume:
	}
	return laneWishes
}

// single tells that a lane takes nothing while it is occupied: a second click on what is being done is not a wish to
// do it twice. A second restore would even put the way back out of reach.
func (l lane) single() bool { return l != laneWishes && l != laneOpen }

// lanes are goroutines that come and go. The zero value is ready.
type lanes struct {
	mu    sync.Mutex
	queue map[lane][]func() // the running one stands first
	wg    sync.WaitGroup
}

// run does f after what waits in the lane before it, and returns at once.
func (s *lanes) run(l lane, f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queue == nil {
		s.queue = map[lane][]func(){}
	}
	s.queue[l] = append(s.queue[l], f)
	if len(s.queue[l]) == 1 {
		s.wg.Go(func() { s.work(l, f) })
	}
}

func (s *lanes) work(l lane, f func()) {
	for f != nil {
		f()
		f = s.following(l)
	}
}

func (s *lanes) following(l lane) func() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue[l] = s.queue[l][1:]
	if len(s.queue[l]) == 0 {
		return nil
	}
	return s.queue[l][0]
}

// wait returns when nothing runs any more.
func (s *lanes) wait() { s.wg.Wait() }
