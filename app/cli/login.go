package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/coditect-ai/coditect-sync/app"
)

// loginEvery is how often a sign-in is looked after. Each look is a question to the agent.
const loginEvery = 300 * time.Millisecond

func (p *program) loginVerb() *cobra.Command {
	var req app.LoginRequest
	c := p.readingVerb("login", "Sign in, and sync with the cloud", func(ctx context.Context) error { return p.login(ctx, req) })
	c.Long = "Sign in with the browser of this machine, or with --device by a code that is typed on another one. It switches cloud\n" +
		"mode on and starts the agent if none runs. In standalone mode it only signs in: `coditect-sync migrate` moves."
	p.word(c, &req.Server, "server", "`URL` of the server, as before if it is left out")
	c.Flags().BoolVar(&req.Device, "device", false, "by a code, for a machine without a browser")
	return c
}

func (p *program) login(ctx context.Context, req app.LoginRequest) error {
	own := false
	var done app.Login
	err := p.with(ctx, anyhow, func(s *session) error {
		own = s.own
		begun, err := s.BeginLogin(ctx, req)
		if err != nil {
			return err
		}
		p.tellWayIn(begun, "Without a browser here: `coditect-sync login --device`. Ctrl+C gives up.")
		done, err = p.awaitLogin(ctx, s, "coditect-sync login")
		return err
	})
	if err != nil {
		return err
	}
	if own && !done.Move && done.Error == nil {
		if _, err := p.spawn(ctx); err != nil {
			return err
		}
	}
	if p.json {
		p.writeJSON(done)
	} else {
		p.tellSignedIn(done)
	}
	if done.Error != nil {
		return done.Error
	}
	return nil
}

// tellWayIn says what the person has to do; otherwise is what else there is to do. It goes to stderr, like a question.
func (p *program) tellWayIn(l app.Login, otherwise string) {
	if l.Code != "" {
		p.err.line(plain.of("Open "), strong.of("%s", l.URL), plain.of(" on any machine and type the code "), strong.of("%s", l.Code))
		p.err.line(quiet.of("It is good until %s. Ctrl+C gives up.", l.Until.Local().Format("15:04")))
		return
	}
	p.err.line(plain.of("Go on in your browser. If none has opened, open this address on this machine:"))
	p.err.line(strong.of("%s", l.URL))
	p.err.line(quiet.of("%s", otherwise))
}

// awaitLogin returns when somebody is signed in; again is what begins anew.
func (p *program) awaitLogin(ctx context.Context, s *session, again string) (app.Login, error) {
	for {
		if !pauseFor(ctx, loginEvery) {
			limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerWithin)
			defer cancel()
			_ = s.CancelLogin(limited) // it ends by itself, too
			return app.Login{}, app.Errorf(app.CodeCanceled, "login", "Canceled. Nobody is signed in.").WithHint("Begin again with `%s`.", again)
		}
		l, err := s.LoginState(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			return l, err
		case l.State == app.LoginDone:
			return l, nil
		case l.State == app.LoginFailed && l.Error != nil:
			return l, l.Error
		case err == nil && l.State != app.LoginWaiting:
			return l, app.Errorf(app.CodeCanceled, "login", "The sign-in was canceled elsewhere.").WithHint("Begin again with `%s`.", again)
		}
	}
}

func (p *program) tellSignedIn(l app.Login) {
	p.out.line(plain.of("Signed in as "), strong.of("%s", l.User), plain.of(" at %s.", l.Server))
	for _, note := range l.Notes {
		p.out.line(waits.of("%s", note))
	}
	switch {
	case l.Move:
		p.out.line(plain.of("Standalone mode goes on. Move to the cloud with `coditect-sync migrate`."))
	case l.Error == nil:
		p.out.line(plain.of("Cloud mode is on. `coditect-sync status` shows how it is."))
	}
}
