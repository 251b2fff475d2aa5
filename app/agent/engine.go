package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/config"
)

// wanted identifies an engine by its mode and what it is started with.
type wanted struct {
	mode             app.Mode
	db, target, user string // user is the {user_id} of a target, the account in cloud mode
	places           string // every target and what lets in
}

// running is an engine that was started; keeper or syncer, as the mode has it, is nil while it is being opened.
type running struct {
	wanted
	keeper app.Keeper
	syncer app.Syncer
	opened chan struct{} // closed when the engine is set or failed to open
	stop   context.CancelFunc
	ending bool // told to stop
	done   chan struct{}
	err    error             // valid after done
	shut   []app.TargetFault // targets that could not be opened
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
	if e := a.core.engine; fault == nil && e != nil && len(e.shut) > 0 {
		shut := *e.shut[0].Error
		shut.Message = "The storage " + e.shut[0].Target + " needs you. " + shut.Message
		fault = &shut
	}
	_, signedIn := a.account()
	return app.Facts{
		Forced: a.cfg.Forced, SignedIn: signedIn, Restoring: a.core.restoring, Fault: fault, Now: a.cfg.Now(),
	}
}

// want tells which engine should run; nil for none.
func (a *Agent) want() *wanted {
	p := a.core.prefs
	if a.core.hold || p.DB == "" {
		return nil
	}
	auto := !a.cfg.Idle && !p.Paused(a.cfg.Now())
	mode := app.Effective(p, a.facts())
	switch {
	case mode == app.ModeStandalone && p.Target != "" && (auto || a.core.need[app.ModeStandalone] > 0):
		return wantKeeper(p)
	case mode == app.ModeCloud && auto, mode != app.ModeStandalone && a.core.need[app.ModeCloud] > 0:
		return a.wantSyncer(p)
	case a.core.need[app.ModeStandalone] > 0 && p.Target != "":
		return wantKeeper(p)
	}
	return nil
}

func wantKeeper(p app.Prefs) *wanted {
	return &wanted{mode: app.ModeStandalone, db: p.DB, target: p.Target, user: p.User, places: fmt.Sprintf("%q", p.Places())}
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
	run := a.keeperRun(e)
	if w.mode == app.ModeCloud {
		run = a.syncerRun(e)
	}
	go func() {
		defer close(e.done)
		defer stop()
		e.err = run(ctx)
		if ctx.Err() != nil && app.CodeOf(e.err) == app.CodeCanceled {
			e.err = nil // it was told to stop while it was still opening
		}
	}()
}

// keeperRun opens the target and runs a Keeper until ctx ends.
func (a *Agent) keeperRun(e *running) func(ctx context.Context) error {
	prefs, lineage := a.core.prefs, a.core.lineage
	known := map[string]app.StandaloneStatus{}
	for _, place := range prefs.Places() {
		known[place.Target] = a.known(place.Target)
	}
	return func(ctx context.Context) error {
		open := sync.OnceFunc(func() { close(e.opened) })
		defer open()
		file, err := a.cfg.OpenFile(prefs.DB)
		if err != nil {
			return err
		}
		storages, shut, err := a.openStorages(ctx, prefs)
		if err != nil {
			return err
		}
		defer func() { _ = closeStorages(storages) }()
		if len(shut) > 0 {
			defer time.AfterFunc(openAgain, e.stop).Stop() // and begun anew
		}
		a.tell(func() { e.shut = shut })
		var more []MoreStorage
		for _, s := range storages[1:] {
			more = append(more, MoreStorage{s.Storage, known[s.target]})
		}
		e.keeper = storages[0].Keeper(KeeperSpec{
			File: file, User: prefs.User, Machine: a.cfg.Machine.ID, Known: known[storages[0].target], More: more, Tmp: a.cfg.Layout.Tmp,
			Lineage: lineage, Host: a.cfg.Host, Info: a.machineInfo(file, lineage), Pins: a.pins, Retention: a.retention, Saving: a.cfg.Saving,
		})
		open()
		return e.keeper.Run(ctx, func(r app.Report) { a.tell(func() { a.reported(e, r) }) })
	}
}

// openAgain is when an engine begins anew of whose several targets one could not be opened.
const openAgain = 5 * time.Minute

// openStorage is one of several targets.
type openStorage struct {
	target string
	Storage
}

