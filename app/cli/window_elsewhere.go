//go:build !desktop && !bindings

package cli

import (
	"context"

	"github.com/coditect-ai/coditect-sync/app"
)

// hasWindow tells that this program can show the window itself.
const hasWindow = false

// showWindow shows the window in the program that has one.
func (p *program) showWindow(ctx context.Context, view string) error {
	layout, err := p.layout()
	if err == nil {
		err = p.ensureAgent(ctx)
	}
	if err != nil {
		return err
	}
	return p.openWindow(layout.Home, view)
}

// ensureAgent starts the agent if none runs: who opens the window from a list of applications wants the program to work.
func (p *program) ensureAgent(ctx context.Context) error {
	_, err := p.dial(ctx)
	if app.CodeOf(err) == app.CodeNotRunning {
		_, err = p.spawn(ctx)
	}
	return err
}
