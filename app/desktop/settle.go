package desktop

import (
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

const (
	// needsAfter is how long a cause lasts before it is told: the agent's own first attempt at a cure comes sooner.
	needsAfter = 10 * time.Second
	// wellAfter is how long all is well before that is told.
	wellAfter = time.Minute
)

// settler turns a flow of Status into the changes that count. The zero value is ready; the first Status it sees is what
// was, but for a cause that stands in it.
type settler struct {
	begun bool
	held  app.Status // what was judged last
	bad   time.Time  // since when something is wrong, zero while nothing is
	good  time.Time  // since when all is well, zero while it is not
}

// next takes the Status that holds at now. It returns the change to judge, and when to ask again with the same Status if
// nothing happens before; zero for no need to.
func (s *settler) next(st app.Status, now time.Time) (before, after app.Status, again time.Time) {
	if !s.begun {
		s.begun, s.held = true, app.Status{Undo: st.Undo}
	}
	counts, again := s.counts(st, now)
	before, after = s.held, s.held
	if counts {
		after = st
	}
	after.Undo = st.Undo // a restore is a fact at once
	s.held = after
	return before, after, again
}

func (s *settler) counts(st app.Status, now time.Time) (counts bool, again time.Time) {
	switch {
	case causeOf(st) != "":
		s.good = time.Time{}
		return s.lasts(&s.bad, needsAfter, now)
	case st.State == app.StateOff, st.State == app.StateNew:
		s.bad, s.good = time.Time{}, time.Time{}
		return true, time.Time{}
	case !st.Healthy:
		s.good = time.Time{}
		return false, time.Time{}
	}
	counts, again = s.lasts(&s.good, wellAfter, now)
	if counts {
		s.bad = time.Time{}
	}
	return counts, again
}

// lasts tells whether what began at since, or begins now, has lasted for long enough.
func (s *settler) lasts(since *time.Time, enough time.Duration, now time.Time) (counts bool, again time.Time) {
	if since.IsZero() {
		*since = now
	}
	if end := since.Add(enough); now.Before(end) {
		return false, end
	}
	return true, time.Time{}
}
