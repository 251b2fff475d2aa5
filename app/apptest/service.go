package apptest

import (
	"context"
	"sync"

	"github.com/coditect-ai/coditect-sync/app"
)

var _ app.Service = (*FakeService)(nil)

// FakeService answers with its function fields. It lies in this: where a field is nil the call succeeds at once and
// changes nothing but what is said here. Status and Watch show what Publish published last; at first that is an agent
// of version "test" in a healthy standalone mode, at revision 1. EditPrefs publishes the edit as app.Next sees it. Quit
// closes Done's channel. Everything else returns a zero value, with Undo, Restore and Verify claiming success.
// Set the fields before the first call.
type FakeService struct {
	StatusFunc      func(context.Context) (app.Status, error)
	WatchFunc       func(context.Context, uint64) (app.Status, error)
	EditPrefsFunc   func(context.Context, app.PrefsEdit) (app.Status, error)
	SetupFunc       func(context.Context, app.SetupRequest) (app.SetupResult, error)
	QuitFunc        func(context.Context) error
	PointsFunc      func(context.Context, string) (app.Timeline, error)
	PlanRestoreFunc func(context.Context, app.RestoreRequest) (app.RestorePlan, error)
	RestoreFunc     func(context.Context, app.RestoreRequest) (app.RestoreResult, error)
	UndoFunc        func(context.Context) (app.RestoreResult, error)
	VerifyFunc      func(context.Context) (app.Drill, error)
	MachinesFunc    func(context.Context) ([]app.Machine, error)
	DoctorFunc      func(context.Context) ([]app.Finding, error)
	FakeDesk

	once  sync.Once
	board *board
	quit  sync.Once
	done  chan struct{}
}

func (f *FakeService) setUp() {
	f.once.Do(func() {
		f.board = newBoard(app.Status{
			Version: "test", MachineID: "fake", Machine: "fake-host", Mode: app.ModeStandalone, State: app.StateStandalone,
			Healthy: true, Summary: "You are protected.", Standalone: &app.StandaloneStatus{},
		})
		f.done = make(chan struct{})
	})
}

// Publish shows st to everybody who watches, with the next revision.
func (f *FakeService) Publish(st app.Status) app.Status {
	f.setUp()
	return f.board.publish(st)
}

// Done is closed by the default Quit.
func (f *FakeService) Done() <-chan struct{} {
	f.setUp()
	return f.done
}

// Status implements app.Service.
func (f *FakeService) Status(ctx context.Context) (app.Status, error) {
	f.setUp()
	if f.StatusFunc != nil {
		return f.StatusFunc(ctx)
	}
	return f.board.now(), nil
}

// Watch implements app.Service.
func (f *FakeService) Watch(ctx context.Context, since uint64) (app.Status, error) {
	f.setUp()
	if f.WatchFunc != nil {
		return f.WatchFunc(ctx, since)
	}
	return f.board.watch(ctx, since)
}

// EditPrefs implements app.Service.
func (f *FakeService) EditPrefs(ctx context.Context, edit app.PrefsEdit) (app.Status, error) {
	f.setUp()
	if f.EditPrefsFunc != nil {
		return f.EditPrefsFunc(ctx, edit)
	}
	st := f.board.now()
	prefs := edited(app.Prefs{Mode: st.Mode, PausedUntil: st.PausedUntil, Target: "file:///fake"}, edit)
	st.Mode, st.PausedUntil, st.State = prefs.Mode, prefs.PausedUntil, app.Next(prefs, app.Facts{})
	return f.board.publish(st), nil
}

// Setup implements app.Service.
func (f *FakeService) Setup(ctx context.Context, req app.SetupRequest) (app.SetupResult, error) {
	if f.SetupFunc != nil {
		return f.SetupFunc(ctx, req)
	}
	return app.SetupResult{DB: req.DB, Target: req.Target, User: req.User}, nil
}

// Quit implements app.Service.
func (f *FakeService) Quit(ctx context.Context) error {
	f.setUp()
	if f.QuitFunc != nil {
		return f.QuitFunc(ctx)
	}
	f.quit.Do(func() { close(f.done) })
	return nil
}

// Points implements app.Service.
func (f *FakeService) Points(ctx context.Context, machine string) (app.Timeline, error) {
	if f.PointsFunc != nil {
		return f.PointsFunc(ctx, machine)
	}
	return app.Timeline{Machine: machine}, nil
}

// PlanRestore implements app.Service.
func (f *FakeService) PlanRestore(ctx context.Context, req app.RestoreRequest) (app.RestorePlan, error) {
	if f.PlanRestoreFunc != nil {
		return f.PlanRestoreFunc(ctx, req)
	}
	return app.RestorePlan{Machine: req.Machine}, nil
}

// Restore implements app.Service.
func (f *FakeService) Restore(ctx context.Context, req app.RestoreRequest) (app.RestoreResult, error) {
	if f.RestoreFunc != nil {
		return f.RestoreFunc(ctx, req)
	}
	return app.RestoreResult{Path: req.To, Integrity: "ok", Equal: true}, nil
}

// Undo implements app.Service.
func (f *FakeService) Undo(ctx context.Context) (app.RestoreResult, error) {
	if f.UndoFunc != nil {
		return f.UndoFunc(ctx)
	}
	return app.RestoreResult{Integrity: "ok", Equal: true}, nil
}

// Verify implements app.Service.
func (f *FakeService) Verify(ctx context.Context) (app.Drill, error) {
	if f.VerifyFunc != nil {
		return f.VerifyFunc(ctx)
	}
	return app.Drill{OK: true}, nil
}

// Machines implements app.Service.
func (f *FakeService) Machines(ctx context.Context) ([]app.Machine, error) {
	if f.MachinesFunc != nil {
		return f.MachinesFunc(ctx)
	}
	return nil, nil
}

// Doctor implements app.Service.
func (f *FakeService) Doctor(ctx context.Context) ([]app.Finding, error) {
	if f.DoctorFunc != nil {
		return f.DoctorFunc(ctx)
	}
	return nil, nil
}

func edited(p app.Prefs, edit app.PrefsEdit) app.Prefs {
	if edit.Mode != nil {
		p.Mode = *edit.Mode
	}
	if edit.PausedUntil != nil {
		p.PausedUntil = *edit.PausedUntil
	}
	return p
}
