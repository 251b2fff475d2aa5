package cli

import (
	"context"

	"github.com/coditect-ai/coditect-sync/app"
)

// foreseen is a plan in JSON, with what differs from the live file where that was looked at.
type foreseen struct {
	app.RestorePlan
	Tables []app.TableDiff `json:"tables,omitempty"`
}

// foresee says what a restore would do, and does nothing.
func (p *program) foresee(ctx context.Context, s *session, req app.RestoreRequest, plan app.RestorePlan, f restoreFlags) error {
	if !p.json {
		if err := p.tellPlan(ctx, p.out, s, req, plan); err != nil {
			return err
		}
	}
	tables, err := p.differences(ctx, s, req, plan, f)
	if err != nil {
		return err
	}
	if p.json {
		p.writeJSON(foreseen{plan, tables})
		return nil
	}
	tellDifferences(p.out, tables)
	return nil
}

// differences holds the moment against the live file, where that is asked for or another machine's rows would come into it;
// else nil.
func (p *program) differences(ctx context.Context, s *session, req app.RestoreRequest, plan app.RestorePlan, f restoreFlags) ([]app.TableDiff, error) {
	if req.To != "" || req.Rows != nil {
		return nil, nil
	}
	st, err := s.Status(ctx)
	if err != nil || !f.preview && plan.Machine == st.MachineID {
		return nil, err
	}
	if !p.json {
		p.err.line(quiet.of("Fetching that moment, to see what differs from the live file."))
	}
	seen, err := s.Preview(ctx, app.RestoreRequest{Machine: plan.Machine, Moment: app.Moment{Point: plan.Point.ID}})
	return orEmpty(seen.Tables), err
}

// tellDifferences shows per table what a restore would do to the live file. Nil is what was not looked at.
func tellDifferences(s *screen, tables []app.TableDiff) {
	if tables == nil {
		return
	}
	t := table{{title: "table"}, {title: "rows then", right: true, opt: true}, {title: "rows now", right: true, opt: true},
		{title: "− removed since", right: true}, {title: "± changed", right: true}, {title: "+ added", right: true}}
	var sum app.TableDiff
	for _, d := range tables {
		if d.Added+d.Changed+d.Removed == 0 {
			continue
		}
		sum.Added, sum.Changed, sum.Removed = sum.Added+d.Added, sum.Changed+d.Changed, sum.Removed+d.Removed
		t.row(strong.of("%s", d.Table), plain.of("%s", grouped(d.Then)), plain.of("%s", grouped(d.Now)),
			plain.of("%s", grouped(d.Removed)), plain.of("%s", grouped(d.Changed)), plain.of("%s", grouped(d.Added)))
	}
	s.gap()
	if len(t[0].cells) == 0 {
		s.line(plain.of("No row differs from the live file."))
		return
	}
	s.table(t)
	s.gap()
	s.line(waits.of("Brings back %s, changes %s back, takes away %s.", count(sum.Removed, "row"), grouped(sum.Changed), grouped(sum.Added)))
}
