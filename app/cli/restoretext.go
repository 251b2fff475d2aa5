package cli

import (
	"context"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// tellPlan says what a restore would do.
func (p *program) tellPlan(ctx context.Context, s *screen, svc app.Service, req app.RestoreRequest, plan app.RestorePlan) error {
	st, err := svc.Status(ctx)
	if err != nil {
		return err
	}
	now := p.now()
	if plan.Back != nil {
		p.tellBack(s, plan)
		return nil
	}
	s.line(strong.of("Restore to %s.", moment(plan.Point.Time, now)))
	if !req.At.IsZero() && !req.At.Equal(plan.Point.Time) {
		s.field("You asked for", plain.of("%s; this is the newest point at or before it", moment(req.At, now)))
	}
	s.field("Point", plain.of("%s", plan.Point.ID))
	if plan.Target != "" {
		s.field("Storage", plain.of("%s", plan.Target))
	}
	tellMissing(s, plan.Missing)
	if plan.Machine != st.MachineID {
		s.field("Machine", plain.of("%s", p.nameOf(ctx, svc, plan.Machine)))
	}
	if plan.Writer != nil {
		s.field("History", plain.of("written by %s; a branch of it, or with --take-over from here on", plan.Writer.Host))
	}
	if req.To != "" {
		s.field("Into", plain.of("%s, a new file; the live file stays as it is", req.To))
	} else {
		s.field("Into", plain.of("%s", st.DB.Path))
		s.field("Taken back", waits.of("everything written since then, %s", lasting(now.Sub(plan.Point.Time))))
	}
	s.field("To read", plain.of("%s, %s", count(int64(plan.Objects), "object"), amount(plan.Bytes)))
	s.field("Takes", plain.of("about %s", lasting(seconds(plan.Seconds))))
	if req.To == "" {
		s.field("Others", plain.of("wait about %s to write", lasting(seconds(plan.WriterWait))))
	}
	tellDisk(s, plan)
	if req.To == "" {
		s.field("Undo", plain.of("the state of now is kept for 30 days"))
	}
	return nil
}

func tellDisk(s *screen, plan app.RestorePlan) {
	style := plain
	if plan.DiskFree < plan.DiskNeeded {
		style = wrong
	}
	s.field("Disk", style.of("needs %s, %s free", amount(plan.DiskNeeded), amount(plan.DiskFree)))
}

// tellRestored says what a restore did and how it was checked.
func (p *program) tellRestored(res app.RestoreResult, live bool) {
	now := p.now()
	if live {
		p.out.line(strong.of("Your memory is as it was at %s.", moment(res.Point.Time, now)))
	} else {
		p.out.line(strong.of("The file holds your memory as it was at %s.", moment(res.Point.Time, now)))
	}
	p.out.field("File", plain.of("%s", res.Path))
	p.out.field("Point", plain.of("%s", res.Point.ID))
	if res.Target != "" {
		p.out.field("Storage", plain.of("%s", res.Target))
	}
	tellMissing(p.out, res.Missing)
	p.out.field("Checked", plain.of("integrity %s, %s", res.Integrity, count(res.Rows, "row")), equalSpan(res))
	if res.Had > 0 {
		p.out.field("Was here", plain.of("%s of the copy, and not fetched again", amount(res.Had)))
	}
	if res.History != "" {
		p.out.field("History", plain.of("%s", res.History))
	}
	if res.Note != "" {
		p.out.field("Note", waits.of("%s", res.Note))
	}
	if res.Kept != "" {
		p.out.field("Kept", plain.of("the file that was there is now %s", res.Kept))
	}
	took := plain.of("%s", measured(res.Took))
	if res.WritersWaited > 0 {
		took.text += ", other programs waited " + measured(res.WritersWaited) + " to write"
	}
	p.out.field("Took", took)
	if res.Undo != nil {
		p.out.field("Undo", plain.of("until %s with `coditect-sync undo`", day(res.Undo.Until, now)))
	}
	p.tellTables(res.Tables)
}

func equalSpan(res app.RestoreResult) span {
	if res.Equal {
		return plain.of(", every one equal to the copy")
	}
	return waits.of(", not compared with the copy afterwards")
}

// undoSentence says which restore an undo takes back.
func undoSentence(u *app.UndoPoint, now time.Time) string {
	return "the restore to " + moment(u.RestoredTo, now) + ", made " + age(u.RestoredAt, now)
}
