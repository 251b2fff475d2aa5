package cli

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/config"
)

// startWithin is how long a new agent may take until it answers.
const startWithin = 20 * time.Second

// spawn starts the agent in the background and returns once it answers.
func (p *program) spawn(ctx context.Context) (app.Status, error) {
	layout, err := p.layout()
	if err != nil {
		return app.Status{}, err
	}
	if err := layout.Make(); err != nil {
		return app.Status{}, err
	}
	log, err := os.OpenFile(layout.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return app.Status{}, app.Errorf(app.CodeDenied, "start", "The log %s cannot be written.", layout.Log).
			WithHint("Free some space on its disk, or give this account the right to write it.").Wrap(err)
	}
	defer func() { _ = log.Close() }()
	from, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return app.Status{}, app.AsError("start", err)
	}
	child, err := background(layout, log)
	if err != nil {
		return app.Status{}, err
	}
	return p.awaitAgent(ctx, layout, child, from)
}

// background starts the agent's program, with nothing that ties it to this terminal. The channel gives its
// end. It has an icon where this is a desktop session, and needs none.
func background(layout config.Layout, log *os.File) (<-chan error, error) {
	exe, err := agentProgram()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(exe, "agent", "--home", layout.Home) //nolint:noctx // it outlives this program
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = layout.Home, log, log, detached()
	if err := cmd.Start(); err != nil {
		return nil, app.Errorf(app.CodeFailed, "start", "The agent cannot be started.").
			WithHint("Run it here to see why: coditect-sync agent --headless").Wrap(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }() // until this program ends, long before the agent as a rule
	return ended, nil
}

func (p *program) awaitAgent(ctx context.Context, layout config.Layout, ended <-chan error, from int64) (app.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	for {
		if client, err := p.dial(ctx); err == nil {
			return client.Status(ctx)
		}
		select {
		case err := <-ended:
			return app.Status{}, app.Errorf(app.CodeFailed, "start", "The agent ended at once: %s", lastWords(layout.Log, from)).
				WithHint("Its log is %s.", layout.Log).Wrap(err)
		default:
		}
		if !pauseFor(ctx, lookEvery) {
			return app.Status{}, app.Errorf(app.CodeFailed, "start", "The agent was started but does not answer.").
				WithHint("Its log is %s.", layout.Log).Wrap(context.Cause(ctx))
		}
	}
}

// lastWords is the sentence with which a program of ours ended: the first line after from that is neither one of the log
// nor one of GTK's, which begin with a bracket and go on indented.
func lastWords(path string, from int64) string {
	text, err := os.ReadFile(path)
	if err == nil && from <= int64(len(text)) {
		for line := range bytes.Lines(text[from:]) {
			if s := strings.TrimSpace(string(line)); s != "" && s[0] != '{' && s[0] != '(' && line[0] != '\t' {
				return s
			}
		}
	}
	return "it does not say why."
}
