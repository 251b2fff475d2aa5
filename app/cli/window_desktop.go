//go:build desktop || bindings

package cli

import (
	"context"

	"github.com/coditect-ai/coditect-sync/app/desktop"
	"github.com/coditect-ai/coditect-sync/app/window"
)

// hasWindow tells that this program can show the window itself.
const hasWindow = true

// showWindow shows the window in this process until it is closed, or raises the one that is open.
func (p *program) showWindow(ctx context.Context, view string) error {
	layout, err := p.layout()
	if err != nil {
		return err
	}
	if err := layout.Make(); err != nil {
		return err
	}
	logged := layout
	logged.Log = windowLog(layout)
	log, closeLog, err := p.logger(logged)
	if err != nil {
		return err
	}
	defer func() { _ = closeLog() }()
	return window.Run(ctx, window.Config{
		Home: layout.Home, View: view, Logger: log, Version: p.version, Dark: desktop.PrefersDark(ctx),
		Start: func(ctx context.Context) error {
			_, err := p.spawn(ctx)
			return err
		},
	})
}
