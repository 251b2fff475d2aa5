package agent

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/config"
)

// Flush implements app.Switch.
func (a *Agent) Flush(ctx context.Context) (app.RestorePoint, error) {
	p, err := a.prefs(ctx)
	if err != nil {
		return app.RestorePoint{}, err
	}
	if p.Target == "" {
		return app.RestorePoint{}, app.Errorf(app.CodeInvalid, "copy", "No storage is set up yet, so there is nowhere to copy to.").
			WithHint("Choose where the copies go.").Typed("Run `coditect-sync setup` first.")
	}
	k, release, err := a.keeper(ctx)
	if err != nil {
		return app.RestorePoint{}, err
	}
	defer release()
	return k.Flush(ctx)
}

// TryTarget implements app.Outfitter. A folder that was made for it is removed again.
func (a *Agent) TryTarget(ctx context.Context, req app.SetupRequest) (app.TargetTrial, error) {
	was, err := a.prefs(ctx)
	if err != nil {
		return app.TargetTrial{}, err
	}
	p, err := a.wish(was, req)
	if err != nil {
		return app.TargetTrial{}, err
	}
	p = p.At(placeOf(p, req.Target)) // one is tried at a time
	if req.Access != nil {           // which is kept meanwhile: nobody else may set it up, or put back what was
		end, err := a.begin("target")
		if err != nil {
			return app.TargetTrial{}, err
		}
		defer end()
	}
	_, putBack, err := a.takeAccess(req)
	if err != nil {
		return app.TargetTrial{}, err
	}
	defer putBack()
	storage, err := a.cfg.OpenStorage(ctx, p)
	if err != nil {
		return app.TargetTrial{}, err
	}
	defer func() { _ = storage.Close() }()
	defer a.unmake(p.Target)()
	if err := create(ctx, storage, p.Target, req); err != nil {
		return app.TargetTrial{}, err
	}
	trial := app.TargetTrial{Target: p.Target, At: a.cfg.Now(), MonthlyCost: a.cost(p.Target, a.usage(ctx))}
	if trial.Steps, err = storage.Probe(ctx); err != nil {
		return app.TargetTrial{}, err
	}
	trial.SameDisk, err = storage.SameDisk(filepath.Dir(p.DB))
	if err != nil {
		a.log.Warn("disk of the storage not known", "error", err)
	}
	return trial, nil
}

// unmake returns what removes a target's folder if it is not there now and holds nothing then.
func (a *Agent) unmake(target string) func() {
	dir, err := config.FilePath(target)
	if err != nil { // a bucket
		return func() {}
	}
	if _, err := os.Lstat(dir); err == nil {
		return func() {}
	}
	return func() {
		_ = os.Remove(filepath.Join(dir, "standalone")) // only if empty; so is the next
		_ = os.Remove(dir)
	}
}

// Settings implements app.Outfitter.
func (a *Agent) Settings(ctx context.Context) (app.Settings, error) {
	p, err := a.prefs(ctx)
	if err != nil {
		return app.Settings{}, err
	}
	s := app.Settings{
		DB: p.DB, DefaultDB: a.cfg.Layout.DB, Target: p.Target, DefaultTarget: a.cfg.Layout.DefaultTarget,
		Found: found(a.cfg.Layout.DB), Notify: notifyOf(p),
	}
	s.RetentionWish, s.Retention = p.Kept().String(), a.promises(slowestOf(p), p.Kept())
	if a.cfg.Forced != app.ModeUnset {
		s.Locked = config.EnvMode + "=" + string(a.cfg.Forced) + " is set for this session."
	}
	if a.cfg.Autostart != nil {
		if s.StartAtLogin, err = a.cfg.Autostart.Enabled(); err != nil {
			return app.Settings{}, app.AsError("settings", err)
		}
	}
	return s, nil
}

// notifyOf is what a person wants to be told; all of it, unless they said otherwise.
func notifyOf(p app.Prefs) app.Notify {
	if p.Notify == nil {
		return app.Notify{Needs: true, Well: true, Restored: true}
	}
	return *p.Notify
}

// found lists the databases of AI work at the places where they usually are.
func found(ours string) []string {
	list := []string{ours}
	home, err := os.UserHomeDir()
	if err != nil {
		home = ""
	}
	for _, pattern := range []string{
		".coditect-data/context-storage/*.db", "PROJECTS/.coditect-data/context-storage/*.db", ".claude-mem/*.db",
	} {
		if home == "" {
			break
		}
		paths, err := filepath.Glob(filepath.Join(home, filepath.FromSlash(pattern)))
		if err == nil { // the patterns are sound
			list = append(list, paths...)
		}
	}
	return slices.DeleteFunc(list, func(path string) bool {
		info, err := os.Stat(path) // never opened: that would drop SQLite's locks
		return err != nil || !info.Mode().IsRegular() || info.Size() == 0
	})
}

// EditSettings implements app.Outfitter.
func (a *Agent) EditSettings(ctx context.Context, edit app.SettingsEdit) (app.Settings, error) {
	if edit.StartAtLogin != nil {
		if err := a.startAtLogin(*edit.StartAtLogin); err != nil {
			return app.Settings{}, err
		}
	}
	if edit.Retention != nil {
		if err := a.editRetention(ctx, *edit.Retention); err != nil {
			return app.Settings{}, err
		}
	}
	if edit.Notify != nil {
		var err error
		e := a.do(ctx, func() {
			p := a.core.prefs
			p.Notify = edit.Notify
			if err = (config.PrefsFile{Path: a.cfg.Layout.Prefs}).Save(p); err == nil {
				a.core.prefs = p
			}
		})
		if e != nil {
			return app.Settings{}, e
		}
		if err != nil {
			return app.Settings{}, err
		}
		a.note(app.Event{Kind: app.EventSetting, Text: "The notifications were changed"})
	}
	return a.Settings(ctx)
}

func (a *Agent) startAtLogin(on bool) error {
	if a.cfg.Autostart == nil {
		return app.Errorf(app.CodeInvalid, "settings", "This system starts nothing at login.").
			WithHint("Start it by other means.").Typed("Start `coditect-sync agent` by other means.")
	}
	if err := a.cfg.Autostart.Set(on); err != nil {
		return app.AsError("settings", err)
	}
	text := "Start at login was turned off"
	if on {
		text = "Start at login was turned on"
	}
	a.note(app.Event{Kind: app.EventSetting, Text: text})
	return nil
}
