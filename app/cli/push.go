package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/coditect-ai/coditect-sync/app"
)

func (p *program) pushVerb() *cobra.Command {
	var req app.PushRequest
	c := p.readingVerb("push", "Return when every row of this machine is in the cloud", func(ctx context.Context) error { return p.push(ctx, req) })
	c.Long = "Wait until every row that was committed before is in the cloud and acknowledged. It needs an account, and works in\n" +
		"standalone mode too. With --initial also rows that were there before the file was recorded for the cloud are sent, and\n" +
		"every table is proved equal."
	c.Flags().BoolVar(&req.Initial, "initial", false, "also send rows that were there before, and prove all of them")
	return c
}

func (p *program) push(ctx context.Context, req app.PushRequest) error {
	return p.with(ctx, running, func(s *session) error {
		var res app.PushResult
		err := p.following(ctx, s, func() (err error) {
			res, err = s.Push(ctx, req)
			return err
		})
		if err != nil {
			return err
		}
		if p.json {
			p.writeJSON(res)
		}
		if res.Proof != nil && !res.Proof.Equal {
			return p.notEqual("push", *res.Proof)
		}
		if !p.json {
			p.tellPushed(res)
		}
		return nil
	})
}

func (p *program) tellPushed(res app.PushResult) {
	p.out.line(proved.of("%s Every row of this machine is in the cloud.", glyphStep))
	p.out.field("Sent", plain.of("%s", count(res.Pushed, "change")))
	if res.Rejected > 0 {
		p.out.field("Not accepted", waits.of("%s, kept: see `coditect-sync lost list`", count(res.Rejected, "row")))
	}
	if res.Proof != nil {
		p.tellProof(*res.Proof)
	}
}

// notEqual is the error of a proof that does not hold.
func (p *program) notEqual(op string, proof app.Proof) error {
	if !p.json {
		p.tellProofTables(proof.Tables)
	}
	what := sentence(proof.Problem)
	if proof.Problem == "" {
		what = "This machine and the cloud do not hold the same rows."
	}
	e := app.Errorf(app.CodeFailed, op, "%s", what).WithHint("What differs is kept; see `coditect-sync lost list`, then prove again with `coditect-sync verify`.")
	if proof.Cure != "" {
		e = e.WithHint("%s Prove again with `coditect-sync verify`.", sentence(proof.Cure))
	}
	return e
}

func (p *program) tellProof(proof app.Proof) {
	p.out.line(proved.of("%s Proved: this machine and the cloud %s.", glyphProved, proof.Held()))
	p.out.field("Took", plain.of("%s", measured(proof.Took)))
	p.tellProofTables(proof.Tables)
}

// tellProofTables compares the tables side by side.
func (p *program) tellProofTables(tables []app.TableProof) {
	if len(tables) == 0 {
		return
	}
	p.out.gap()
	t := table{{title: "table"}, {title: "this machine", right: true}, {title: "cloud", right: true}, {title: ""}}
	for _, row := range tables {
		says := proved.of("equal")
		switch {
		case row.Moving:
			says = plain.of("others write to it")
		case !row.Equal:
			says = wrong.of("differs")
		}
		t.row(plain.of("%s", row.Table), plain.of("%s", grouped(row.Here.Rows)), plain.of("%s", grouped(row.There.Rows)), says)
	}
	p.out.table(t)
}

func (p *program) rebuildVerb() *cobra.Command {
	c := p.readingVerb("rebuild", "Fetch every row of the account anew", p.rebuild)
	c.Long = "The cure of a lost or damaged file in cloud mode: every row comes down again, and what waits to go up is kept."
	return c
}

func (p *program) rebuild(ctx context.Context) error {
	return p.with(ctx, running, func(s *session) error {
		var st app.Status
		err := p.following(ctx, s, func() (err error) {
			st, err = s.Rebuild(ctx)
			return err
		})
		if err != nil {
			return err
		}
		if p.json {
			p.writeJSON(st)
			return nil
		}
		p.out.line(plain.of("Every row was fetched anew."))
		p.out.line(plain.of("%s", st.Summary))
		return nil
	})
}
