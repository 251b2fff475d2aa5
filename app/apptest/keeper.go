package apptest

import (
	"context"
	"sync"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

var _ app.Keeper = (*FakeKeeper)(nil)

// FakeKeeper copies the World's commits to its target as they come, with a first drill after the first copy. It lies in
// this: nothing takes time, nothing waits for the network, drills are never due but the first, and Flush and Mark
// succeed without the write lock or with it.
//
// Each hook runs first where it is not nil; its error is returned and nothing else happens. Set them before Run.
type FakeKeeper struct {
	// OnRun may end Run before it is ready, as a store that cannot be opened does. Block in it to delay readiness.
	OnRun   func(context.Context) error
	OnFlush func() error // Flush, Mark and what Run does by itself (Run goes on after an error and reports it)
	OnDrill func() error
	// Stuck, while it is not nil, keeps Run from returning after its ctx has ended until the channel is closed.
	Stuck <-chan struct{}
	// Target is the URL in reports.
	Target string

	world     *World
	reporting sync.Mutex // one report at a time, and none after Run
	mu        sync.Mutex
	ready     chan struct{} // closed while Run works
	report    func(app.Report)
	fault     *app.Error
	runs      int
}

// Keeper replicates the World's file.
func (w *World) Keeper() *FakeKeeper {
	return &FakeKeeper{world: w, ready: make(chan struct{}), Target: "file:///fake"}
}

// Runs is how often Run was called.
func (k *FakeKeeper) Runs() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.runs
}

// SetFault reports a fault that only a person can cure, or with nil that it is cured. It does not end Run.
func (k *FakeKeeper) SetFault(e *app.Error) {
	k.mu.Lock()
	k.fault = e
	k.mu.Unlock()
	k.tell(nil)
}

// Tell reports progress as a running engine does; nil for none. It does nothing while Run does not work.
func (k *FakeKeeper) Tell(p *app.Progress) { k.tell(p) }

// Run implements app.Engine.
func (k *FakeKeeper) Run(ctx context.Context, report func(app.Report)) error {
	defer k.enter()()
	if k.OnRun != nil {
		if err := k.OnRun(ctx); err != nil {
			return err
		}
	}
	k.open(report)
	defer k.shut()
	k.tell(&app.Progress{Phase: app.PhaseFirstCopy, Unit: "bytes"})
	for ctx.Err() == nil {
		next := k.world.next()
		k.keepUp(ctx)
		select {
		case <-next:
		case <-ctx.Done():
		}
	}
	if k.Stuck != nil {
		<-k.Stuck
	}
	k.keepUp(context.WithoutCancel(ctx))
	return nil
}

// keepUp copies what there is, proves the first copy, and reports.
func (k *FakeKeeper) keepUp(ctx context.Context) {
	if _, err := k.flush(); err != nil {
		k.tell(&app.Progress{Phase: app.PhaseOffline, Cause: err.Error()})
		return
	}
	if !k.world.proved() {
		_, _ = k.drill() // a drill that fails is in the report
	}
	k.tell(nil)
}

// Flush implements app.Keeper.
func (k *FakeKeeper) Flush(ctx context.Context) (app.RestorePoint, error) {
	if err := k.wait(ctx); err != nil {
		return app.RestorePoint{}, err
	}
	p, err := k.flush()
	k.tell(nil)
	return p, err
}

// Mark implements app.Keeper.
func (k *FakeKeeper) Mark(ctx context.Context) (app.RestorePoint, error) { return k.Flush(ctx) }

// Drill implements app.Keeper.
func (k *FakeKeeper) Drill(ctx context.Context) (app.Drill, error) {
	if err := k.wait(ctx); err != nil {
		return app.Drill{}, err
	}
	d, err := k.drill()
	k.tell(nil)
	return d, err
}

func (k *FakeKeeper) flush() (app.RestorePoint, error) {
	if k.OnFlush != nil {
		if err := k.OnFlush(); err != nil {
			return app.RestorePoint{}, err
		}
	}
	return k.world.flush(), nil
}

func (k *FakeKeeper) drill() (app.Drill, error) {
	if k.OnDrill != nil {
		if err := k.OnDrill(); err != nil {
			return app.Drill{}, err
		}
	}
	p, err := k.flush()
	if err != nil {
		return app.Drill{}, err
	}
	return k.world.prove(p), nil
}

// enter counts the run and returns what ends it.
func (k *FakeKeeper) enter() (leave func()) {
	k.mu.Lock()
	k.runs++
	k.mu.Unlock()
	w := k.world
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.running++; w.running > 1 {
		w.overlaps++
	}
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.running--
	}
}

func (k *FakeKeeper) open(report func(app.Report)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.report = report
	close(k.ready)
}

func (k *FakeKeeper) shut() {
	k.reporting.Lock()
	defer k.reporting.Unlock()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.report = nil
	k.ready = make(chan struct{})
}

func (k *FakeKeeper) wait(ctx context.Context) error {
	k.mu.Lock()
	ready := k.ready
	k.mu.Unlock()
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		return canceled(ctx, "flush")
	}
}

// tell reports. Reports come one after the other, as an engine's do.
func (k *FakeKeeper) tell(p *app.Progress) {
	k.reporting.Lock()
	defer k.reporting.Unlock()
	k.mu.Lock()
	report, fault := k.report, k.fault
	k.mu.Unlock()
	if report == nil {
		return
	}
	st := k.world.standalone(k.Target)
	report(app.Report{Standalone: &st, Progress: p, Fault: fault})
}

// next is closed by the World's next commit.
func (w *World) next() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.changed
}

func (w *World) proved() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.drill != nil
}

func (w *World) prove(p app.RestorePoint) app.Drill {
	w.mu.Lock()
	defer w.mu.Unlock()
	d := app.Drill{At: w.Now(), OK: !w.damaged[p.ID], TXID: p.ID, Took: time.Millisecond}
	for _, m := range w.ours().moments {
		if m.point.ID == p.ID {
			d.Rows, d.Tables = int64(len(m.rows)), hashOf(m.rows)
		}
	}
	if !d.OK {
		d.Problem = "The object " + p.ID + " is damaged."
	}
	w.drill = &d
	return d
}

// standalone is what a keeper knows.
func (w *World) standalone(target string) app.StandaloneStatus {
	w.mu.Lock()
	defer w.mu.Unlock()
	st := app.StandaloneStatus{Target: target, TXID: idOf(w.txid), LastDrill: w.drill}
	if h := w.history[w.machine]; h != nil && len(h.moments) > 0 {
		last := h.moments[len(h.moments)-1].point
		st.ReplicatedTXID, st.LastReplicatedAt = last.ID, last.Time
	}
	return st
}
