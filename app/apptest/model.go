package apptest

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
)

var _ app.Service = (*Model)(nil)

// Model is an agent in memory over a World: the smallest app.Service that passes TestService. It lies in this: nothing
// is saved, a target is a file:// URL whose parent folder exists and nothing is ever written there, plans cost nothing,
// and long operations wait for each other instead of being refused.
type Model struct {
	FakeDesk // signing in
	world    *World
	keeper   *FakeKeeper
	replica  *FakeReplica
	file     *FakeFile
	board    *board
	done     chan struct{}
	quit     sync.Once
	op       sync.Mutex // one long operation at a time
	edit     sync.Mutex // one change of the wishes at a time: it waits for the engine

	mu     sync.Mutex
	prefs  app.Prefs
	report app.Report
	undo   *app.UndoPoint
	events []app.Event // oldest first
	busy   bool        // a restore runs
	stop   context.CancelFunc
	ended  chan struct{} // closed when the engine has returned
}

// NewModel starts a model that was never set up. It ends with the test at the latest.
func NewModel(t testing.TB, w *World) *Model {
	m := &Model{
		world: w, keeper: w.Keeper(), replica: w.Replica(), file: w.File(), board: newBoard(app.Status{}),
		done: make(chan struct{}), prefs: app.Prefs{DB: w.Path},
	}
	m.publish()
	t.Cleanup(func() { _ = m.Quit(context.Background()) })
	return m
}

// Done is closed by Quit.
func (m *Model) Done() <-chan struct{} { return m.done }

// Status implements app.Service.
func (m *Model) Status(context.Context) (app.Status, error) { return m.board.now(), nil }

// Watch implements app.Service.
func (m *Model) Watch(ctx context.Context, since uint64) (app.Status, error) {
	return m.board.watch(ctx, since)
}

// publish shows what follows from wishes and facts.
func (m *Model) publish() app.Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	state := app.Next(m.prefs, app.Facts{Restoring: m.busy, Fault: m.report.Fault, Now: m.world.Now()})
	st := app.Status{
		Version: "model", MachineID: m.world.machine, Machine: "fake-host", Mode: m.prefs.Mode, State: state,
		Summary: "The state is " + string(state) + ".", PausedUntil: m.prefs.PausedUntil, Undo: m.undo,
		DB: app.DBStatus{Path: m.prefs.DB, SQLiteVersion: "none"}, Progress: m.report.Progress, Error: m.report.Fault,
	}
	if m.prefs.Target != "" && m.report.Standalone != nil {
		copied := *m.report.Standalone
		st.Standalone = &copied
		st.Healthy = state == app.StateStandalone && copied.LastDrill != nil && copied.LastDrill.OK
	}
	return m.board.publish(st)
}

// settle starts or stops the engine as the state says, and publishes. The caller holds edit.
func (m *Model) settle() app.Status {
	m.mu.Lock()
	want := app.Next(m.prefs, app.Facts{Now: m.world.Now()}) == app.StateStandalone
	stop, ended := m.stop, m.ended
	m.mu.Unlock()
	switch {
	case want && stop == nil:
		m.start()
	case !want && stop != nil:
		stop()
		<-ended
		m.mu.Lock()
		m.stop = nil
		m.mu.Unlock()
	}
	return m.publish()
}

func (m *Model) start() {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	m.mu.Lock()
	m.stop, m.ended, m.keeper.Target = stop, ended, m.prefs.Target
	m.mu.Unlock()
	go func() {
		defer close(ended)
		_ = m.keeper.Run(ctx, m.reported) // without hooks it returns nil only
	}()
}

func (m *Model) reported(r app.Report) {
	m.mu.Lock()
	m.report = r
	m.mu.Unlock()
	m.publish()
}

// EditPrefs implements app.Service.
func (m *Model) EditPrefs(_ context.Context, edit app.PrefsEdit) (app.Status, error) {
	if edit.Mode != nil {
		if _, err := app.ParseMode(string(*edit.Mode)); err != nil {
			return app.Status{}, err
		}
	}
	m.edit.Lock()
	defer m.edit.Unlock()
	m.mu.Lock()
	m.prefs = edited(m.prefs, edit)
	m.mu.Unlock()
	return m.settle(), nil
}

// Setup implements app.Service.
func (m *Model) Setup(_ context.Context, req app.SetupRequest) (app.SetupResult, error) {
	m.edit.Lock()
	defer m.edit.Unlock()
	m.mu.Lock()
	next := m.prefs
	m.mu.Unlock()
	if req.DB != "" {
		next.DB = req.DB
	}
	if req.Target != "" {
		next.Target = req.Target
	}
	if err := usable(next.DB, next.Target); err != nil {
		return app.SetupResult{}, err
	}
	next.Mode, next.User = app.ModeStandalone, "fake-user"
	m.mu.Lock()
	m.prefs = next
	m.mu.Unlock()
	m.happened(app.EventSetting, "Standalone was switched on")
	steps := []string{"The file was checked.", "The target was checked."}
	return app.SetupResult{DB: next.DB, Target: next.Target, User: next.User, Steps: steps, Status: m.settle()}, nil
}

func usable(db, target string) error {
	if !filepath.IsAbs(db) {
		return app.Errorf(app.CodeInvalid, "setup", "%q is not an absolute path.", db)
	}
	if _, err := os.Stat(db); err != nil {
		return app.Errorf(app.CodeNotFound, "setup", "There is no file %s.", db).Wrap(err)
	}
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "file" {
		return app.Errorf(app.CodeInvalid, "setup", "%q is not a target.", target).WithHint("Use file:///folder.")
	}
	if _, err := os.Stat(filepath.Dir(filepath.FromSlash(u.Path))); err != nil {
		return app.Errorf(app.CodeNotFound, "setup", "The folder above %s is not there.", u.Path).Wrap(err)
	}
	return nil
}

// Quit implements app.Service.
func (m *Model) Quit(context.Context) error {
	m.edit.Lock()
	defer m.edit.Unlock()
	m.mu.Lock()
	stop, ended := m.stop, m.ended
	m.stop = nil
	m.mu.Unlock()
	if stop != nil {
		stop()
		<-ended
	}
	m.quit.Do(func() { close(m.done) })
	return nil
}
