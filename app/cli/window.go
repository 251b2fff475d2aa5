package cli

import (
	"context"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/coditect-ai/coditect-sync/config"
)

func (p *program) windowVerb() *cobra.Command {
	var view string
	c := p.verb("window", "Open the window, or bring it to the front", func(ctx context.Context) error {
		return p.showWindow(ctx, view)
	})
	c.Long = "Open the window, or bring it to the front. The agent is started in the background if none runs."
	c.Flags().StringVar(&view, "view", "", "the `VIEW` to show: home, restore, activity, settings, first-run, diagnostics or doctor")
	return c
}

// windowLog is what the window writes, beside the agent's log.
func windowLog(layout config.Layout) string {
	return filepath.Join(filepath.Dir(layout.Log), "window.log")
}
