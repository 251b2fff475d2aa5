//go:build darwin && !cgo

package tray

import (
	"context"

	"github.com/coditect-ai/coditect-sync/app"
)

// painter does not exist without cgo.
type painter struct{}

func (p *painter) paint(Menu, bool) {}

func (p *painter) repaint() {}

func (p *painter) listen(context.Context, *tray) {}

func panelLight(bool) bool { return false }

// show says that there is nothing to show.
func show(context.Context, *tray, func(*painter)) error {
	return app.Errorf(app.CodeInvalid, "tray", "This build cannot show an icon in the menu bar.").
		WithHint("Build it on macOS with cgo.")
}
