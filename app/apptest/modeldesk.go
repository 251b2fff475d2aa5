package apptest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// Flush implements app.Service.
func (m *Model) Flush(ctx context.Context) (app.RestorePoint, error) {
	if err := m.hasTarget("copy"); err != nil {
		return app.RestorePoint{}, err
	}
	return m.world.flush(), ctx.Err()
}

// Preview implements app.Service.
func (m *Model) Preview(ctx context.Context, req app.RestoreRequest) (app.Preview, error) {
	req.To = ""
	plan, err := m.PlanRestore(ctx, req)
	if err != nil {
		return app.Preview{}, err
	}
	dir, err := os.MkdirTemp(filepath.Dir(m.world.Path), "preview")
	if err != nil {
		return app.Preview{}, err
	}
	defer os.RemoveAll(dir)
	image := filepath.Join(dir, "image")
	if err := m.replica.Fetch(ctx, plan, image, nil); err != nil {
		return app.Preview{}, err
	}
	tables, err := m.file.Compare(ctx, image, nil)
	return app.Preview{Plan: plan, Tables: tables}, err
}

// TryTarget implements app.Service.
func (m *Model) TryTarget(_ context.Context, req app.SetupRequest) (app.TargetTrial, error) {
	m.mu.Lock()
	db := m.prefs.DB
	m.mu.Unlock()
	if err := usable(db, req.Target); err != nil {
		return app.TargetTrial{}, err
	}
	steps := []app.TrialStep{{Text: "The target was checked.", Took: time.Millisecond}}
	return app.TargetTrial{Target: req.Target, Steps: steps, SameDisk: true, At: m.world.Now()}, nil
}

// Settings implements app.Service.
func (m *Model) Settings(context.Context) (app.Settings, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := app.Settings{
		DB: m.prefs.DB, DefaultDB: m.world.Path, Target: m.prefs.Target, DefaultTarget: FileTarget(filepath.Dir(m.world.Path)),
		Retention: m.prefs.Kept().Promises(time.Second), RetentionWish: m.prefs.Kept().String(), Notify: app.Notify{Needs: true, Well: true, Restored: true},
	}
	if m.prefs.Notify != nil {
		s.Notify = *m.prefs.Notify
	}
	return s, nil
}

// EditSettings implements app.Service.
func (m *Model) EditSettings(ctx context.Context, edit app.SettingsEdit) (app.Settings, error) {
	if edit.StartAtLogin != nil {
		return app.Settings{}, app.Errorf(app.CodeInvalid, "settings", "A model starts nothing at login.")
	}
	if edit.Retention != nil {
		m.mu.Lock()
		r, err := app.ParseRetention(*edit.Retention, m.prefs.Kept())
		if err == nil {
			m.prefs.Retention = r.String()
		}
		m.mu.Unlock()
		if err != nil {
			return app.Settings{}, err
		}
		m.happened(app.EventSetting, "What is kept was changed")
	}
	if edit.Notify != nil {
		m.mu.Lock()
		m.prefs.Notify = edit.Notify
		m.mu.Unlock()
		m.happened(app.EventSetting, "The notifications were changed")
	}
	return m.Settings(ctx)
}

// PlanRetention implements app.Service.
func (m *Model) PlanRetention(ctx context.Context, wish string) (plan app.RetentionPlan, err error) {
	m.mu.Lock()
	now, target := m.prefs.Kept(), m.prefs.Target
	m.mu.Unlock()
	then := now
	if wish != "" {
		if then, err = app.ParseRetention(wish, now); err != nil {
			return plan, err
		}
	}
	if target != "" {
		plan, err = m.replica.Thinning(ctx, now, then, nil)
	}
	plan.Wish, plan.Now, plan.Then = then.String(), now.Promises(time.Second), then.Promises(time.Second)
	return plan, err
}

// Activity implements app.Service.
func (m *Model) Activity(_ context.Context, limit int) ([]app.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := slices.Clone(m.events)
	slices.Reverse(list)
	if limit > 0 && limit < len(list) {
		list = list[:limit]
	}
	return list, nil
}

func (m *Model) happened(kind app.EventKind, format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.events = append(m.events, app.Event{At: m.world.Now(), Kind: kind, Text: fmt.Sprintf(format, args...)})
}

// Diagnostics implements app.Service.
func (m *Model) Diagnostics(context.Context) (map[string]string, error) {
	return map[string]string{"about.json": "{}\n", "status.json": "{}\n"}, nil
}
