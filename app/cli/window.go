package cli

import (
	"context"

	"github.com/spf13/cobra"
)

func (p *program) windowVerb() *cobra.Command {
	var view string
	c := p.verb("window", "Open the window, or bring it to the front", func(ctx context.Context) error {
		layout, err := p.layout()
		if err == nil {
			err = p.ensureAgent(ctx)
		}
		if err != nil {
			return err
		}
		return p.openWindow(layout.Home, view)
	})
	c.Long = "Open the window, or bring it to the front. The agent is started in the background if none runs."
	c.Flags().StringVar(&view, "view", "", "the `VIEW` to show: home, restore, activity, settings, first-run, diagnostics or doctor")
	return c
}
