//go:build !desktop && !bindings

package cli

import "context"

// hasWindow tells that this program can show the window itself.
const hasWindow = false

// showWindow shows the window in the program that has one.
func (p *program) showWindow(_ context.Context, view string) error {
	layout, err := p.layout()
	if err != nil {
		return err
	}
	return p.openWindow(layout.Home, view)
}
