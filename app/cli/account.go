package cli

import (
	"context"
	"log/slog"

	"github.com/coditect-ai/coditect-sync/app/agent"
	"github.com/coditect-ai/coditect-sync/app/desktop"
	"github.com/coditect-ai/coditect-sync/app/login"
	"github.com/coditect-ai/coditect-sync/config"
)

// door is package login as the agent knows it.
type door struct{ *login.Session }

// account is the one that the home is signed in to.
func (p *program) account(layout config.Layout, machine, host string, log *slog.Logger) (door, error) {
	s, damaged, err := login.New(login.Config{Home: layout.Home, Machine: machine, MachineName: host, Open: desktop.OpenURL, Logger: log})
	if damaged != nil {
		log.Error("account file was damaged", "error", damaged)
		p.err.line(waits.of("%s Sign in again with `coditect-sync login`.", damaged.Message))
	}
	return door{s}, err
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
	return agent.Attempt{URL: a.URL, Code: a.Code, Until: a.Until, Done: a.Done(), Err: a.Err, Cancel: a.Cancel}, nil
}
