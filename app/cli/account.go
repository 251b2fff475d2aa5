package cli

import (
	"context"
	"log/slog"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/agent"
	"github.com/coditect-ai/coditect-sync/app/desktop"
	"github.com/coditect-ai/coditect-sync/app/login"
	"github.com/coditect-ai/coditect-sync/app/standalone"
	"github.com/coditect-ai/coditect-sync/config"
)

// door is package login as the agent knows it.
type door struct{ *login.Session }

// account is the one that the home is signed in to.
func (p *program) account(layout config.Layout, machine, host string, log *slog.Logger) (door, error) {
	s, damaged, err := login.New(signInConfig(layout, machine, host, log))
	if damaged != nil {
		log.Error("account file was damaged", "error", damaged)
		p.err.line(waits.of("%s Sign in again with `coditect-sync login`.", damaged.Message))
	}
	return door{s}, err
}

func signInConfig(layout config.Layout, machine, host string, log *slog.Logger) login.Config {
	return login.Config{Home: layout.Home, Machine: machine, MachineName: host, Open: desktop.OpenURL, Logger: log}
}

// Begin implements agent.Door.
func (d door) Begin(ctx context.Context, server string, device bool) (agent.Attempt, error) {
	begin := d.Session.Begin
	if device {
		begin = d.BeginDevice
	}
	a, err := begin(ctx, server)
	if err != nil {
		return agent.Attempt{}, err
	}
	return attempt(a), nil
}

func attempt(a *login.Attempt) agent.Attempt {
	return agent.Attempt{URL: a.URL, Code: a.Code, Until: a.Until, Done: a.Done(), Err: a.Err, Cancel: a.Cancel}
}

// googleDoor is the sign-in to Google as the agent and the storages know it.
type googleDoor struct{ *login.Google }

// Begin implements agent.Google.
func (g googleDoor) Begin(ctx context.Context, req app.GoogleLogin) (agent.GoogleAttempt, error) {
	a, err := g.Google.Begin(ctx, req.Client, req.Account)
	if err != nil {
		return agent.GoogleAttempt{}, err
	}
	return agent.GoogleAttempt{Attempt: attempt(a.Attempt), Who: func() (string, string) { return a.Account(), a.Note() }}, nil
}

// bearer is the sign-in of an account; nil for none.
func (g googleDoor) bearer(account string) standalone.Bearer {
	if account == "" {
		return nil
	}
	return g.Account(account)
}
