package main

import (
	"context"
	"strings"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/frontend/scenes"
)

func (d *desk) editPrefs(_ context.Context, edit app.PrefsEdit) (app.Status, error) {
	return d.change(func(s *scenes.Scene) {
		st := s.Status
		prefs := app.Prefs{Mode: st.Mode, PausedUntil: st.PausedUntil}
		if st.Standalone != nil {
			prefs.Target = st.Standalone.Target
		}
		if edit.Mode != nil {
			prefs.Mode = *edit.Mode
		}
		if edit.PausedUntil != nil {
			prefs.PausedUntil = *edit.PausedUntil
		}
		cloud := st.Cloud
		state := app.Next(prefs, app.Facts{Now: scenes.Now, SignedIn: cloud != nil && cloud.SignedIn})
		for _, scene := range scenes.All() {
			if scene.Status.State == state && alike(scene, prefs.Mode) {
				s.Status = scene.Status
				break
			}
		}
		if s.Status.Cloud == nil {
			s.Status.Cloud = cloud
		}
		s.Status.Mode, s.Status.PausedUntil = prefs.Mode, prefs.PausedUntil
	}), nil
}

// alike tells that a scene is what a change of the wishes leads to.
func alike(s scenes.Scene, mode app.Mode) bool {
	switch s.Status.State {
	case app.StateStandalone:
		return s.Name == "protected"
	case app.StateCloud:
		return s.Name == "cloud-synced"
	default:
		return s.Status.Mode == mode
	}
}

func (d *desk) editSettings(_ context.Context, edit app.SettingsEdit) (app.Settings, error) {
	d.change(func(s *scenes.Scene) {
		if edit.StartAtLogin != nil {
			s.Settings.StartAtLogin = *edit.StartAtLogin
		}
		if edit.Notify != nil {
			s.Settings.Notify = *edit.Notify
		}
		if r, ok := kept(edit.Retention); ok {
			s.Settings.RetentionWish, s.Settings.Retention = r.String(), r.Promises(5*time.Second)
		}
	})
	return d.now().Settings, nil
}

func kept(wish *string) (app.Retention, bool) {
	if wish == nil {
		return app.Retention{}, false
	}
	r, err := app.ParseRetention(*wish, app.Retention{})
	return r, err == nil
}

// planRetention lets 1,204 moments go where the history becomes shorter than it is.
func (d *desk) planRetention(_ context.Context, ask struct {
	Wish string `json:"wish"`
}) (app.RetentionPlan, error) {
	now, err := app.ParseRetention(d.now().Settings.RetentionWish, app.Retention{})
	if err != nil {
		return app.RetentionPlan{}, err
	}
	then, err := app.ParseRetention(ask.Wish, now)
	if err != nil {
		return app.RetentionPlan{}, err
	}
	plan := app.RetentionPlan{Wish: then.String(), Now: now.Promises(5 * time.Second), Then: then.Promises(5 * time.Second), Moments: 4210}
	plan.MonthlyCost, plan.MonthlyCostThen = scenes.CostOf(now), scenes.CostOf(then)
	if then[3] < now[3] {
		plan.Gone, plan.Bytes = 1204, 1.3e9
	}
	return plan, nil
}

// usable refuses what its name says it refuses.
func usable(target string) error {
	switch {
	case strings.Contains(target, "write-only"):
		return app.Errorf(app.CodeDenied, "setup", "This key may write but not read. Without reading, no restore would ever work.").
			WithHint("Give it the role Storage Object User, then test again.")
	case strings.Contains(target, "missing"):
		return app.Errorf(app.CodeNotFound, "setup", "There is no bucket %q.", strings.TrimPrefix(target, "gs://")).
			WithHint("Check the name, or create it.")
	case !strings.HasPrefix(target, "gs://") && !strings.HasPrefix(target, "s3://") && !strings.HasPrefix(target, "file:///"):
		return app.Errorf(app.CodeInvalid, "setup", "%q is not an address of a storage.", target).
			WithHint("Use gs://bucket, s3://bucket or file:///folder.")
	}
	return nil
}

