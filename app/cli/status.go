package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/coditect-ai/coditect-sync/app"
)

func (p *program) statusVerb() *cobra.Command {
	var watch bool
	c := p.readingVerb("status", "Whether you are protected, and since when", func(ctx context.Context) error {
		return p.with(ctx, running, func(s *session) error {
			if watch {
				return p.watchStatus(ctx, s)
			}
			return p.showStatus(ctx, s)
		})
	})
	c.Long = "Say whether you are protected, since when, and what waits. The exit status is 0 whenever the agent answers."
	c.Flags().BoolVar(&watch, "watch", false, "go on showing changes; with --json one line for each")
	return c
}

func (p *program) showStatus(ctx context.Context, s app.Watcher) error {
	st, err := s.Status(ctx)
	if err != nil {
		return err
	}
	if p.json {
		p.writeJSON(st)
		return nil
	}
	p.tellStatus(st)
	return nil
}

// watchStatus shows every change until it is interrupted, or the agent ends.
func (p *program) watchStatus(ctx context.Context, s app.Watcher) error {
	p.out.lines = 0
	for rev, first := uint64(0), true; ; first = false {
		st, err := s.Watch(ctx, rev)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // an interrupt is how one stops watching
		}
		if err != nil {
			return err
		}
		rev = st.Rev
		switch {
		case p.json:
			p.writeJSONLine(st)
			continue
		case p.out.tty:
			p.out.erase()
		case !first:
			p.out.gap()
		}
		p.tellStatus(st)
	}
}
