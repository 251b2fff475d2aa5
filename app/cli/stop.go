package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/coditect-ai/coditect-sync/app"
)

func (p *program) stopVerb() *cobra.Command {
	c := p.verb("stop", "Standalone replication off", p.stop)
	c.Long = "Switch standalone mode off, after what is waiting was copied. The agent goes on running and does nothing;\n`coditect-sync quit` ends it."
	return c
}

func (p *program) stop(ctx context.Context) error {
	return p.with(ctx, anyhow, func(s *session) error {
		st, err := s.Status(ctx)
		if err != nil {
			return err
		}
		if st.Mode == app.ModeCloud {
			return app.Errorf(app.CodeRefused, "stop", "This machine is in cloud mode, which stop does not switch off.").
				WithHint("To stop syncing all the same: `coditect-sync mode off`.")
		}
		if st, err = switchMode(ctx, s, app.ModeOff); err != nil {
			return err
		}
		p.out.line(plain.of("%s", st.Summary))
		p.out.line(plain.of("Switch it on again with `coditect-sync start`."))
		return nil
	})
}
