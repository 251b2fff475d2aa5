package agent

import (
	"context"
	"fmt"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// goUpWithin is how long signing out waits for what is still to go up.
const goUpWithin = 20 * time.Second

// Logout implements app.Doorman. What waits is tried to go up first. The account is left before the mode, so that a sign-out
// that fails changes nothing.
func (a *Agent) Logout(ctx context.Context, req app.LogoutRequest) (res app.LogoutResult, err error) {
	who, signedIn := a.account()
	if a.cfg.Door == nil || who.Server == "" {
		return res, noAccount("logout")
	}
	end, err := a.begin("logout")
	if err != nil {
		return res, err
	}
	defer end()
	p, err := a.prefs(ctx)
	if err != nil {
		return res, err
	}
	cloud := a.effective(p) == app.ModeCloud
	if req.Wipe && !cloud {
		return res, app.Errorf(app.CodeRefused, "logout", "The rows of this machine are not only a copy of the cloud's, so they stay.").
			WithHint("Sign out without wiping. In cloud mode the copy can be wiped.")
	}
	if err := a.letNothingWait(ctx, p, cloud && signedIn, req.Force); err != nil {
		return res, err
	}
	note, err := a.cfg.Door.Logout(ctx)
	if err != nil {
		return res, err
	}
	res.Steps = append(res.Steps, fmt.Sprintf("Signed out of %s.", who.Server))
	if note != "" {
		res.Steps = append(res.Steps, note)
	}
	a.note(app.Event{Kind: app.EventAccount, Text: "Signed out of " + who.Server, Detail: note})
	a.AccountChanged()
	if err := a.leaveCloud(ctx, p, cloud, req, &res); err != nil {
		return res, err
	}
	res.Status, err = a.published(ctx)
	return res, err
}

// letNothingWait is CodeRefused while changes are on this machine only, unless forced.
func (a *Agent) letNothingWait(ctx context.Context, p app.Prefs, syncs, force bool) error {
	if force {
		return nil
	}
	waiting, err := a.waiting(ctx, p)
	if err != nil || waiting == 0 {
		return err
	}
	if syncs && !a.cfg.Idle {
		limited, cancel := context.WithTimeout(ctx, goUpWithin)
		defer cancel()
		if err := a.pushNow(limited); err != nil {
			a.log.Info("changes do not go up before the sign-out", "error", err)
		}
		if waiting, err = a.waiting(ctx, p); err != nil || waiting == 0 {
			return err
		}
	}
	return app.Errorf(app.CodeRefused, "logout", "%s on this machine only.", changes(waiting, "is", "are")).
		WithHint("Let them go up first. Signing out all the same keeps them here, and nowhere else.").
		Typed("Let them go up first with `coditect-sync push`. Signing out all the same keeps them here, and nowhere else.")
}

func (a *Agent) pushNow(ctx context.Context) error {
	s, release, err := a.syncer(ctx)
	if err != nil {
		return err
	}
	defer release()
	return s.Push(ctx)
}

// waiting is how many changes of the file are on this machine only, as the file says now.
func (a *Agent) waiting(ctx context.Context, p app.Prefs) (int64, error) {
	if p.DB == "" {
		return 0, nil
	}
	file, err := a.cfg.OpenFile(p.DB)
	if err != nil {
		return 0, err
	}
	c, err := file.Capture(ctx)
	if app.CodeOf(err) == app.CodeNotFound {
		return 0, nil // the file is gone, and what waited with it
	}
	return c.Waiting, err
}

// leaveCloud switches cloud mode off, and wipes the copy if wished.
func (a *Agent) leaveCloud(ctx context.Context, p app.Prefs, cloud bool, req app.LogoutRequest, res *app.LogoutResult) error {
	if cloud && a.cfg.Forced == app.ModeUnset {
		off := app.ModeOff
		if _, err := a.EditPrefs(ctx, app.PrefsEdit{Mode: &off}); err != nil {
			return err
		}
		res.Steps = append(res.Steps, "Cloud mode is off.")
	}
	if !req.Wipe {
		return nil
	}
	file, err := a.cfg.OpenFile(p.DB)
	if err == nil {
		err = file.Wipe(ctx, req.Force)
	}
	if err != nil {
		return err
	}
	res.Steps = append(res.Steps, "Removed the account's rows from this machine.")
	return nil
}
