package cli

import (
	"context"

	"github.com/spf13/cobra"
)

func (p *program) windowVerb() *cobra.Command {
	var view string
	c := p.verb("window", "Open the window, or bring it to the front", func(context.Context) error {
		layout, err := p.layout()
		if err != nil {
			return err
		}
		return p.openWindow(layout.Home, view)
	})
	c.Flags().StringVar(&view, "view", "", "the `VIEW` to show: home, restore, activity, settings, first-run, diagnostics or doctor")
	return c
}
