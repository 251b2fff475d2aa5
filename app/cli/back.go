package cli

import (
	"context"
	"strings"

	"github.com/coditect-ai/coditect-sync/app"
)

// tellBack says which rows would come back, and whom that reaches.
func (p *program) tellBack(s *screen, plan app.RestorePlan) {
	s.line(strong.of("Bring back %s of %s.", count(plan.Back.Rows(), "row"), moment(plan.Point.Time, p.now())))
	tellTablesBack(s, plan.Back)
	s.field("New rows", plain.of("stay as they are"))
	if plan.UndoFor > 0 {
		s.field("Undo", plain.of("the state of now is kept for 30 days"))
	}
	switch r := plan.Back.Reach; {
	case r == nil:
	case r.People == 0:
		s.field("Reaches", waits.of("cannot be told now, because the cloud does not answer; everyone who sees their projects"))
	default:
		on := ""
		if r.Machines > 0 {
			on = " on " + count(int64(r.Machines), "machine")
		}
		s.field("Reaches", waits.of("%d people%s: everyone who sees %s", r.People, on, strings.Join(r.Projects, ", ")))
	}
}

func tellTablesBack(s *screen, back *app.Back) {
	for _, t := range back.Tables {
		s.field(t.Table, plain.of("%s that %s gone, %s that changed", count(t.Again, "row"), wasOrWere(t.Again), grouped(t.Changed)))
		if t.Differ > 0 {
			s.field("", waits.of("%s of them not as then: a trigger of the file or another program changed that at once", grouped(t.Differ)))
		}
	}
}

func wasOrWere(n int64) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

// nothingBack says that a moment has nothing to bring back.
func (p *program) nothingBack(plan app.RestorePlan) error {
	if p.json {
		p.writeJSON(app.RestoreResult{Point: plan.Point, Integrity: "ok", Back: plan.Back})
		return nil
	}
	p.out.line(plain.of("Nothing to bring back: those rows are as they were at %s.", moment(plan.Point.Time, p.now())))
	return nil
}

// rowsInterrupted says what holds of rows, which come back in steps, and how to go back where they began to.
func rowsInterrupted(ctx context.Context, s *session, undo *app.UndoPoint) error {
	e := app.Errorf(app.CodeCanceled, "restore", "Canceled. Rows that came back before stay; the same command goes on with the others.")
	st, err := settled(ctx, s)
	if err == nil && isNew(st.Undo, undo) {
		return e.WithHint("`coditect-sync undo` goes back.")
	}
	return e
}

// bringBack brings the rows back, and says so.
func (p *program) bringBack(ctx context.Context, s *session, req app.RestoreRequest) error {
	before, err := s.Status(ctx)
	if err != nil {
		return err
	}
	var res app.RestoreResult
	err = p.following(ctx, s, func() (err error) {
		res, err = s.Restore(ctx, req)
		return err
	})
	if err != nil && ctx.Err() != nil {
		return rowsInterrupted(ctx, s, before.Undo)
	} else if err != nil {
		return err
	}
	if p.json {
		p.writeJSON(res)
		return nil
	}
	p.out.line(proved.of("%s ", glyphStep), plain.of("%s of %s came back.", count(res.Rows, "row"), moment(res.Point.Time, p.now())))
	if res.Back != nil {
		tellTablesBack(p.out, res.Back)
	}
	if res.Note != "" {
		p.out.field("Note", waits.of("%s", res.Note))
	}
	if res.Undo != nil {
		p.out.field("Undo", plain.of("until %s with `coditect-sync undo`", day(res.Undo.Until, p.now())))
	}
	return nil
}
