package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"
)

// completeWithin is how long a shell waits for suggestions.
const completeWithin = 2 * time.Second

// suggestion lists what a flag or an argument can be; the text is the machine that was named.
type suggestion func(context.Context, *session, string) ([]cobra.Completion, error)

// completes suggests values for a flag where an agent answers; it never starts anything.
func (p *program) completes(c *cobra.Command, flag string, values suggestion) {
	suggest := func(c *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		machine := ""
		if f := c.Flags().Lookup("machine"); f != nil && flag != "machine" {
			machine = f.Value.String()
		}
		return p.suggest(c, machine, values)
	}
	if err := c.RegisterFlagCompletionFunc(flag, suggest); err != nil {
		panic(err) // the flag is missing or registered twice: seen by the first test that makes the command
	}
}

// suggest asks the agent that runs for values.
func (p *program) suggest(c *cobra.Command, machine string, values suggestion) ([]cobra.Completion, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), completeWithin)
	defer cancel()
	var list []cobra.Completion
	err := p.with(ctx, running, func(s *session) (err error) {
		list, err = values(ctx, s, machine)
		return err
	})
	if err != nil {
		return nil, cobra.ShellCompDirectiveError | cobra.ShellCompDirectiveNoFileComp
	}
	return list, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

func (p *program) machineIDs(ctx context.Context, s *session, _ string) ([]cobra.Completion, error) {
	list, err := s.Machines(ctx)
	var out []cobra.Completion
	for _, m := range list {
		out = append(out, cobra.CompletionWithDesc(clean(m.ID), clean(m.Host)))
	}
	return out, err
}

func (p *program) pointIDs(ctx context.Context, s *session, machine string) ([]cobra.Completion, error) {
	line, err := s.Points(ctx, machine)
	var out []cobra.Completion
	for _, pt := range line.Points {
		out = append(out, cobra.CompletionWithDesc(clean(pt.ID), exactMoment(pt.Time, p.now())))
	}
	return out, err
}
