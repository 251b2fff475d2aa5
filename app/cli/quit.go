package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/local"
)

func (p *program) quitVerb() *cobra.Command {
	return p.verb("quit", "End the agent", p.quit)
}

// quit returns when the agent's process has given its lock back.
func (p *program) quit(ctx context.Context) error {
	err := p.with(ctx, running, func(s *session) error {
		err := s.Quit(ctx)
		if app.CodeOf(err) == app.CodeNotRunning { // it ended before it answered
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := p.awaitEnd(ctx); err != nil {
		return err
	}
	p.out.line(plain.of("CODITECT Sync has ended. Until it starts again, nothing is protected."))
	return nil
}

func (p *program) awaitEnd(ctx context.Context) error {
	layout, err := p.layout()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, stopWithin)
	defer cancel()
	for {
		held, err := local.Lock(layout.Lock)
		if err == nil {
			return held.Release()
		}
		if app.CodeOf(err) != app.CodeBusy {
			return err
		}
		if !pauseFor(ctx, lookEvery) {
			return silent(err)
		}
	}
}
