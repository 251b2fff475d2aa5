package agent

import (
	"context"
	"os"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/config"
)

// wanted identifies an engine by what it is started with.
type wanted struct{ db, target, user, credentials string }

// running is an engine that was started; keeper is nil while it is being opened.
type running struct {
	wanted
	keeper app.Keeper
	opened chan struct{} // closed when keeper is set or the engine failed to open
	stop   context.CancelFunc
	ending bool // told to stop
	done   chan struct{}
	err    error // valid after done
}

// foreign tells that the engine works for a file or target that is no longer set up. What it says in its last flush
// is not about the new ones.
func (e *running) foreign() bool { return e.wanted == wanted{} }

// recordsEvery limits how often progress alone is written to disk.
const recordsEvery = 30 * time.Second

func (a *Agent) facts() app.Facts {
	fault := a.core.fault
	if fault == nil {
		fault = a.core.report.Fault
	}
	return app.Facts{Forced: a.cfg.Forced, Restoring: a.core.restoring, Fault: fault, Now: a.cfg.Now()}
}

// want tells which engine should run; nil for none.
func (a *Agent) want() *wanted {
	p := a.core.prefs
	if a.core.hold || p.Target == "" || p.DB == "" {
		return nil
	}
	auto := !a.cfg.Idle && app.Effective(p, a.facts()) == app.ModeStandalone && !p.Paused(a.cfg.Now())
	if !auto && a.core.need == 0 {
		return nil
	}
	return &wanted{db: p.DB, target: p.Target, user: p.User, credentials: p.Credentials}
}

// reconcile brings what runs closer to what is wanted, without waiting.
func (a *Agent) reconcile() {
	want, is := a.want(), a.core.engine
	switch {
	case is != nil && (is.ending || want == nil || *want != is.wanted):
		is.ending = true
		is.stop()
		return
	case is == nil && want != nil && !a.cfg.Now().Before(a.core.retryAt):
		a.startEngine(*want)
	}
	failed := a.core.engine == nil && a.core.fault != nil && a.cfg.Now().Before(a.core.retryAt)
	if settled := (a.core.engine == nil) == (want == nil) || failed; settled {
		for _, w := range a.core.waiters {
			close(w)
		}
		a.core.waiters = nil
	}
}

func (a *Agent) startEngine(w wanted) {
	ctx, stop := context.WithCancel(context.Background())
	e := &running{wanted: w, opened: make(chan struct{}), stop: stop, done: make(chan struct{})}
	a.core.engine = e
	prefs, known := a.core.prefs, a.known()
	go func() {
		defer close(e.done)
		defer stop()
		e.err = a.runEngine(ctx, e, prefs, known)
		if ctx.Err() != nil && app.CodeOf(e.err) == app.CodeCanceled {
			e.err = nil // it was told to stop while it was still opening
		}
	}()
}

// runEngine opens the target and runs a Keeper until ctx ends.
func (a *Agent) runEngine(ctx context.Context, e *running, prefs app.Prefs, known app.StandaloneStatus) error {
	opened := false
	open := func(k app.Keeper) {
		if !opened {
			e.keeper = k
			opened = true
			close(e.opened)
		}
	}
	defer open(nil)
	file, err := a.cfg.OpenFile(prefs.DB)
	if err != nil {
		return err
	}
	storage, err := a.cfg.OpenStorage(ctx, prefs)
	if err != nil {
		return err
	}
	defer func() { _ = storage.Close() }()
	k := storage.Keeper(KeeperSpec{
		File: file, User: prefs.User, Machine: a.cfg.Machine.ID, Known: known, Tmp: a.cfg.Layout.Tmp,
		Info: a.machineInfo(file), Pins: a.pins, Saving: a.cfg.Saving,
	})
	open(k)
	return k.Run(ctx, func(r app.Report) { a.tell(func() { a.reported(e, r) }) })
}

func (a *Agent) known() app.StandaloneStatus {
	r := a.core.records
	return app.StandaloneStatus{
		TXID: r.ReplicatedTXID, ReplicatedTXID: r.ReplicatedTXID, LastReplicatedAt: r.LastReplicatedAt, LastDrill: r.LastDrill,
	}
}

// reported takes what the engine says. Run's goroutine only.
func (a *Agent) reported(e *running, r app.Report) {
	if a.core.engine != e || e.foreign() || r.Standalone == nil {
		return
	}
	a.core.report = r
	a.core.fault, a.core.fails = nil, 0
	rec := &a.core.records
	drilled := r.Standalone.LastDrill != nil && (rec.LastDrill == nil || !rec.LastDrill.At.Equal(r.Standalone.LastDrill.At))
	moved := rec.ReplicatedTXID != r.Standalone.ReplicatedTXID
	first := rec.ReplicatedTXID == "" && moved
	rec.LastDrill = r.Standalone.LastDrill
	rec.ReplicatedTXID, rec.LastReplicatedAt = r.Standalone.ReplicatedTXID, r.Standalone.LastReplicatedAt
	if first {
		rec.FirstCopyAt = a.cfg.Now()
	}
	if drilled || first || moved && a.cfg.Now().Sub(a.core.recordsAt) > recordsEvery {
		_ = a.saveRecords()
	}
	a.fillSearch(e, r.Standalone.TXID)
}