// openStorages opens the targets, and says which ones cannot be opened: as those whose recovery key is missing. It fails
// where none can.
func (a *Agent) openStorages(ctx context.Context, prefs app.Prefs) (all []openStorage, shut []app.TargetFault, err error) {
	for _, place := range prefs.Places() {
		storage, openErr := a.cfg.OpenStorage(ctx, prefs.At(place))
		if openErr != nil {
			err = cmp.Or(err, openErr)
			shut = append(shut, app.TargetFault{Target: place.Target, Error: app.AsError("storage", openErr)})
			continue
		}
		all = append(all, openStorage{place.Target, storage})
	}
	if len(all) > 0 {
		err = nil
	}
	return all, shut, err
}

func closeStorages(all []openStorage) (err error) {
	for _, s := range all {
		err = errors.Join(err, s.Close())
	}
	return err
}

// known is what is known of a target from the last time.
func (a *Agent) known(target string) app.StandaloneStatus {
	r := a.core.records.Of(target, a.core.prefs.Target)
	return app.StandaloneStatus{
		Target: target, TXID: r.ReplicatedTXID, ReplicatedTXID: r.ReplicatedTXID, LastReplicatedAt: r.LastReplicatedAt, LastDrill: r.LastDrill, Usage: r.Usage,
	}
}

// newestCopied is the newest point that is known to have been at a target, by a copy or by a test restore.
func (a *Agent) newestCopied(target string) (p app.RestorePoint) {
	a.tell(func() {
		r := a.core.records.Of(target, a.core.prefs.Target)
		p = app.RestorePoint{ID: r.ReplicatedTXID, Time: r.LastReplicatedAt}
		if d := r.LastDrill; d != nil && d.OK && d.TXID > p.ID {
			p = app.RestorePoint{ID: d.TXID, Time: d.At}
		}
	})
	return p
}

// reported takes what the engine says. Run's goroutine only.
func (a *Agent) reported(e *running, r app.Report) {
	switch {
	case a.core.engine != e || e.foreign():
		return
	case r.Cloud != nil:
		a.synced(e, r)
		return
	case r.Standalone == nil:
		return
	}
	a.core.report = r
	a.core.fault, a.core.fails = nil, 0
	worth := false
	for _, st := range a.reportedTargets() {
		worth = a.remember(st) || worth
	}
	if worth {
		_ = a.saveRecords()
	}
	a.changed(e, r.Standalone.TXID)
}

// remember notes what an engine says of a target, and tells whether that is worth to be saved at once.
func (a *Agent) remember(st app.StandaloneStatus) bool {
	rec := a.core.records.Of(st.Target, a.core.prefs.Target)
	drilled := st.LastDrill != nil && (rec.LastDrill == nil || !rec.LastDrill.At.Equal(st.LastDrill.At))
	moved := rec.ReplicatedTXID != st.ReplicatedTXID
	first := rec.ReplicatedTXID == "" && moved
	rec.LastDrill, rec.Usage = st.LastDrill, st.Usage
	rec.ReplicatedTXID, rec.LastReplicatedAt = st.ReplicatedTXID, st.LastReplicatedAt
	if first {
		rec.FirstCopyAt = a.cfg.Now()
	}
	a.core.records.Set(st.Target, a.core.prefs.Target, rec)
	return drilled || first || moved && a.cfg.Now().Sub(a.core.recordsAt) > recordsEvery
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
	if e.mode == app.ModeCloud && a.core.fault.Code == app.CodeSignedOut {
		a.core.fault = nil // the state says it, as soon as the account does
		a.core.retryAt = a.cfg.Now().Add(5 * time.Second)
		return
	}
	a.core.fails++
	a.core.retryAt = a.cfg.Now().Add(min(time.Minute, 5*time.Second<<min(a.core.fails-1, 4)))
	a.log.Error("engine stopped", "error", e.err, "retry", a.core.retryAt)
}

// pins lists the points that undo needs, and those that are being fetched. Called by the engine's goroutines.
func (a *Agent) pins() (out []app.RestorePoint) {
	a.tell(func() {
		out = append(out, a.core.records.Pins...)
		for id := range a.core.reading {
			out = append(out, app.RestorePoint{ID: id, Pinned: a.cfg.Now().Add(time.Hour)})
		}
	})
	return out
}

func (a *Agent) machineInfo(file File, lineage string) func(context.Context) app.MachineInfo {
	return func(ctx context.Context) app.MachineInfo {
		info := app.MachineInfo{
			Host: a.cfg.Host, OS: osName, Version: a.cfg.Version, DB: file.Path(), Lineage: lineage,
		}
		a.tell(func() { info.From = a.core.from })
		if fi, err := file.Inspect(ctx); err == nil {
			info.Rows = fi.Rows
		}
		return info
	}
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
