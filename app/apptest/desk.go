package apptest

import (
	"context"

	"github.com/coditect-ai/coditect-sync/app"
)

var _ app.Desk = (*FakeDesk)(nil)

// FakeDesk is what the window asks, and the copying on demand, of FakeService and Model. It lies in this: where a
// field is nil nothing differs, a key is none, nothing has happened, every target passes, and settings are not kept.
type FakeDesk struct {
	FlushFunc         func(context.Context) (app.RestorePoint, error)
	PreviewFunc       func(context.Context, app.RestoreRequest) (app.Preview, error)
	ActivityFunc      func(context.Context, int) ([]app.Event, error)
	TryTargetFunc     func(context.Context, app.SetupRequest) (app.TargetTrial, error)
	NewKeyFunc        func(context.Context) (app.RecoveryKey, error)
	KeepKeyFunc       func(context.Context, app.Secret) error
	SettingsFunc      func(context.Context) (app.Settings, error)
	EditSettingsFunc  func(context.Context, app.SettingsEdit) (app.Settings, error)
	PlanRetentionFunc func(context.Context, string) (app.RetentionPlan, error)
	DiagnosticsFunc   func(context.Context) (map[string]string, error)
	FakeCloud
}

// Flush implements app.Switch.
func (f *FakeDesk) Flush(ctx context.Context) (app.RestorePoint, error) {
	if f.FlushFunc != nil {
		return f.FlushFunc(ctx)
	}
	return app.RestorePoint{}, nil
}

// Preview implements app.Previewer.
func (f *FakeDesk) Preview(ctx context.Context, req app.RestoreRequest) (app.Preview, error) {
	if f.PreviewFunc != nil {
		return f.PreviewFunc(ctx, req)
	}
	return app.Preview{Plan: app.RestorePlan{Machine: req.Machine}}, nil
}

// Activity implements app.Chronicle.
func (f *FakeDesk) Activity(ctx context.Context, limit int) ([]app.Event, error) {
	if f.ActivityFunc != nil {
		return f.ActivityFunc(ctx, limit)
	}
	return nil, nil
}

// TryTarget implements app.Outfitter.
func (f *FakeDesk) TryTarget(ctx context.Context, req app.SetupRequest) (app.TargetTrial, error) {
	if f.TryTargetFunc != nil {
		return f.TryTargetFunc(ctx, req)
	}
	return app.TargetTrial{Target: req.Target}, nil
}

// NewKey implements app.Outfitter.
func (f *FakeDesk) NewKey(ctx context.Context) (app.RecoveryKey, error) {
	if f.NewKeyFunc != nil {
		return f.NewKeyFunc(ctx)
	}
	return app.RecoveryKey{}, nil
}

// KeepKey implements app.Outfitter.
func (f *FakeDesk) KeepKey(ctx context.Context, key app.Secret) error {
	if f.KeepKeyFunc != nil {
		return f.KeepKeyFunc(ctx, key)
	}
	return nil
}

// Settings implements app.Outfitter.
func (f *FakeDesk) Settings(ctx context.Context) (app.Settings, error) {
	if f.SettingsFunc != nil {
		return f.SettingsFunc(ctx)
	}
	return app.Settings{}, nil
}

// EditSettings implements app.Outfitter.
func (f *FakeDesk) EditSettings(ctx context.Context, edit app.SettingsEdit) (app.Settings, error) {
	if f.EditSettingsFunc != nil {
		return f.EditSettingsFunc(ctx, edit)
	}
	return app.Settings{}, nil
}

// PlanRetention implements app.Outfitter.
func (f *FakeDesk) PlanRetention(ctx context.Context, wish string) (app.RetentionPlan, error) {
	if f.PlanRetentionFunc != nil {
		return f.PlanRetentionFunc(ctx, wish)
	}
	return app.RetentionPlan{Wish: wish}, nil
}

// Diagnostics implements app.Outfitter.
func (f *FakeDesk) Diagnostics(ctx context.Context) (map[string]string, error) {
	if f.DiagnosticsFunc != nil {
		return f.DiagnosticsFunc(ctx)
	}
	return map[string]string{}, nil
}
