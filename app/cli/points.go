package cli

import (
	"context"
	"slices"
	"strconv"
	"strings"

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
	tellMissing(p.out, line.Missing)
	if all == 0 {
		p.out.line(plain.of("The first point appears with the first copy."))
		return
	}
	now := p.now()
	t := table{{title: "moment"}, {title: "what", opt: true}, {title: "size", right: true}, {title: "kept", opt: true}, {title: "point"}}
	places := targetsOf(line)
	if len(places) > 0 {
		t = append(t, column{title: "storage"})
	}
	oldest := line.Oldest
	for _, pt := range line.Points {
		kept := ""
		if !pt.Pinned.IsZero() {
			kept = "until " + day(pt.Pinned, now)
		}
		cells := []span{plain.of("%s", exactMoment(pt.Time, now)), plain.of("%s", kindName(pt.Kind)), plain.of("%s", amount(pt.Size)),
			plain.of("%s", kept), plain.of("%s", pt.ID)}
		if len(places) > 0 {
			cells = append(cells, plain.of("%s", numbersOf(pt.Targets, places)))
		}
		t.row(cells...)
		if oldest.IsZero() || pt.Time.Before(oldest) {
			oldest = pt.Time
		}
	}
	p.out.line(strong.of("You can go back as far as %s.", moment(oldest, now)))
	p.out.gap()
	p.out.table(t)
	for i, place := range places {
		if i == 0 {
			p.out.gap()
		}
		p.out.field(strconv.Itoa(i+1), plain.of("%s", place))
	}
	if shown := len(line.Points); shown < all {
		p.out.gap()
		p.out.line(quiet.of("%s of %s; --limit 0 shows all.", grouped(int64(shown)), count(int64(all), "point")))
	}
}

// targetsOf are the storages that hold points, where there are several; they are shown by their numbers.
func targetsOf(line app.Timeline) (all []string) {
	for _, pt := range line.Points {
		for _, target := range pt.Targets {
			if !slices.Contains(all, target) {
				all = append(all, target)
			}
		}
	}
	slices.Sort(all)
	return all
}

func numbersOf(targets, all []string) string {
	var out []string
	for i, place := range all {
		if slices.Contains(targets, place) {
			out = append(out, strconv.Itoa(i+1))
		}
	}
	return strings.Join(out, ", ")
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