func (d *desk) try(_ context.Context, req app.SetupRequest) (app.TargetTrial, error) {
	if err := usable(req.Target); err != nil && !req.Create {
		return app.TargetTrial{}, err
	}
	return d.now().Trial(req.Target), nil
}

// whose asks what only a person can say, as the target's name has it.
func whose(req app.SetupRequest) error {
	switch {
	case strings.Contains(req.Target, "taken") && !req.Branch && !req.TakeOver:
		return app.Errorf(app.CodeRefused, "primary", "macbook-air writes the history of this file, since 22 Nov 2026 18:22.").
			WithHint("Take over when it is not used any more; else go on beside it with a history of its own.")
	case strings.Contains(req.Target, "shared") && req.User != "mira":
		return app.Errorf(app.CodeInvalid, "user", "Several people keep copies here: jonas, mira.").WithHint("Say which one you are.")
	}
	return nil
}

// sceneKey is the recovery key of every scene; it opens nothing.
const sceneKey app.Secret = "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ"

func (d *desk) newKey(context.Context, nothing) (app.RecoveryKey, error) {
	return app.RecoveryKey{ID: "987cabe77b30e340", Key: sceneKey}, nil
}

// locked is why the copies of a scene cannot be read; nil where they can.
func locked(s scenes.Scene) error {
	if e := s.Status.Error; e != nil && e.Op == scenes.OpKey {
		return e
	}
	return nil
}

// keepKey takes the recovery key that opens the copies of the scene.
func (d *desk) keepKey(_ context.Context, ask struct {
	Key app.Secret `json:"key"`
}) (nothing, error) {
	if ask.Key != sceneKey {
		return nothing{}, app.Errorf(app.CodeDenied, "wrong key", "This is not the recovery key of these copies: theirs has the id 987cabe77b30e340, this one 11f0c2a8d5b6e794.").
			WithHint("Look for the other one; its id stands beside it. Without it nobody can read the copies.")
	}
	d.change(func(s *scenes.Scene) {
		next, _ := scenes.Find("protected") // named here only
		s.Status = next.Status
	})
	return nothing{}, nil
}

// setup begins the first copy; the script goes on with its proof and ends protected.
func (d *desk) setup(_ context.Context, req app.SetupRequest) (app.SetupResult, error) {
	if err := usable(req.Target); err != nil {
		return app.SetupResult{}, err
	}
	if err := whose(req); err != nil {
		return app.SetupResult{}, err
	}
	if strings.Contains(req.Target, "sealed") && req.Key != sceneKey {
		return app.SetupResult{}, app.Errorf(app.CodeDenied, "recovery key", "The copies of mira in %s are encrypted.", req.Target).
			WithHint("Give the recovery key with --key-file FILE. Without it nobody can read the copies.")
	}
	st := d.change(func(s *scenes.Scene) {
		become(s, "first-copy", req)
		d.script = []func(*scenes.Scene){
			func(s *scenes.Scene) { become(s, "proving", req) },
			func(s *scenes.Scene) {
				become(s, "protected", req)
				s.Status.Standalone.LastDrill.At = scenes.Now
			},
		}
	})
	return app.SetupResult{DB: req.DB, Target: req.Target, User: "mira", Status: st}, nil
}

func become(s *scenes.Scene, name string, req app.SetupRequest) {
	next, _ := scenes.Find(name) // named here only
	s.Status = next.Status
	s.At(req.Target)
}

func (d *desk) verify(ctx context.Context, _ nothing) (app.Drill, error) {
	before := d.now().Status
	d.change(func(s *scenes.Scene) {
		s.Status.Progress = &app.Progress{Phase: app.PhaseDrill, Total: 412_000_000, Unit: "bytes", Since: scenes.Now}
	})
	err := d.next(ctx)
	st := d.change(func(s *scenes.Scene) {
		s.Status = before
		if err == nil {
			next, _ := scenes.Find("protected")
			s.Status.Standalone = next.Status.Standalone
			s.Status.Standalone.LastDrill.At = scenes.Now.Add(-3 * time.Second)
		}
	})
	if err != nil {
		return app.Drill{}, err
	}
	return *st.Standalone.LastDrill, nil
}
