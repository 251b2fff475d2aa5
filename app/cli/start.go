package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/coditect-ai/coditect-sync/app"
)

func (p *program) startVerb() *cobra.Command {
	c := p.verb("start", "Protection on", p.start)
	c.Long = "Start the agent in the background if none runs, and switch standalone mode on where this memory is not kept in the cloud."
	return c
}

// start saves the wish, and sees that an agent is there to fulfil it.
func (p *program) start(ctx context.Context) error {
	own := false
	var st app.Status
	err := p.with(ctx, anyhow, func(s *session) (err error) {
		own = s.own
		if st, err = s.Status(ctx); err != nil || st.Mode == app.ModeCloud {
			return err // from there one moves, which is proved first
		}
		st, err = switchMode(ctx, s, app.ModeStandalone)
		return err
	})
	if err == nil && own {
		st, err = p.spawn(ctx)
	}
	if err != nil {
		return err
	}
	if own {
		p.out.line(plain.of("CODITECT Sync runs in the background, mode %s.", modeName(st.Mode)))
	} else {
		p.out.line(plain.of("CODITECT Sync is running, mode %s.", modeName(st.Mode)))
	}
	p.out.line(plain.of("%s", st.Summary))
	return nil
}

func switchMode(ctx context.Context, s app.Service, mode app.Mode) (app.Status, error) {
	return s.EditPrefs(ctx, app.PrefsEdit{Mode: &mode})
}
