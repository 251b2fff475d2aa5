package agent

import (
	"cmp"
	"context"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// Door is the way into an account and out of it, and what is asked of the account beside syncing.
type Door interface {
	// Begin starts signing in at a server, with a browser or by a code. It blocks while the server is asked where to go.
	Begin(ctx context.Context, server string, device bool) (Attempt, error)
	// Note is what a person should know of how the sign-in is kept; empty when all is as it should be.
	Note() string
	// Logout has the server end the session and forgets the account. note is what the person should know, empty when all
	// went well. An error means that nothing has changed.
	Logout(ctx context.Context) (note string, err error)
	// Machines lists those of the account, the last seen first.
	Machines(ctx context.Context) ([]app.Machine, error)
	RenameMachine(ctx context.Context, id, name string) error
	RevokeMachine(ctx context.Context, id string) error
	People
}

// Attempt is a sign-in under way. It ends by itself.
type Attempt struct {
	URL   string
	Code  string // of one by code
	Until time.Time
	Done  <-chan struct{}
	Err   func() error // after Done: nil when somebody is signed in
	// Cancel ends it, and waits for that.
	Cancel func()
}

// loginUnderWay is the last sign-in that was begun here. Run's goroutine only.
type loginUnderWay struct {
	shown  app.Login
	cancel func() // nil while none goes on
	number int    // of the attempt, so that one that was replaced says nothing more
}

// BeginLogin implements app.Doorman. A sign-in that goes on is ended: the person has lost its page.
func (a *Agent) BeginLogin(ctx context.Context, req app.LoginRequest) (app.Login, error) {
	if req.Google != nil {
		return a.beginGoogle(ctx, *req.Google)
	}
	if a.cfg.Door == nil {
		return app.Login{}, noServer()
	}
	p, err := a.prefs(ctx)
	if err != nil {
		return app.Login{}, err
	}
	who, _ := a.account()
	server := cmp.Or(req.Server, p.Server, who.Server)
	if server == "" {
		return app.Login{}, noServer()
	}
	if err := a.CancelLogin(ctx); err != nil {
		return app.Login{}, err
	}
	attempt, err := a.cfg.Door.Begin(ctx, server, req.Device)
	if err != nil {
		return app.Login{}, err
	}
	return a.showLogin(ctx, attempt, server, a.signedIn)
}

// showLogin shows an attempt until it has ended; done is called when it has ended well.
func (a *Agent) showLogin(ctx context.Context, attempt Attempt, server string, done func(context.Context, *app.Login)) (app.Login, error) {
	shown := app.Login{State: app.LoginWaiting, Server: server, URL: attempt.URL, Code: attempt.Code, Until: attempt.Until}
	err := a.do(ctx, func() {
		number := a.core.login.number + 1
		a.core.login = loginUnderWay{shown: shown, cancel: attempt.Cancel, number: number}
		a.core.wg.Go(func() { a.awaitLogin(attempt, shown, number, done) })
	})
	if err != nil {
		attempt.Cancel()
	}
	return shown, err
}

func noServer() *app.Error {
	return app.Errorf(app.CodeInvalid, "login", "No server is configured.").
		WithHint("Name one, or back up to your own storage.").
		Typed("Name one with `coditect-sync login --server URL`, or back up to your own storage with `coditect-sync setup`.")
}

// awaitLogin waits until an attempt has ended.
func (a *Agent) awaitLogin(attempt Attempt, shown app.Login, number int, done func(context.Context, *app.Login)) {
	select {
	case <-attempt.Done:
	case <-a.life.Done():
		attempt.Cancel()
	}
	shown.URL, shown.Code, shown.Until, shown.State = "", "", time.Time{}, app.LoginFailed
	if err := attempt.Err(); err != nil {
		shown.Error = app.AsError("login", err)
		if shown.Error.Code == app.CodeCanceled {
			shown.State, shown.Error = app.LoginIdle, nil
		}
	} else {
		shown.State = app.LoginDone
		done(a.life, &shown)
	}
	a.tell(func() {
		if a.core.login.number == number {
			a.core.login.shown, a.core.login.cancel = shown, nil
		}
	})
}

// signedIn goes on with a new account: cloud mode is switched on, unless standalone mode keeps the file.
func (a *Agent) signedIn(ctx context.Context, shown *app.Login) {
	who, _ := a.account()
	shown.Server, shown.User = who.Server, who.Who()
	if note := a.cfg.Door.Note(); note != "" {
		shown.Notes = append(shown.Notes, note)
	}
	a.note(app.Event{Kind: app.EventAccount, Text: "Signed in as " + shown.User + " at " + who.Server})
	a.AccountChanged()
	var mode app.Mode
	var err error
	e := a.do(ctx, func() {
		p := a.core.prefs
		p.Server = who.Server
		err, mode = a.savePrefs(p), app.Effective(p, a.facts())
	})
	if e != nil {
		return // the agent is ending
	}
	switch {
	case err != nil:
	case mode == app.ModeStandalone:
		shown.Move = a.cfg.Forced == app.ModeUnset
	case a.cfg.Forced == app.ModeUnset || a.cfg.Forced == app.ModeCloud:
		cloud := app.ModeCloud
		_, err = a.EditPrefs(ctx, app.PrefsEdit{Mode: &cloud})
	}
	shown.Error = app.AsError("login", err)
}

// LoginState implements app.Doorman.
func (a *Agent) LoginState(ctx context.Context) (l app.Login, err error) {
	err = a.do(ctx, func() { l = a.core.login.shown })
	l.State = cmp.Or(l.State, app.LoginIdle)
	return l, err
}

// CancelLogin implements app.Doorman. It returns when nothing waits any more.
func (a *Agent) CancelLogin(ctx context.Context) error {
	var cancel func()
	err := a.do(ctx, func() {
		cancel = a.core.login.cancel
		a.core.login = loginUnderWay{number: a.core.login.number + 1}
	})
	if err == nil && cancel != nil {
		cancel()
	}
	return err
}
