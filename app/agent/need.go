package agent

import (
	"context"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// keeper makes sure that the engine of standalone mode runs, for an operation that needs it, and returns it. release
// ends the need.
func (a *Agent) keeper(ctx context.Context) (k app.Keeper, release func(), err error) {
	e, release, err := a.needed(ctx, app.ModeStandalone)
	if err != nil {
		return nil, nil, err
	}
	return untilDone{e.keeper, guard{e}}, release, nil
}

// syncer does the same for the engine of cloud mode.
func (a *Agent) syncer(ctx context.Context) (s app.Syncer, release func(), err error) {
	e, release, err := a.needed(ctx, app.ModeCloud)
	if err != nil {
		return nil, nil, err
	}
	return whileSyncing{e.syncer, guard{e}}, release, nil
}

// needed waits until an engine of the mode is open.
func (a *Agent) needed(ctx context.Context, mode app.Mode) (e *running, release func(), err error) {
	if err := a.do(ctx, func() { a.core.need[mode]++; a.core.retryAt = time.Time{} }); err != nil {
		return nil, nil, err
	}
	release = func() { a.tell(func() { a.core.need[mode]-- }) }
	if e, err = a.started(ctx, mode); err != nil {
		release()
		return nil, nil, err
	}
	select {
	case <-e.opened:
	case <-ctx.Done():
		release()
		return nil, nil, canceled(ctx)
	}
	if e.keeper == nil && e.syncer == nil {
		<-e.done
		release()
		return nil, nil, app.AsError("replicate", e.err)
	}
	return e, release, nil
}

// started waits until an engine of the mode is started.
func (a *Agent) started(ctx context.Context, mode app.Mode) (*running, error) {
	for {
		e, settled, err := a.engineNow(ctx, mode)
		if e != nil || err != nil {
			return e, err
		}
		select {
		case <-settled:
		case <-a.done: // which the next look tells
		case <-ctx.Done():
			return nil, canceled(ctx)
		}
	}
}

// engineNow returns the engine, or what is closed when there may be one.
func (a *Agent) engineNow(ctx context.Context, mode app.Mode) (e *running, settled chan struct{}, err error) {
	var failed *app.Error
	err = a.do(ctx, func() {
		if e = a.core.engine; e != nil && !e.ending && !e.foreign() && e.mode == mode {
			return
		}
		e = nil // the next one is meant
		settled = make(chan struct{})
		a.core.waiters = append(a.core.waiters, settled)
		switch {
		case a.cfg.Now().Before(a.core.retryAt):
			failed = a.core.fault
		case a.core.engine == nil && !a.core.hold && a.want() == nil:
			failed = notWanted(mode)
		}
	})
	if err == nil && failed != nil {
		err = failed
	}
	return e, settled, err
}

// guard makes calls of an engine fail when it ends, instead of waiting for the next one.
type guard struct{ e *running }

func (g guard) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-g.e.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// explain prefers the reason why the engine ended over the cancellation it caused.
func (g guard) explain(err error) error {
	if err == nil {
		return nil
	}
	select {
	case <-g.e.done:
		if g.e.err != nil {
			return g.e.err
		}
	default:
	}
	return err
}

// guarded runs one call.
func guarded[T any](ctx context.Context, g guard, call func(context.Context) (T, error)) (T, error) {
	ctx, cancel := g.limit(ctx)
	defer cancel()
	out, err := call(ctx)
	return out, g.explain(err)
}

// untilDone is a Keeper whose calls end with its engine.
type untilDone struct {
	app.Keeper
	guard
}

func (u untilDone) Flush(ctx context.Context) (app.RestorePoint, error) {
	return guarded(ctx, u.guard, u.Keeper.Flush)
}

func (u untilDone) Mark(ctx context.Context) (app.RestorePoint, error) {
	return guarded(ctx, u.guard, u.Keeper.Mark)
}

func (u untilDone) Drill(ctx context.Context) (app.Drill, error) {
	return guarded(ctx, u.guard, u.Keeper.Drill)
}

// whileSyncing is a Syncer whose calls end with its engine.
type whileSyncing struct {
	app.Syncer
	guard
}

func (w whileSyncing) Push(ctx context.Context) error {
	_, err := guarded(ctx, w.guard, func(ctx context.Context) (struct{}, error) { return struct{}{}, w.Syncer.Push(ctx) })
	return err
}

func (w whileSyncing) Prove(ctx context.Context) (app.Proof, error) {
	return guarded(ctx, w.guard, w.Syncer.Prove)
}

func (w whileSyncing) Rebuild(ctx context.Context) error {
	_, err := guarded(ctx, w.guard, func(ctx context.Context) (struct{}, error) { return struct{}{}, w.Syncer.Rebuild(ctx) })
	return err
}

// notWanted is why no engine of a mode starts however long one waits.
func notWanted(mode app.Mode) *app.Error {
	if mode == app.ModeCloud {
		return noAccount("sync")
	}
	return noStorage("replicate")
}
