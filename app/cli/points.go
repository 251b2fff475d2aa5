package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/coditect-ai/coditect-sync/app"
)

// pointsShown is how many points people see when they do not say how many.
const pointsShown = 20

func (p *program) pointsVerb() *cobra.Command {
	var machine string
	limit := -1
	c := p.readingVerb("points", "The moments that can be restored, newest first", func(ctx context.Context) error {
		if limit < -1 {
			return app.Errorf(app.CodeInvalid, "points", "--limit %d is no number of points.", limit).WithHint("0 shows all.")
		}
		return p.points(ctx, machine, limit)
	})
	p.word(c, &machine, "machine", "`NAME` or id of another machine (see machines)")
	c.Flags().IntVar(&limit, "limit", -1, "how many; 0 for all (20, or all with --json)")
	p.completes(c, "machine", p.machineIDs)
	return c
}

func (p *program) points(ctx context.Context, machine string, limit int) error {
	return p.with(ctx, anyhow, func(s *session) error {
		line, err := s.Points(ctx, machine)
		if err != nil {
			return err
		}
		all := len(line.Points)
		if limit < 0 && !p.json {
			limit = pointsShown
		}
		if limit > 0 && limit < all {
			line.Points = line.Points[:limit]
		}
		if p.json {
			line.Points = orEmpty(line.Points)
			p.writeJSON(line)
			return nil
		}
		if machine != "" && all > 0 {
			p.out.line(plain.of("The history of %s.", p.nameOf(ctx, s, line.Machine)))
		}
		p.tellPoints(line, all)
		return nil
	})
}

func (p *program) tellPoints(line app.Timeline, all int) {
	if all == 0 {
		p.out.line(plain.of("The first point appears with the first copy."))
		return
	}
	now := p.now()
	t := table{{title: "moment"}, {title: "what", opt: true}, {title: "size", right: true}, {title: "kept", opt: true}, {title: "point"}}
	oldest := line.Oldest
	for _, pt := range line.Points {
		kept := ""
		if !pt.Pinned.IsZero() {
			kept = "until " + day(pt.Pinned, now)
		}
		t.row(plain.of("%s", exactMoment(pt.Time, now)), plain.of("%s", kindName(pt.Kind)), plain.of("%s", amount(pt.Size)),
			plain.of("%s", kept), plain.of("%s", pt.ID))
		if oldest.IsZero() || pt.Time.Before(oldest) {
			oldest = pt.Time
		}
	}
	p.out.line(strong.of("You can go back as far as %s.", moment(oldest, now)))
	p.out.gap()
	p.out.table(t)
	if shown := len(line.Points); shown < all {
		p.out.gap()
		p.out.line(quiet.of("%s of %s; --limit 0 shows all.", grouped(int64(shown)), count(int64(all), "point")))
	}
}

func kindName(k app.PointKind) string {
	switch k {
	case app.PointFull:
		return "full copy"
	case app.PointMerged:
		return "merged"
	case app.PointChange:
	}
	return "change"
}
