package apptest

import (
	"context"
	"sync"

	"github.com/coditect-ai/coditect-sync/app"
)

var _ app.Syncer = (*FakeSyncer)(nil)

// FakeSyncer is an engine of cloud mode without a cloud. It lies in this: everything is up at once, and every proof holds
// unless OnProve says otherwise. Set the hooks before Run.
type FakeSyncer struct {
	OnRun   func(context.Context) error // its error is what Run returns
	OnProve func() app.Proof
	Status  app.CloudStatus // what it reports first

	mu     sync.Mutex
	report func(app.Report)
	runs   int
}

// Run implements app.Engine.
func (f *FakeSyncer) Run(ctx context.Context, report func(app.Report)) error {
	f.mu.Lock()
	f.runs++
	f.report = report
	f.mu.Unlock()
	if f.OnRun != nil {
		if err := f.OnRun(ctx); err != nil {
			return err
		}
	}
	f.Tell(app.Report{Cloud: &f.Status})
	<-ctx.Done()
	return nil
}

// Tell reports as a running engine does.
func (f *FakeSyncer) Tell(r app.Report) {
	f.mu.Lock()
	report := f.report
	f.mu.Unlock()
	if report != nil {
		report(r)
	}
}

// Runs is how often Run was called.
func (f *FakeSyncer) Runs() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.runs
}

// Push implements app.Syncer.
func (f *FakeSyncer) Push(ctx context.Context) error { return ctx.Err() }

// Prove implements app.Syncer.
func (f *FakeSyncer) Prove(context.Context) (app.Proof, error) {
	if f.OnProve != nil {
		return f.OnProve(), nil
	}
	return app.Proof{Equal: true}, nil
}

// Rebuild implements app.Syncer.
func (f *FakeSyncer) Rebuild(context.Context) error { return nil }

// Kick implements app.Syncer.
func (f *FakeSyncer) Kick() {}
