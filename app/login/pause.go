package login

import (
	"errors"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

const (
	// failPause is the least time between two requests that fail.
	failPause = time.Second
	// longestPause limits what a server may ask for, and how long refusals make one wait.
	longestPause = time.Minute
	// trusted is how long a token must have served before a refusal counts as the first one again.
	trusted = time.Minute
)

// pause keeps a failing server from being asked without end.
type pause struct {
	until    time.Time
	why      error // nil: because tokens are refused
	refusals int
}

// holds is the error to answer with while it lasts, nil after it.
func (p *pause) holds(now time.Time) error {
	left := p.until.Sub(now)
	if left <= 0 || left > longestPause { // more than that is a clock that was set back
		return nil
	}
	if p.why != nil {
		return p.why
	}
	return app.Errorf(app.CodeUnreachable, op, "The server does not accept this machine's sign-in at the moment.").
		WithHint("It is tried again by itself. Check the clock of this machine, and of the server.")
}

// after takes note of how asking ended.
func (p *pause) after(now time.Time, err error) {
	if err == nil {
		p.why = nil // refusals go on counting until a token has served
		return
	}
	wait := failPause
	if r, ok := errors.AsType[*refusal](err); ok {
		wait = min(max(wait, r.after), longestPause)
	}
	p.until, p.why = now.Add(wait), err
}

// refused takes note that a token was not taken. The first replacement comes at once.
func (p *pause) refused(now time.Time, a access) {
	if now.Sub(a.born) > trusted || a.born.IsZero() {
		p.refusals = 0
	}
	p.refusals++
	if p.refusals > 1 {
		p.until, p.why = now.Add(min(failPause<<min(p.refusals-2, 6), longestPause)), nil
	}
}
