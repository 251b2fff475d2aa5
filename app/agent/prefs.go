package agent

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/config"
)

// EditPrefs implements app.Switch. It returns when the engine is as wanted: after a switch-off, its final flush is done.
func (a *Agent) EditPrefs(ctx context.Context, edit app.PrefsEdit) (app.Status, error) {
	if edit.Mode != nil && *edit.Mode == app.ModeCloud {
		if err := a.makeFileFor(ctx); err != nil {
			return app.Status{}, err
		}
	}
	var err error
	if e := a.do(ctx, func() { err = a.edit(edit) }); e != nil {
		return app.Status{}, e
	}
	if err != nil {
		return app.Status{}, err
	}
	if err := a.settle(ctx); err != nil {
		return app.Status{}, err
	}
	return a.published(ctx)
}

// makeFileFor makes the default file for cloud mode, where that may be switched on.
func (a *Agent) makeFileFor(ctx context.Context) error {
	var err error
	if e := a.do(ctx, func() { err = a.checkMode(a.core.prefs, app.ModeCloud) }); e != nil {
		return e
	}
	if err != nil {
		return err
	}
	return a.makeFile(ctx)
}

// published returns the Status after everything that happened so far.
func (a *Agent) published(ctx context.Context) (app.Status, error) {
	if err := a.do(ctx, a.publish); err != nil {
		return app.Status{}, err
	}
	return a.Status(ctx)
}

func (a *Agent) edit(edit app.PrefsEdit) error {
	p := a.core.prefs
	if edit.Mode != nil {
		if err := a.checkMode(p, *edit.Mode); err != nil {
			return err
		}
		p.Mode = *edit.Mode
		if p.DB == "" && p.Mode == app.ModeCloud {
			p.DB = a.cfg.Layout.DB
		}
	}
	if edit.PausedUntil != nil {
		p.PausedUntil = *edit.PausedUntil
	}
	return a.savePrefs(p)
}

func (a *Agent) checkMode(p app.Prefs, mode app.Mode) error {
	if _, err := app.ParseMode(string(mode)); err != nil {
		return err
	}
	switch {
	case a.cfg.Forced != app.ModeUnset && mode != a.cfg.Forced:
		return app.Errorf(app.CodeRefused, "mode", "The mode is locked: %s=%s is set for this session.", config.EnvMode, a.cfg.Forced).
			WithHint("Unset the variable and start CODITECT Sync again.")
	case mode == app.ModeCloud:
		return a.checkCloud(p)
	case mode == app.ModeStandalone && p.Mode == app.ModeCloud:
		return app.Errorf(app.CodeRefused, "mode", "What waits for the cloud has to go up before standalone mode takes over.").
			WithHint("Move to your own storage, which proves it first.").Typed("Move with `coditect-sync migrate --back`.")
	case mode == app.ModeStandalone && p.Target == "":
		return app.Errorf(app.CodeInvalid, "mode", "No storage is set up yet.").
			WithHint("Choose where the copies go.").Typed("Run `coditect-sync setup` first.")
	}
	return nil
}

// checkCloud: from standalone mode one moves, so that nothing is given up before the other side is proved.
func (a *Agent) checkCloud(p app.Prefs) error {
	if _, signedIn := a.account(); !signedIn {
		return app.Errorf(app.CodeSignedOut, "mode", "This machine is not signed in, so cloud mode cannot be switched on.").
			WithHint("Sign in first.").Typed("Sign in with `coditect-sync login`.")
	}
	c := a.knownCloud()
	proved := c.Recording && c.LastProof != nil && c.LastProof.Equal
	if p.Mode == app.ModeStandalone && !proved {
		return app.Errorf(app.CodeRefused, "mode", "It is not proved yet that the cloud holds every row of this file.").
			WithHint("Move to the cloud, which proves it first.").Typed("Move with `coditect-sync migrate`, which proves it first.")
	}
	return nil
}

func (a *Agent) savePrefs(p app.Prefs) error {
	if err := (config.PrefsFile{Path: a.cfg.Layout.Prefs}).Save(p); err != nil {
		return err
	}
	a.core.prefs = p
	a.core.retryAt, a.core.fails, a.core.fault, a.core.notice = time.Time{}, 0, nil, nil
	return nil
}

