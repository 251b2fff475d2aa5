package tray

import (
	"context"

	"github.com/coditect-ai/coditect-sync/app"
)

// occupy tells whether a lane takes one more.
func (t *tray) occupy(l lane) bool {
	if l.single() && t.busy[l] {
		return false
	}
	t.busy[l] = true
	return true
}

// click does what an item says.
func (t *tray) click(ctx context.Context, a Action) {
	if a.Kind == "" {
		return
	}
	taken := t.occupy(a.lane())
	t.cfg.Logger.Debug("menu item clicked", "action", a.Kind, "taken", taken)
	if !taken {
		return
	}
	t.scene.Outcome = ""
	t.lanes.run(a.lane(), func() {
		sentence, err := t.deed.do(ctx, a)
		t.post(ctx, func() { t.done(ctx, a, sentence, err) })
		if a.Kind == Quit && err == nil {
			t.stop()
		}
	})
}

// done shows what came of a click.
func (t *tray) done(ctx context.Context, a Action, sentence string, err error) {
	t.busy[a.lane()] = false
	notice := Notice{Sentence: sentence}
	if err != nil {
		t.cfg.Logger.Warn("menu action failed", "action", a.Kind, "error", err)
		e := app.AsError(string(a.Kind), err)
		notice = Notice{Sentence: e.Message, Hint: e.Hint}
	}
	if a.lane() == laneRestore {
		t.list(ctx)
	}
	if notice.Sentence == "" || app.CodeOf(err) == app.CodeCanceled {
		return
	}
	t.scene.Outcome, t.told = notice.Sentence, wallClock()
	if t.cfg.Tell != nil {
		t.cfg.Tell(notice)
	}
}
