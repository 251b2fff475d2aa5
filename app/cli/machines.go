package cli

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/coditect-ai/coditect-sync/app"
)

func (p *program) machinesVerb() *cobra.Command {
	c := p.readingVerb("machines", "The machines seen at the storage, or in the account", p.machines)
	yes := false
	rename := p.machineVerb("rename ID NAME", "Give a machine of the account a name", 2, func(ctx context.Context, args []string) error {
		return p.renameMachine(ctx, args[0], args[1])
	})
	revoke := p.machineVerb("revoke ID", "Sign a machine of the account out, when it is lost", 1, func(ctx context.Context, args []string) error {
		return p.revokeMachine(ctx, args[0], yes)
	})
	revoke.Flags().BoolVar(&yes, "yes", false, "do not ask")
	c.AddCommand(rename, revoke)
	return c
}

// machineVerb is a verb about one machine.
func (p *program) machineVerb(use, short string, n int, do func(ctx context.Context, args []string) error) *cobra.Command {
	c := p.verb(use, short, nil)
	c.Args = func(c *cobra.Command, args []string) error {
		if len(args) != n || args[n-1] == "" || args[0] == "" {
			return app.Errorf(app.CodeInvalid, "machines", "It is called like this: coditect-sync machines %s.", use).
				WithHint("`coditect-sync machines` lists them.")
		}
		return nil
	}
	c.RunE = func(c *cobra.Command, args []string) error { return ran(do(c.Context(), args)) }
	return c
}

func (p *program) renameMachine(ctx context.Context, id, name string) error {
	return p.with(ctx, anyhow, func(s *session) error {
		if err := s.RenameMachine(ctx, id, name); err != nil {
			return err
		}
		p.out.line(plain.of("%s is now called %s.", id, name))
		return nil
	})
}

func (p *program) revokeMachine(ctx context.Context, id string, yes bool) error {
	const what = "The machine is signed out at once. Its rows stay on it."
	if !yes && !p.canAsk() {
		return needsYes("machines", what)
	}
	return p.with(ctx, anyhow, func(s *session) error {
		if !yes {
			if err := p.confirm(ctx, "machines", what); err != nil {
				return err
			}
		}
		if err := s.RevokeMachine(ctx, id); err != nil {
			return err
		}
		p.out.line(plain.of("%s is signed out.", id))
		return nil
	})
}

func (p *program) machines(ctx context.Context) error {
	return p.with(ctx, anyhow, func(s *session) error {
		list, err := s.Machines(ctx)
		if err != nil {
			return err
		}
		if p.json {
			p.writeJSON(orEmpty(list))
			return nil
		}
		p.tellMachines(list)
		return nil
	})
}

func (p *program) tellMachines(list []app.Machine) {
	switch {
	case len(list) == 0:
		p.out.line(plain.of("None yet. This machine appears with the first copy."))
		return
	case len(list) == 1 && list[0].This:
		p.out.line(plain.of("Only this one."))
		p.out.gap()
	}
	if !list[0].SeenAt.IsZero() {
		p.accountTable(list)
		return
	}
	p.machineTable(p.out, list)
}

// accountTable shows the machines of an account.
func (p *program) accountTable(list []app.Machine) {
	t := table{{title: "machine"}, {title: "last seen"}, {title: "id"}}
	for _, m := range list {
		name := strong.of("%s", m.Name)
		if m.Name == "" {
			name = quiet.of("without a name")
		}
		if m.This {
			name.text += " (this one)"
		}
		seen := plain.of("%s", age(m.SeenAt, p.now()))
		if m.Revoked {
			seen = quiet.of("signed out")
		}
		t.row(name, seen, plain.of("%s", m.ID))
	}
	p.out.table(t)
}

// machineTable shows machines on a screen.
func (p *program) machineTable(s *screen, list []app.Machine) {
	t := table{{title: "machine"}, {title: "last copied"}, {title: "writes since", opt: true}, {title: "rows", right: true}, {title: "file", opt: true}, {title: "id"}}
	for _, m := range list {
		host := strong.of("%s", m.Host)
		if m.Host == "" {
			host = quiet.of("unknown")
		}
		if m.This {
			host.text += " (this one)"
		}
		copied := quiet.of("never")
		if !m.LastReplicated.IsZero() {
			copied = plain.of("%s", age(m.LastReplicated, p.now()))
		}
		writes := quiet.of("–")
		if m.Primary {
			writes = plain.of("%s", on(m.PrimarySince, p.now(), "15:04"))
		}
		t.row(host, copied, writes, plain.of("%s", grouped(rowsIn(m.Rows))), plain.of("%s", m.DB), plain.of("%s", m.ID))
	}
	s.table(t)
}

// nameOf is what people call a machine, with its id.
func (p *program) nameOf(ctx context.Context, s app.Inspector, id string) string {
	list, err := s.Machines(ctx)
	i := slices.IndexFunc(list, func(m app.Machine) bool { return m.ID == id })
	if err != nil || i < 0 || list[i].Host == "" {
		return id
	}
	return list[i].Host + " (" + id + ")"
}

func rowsIn(tables map[string]int64) (n int64) {
	for _, rows := range tables {
		n += rows
	}
	return n
}

// orEmpty makes an absent list [] in JSON.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