// forgetFormer drops what was known about the copies of another machine: this home had its id on another computer.
func (a *Agent) forgetFormer() error {
	if was := a.core.records.Machine; was == "" || was == a.cfg.Machine.ID {
		return nil
	}
	a.core.records = config.Records{}
	if p := a.core.prefs; p.Target != "" {
		if err := a.writeLitestreamYML(p); err != nil {
			return err
		}
	}
	return a.saveRecords()
}

func (a *Agent) saveRecords() error {
	a.core.recordsAt = a.cfg.Now()
	a.core.records.Machine = a.cfg.Machine.ID
	err := (config.RecordsFile{Path: a.cfg.Layout.Records}).Save(a.core.records)
	if err != nil {
		a.log.Error("records not saved", "error", err)
	}
	return err
}

func (a *Agent) engineDone() <-chan struct{} {
	if a.core.engine == nil {
		return nil
	}
	return a.core.engine.done
}

// engineEnded takes note of an engine that returned: by wish, or with an error that needs a person. The latter is
// tried again by itself, in case the cure came from outside.
func (a *Agent) engineEnded() {
	e := a.core.engine
	a.core.engine = nil
	a.core.report.Progress, a.core.report.Fault = nil, nil
	if e.err != nil && e.foreign() {
		a.log.Warn("engine of the former settings stopped", "error", e.err)
	}
	if e.err == nil || e.foreign() {
		return
	}
	a.core.fault = app.AsError("replicate", e.err)
	a.core.fails++
	a.core.retryAt = a.cfg.Now().Add(min(time.Minute, 5*time.Second<<min(a.core.fails-1, 4)))
	a.log.Error("engine stopped", "error", e.err, "retry", a.core.retryAt)
}

// pins lists the points that undo needs. Called by the engine's goroutines.
func (a *Agent) pins() (out []app.RestorePoint) {
	a.tell(func() { out = append(out, a.core.records.Pins...) })
	return out
}

func (a *Agent) machineInfo(file File) func(context.Context) app.MachineInfo {
	return func(ctx context.Context) app.MachineInfo {
		info := app.MachineInfo{
			Host: a.cfg.Host, OS: osName, Version: a.cfg.Version, DB: file.Path(), Lineage: a.cfg.Machine.Lineage,
		}
		if fi, err := file.Inspect(ctx); err == nil {
			info.Rows = fi.Rows
		}
		return info
	}
}

// keeper makes sure that the engine runs, for an operation that needs it, and returns it. release ends the need.
func (a *Agent) keeper(ctx context.Context) (k app.Keeper, release func(), err error) {
	var e *running
	if err := a.do(ctx, func() { a.core.need++; a.core.retryAt = time.Time{} }); err != nil {
		return nil, nil, err
	}
	release = func() { a.tell(func() { a.core.need-- }) }
	for e == nil {
		var settled chan struct{}
		var failed *app.Error
		err := a.do(ctx, func() {
			if e = a.core.engine; e != nil && (e.ending || e.foreign()) {
				e = nil // the next one is meant
			}
			if e == nil {
				settled = make(chan struct{})
				a.core.waiters = append(a.core.waiters, settled)
				if a.cfg.Now().Before(a.core.retryAt) {
					failed = a.core.fault
				}
			}
		})
		if err == nil && failed != nil {
			err = failed
		}
		if err != nil {
			release()
			return nil, nil, err
		}
		if e == nil {
			select {
			case <-settled:
			case <-a.done: // which the next look tells
			case <-ctx.Done():
				release()
				return nil, nil, canceled(ctx)
			}
		}
	}
	select {
	case <-e.opened:
	case <-ctx.Done():
		release()
		return nil, nil, canceled(ctx)
	}
	if e.keeper == nil {
		<-e.done
		release()
		return nil, nil, app.AsError("replicate", e.err)
	}
	return untilDone{e.keeper, e}, release, nil
}

// untilDone makes the calls of a Keeper fail when its engine ends, instead of waiting for the next one.
type untilDone struct {
	app.Keeper
	e *running
}

func (u untilDone) guard(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-u.e.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// explain prefers the reason why the engine ended over the cancellation it caused.
func (u untilDone) explain(err error) error {
	if err == nil {
		return nil
	}
	select {
	case <-u.e.done:
		if u.e.err != nil {
			return u.e.err
		}
	default:
	}
	return err
}

func (u untilDone) Flush(ctx context.Context) (app.RestorePoint, error) {
	ctx, cancel := u.guard(ctx)
	defer cancel()
	p, err := u.Keeper.Flush(ctx)
	return p, u.explain(err)
}

func (u untilDone) Mark(ctx context.Context) (app.RestorePoint, error) {
	ctx, cancel := u.guard(ctx)
	defer cancel()
	p, err := u.Keeper.Mark(ctx)
	return p, u.explain(err)
}

func (u untilDone) Drill(ctx context.Context) (app.Drill, error) {
	ctx, cancel := u.guard(ctx)
	defer cancel()
	d, err := u.Keeper.Drill(ctx)
	return d, u.explain(err)
}

// settle waits until what runs is what is wanted.
func (a *Agent) settle(ctx context.Context) error {
	settled := make(chan struct{})
	if err := a.do(ctx, func() { a.core.waiters = append(a.core.waiters, settled) }); err != nil {
		return err
	}
	select {
	case <-settled:
		return nil
	case <-ctx.Done():
		return canceled(ctx)
	case <-a.done:
		return nil
	}
}

// dbSize is the size of the file as it is on disk, 0 while it is missing.
func dbSize(path string) int64 {
	if fi, err := os.Stat(path); err == nil {
		return fi.Size()
	}
	return 0
}
