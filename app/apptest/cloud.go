package apptest

import (
	"context"

	"github.com/coditect-ai/coditect-sync/app"
)

var _ app.Cloud = (*FakeCloud)(nil)

// FakeCloud is the account of FakeService and Model. It lies in this: where a field is nil nobody can sign in because no
// server is configured, everything that needs an account says that there is none, and lost & found is empty.
type FakeCloud struct {
	BeginLoginFunc    func(context.Context, app.LoginRequest) (app.Login, error)
	LoginStateFunc    func(context.Context) (app.Login, error)
	CancelLoginFunc   func(context.Context) error
	LogoutFunc        func(context.Context, app.LogoutRequest) (app.LogoutResult, error)
	PushFunc          func(context.Context, app.PushRequest) (app.PushResult, error)
	PlanMoveFunc      func(context.Context, app.MoveRequest) (app.MovePlan, error)
	MoveFunc          func(context.Context, app.MoveRequest) (app.MoveResult, error)
	ProveFunc         func(context.Context) (app.Proof, error)
	RebuildFunc       func(context.Context) (app.Status, error)
	RenameMachineFunc func(context.Context, string, string) error
	RevokeMachineFunc func(context.Context, string) error
	LostFunc          func(context.Context) ([]app.LostItem, error)
	ReapplyLostFunc   func(context.Context, string) (app.LostItem, error)
	KeepBothFunc      func(context.Context, string) (app.LostItem, error)
	DiscardLostFunc   func(context.Context, string) error

	FakeSharing
}

// BeginLogin implements app.Doorman.
func (f *FakeCloud) BeginLogin(ctx context.Context, req app.LoginRequest) (app.Login, error) {
	if f.BeginLoginFunc != nil {
		return f.BeginLoginFunc(ctx, req)
	}
	return app.Login{}, app.Errorf(app.CodeInvalid, "login", "No server is configured.").WithHint("Use your own storage.")
}

// LoginState implements app.Doorman.
func (f *FakeCloud) LoginState(ctx context.Context) (app.Login, error) {
	if f.LoginStateFunc != nil {
		return f.LoginStateFunc(ctx)
	}
	return app.Login{State: app.LoginIdle}, nil
}

// CancelLogin implements app.Doorman.
func (f *FakeCloud) CancelLogin(ctx context.Context) error {
	if f.CancelLoginFunc != nil {
		return f.CancelLoginFunc(ctx)
	}
	return nil
}

// Logout implements app.Doorman.
func (f *FakeCloud) Logout(ctx context.Context, req app.LogoutRequest) (app.LogoutResult, error) {
	if f.LogoutFunc != nil {
		return f.LogoutFunc(ctx, req)
	}
	return app.LogoutResult{}, noAccount()
}

// Push implements app.Mover.
func (f *FakeCloud) Push(ctx context.Context, req app.PushRequest) (app.PushResult, error) {
	if f.PushFunc != nil {
		return f.PushFunc(ctx, req)
	}
	return app.PushResult{}, noAccount()
}

// PlanMove implements app.Mover.
func (f *FakeCloud) PlanMove(ctx context.Context, req app.MoveRequest) (app.MovePlan, error) {
	if f.PlanMoveFunc != nil {
		return f.PlanMoveFunc(ctx, req)
	}
	return app.MovePlan{}, noAccount()
}

// Move implements app.Mover.
func (f *FakeCloud) Move(ctx context.Context, req app.MoveRequest) (app.MoveResult, error) {
	if f.MoveFunc != nil {
		return f.MoveFunc(ctx, req)
	}
	return app.MoveResult{}, noAccount()
}

// Prove implements app.Mover.
func (f *FakeCloud) Prove(ctx context.Context) (app.Proof, error) {
	if f.ProveFunc != nil {
		return f.ProveFunc(ctx)
	}
	return app.Proof{}, noAccount()
}

// Rebuild implements app.Mover.
func (f *FakeCloud) Rebuild(ctx context.Context) (app.Status, error) {
	if f.RebuildFunc != nil {
		return f.RebuildFunc(ctx)
	}
	return app.Status{}, noAccount()
}

// RenameMachine implements app.Fleet.
func (f *FakeCloud) RenameMachine(ctx context.Context, id, name string) error {
	if f.RenameMachineFunc != nil {
		return f.RenameMachineFunc(ctx, id, name)
	}
	return noAccount()
}

// RevokeMachine implements app.Fleet.
func (f *FakeCloud) RevokeMachine(ctx context.Context, id string) error {
	if f.RevokeMachineFunc != nil {
		return f.RevokeMachineFunc(ctx, id)
	}
	return noAccount()
}

// Lost implements app.Finder.
func (f *FakeCloud) Lost(ctx context.Context) ([]app.LostItem, error) {
	if f.LostFunc != nil {
		return f.LostFunc(ctx)
	}
	return nil, nil
}

// ReapplyLost implements app.Finder.
func (f *FakeCloud) ReapplyLost(ctx context.Context, id string) (app.LostItem, error) {
	if f.ReapplyLostFunc != nil {
		return f.ReapplyLostFunc(ctx, id)
	}
	return app.LostItem{}, app.Errorf(app.CodeNotFound, "lost", "There is no item %q.", id)
}

// KeepBoth implements app.Finder.
func (f *FakeCloud) KeepBoth(ctx context.Context, id string) (app.LostItem, error) {
	if f.KeepBothFunc != nil {
		return f.KeepBothFunc(ctx, id)
	}
	return app.LostItem{}, app.Errorf(app.CodeNotFound, "lost", "There is no item %q.", id)
}

// DiscardLost implements app.Finder.
func (f *FakeCloud) DiscardLost(ctx context.Context, id string) error {
	if f.DiscardLostFunc != nil {
		return f.DiscardLostFunc(ctx, id)
	}
	return app.Errorf(app.CodeNotFound, "lost", "There is no item %q.", id)
}

func noAccount() *app.Error {
	return app.Errorf(app.CodeSignedOut, "cloud", "This machine is not signed in.").WithHint("Sign in first.")
}
