package main

import (
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/frontend/scenes"
)

// googleLogin begins a sign-in to Google, for which a fresh machine has no client; the next step ends it.
func (d *desk) googleLogin(req app.GoogleLogin) (app.Login, error) {
	switch {
	case req.Client == "" && d.now().Status.State == app.StateNew:
		return app.Login{}, app.Errorf(app.CodeInvalid, "google client", "This build has no OAuth client to sign in to Google with.").
			WithHint("Name one with --google-client FILE.")
	case req.Client != "" && req.Client[0] != '/':
		return app.Login{}, app.Errorf(app.CodeInvalid, "google client", "The file %s cannot be read.", req.Client).WithHint("Name it with its whole path.")
	}
	d.change(func(*scenes.Scene) {
		d.entering = app.Login{State: app.LoginWaiting, URL: "http://127.0.0.1:41873/sign-in/QH4ZK2", Until: scenes.Now.Add(4*time.Minute + 40*time.Second)}
		d.script = []func(*scenes.Scene){func(s *scenes.Scene) {
			d.entering = app.Login{State: app.LoginDone, User: scenes.Account}
			if s.Name == scenes.GoogleEnded {
				*s, _ = scenes.Find("protected")
			}
		}}
	})
	return d.signIn(), nil
}
