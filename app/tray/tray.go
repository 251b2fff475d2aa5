package tray

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// Config configures Run. Service and Logger must be set.
type Config struct {
	Service app.Service
	Logger  *slog.Logger
	// OpenWindow opens the window at one of the Views, or raises it. It should return once the window's program runs.
	OpenWindow func(view string) error
	// NoWindow says what to install while there is no window to open, "" when there is one. It is asked whenever the
	// menu may change, so it should be quick. Without it a window is there if OpenWindow is.
	NoWindow func() string
	// ShowLogs opens the log for reading. Without it the menu does not offer that.
	ShowLogs func() error
	// Tell shows what came of a click to somebody who has closed the menu since. The menu shows it in any case.
	Tell func(Notice)
}

// Notice is a sentence for a person, with a hint when there is a cure.
type Notice struct{ Sentence, Hint string }

// Run shows the icon until ctx ends or a person quits, and returns when everything it started has ended. It needs
// neither a panel nor a session bus, and returns an error only where the system can show no icon at all. Call it once
// in a process, on macOS from the main goroutine. Clicks that are being worked on when ctx ends are canceled.
func Run(ctx context.Context, cfg Config) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	t := newTray(cfg, stop)
	rev := t.begin(ctx)
	var wg sync.WaitGroup
	err := show(ctx, t, func(p *painter) {
		t.canvas = p
		t.look(ctx)
		wg.Go(func() { t.loop(ctx) })
		wg.Go(func() { t.watch(ctx, rev) })
		wg.Go(func() { p.listen(ctx, t) })
	})
	stop()
	wg.Wait()
	t.lanes.wait()
	return err
}

// canvas is what menus are painted on.
type canvas interface {
	paint(m Menu, light bool)
	repaint()
}

const (
	// apace is the least time between two paintings of texts: Status can change many times a second.
	apace = 250 * time.Millisecond
	// outcomeFor is how long the outcome of a click is shown.
	outcomeFor = 10 * time.Minute
	// lookAgain is the longest time between two looks, since timers stand still while a machine sleeps.
	lookAgain = 10 * time.Minute
)

// tray is the state of Run. All fields but cfg, stop, events and lanes belong to the goroutine of loop.
type tray struct {
	cfg    Config
	stop   context.CancelFunc
	deed   deed
	canvas canvas
	events chan func()
	lanes  lanes

	scene   Scene
	light   bool // the panel is light
	hidden  bool // the session is gone, so that painting is of no use
	icon    debouncer
	painted time.Time
	listed  time.Time // when the points were asked for last
	told    time.Time // when the outcome came
	busy    map[lane]bool
	// listedTXID is how far the history went when the points were asked for.
	listedTXID string
}

func newTray(cfg Config, stop context.CancelFunc) *tray {
	t := &tray{cfg: cfg, stop: stop, events: make(chan func()), busy: map[lane]bool{}}
	t.deed = deed{actions: cfg.Service, openWindow: cfg.OpenWindow, showLogs: cfg.ShowLogs, now: wallClock}
	t.scene = Scene{CanShowLogs: cfg.ShowLogs != nil}
	return t
}

// wallClock is the time of day without the monotonic clock, which stands still while a machine sleeps.
func wallClock() time.Time { return time.Now().Round(0) }

// begin learns what the first picture shows, and returns the revision of it.
func (t *tray) begin(ctx context.Context) uint64 {
	st, err := t.cfg.Service.Status(ctx)
	t.scene.Status, t.scene.Gone = st, app.AsError("tray", err)
	return st.Rev
}

func (t *tray) findWindow() {
	switch {
	case t.cfg.NoWindow != nil:
		t.scene.NoWindow = t.cfg.NoWindow()
	case t.cfg.OpenWindow == nil:
		t.scene.NoWindow = "install coditect-sync-window"
	}
}

// post runs f in loop's goroutine. It does nothing after ctx ended.
func (t *tray) post(ctx context.Context, f func()) {
	select {
	case t.events <- f:
	case <-ctx.Done():
	}
}

// loop takes what happens, one after the other, and looks again after each.
func (t *tray) loop(ctx context.Context) {
	timer := time.NewTimer(lookAgain)
	defer timer.Stop()
	for {
		timer.Reset(time.Until(t.look(ctx)))
		select {
		case f := <-t.events:
			f()
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
}

// look paints what is true now and returns when to look again.
func (t *tray) look(ctx context.Context) (again time.Time) {
	now := wallClock()
	again = now.Add(lookAgain)
	sooner := func(at time.Time) {
		if !at.IsZero() && at.Before(again) {
			again = at
		}
	}
	if t.wantsPoints(now) && !t.list(ctx) {
		sooner(now.Add(time.Second))
	}
	sooner(t.forget(now))
	t.findWindow()
	m := View(t.scene, now)
	sooner(m.Stale)
	shown := t.icon.shown
	icon, at := t.icon.next(m.Icon, now)
	m.Icon = icon
	sooner(at)
	sooner(t.paint(m, now, icon != shown))
	return again
}

// repaint shows everything anew.
func (t *tray) repaint() {
	t.canvas.repaint()
	t.painted = time.Time{}
}

// forget drops an outcome that is old, and returns when the present one is.
func (t *tray) forget(now time.Time) time.Time {
	if t.scene.Outcome == "" {
		return time.Time{}
	}
	if end := t.told.Add(outcomeFor); now.Before(end) {
		return end
	}
	t.scene.Outcome = ""
	return time.Time{}
}

// paint shows m, unless the last picture is very young and only its texts differ. It returns when to try again.
func (t *tray) paint(m Menu, now time.Time, newIcon bool) time.Time {
	if t.hidden {
		return time.Time{}
	}
	if wait := apace - now.Sub(t.painted); wait > 0 && wait <= apace && !newIcon {
		return now.Add(wait)
	}
	t.canvas.paint(m, panelLight(t.light))
	t.painted = now
	return time.Time{}
}

// watch follows the Status from rev on.
func (t *tray) watch(ctx context.Context, rev uint64) {
	wait := time.Second
	for ctx.Err() == nil {
		st, err := t.cfg.Service.Watch(ctx, rev)
		if err == nil {
			rev, wait = st.Rev, time.Second
			t.post(ctx, func() { t.setStatus(st) })
			continue
		}
		gone := app.AsError("tray", err)
		t.post(ctx, func() { t.scene.Gone = gone })
		rev = 0
		select {
		case <-time.After(wait):
			wait = min(2*wait, 30*time.Second)
		case <-ctx.Done():
		}
	}
}
