package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/coditect-ai/coditect-sync/app"
)

func (p *program) migrateVerb() *cobra.Command {
	var back, dry bool
	c := p.readingVerb("migrate", "Move from standalone to the cloud, proved; --back for the way out", func(ctx context.Context) error {
		req := app.MoveRequest{To: app.ModeCloud}
		if back {
			req.To = app.ModeStandalone
		}
		if dry {
			return p.planMove(ctx, req)
		}
		return p.with(ctx, running, func(s *session) error { return p.move(ctx, s, req) })
	})
	c.Long = "Send every row to the cloud, prove every table equal, and only then stop copying to your storage. Whatever interrupts\n" +
		"it, the machine is in one mode or the other and nothing is lost; the same command goes on where it was. The moments of the\n" +
		"time before stay restorable. --back makes a proved copy at your storage and stops syncing; the cloud keeps its rows."
	c.Flags().BoolVar(&back, "back", false, "from the cloud to standalone")
	c.Flags().BoolVar(&dry, "dry-run", false, "say what would be done, and do nothing")
	return c
}

func (p *program) planMove(ctx context.Context, req app.MoveRequest) error {
	return p.with(ctx, anyhow, func(s *session) error {
		plan, err := s.PlanMove(ctx, req)
		if err != nil {
			return err
		}
		if p.json {
			p.writeJSON(plan)
			return nil
		}
		p.out.line(strong.of("From %s to %s", modeName(plan.From), modeName(plan.To)))
		p.out.field("Rows", plain.of("%s", grouped(plan.Rows)))
		if plan.Server != "" {
			p.out.field("Cloud", plain.of("%s", plan.Server))
		}
		if plan.Target != "" {
			p.out.field("Storage", plain.of("%s", plan.Target))
		}
		p.out.field("Takes", plain.of("about %s", lasting(seconds(plan.Seconds))))
		p.out.gap()
		for _, step := range plan.Steps {
			p.out.line(plain.of("%s %s.", glyphOff, step.Text))
		}
		for _, note := range plan.Notes {
			p.out.gap()
			p.out.line(plain.of("%s", note))
		}
		return nil
	})
}

// move moves and shows each step as it is done.
func (p *program) move(ctx context.Context, s *session, req app.MoveRequest) error {
	var res app.MoveResult
	err := p.following(ctx, s, func() (err error) {
		res, err = s.Move(ctx, req)
		return err
	})
	if err != nil {
		return err
	}
	if p.json {
		p.writeJSON(res)
		return nil
	}
	for _, step := range res.Steps {
		p.out.line(proved.of("%s ", glyphStep), plain.of("%s, %s.", step.Text, measured(step.Took)))
	}
	if res.Proof != nil {
		p.tellProofTables(res.Proof.Tables)
	}
	p.out.gap()
	p.out.line(plain.of("%s", res.Status.Summary))
	return nil
}