// Setup implements app.Switch: the target is used before anything is saved, the file is touched only after that.
func (a *Agent) Setup(ctx context.Context, req app.SetupRequest) (app.SetupResult, error) {
	end, err := a.begin("setup")
	if err != nil {
		return app.SetupResult{}, err
	}
	defer end()
	was, err := a.prefs(ctx)
	if err != nil {
		return app.SetupResult{}, err
	}
	p, err := a.wish(was, req)
	if err != nil {
		return app.SetupResult{}, err
	}
	res := app.SetupResult{DB: p.DB, Target: p.Target}
	for _, place := range p.More {
		res.More = append(res.More, place.Target)
	}
	forget, err := a.takeKey(was, &p, req, &res)
	if err != nil {
		return app.SetupResult{}, err
	}
	notes, putBack, err := a.takeAccess(req)
	if err != nil {
		forget()
		return app.SetupResult{}, err
	}
	res.Notes = append(res.Notes, notes...)
	if err := a.finishSetup(ctx, was, p, req, &res); err != nil {
		forget()
		putBack()
		return app.SetupResult{}, err
	}
	res.Status, err = a.published(ctx)
	return res, err
}

func (a *Agent) finishSetup(ctx context.Context, was, p app.Prefs, req app.SetupRequest, res *app.SetupResult) error {
	tried := tries(p, req)
	if err := a.setupTargets(ctx, &p, tried, req, res); err != nil {
		return err
	}
	a.noteTargets(ctx, was, p, res)
	if !req.Add && !req.Remove {
		res.Notes = append(res.Notes, changedEncryption(was, p)...)
	}
	if err := a.setupFile(ctx, p.DB, res); err != nil {
		return err
	}
	if err := a.writeLitestreamYML(p); err != nil {
		return err
	}
	if err := a.settlePrimaries(ctx, p, tried, req, res); err != nil {
		return err
	}
	if p.Encryption != "" {
		res.Steps = append(res.Steps, "Wrote litestream.yml, which says how the age and litestream commands restore the same copies with the recovery key.")
	} else {
		res.Steps = append(res.Steps, "Wrote litestream.yml, with which the stock litestream command restores the same copies.")
	}
	if err := a.adoptPrefs(ctx, was, p, tried); err != nil {
		return err
	}
	res.Notes = append(append(res.Notes, a.forgetGoogle(ctx, was, p)...), a.forgetAccess(was, p)...)
	return nil
}

func (a *Agent) prefs(ctx context.Context) (p app.Prefs, err error) {
	err = a.do(ctx, func() { p = a.core.prefs })
	return p, err
}

// wish completes the request with what was set before and with the defaults.
func (a *Agent) wish(p app.Prefs, req app.SetupRequest) (app.Prefs, error) {
	first := func(s ...string) string {
		for _, v := range s {
			if v != "" {
				return v
			}
		}
		return ""
	}
	p.DB = first(req.DB, p.DB, a.cfg.Layout.DB)
	p, err := wishTargets(p, req, a.cfg.Layout.DefaultTarget)
	if err != nil {
		return p, err
	}
	p.User = first(req.User, p.User)
	if !filepath.IsAbs(p.DB) {
		return p, app.Errorf(app.CodeInvalid, "setup", "The file %s needs a full path.", p.DB).WithHint("Give it from the root on.")
	}
	if info, err := os.Lstat(p.DB); err == nil && info.Mode()&os.ModeSymlink != 0 {
		if real, err := filepath.EvalSymlinks(p.DB); err == nil { // where SQLite keeps the write-ahead log, too
			p.DB = real
		}
	}
	if strings.ContainsAny(p.DB, "%?#") { // Litestream makes a URI of it as it is, and would copy another file
		return p, app.Errorf(app.CodeInvalid, "setup", "A path with %%, ? or # in it cannot be kept safe: %s.", p.DB).
			WithHint("Rename the file or folder.")
	}
	if (a.cfg.Forced == app.ModeUnset || a.cfg.Forced == app.ModeStandalone) && p.Mode != app.ModeCloud {
		p.Mode = app.ModeStandalone
	}
	p.PausedUntil = time.Time{}
	return p, nil
}

// setupTargets uses each target that is to be tried, and settles whose copies they are.
func (a *Agent) setupTargets(ctx context.Context, p *app.Prefs, tried []app.Place, req app.SetupRequest, res *app.SetupResult) error {
	if req.TakeOver && req.Branch {
		return app.Errorf(app.CodeInvalid, "setup", "Taking over and branching were both asked for.").WithHint("Choose one of them.")
	}
	res.User = p.User
	for _, place := range tried {
		if err := a.setupTarget(ctx, p, place, req, res); err != nil {
			return err
		}
	}
	return nil
}

