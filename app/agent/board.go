package agent

import (
	"context"
	"sync"

	"github.com/coditect-ai/coditect-sync/app"
)

// board is where the newest Status hangs for everybody to read and to wait for.
type board struct {
	mu      sync.Mutex
	status  app.Status
	changed chan struct{}
}

func (b *board) init() { b.changed = make(chan struct{}) }

func (b *board) post(s app.Status) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status = s
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *board) read() (app.Status, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.status, b.changed
}

// Status implements app.Watcher.
func (a *Agent) Status(context.Context) (app.Status, error) {
	s, _ := a.board.read()
	return s, nil
}

// Watch implements app.Watcher.
func (a *Agent) Watch(ctx context.Context, since uint64) (app.Status, error) {
	for {
		s, changed := a.board.read()
		if s.Rev > since || since == 0 {
			return s, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return app.Status{}, canceled(ctx)
		case <-a.done:
			return app.Status{}, app.Errorf(app.CodeNotRunning, "watch", "CODITECT Sync has stopped.").
				WithHint("Start it again.").Typed("Start it again with `coditect-sync start`.")
		}
	}
}
