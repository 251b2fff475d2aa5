package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/coditect-ai/coditect-sync/app"
)

func (p *program) machinesVerb() *cobra.Command {
	return p.readingVerb("machines", "The machines seen at the storage", p.machines)
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
	p.machineTable(p.out, list)
}

// machineTable shows machines on a screen.
func (p *program) machineTable(s *screen, list []app.Machine) {
	t := table{{title: "machine"}, {title: "last copied"}, {title: "rows", right: true}, {title: "file", opt: true}, {title: "id"}}
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
		t.row(host, copied, plain.of("%s", grouped(rowsIn(m.Rows))), plain.of("%s", m.DB), plain.of("%s", m.ID))
	}
	s.table(t)
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
