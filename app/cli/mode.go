package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/coditect-ai/coditect-sync/app"
)

func (p *program) modeVerb() *cobra.Command {
	c := p.readingVerb("mode [cloud|standalone|off]", "Show or switch the mode", nil)
	c.Args = func(c *cobra.Command, args []string) error {
		if len(args) == 2 {
			return app.Errorf(app.CodeInvalid, "mode", "One mode at a time, and here is also %q.", args[1])
		}
		return nil
	}
	c.ValidArgs = []string{string(app.ModeCloud), string(app.ModeStandalone), string(app.ModeOff)}
	c.ValidArgsFunction = nil
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return ran(p.showMode(c.Context()))
		}
		return ran(p.setMode(c.Context(), args[0]))
	}
	return c
}

func (p *program) showMode(ctx context.Context) error {
	return p.with(ctx, anyhow, func(s *session) error {
		st, err := s.Status(ctx)
		if err != nil {
			return err
		}
		p.tellMode(st, s.own)
		return nil
	})
}

func (p *program) setMode(ctx context.Context, text string) error {
	mode, err := app.ParseMode(text)
	if err != nil {
		return err
	}
	return p.with(ctx, anyhow, func(s *session) error {
		was, err := s.Status(ctx)
		if err != nil {
			return err
		}
		if moves(was.Mode, mode) {
			return p.move(ctx, s, app.MoveRequest{To: mode})
		}
		st, err := switchMode(ctx, s, mode)
		if err != nil {
			return err
		}
		p.tellMode(st, s.own)
		return nil
	})
}

// moves tells that a change of the mode gives one way of keeping rows up for another, which is proved first.
func moves(from, to app.Mode) bool {
	return from == app.ModeStandalone && to == app.ModeCloud || from == app.ModeCloud && to == app.ModeStandalone
}

// modeJSON is the answer of mode --json.
type modeJSON struct {
	Mode    app.Mode  `json:"mode"`
	Locked  string    `json:"mode_locked,omitempty"`
	State   app.State `json:"state"`
	Running bool      `json:"running"`
}

func (p *program) tellMode(st app.Status, own bool) {
	if p.json {
		p.writeJSON(modeJSON{Mode: st.Mode, Locked: st.ModeLocked, State: st.State, Running: !own})
		return
	}
	p.out.line(strong.of("%s", modeName(st.Mode)))
	if st.ModeLocked != "" {
		p.out.line(lockedSpan(st))
	}
	if own && (st.Mode == app.ModeStandalone || st.Mode == app.ModeCloud) {
		p.out.line(waits.of("CODITECT Sync is not running, so nothing is protected."), plain.of(" Start it with `coditect-sync start`."))
	}
}

func lockedSpan(st app.Status) span {
	return plain.of("Locked: CODITECT_SYNC_MODE=%s is set for this session.", st.ModeLocked)
}

// modeName is the mode as people read it.
func modeName(m app.Mode) string {
	switch m {
	case app.ModeCloud:
		return "Cloud"
	case app.ModeStandalone:
		return "Standalone"
	case app.ModeOff:
		return "Off"
	case app.ModeUnset:
	}
	return "not chosen yet"
}
