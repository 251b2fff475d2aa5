package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/coditect-ai/coditect-sync/app"
)

func (p *program) undoVerb() *cobra.Command {
	var yes bool
	c := p.readingVerb("undo", "Undo the last restore", func(ctx context.Context) error { return p.undo(ctx, yes) })
	c.Long = "Bring back the state before the last restore. An undo can itself be undone."
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

func (p *program) undo(ctx context.Context, yes bool) error {
	if !yes && !p.canAsk() {
		return needsYes("undo", "An undo replaces what is in the live file.")
	}
	return p.with(ctx, anyhow, func(s *session) error {
		if !yes {
			if err := p.agreedToUndo(ctx, s); err != nil {
				return err
			}
		}
		return p.replacing(ctx, s, "undo", true, func() (app.RestoreResult, error) { return s.Undo(ctx) })
	})
}

// agreedToUndo asks, unless there is nothing to undo: then the agent says so.
func (p *program) agreedToUndo(ctx context.Context, s *session) error {
	st, err := s.Status(ctx)
	if err != nil || st.Undo == nil {
		return err
	}
	p.err.line(strong.of("Undo %s.", undoSentence(st.Undo, p.now())))
	p.err.field("Into", plain.of("%s", st.DB.Path))
	p.err.field("Taken back", waits.of("everything written since %s", moment(st.Undo.Point.Time, p.now())))
	return p.confirm(ctx, "undo", "Go back to the state before it?")
}
