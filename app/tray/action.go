package tray

import (
	"context"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// Action is what a click asks for. The zero value asks for nothing.
type Action struct {
	Kind ActionKind
	// Mode is the wish of SetMode. For Sync it is cloud where changes go to the cloud.
	Mode app.Mode
	// For is how long Pause lasts: a time, or one of the two below.
	For time.Duration
	// Point is the restore point of Restore. Without one, Ago or Yesterday select the moment when the click is handled.
	Point     string
	Ago       time.Duration
	Yesterday bool
	// View is what Open opens.
	View string
}

// ActionKind tells what an Action does.
type ActionKind string

// The actions.
const (
	SetMode ActionKind = "mode"
	Pause   ActionKind = "pause"
	Resume  ActionKind = "resume"
	Sync    ActionKind = "sync"
	Restore ActionKind = "restore"
	Undo    ActionKind = "undo"
	Verify  ActionKind = "verify"
	Prove   ActionKind = "prove"
	Open    ActionKind = "open"
	Logs    ActionKind = "logs"
	Doctor  ActionKind = "doctor"
	Quit    ActionKind = "quit"
)

// Lengths of a pause that are no length.
const (
	UntilTomorrow time.Duration = -1 // 08:00 of the next day
	UntilResumed  time.Duration = -2
)

// The views of the window that the tray opens.
const (
	ViewHome        = "home"
	ViewFirstRun    = "first-run"
	ViewSignIn      = "sign-in"
	ViewRestore     = "restore"
	ViewDiagnostics = "diagnostics"
	ViewDoctor      = "doctor"
	ViewAccount     = "account"
	ViewLost        = "lost"
	ViewMachines    = "machines"
	ViewMove        = "move"
	ViewMoveBack    = "move?to=standalone"
)

// Actions is what of app.Service the tray uses for clicks.
type Actions interface {
	EditPrefs(ctx context.Context, edit app.PrefsEdit) (app.Status, error)
	Flush(ctx context.Context) (app.RestorePoint, error)
	Push(ctx context.Context, req app.PushRequest) (app.PushResult, error)
	Prove(ctx context.Context) (app.Proof, error)
	Restore(ctx context.Context, req app.RestoreRequest) (app.RestoreResult, error)
	Undo(ctx context.Context) (app.RestoreResult, error)
	Verify(ctx context.Context) (app.Drill, error)
	Doctor(ctx context.Context) ([]app.Finding, error)
	Quit(ctx context.Context) error
}

// deed does actions. It blocks as long as the called method does.
type deed struct {
	actions    Actions
	openWindow func(view string) error
	showLogs   func() error
	now        func() time.Time
}

// do performs a. The sentence says what came of it, where the Status does not show it.
func (d deed) do(ctx context.Context, a Action) (sentence string, err error) {
	switch a.Kind {
	case SetMode, Pause, Resume:
		_, err = d.actions.EditPrefs(ctx, d.edit(a))
	case Sync:
		return d.sync(ctx, a.Mode)
	case Prove:
		return same(d.actions.Prove(ctx))
	case Restore:
		return d.restored(d.actions.Restore(ctx, app.RestoreRequest{Moment: d.moment(a)}))
	case Undo:
		return d.restored(d.actions.Undo(ctx))
	case Verify:
		return proved(d.actions.Verify(ctx))
	case Open:
		err = d.openWindow(a.View)
	case Logs:
		err = d.showLogs()
	case Doctor:
		return found(d.actions.Doctor(ctx))
	case Quit:
		err = d.actions.Quit(ctx)
	}
	return "", err
}

// sync sends what waits. In cloud mode that lasts until there is a network, so the menu is not kept waiting for it.
func (d deed) sync(ctx context.Context, mode app.Mode) (string, error) {
	if mode != app.ModeCloud {
		_, err := d.actions.Flush(ctx)
		return "", err
	}
	res, err := d.actions.Push(ctx, app.PushRequest{})
	return pushed(res, err)
}

func (d deed) edit(a Action) app.PrefsEdit {
	if a.Kind == SetMode {
		return app.PrefsEdit{Mode: &a.Mode}
	}
	until := time.Time{}
	if a.Kind == Pause {
		until = pauseEnd(a.For, d.now())
	}
	return app.PrefsEdit{PausedUntil: &until}
}

// pauseEnd is when a pause that begins at now ends.
func pauseEnd(length time.Duration, now time.Time) time.Time {
	switch length {
	case UntilResumed:
		return app.UntilResumed
	case UntilTomorrow:
		y, m, d := now.Date()
		return time.Date(y, m, d+1, 8, 0, 0, 0, now.Location())
	default:
		return now.Add(length)
	}
}

func (d deed) moment(a Action) app.Moment {
	switch now := d.now(); {
	case a.Point != "":
		return app.Moment{Point: a.Point}
	case a.Yesterday:
		return app.Moment{At: endOfYesterday(now)}
	default:
		return app.Moment{At: now.Add(-a.Ago)}
	}
}

// endOfYesterday is the last moment of the day before now.
func endOfYesterday(now time.Time) time.Time {
	y, m, d := now.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, now.Location()).Add(-time.Millisecond)
}
