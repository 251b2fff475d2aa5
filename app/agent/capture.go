package agent

import (
	"context"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// captureEvery is how often it is looked how much waits, while no engine of cloud mode tells.
const captureEvery = 30 * time.Second

// captureDue tells when to look next; zero for never: nobody ever signed in, or the engine tells. Run's goroutine only.
func (a *Agent) captureDue() time.Time {
	who, _ := a.account()
	e := a.core.engine
	if who.Server == "" || a.core.prefs.DB == "" || a.cfg.Idle || e != nil && e.mode == app.ModeCloud {
		return time.Time{}
	}
	return a.core.captureAt.Add(captureEvery)
}

// watchCapture looks in the background when it is time to. Run's goroutine only.
func (a *Agent) watchCapture() {
	due, now := a.captureDue(), a.cfg.Now()
	if due.IsZero() || now.Before(due) {
		return
	}
	a.core.captureAt = now
	a.core.wg.Go(func() { a.lookAtCapture(a.life) })
}

// lookAtCapture sees how much waits.
func (a *Agent) lookAtCapture(ctx context.Context) {
	p, err := a.prefs(ctx)
	if err != nil || p.DB == "" {
		return
	}
	file, err := a.cfg.OpenFile(p.DB)
	if err != nil {
		return
	}
	c, err := file.Capture(ctx)
	if err != nil {
		a.log.Debug("capture not looked at", "error", err)
		return
	}
	a.tell(func() { a.core.capture = c })
}
