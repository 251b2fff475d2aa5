package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/coditect-ai/coditect-sync/app"
)

func (p *program) stopVerb() *cobra.Command {
	c := p.verb("stop", "Standalone replication off", p.stop)
	c.Long = "Switch standalone mode off, after what is waiting was copied. The agent goes on running and does nothing;\n`coditect-sync quit` ends it. After a\n`coditect-sync push --initial` whose proof holds, it goes on to cloud mode instead."
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
		to := app.ModeOff
		if inCloud(st) {
			to = app.ModeCloud
		}
		if st, err = switchMode(ctx, s, to); err != nil {
			return err
		}
		if to == app.ModeCloud {
			p.out.line(plain.of("Standalone is off; cloud mode goes on from here, because every row was proved to be there."))
			p.out.line(plain.of("%s", st.Summary))
			return nil
		}
		p.out.line(plain.of("%s", st.Summary))
		p.out.line(plain.of("Switch it on again with `coditect-sync start`."))
		return nil
	})
}

// inCloud tells that standalone mode keeps a file whose every row was proved to be in the cloud, and is recorded for it.
func inCloud(st app.Status) bool {
	c := st.Cloud
	return st.Mode == app.ModeStandalone && st.ModeLocked == "" && c != nil && c.SignedIn && c.Recording &&
		c.LastProof != nil && c.LastProof.Equal
}