func (a *Agent) setupTarget(ctx context.Context, p *app.Prefs, place app.Place, req app.SetupRequest, res *app.SetupResult) error {
	storage, err := a.cfg.OpenStorage(ctx, p.At(place))
	if err != nil {
		return err
	}
	defer func() { _ = storage.Close() }()
	if err := create(ctx, storage, place.Target, req); err != nil {
		return err
	}
	if req.Create {
		res.Steps = append(res.Steps, "Made the storage.")
	}
	steps, err := storage.Probe(ctx)
	if err != nil {
		return err
	}
	for _, step := range steps {
		res.Steps = append(res.Steps, step.Text)
	}
	if err := a.refuseTwice(ctx, storage, *p, place); err != nil {
		return err
	}
	if p.User, _, err = storage.EnsureUser(ctx, p.User); err != nil {
		return err
	}
	res.User = p.User
	if err := settleEncryption(ctx, storage, p.At(place), req, res); err != nil {
		return err
	}
	if !req.TakeOver && !req.Branch {
		if err := a.settlePrimary(ctx, storage, p.User, req, res); err != nil {
			return err
		}
	}
	if same, err := storage.SameDisk(filepath.Dir(p.DB)); err == nil && same {
		res.Notes = append(res.Notes, onSameDisk(*p, place))
	}
	return nil
}

// create makes a bucket that is to be made, and the last folder of a file or sftp target.
func create(ctx context.Context, storage Storage, target string, req app.SetupRequest) error {
	if !req.Create && !isFolder(target) {
		return nil
	}
	return storage.Create(ctx)
}

func (a *Agent) setupFile(ctx context.Context, path string, res *app.SetupResult) error {
	file, err := a.cfg.OpenFile(path)
	if err != nil {
		return err
	}
	exists, err := file.Exists()
	if err != nil {
		return err
	}
	if !exists {
		if err := file.Create(ctx); err != nil {
			return err
		}
		res.Steps = append(res.Steps, "Made "+path+" with the tables of the context memory.")
		return nil
	}
	info, err := file.Adopt(ctx)
	if err != nil {
		return err
	}
	if info.ContextMemory {
		if err := file.Create(ctx); err != nil {
			return err
		}
		res.Steps = append(res.Steps, "Found "+path+", a context memory.")
		return nil
	}
	res.Steps = append(res.Steps, "Found "+path+". Its own tables stay as they are; its write-ahead log is on, and two small tables named _litestream_… are added.")
	return nil
}

// writeLitestreamYML writes one file for each target: the stock tool knows one for a database.
func (a *Agent) writeLitestreamYML(p app.Prefs) error {
	places := p.Places()
	for i, place := range places {
		path := a.cfg.Layout.LitestreamOf(i)
		var others []string
		for j := range places {
			if j != i {
				others = append(others, filepath.Base(a.cfg.Layout.LitestreamOf(j)))
			}
		}
		yml, err := config.LitestreamYML(p.DB, place.Target, machinePrefix(p.User, a.cfg.Machine.ID), place.Encryption, others...)
		if err != nil {
			return err
		}
		if err := config.WriteFile(path, yml); err != nil {
			return err
		}
	}
	return a.cfg.Layout.DropLitestreamFrom(len(places))
}

// machinePrefix is where a machine's objects live below the target.
func machinePrefix(user, machine string) string { return "standalone/" + user + "/" + machine }

// adoptPrefs saves the new wishes. What was known about another file or target is forgotten; setting up the same
// again forgets only what is believed to be at the target, so that it is looked at anew.
func (a *Agent) adoptPrefs(ctx context.Context, was, p app.Prefs, tried []app.Place) error {
	var err error
	e := a.do(ctx, func() {
		if err = a.savePrefs(p); err != nil {
			return
		}
		a.forgetTargets(was, p, tried)
		a.core.report = app.Report{}
		err = a.saveRecords()
		if a.core.engine != nil {
			a.core.engine.wanted = wanted{} // start anew
		}
	})
	if e != nil {
		return e
	}
	return err
}

// isFolder tells that a target is a folder, here or on another computer, where reading costs nothing.
func isFolder(target string) bool {
	u, err := url.Parse(target)
	return err == nil && (u.Scheme == "file" || u.Scheme == "sftp")
}

// isHere tells that a target is a folder of this computer.
func isHere(target string) bool {
	u, err := url.Parse(target)
	return err == nil && u.Scheme == "file"
}
