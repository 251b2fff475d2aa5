package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/coditect-ai/coditect-sync/app"
)

func (p *program) doctorVerb() *cobra.Command {
	var file string
	c := p.readingVerb("doctor", "Look for what is wrong or could become so", func(ctx context.Context) error {
		return p.doctor(ctx, file)
	})
	c.Long = "Check the file, its surroundings, the storage and the settings. The exit status is 1 if something is bad.\nThe bundle for a report holds no row and no secret; what is in it is listed."
	p.word(c, &file, "bundle", "also write a zip `FILE` for a report")
	return c
}

// doctorJSON is the answer of doctor --json.
type doctorJSON struct {
	Findings []app.Finding `json:"findings"`
	Bundle   []string      `json:"bundle,omitempty"` // what is in the file
}

func (p *program) doctor(ctx context.Context, bundle string) error {
	return p.with(ctx, anyhow, func(s *session) error {
		found, err := s.Doctor(ctx)
		if err != nil {
			return err
		}
		if !s.own {
			found = append(found, p.sameVersion(ctx, s)...)
		}
		answer := doctorJSON{Findings: orEmpty(found)}
		if bundle != "" {
			if answer.Bundle, err = p.writeBundle(ctx, s, bundle); err != nil {
				return err
			}
		}
		if p.json {
			p.writeJSON(answer)
		} else {
			p.tellFindings(answer, bundle, s.own)
		}
		return badFindings(found)
	})
}

// sameVersion warns of an agent that is older or newer than this program.
func (p *program) sameVersion(ctx context.Context, s *session) []app.Finding {
	st, err := s.Status(ctx)
	if err != nil || st.Version == p.version {
		return nil
	}
	return []app.Finding{{
		Check: "version", Level: app.LevelWarn, Detail: "The agent is version " + st.Version + ", this program is " + p.version + ".",
		Hint: "End the agent with `coditect-sync quit` and start it again.",
	}}
}

func (p *program) tellFindings(a doctorJSON, bundle string, own bool) {
	if own {
		p.out.line(waits.of("%s ", glyphWaits), plain.of("CODITECT Sync is not running, so nothing is protected. Start it with `coditect-sync start`."))
	}
	for _, f := range a.Findings {
		glyph, style := glyphStep, quiet
		switch f.Level {
		case app.LevelWarn:
			glyph, style = glyphWaits, waits
		case app.LevelBad:
			glyph, style = glyphStopped, wrong
		case app.LevelOK:
		}
		p.out.block(0, 2, style.of("%s ", glyph), strong.of("%s: ", f.Check), plain.of("%s", f.Detail))
		if hint := f.InShell(); hint != "" {
			p.out.block(2, 2, plain.of("%s", hint))
		}
	}
	if len(a.Bundle) == 0 {
		return
	}
	p.out.gap()
	p.out.line(plain.of("%s holds these and nothing else:", bundle))
	for _, line := range a.Bundle {
		p.out.block(2, 4, plain.of("%s", line))
	}
}

func badFindings(found []app.Finding) error {
	n := int64(0)
	for _, f := range found {
		if f.Level == app.LevelBad {
			n++
		}
	}
	switch n {
	case 0:
		return nil
	case 1:
		return app.Errorf(app.CodeFailed, "doctor", "1 thing needs you.")
	}
	return app.Errorf(app.CodeFailed, "doctor", "%s need you.", count(n, "thing"))
}
