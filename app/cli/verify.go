package cli

import (
	"cmp"
	"context"

	"github.com/spf13/cobra"

	"github.com/coditect-ai/coditect-sync/app"
)

func (p *program) verifyVerb() *cobra.Command {
	c := p.readingVerb("verify", "Prove the copy with a test restore, or the cloud by comparing every row, now", p.verify)
	c.Long = "In cloud mode, compare every table with the cloud. In standalone mode, restore the newest point into a temporary file, check it, and compare every row with this machine's file.\nThe exit status is 0 only if all of it holds."
	return c
}

func (p *program) verify(ctx context.Context) error {
	return p.with(ctx, anyhow, func(s *session) error {
		if st, err := s.Status(ctx); err != nil {
			return err
		} else if st.Mode == app.ModeCloud {
			return p.prove(ctx, s)
		}
		var d app.Drill
		err := p.following(ctx, s, func() (err error) {
			d, err = s.Verify(ctx)
			return err
		})
		if err != nil {
			return err
		}
		if p.json {
			p.writeJSON(d)
		}
		if !p.json && len(d.Targets) > 0 {
			p.tellDrills(d.Targets)
		}
		if e := d.Error; !d.OK && e != nil {
			return app.Errorf(e.Code, "verify", "The copy at %s is not proved: %s", d.Target, e.Message).
				WithHint("%s", cmp.Or(e.InShell(), "`coditect-sync target` says how each storage stands.")).Wrap(e.Err)
		}
		if !d.OK && d.Target != "" {
			return app.Errorf(app.CodeFailed, "verify", "The copy at %s is not proved: %s", d.Target, sentence(d.Problem)).
				WithHint("`coditect-sync target` says how each storage stands.")
		}
		if !d.OK {
			return app.Errorf(app.CodeFailed, "verify", "The copy does not hold: %s", sentence(d.Problem)).
				WithHint("`coditect-sync points` lists older moments, `coditect-sync doctor` looks for the cause.")
		}
		if !p.json && len(d.Targets) == 0 {
			p.tellDrill(d)
		}
		return nil
	})
}

// tellDrills says of each of several storages how its test restore went.
func (p *program) tellDrills(all []app.Drill) {
	for _, d := range all {
		if !d.OK {
			p.out.block(0, 2, wrong.of("%s ", glyphStopped), plain.of("%s: %s", d.Target, problemOf(d)))
			continue
		}
		p.out.block(0, 2, proved.of("%s ", glyphProved), plain.of("%s: it restores, and %s, in %s.", d.Target, equalRows(d.Rows), measured(d.Took)))
	}
}

// problemOf is why one of several storages is not proved. What an error says is a sentence already, and may begin with a name.
func problemOf(d app.Drill) string {
	if d.Error != nil {
		return d.Error.Message
	}
	return sentence(d.Problem)
}

// prove compares this machine with the cloud.
func (p *program) prove(ctx context.Context, s *session) error {
	var proof app.Proof
	err := p.following(ctx, s, func() (err error) {
		proof, err = s.Prove(ctx)
		return err
	})
	if err != nil {
		return err
	}
	if p.json {
		p.writeJSON(proof)
	}
	if !proof.Equal {
		return p.notEqual("verify", proof)
	}
	if !p.json {
		p.tellProof(proof)
	}
	return nil
}

func (p *program) tellDrill(d app.Drill) {
	p.out.line(proved.of("%s Proved: the copy restores, and %s.", glyphProved, equalRows(d.Rows)))
	p.out.field("Took", plain.of("%s", measured(d.Took)))
	p.out.field("Point", plain.of("%s", d.TXID))
	p.tellTables(d.Tables)
}

// tellTables shows the row hash of each table.
func (p *program) tellTables(tables []app.TableHash) {
	if len(tables) == 0 {
		return
	}
	p.out.gap()
	t := table{{title: "table"}, {title: "rows", right: true}, {title: "hash of all rows"}}
	for _, h := range tables {
		t.row(plain.of("%s", h.Table), plain.of("%s", grouped(h.Rows)), plain.of("%s", h.Sum))
	}
	p.out.table(t)
}

// equalRows is what a test restore that passed found.
func equalRows(n int64) string {
	if n == 0 {
		return "it is empty as the file is"
	}
	return "every row is equal, " + count(n, "row")
}
