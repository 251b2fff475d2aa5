package sqlite

import (
	"context"
	"sync"
)

// gate counts the operations that have the live file open in this process, and can be shut. Its zero value is open.
// It counts operations and not connections: one that needs a second connection must not be stopped between the two.
type gate struct {
	mu     sync.Mutex
	inside int
	shut   chan struct{} // non-nil while shut; closed when it opens again
	empty  chan struct{} // non-nil while somebody waits for inside to be 0; closed then
}

// enter waits while the gate is shut. leave may be called more than once.
func (g *gate) enter(ctx context.Context) (leave func(), err error) {
	for {
		g.mu.Lock()
		shut := g.shut
		if shut == nil {
			g.inside++
			g.mu.Unlock()
			return sync.OnceFunc(g.leave), nil
		}
		g.mu.Unlock()
		if err := wait(ctx, shut); err != nil {
			return nil, err
		}
	}
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if g.inside == 0 && g.empty != nil {
		close(g.empty)
		g.empty = nil
	}
}

// close shuts the gate and waits until nobody is inside. open may be called more than once.
func (g *gate) close(ctx context.Context) (open func(), err error) {
	if err := g.shutFor(ctx); err != nil {
		return nil, err
	}
	open = sync.OnceFunc(g.open)
	if err := wait(ctx, g.emptied()); err != nil {
		open()
		return nil, err
	}
	return open, nil
}

// shutFor shuts the gate, after whoever has shut it before.
func (g *gate) shutFor(ctx context.Context) error {
	for {
		g.mu.Lock()
		shut := g.shut
		if shut == nil {
			g.shut = make(chan struct{})
			g.mu.Unlock()
			return nil
		}
		g.mu.Unlock()
		if err := wait(ctx, shut); err != nil {
			return err
		}
	}
}

// emptied is closed once nobody is inside.
func (g *gate) emptied() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	empty := make(chan struct{})
	if g.inside == 0 {
		close(empty)
		return empty
	}
	g.empty = empty
	return empty
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.shut)
	g.shut, g.empty = nil, nil
}

func wait(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Quiesce waits until this process has no operation on the live file under way, and holds new ones back until release.
// Whoever opens the file by other means (a Litestream DB closing its descriptor, for instance) does it in between: in
// this process, closing any descriptor of the file drops SQLite's locks. release may be called more than once.
func (f *File) Quiesce(ctx context.Context) (release func(), err error) {
	release, err = f.shut(ctx)
	return release, classify("quiesce", f.path, err)
}

// shut closes the gate, and every connection that was kept.
func (f *File) shut(ctx context.Context) (open func(), err error) {
	open, err = f.gate.close(ctx)
	if err == nil {
		f.spare.drop(f.path)
	}
	return open, err
}
