package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/coditect-ai/coditect-sync/app"
)

const targetLong = `The storages that hold the copies. Each one holds the whole history by itself, with its own state; none waits for another.

A storage that is added is tried like one of setup, and gets a full copy first. One that is removed keeps what it has; it is
not written any more.`

func (p *program) targetVerb() *cobra.Command {
	c := p.readingVerb("target", "The storages, each with its state; add or remove one", p.targets)
	c.Long = targetLong
	c.AddCommand(p.targetAdd(), p.targetRemove())
	return c
}

func (p *program) targetAdd() *cobra.Command {
	req := app.SetupRequest{Add: true}
	var keyFile string
	var in signIn
	c := p.oneTarget("add URL", "Copy to a further storage", &req, &keyFile, &in)
	c.Flags().BoolVar(&req.Encrypt, "encrypt", false, "encrypt the copies there on this machine, with a recovery key")
	p.word(c, &keyFile, "key-file", "`FILE` of the recovery key, - for stdin; with --encrypt it is made if it is missing")
	p.word(c, &req.Credentials, "credentials", "service-account key `FILE` for a gs:// storage")
	p.signInFlags(c, &in)
	c.Flags().BoolVar(&req.TakeOver, "take-over", false, "write the history there from here on, instead of the machine that does")
	c.Flags().BoolVar(&req.Create, "create", false, "make a missing bucket")
	return c
}

func (p *program) targetRemove() *cobra.Command {
	return p.oneTarget("remove URL", "Stop copying to a storage; what is there stays", &app.SetupRequest{Remove: true}, new(string), new(signIn))
}

// oneTarget is a verb about one storage.
func (p *program) oneTarget(use, short string, req *app.SetupRequest, keyFile *string, in *signIn) *cobra.Command {
	c := p.readingVerb(use, short, nil)
	c.Args = func(_ *cobra.Command, args []string) error {
		if len(args) != 1 || args[0] == "" {
			return app.Errorf(app.CodeInvalid, "target", "It is called like this: coditect-sync target %s.", use).
				WithHint("`coditect-sync target` lists the storages.")
		}
		return nil
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		req.Target = args[0]
		return ran(p.setup(c.Context(), *req, *keyFile, *in, true))
	}
	return c
}

func (p *program) targets(ctx context.Context) error {
	return p.with(ctx, anyhow, func(s *session) error {
		st, err := s.Status(ctx)
		if err != nil {
			return err
		}
		var all []app.StandaloneStatus
		if st.Standalone != nil {
			all = st.Standalone.Targets
		}
		if p.json {
			p.writeJSON(orEmpty(all))
			return nil
		}
		if len(all) == 0 {
			p.out.line(plain.of("None yet. Name one with `coditect-sync setup --target URL`."))
			return nil
		}
		for _, one := range all {
			p.tellTarget(one)
		}
		return nil
	})
}

// tellTarget says how one of several storages stands.
func (p *program) tellTarget(st app.StandaloneStatus) {
	now := p.now()
	glyph, style := targetSeal(st)
	p.out.gap()
	p.out.block(0, 2, style.of("%s ", glyph), strong.of("%s", st.Target))
	if st.Error != nil {
		p.out.block(2, 2, wrong.of("%s", st.Error.Message))
		if hint := st.Error.InShell(); hint != "" {
			p.out.block(2, 2, plain.of("%s", hint))
		}
	}
	p.tellCopied(st, st.Healthy, now)
	if !st.StartsOverSince.IsZero() {
		p.out.field("Begins anew", waits.of("it was away for too long; a full copy follows, the moments between are at the others"))
	}
	if st.MonthlyCost != nil {
		p.out.field("Costs", plain.of("%s", st.MonthlyCost.InWords()))
	}
	p.tellNow(st.Progress, st.Error, now)
}

// targetSeal is the shape and the colour of one of several storages.
func targetSeal(st app.StandaloneStatus) (string, style) {
	switch {
	case st.Error != nil && st.Error.Code == app.CodeDamaged, st.LastDrill != nil && !st.LastDrill.OK:
		return glyphStopped, wrong
	case st.Error != nil:
		return glyphWaits, waits
	case st.Progress != nil && st.Progress.Phase == app.PhaseOffline:
		return glyphOffline, quiet
	case st.Healthy:
		return glyphProved, proved
	}
	return glyphWorking, working
}

// tellMissing says which of several storages could not be used, and why.
func tellMissing(s *screen, missing []app.TargetFault) {
	for _, m := range missing {
		s.field("Without", waits.of("%s: %s", m.Target, m.Error.Message))
	}
}
