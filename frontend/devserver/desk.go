package main

import (
	"context"
	"sync"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/frontend/scenes"
)

// poll is how long a status request waits for news.
const poll = 25 * time.Second

// desk is a scripted agent: it plays one scene, and its long operations go on step by step.
type desk struct {
	mu      sync.Mutex
	scene   scenes.Scene
	changed chan struct{} // closed by the next change
	steps   chan struct{}
	script  []func(*scenes.Scene) // what the next steps do to the scene, while no operation takes them
	// entering is the sign-in that was begun last.
	entering app.Login
}

func newDesk() *desk { return &desk{changed: make(chan struct{}), steps: make(chan struct{})} }

func (d *desk) now() scenes.Scene {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.scene
}

// change edits the scene and tells everybody who waits.
func (d *desk) change(edit func(*scenes.Scene)) app.Status {
	d.mu.Lock()
	defer d.mu.Unlock()
	rev := d.scene.Status.Rev
	edit(&d.scene)
	d.scene.Status.Rev = rev + 1
	close(d.changed)
	d.changed = make(chan struct{})
	return d.scene.Status
}

func (d *desk) show(name string) error {
	s, ok := scenes.Find(name)
	if !ok {
		return app.Errorf(app.CodeNotFound, "scene", "There is no scene %q.", name)
	}
	d.change(func(now *scenes.Scene) { *now, d.script, d.entering = s, nil, app.Login{} })
	return nil
}

func (d *desk) showNamed(_ context.Context, req struct {
	Name string `json:"name"`
}) (app.Status, error) {
	return d.now().Status, d.show(req.Name)
}

// await is the status, once it is newer than since or after a long poll's time.
func (d *desk) await(ctx context.Context, since uint64) app.Status {
	d.mu.Lock()
	status, changed := d.scene.Status, d.changed
	d.mu.Unlock()
	if status.Rev != since {
		return status
	}
	timer := time.NewTimer(poll)
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	case <-ctx.Done():
	}
	return d.now().Status
}

// step lets the operation that runs do its next step, or else the script.
func (d *desk) step(_ context.Context, _ nothing) (nothing, error) {
	select {
	case d.steps <- struct{}{}:
	case <-time.After(50 * time.Millisecond): // nobody waits
		d.change(func(s *scenes.Scene) {
			if len(d.script) > 0 {
				next := d.script[0]
				next(s) // may add to the script
				d.script = d.script[1:]
			}
		})
	}
	return nothing{}, nil
}

// play does a step every so often, until ctx ends.
func (d *desk) play(ctx context.Context, every time.Duration) {
	for tick := time.NewTicker(every); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
			_, _ = d.step(ctx, nothing{}) // it has no error
		}
	}
}

// next waits for a step; the error is CodeCanceled when the client has hung up.
func (d *desk) next(ctx context.Context) error {
	select {
	case <-d.steps:
		return nil
	case <-ctx.Done():
		return app.Errorf(app.CodeCanceled, "restore", "It was canceled.")
	}
}
