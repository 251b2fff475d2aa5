//go:build cgo

package tray

import (
	"context"
	"embed"

	"fyne.io/systray"
)

// The menu bar colours the shape itself. It shows 16 points, of which a dense screen has two pixels each.
//
//go:embed icons/*-32-template.png
var pictures embed.FS

func setIcon(icon Icon, _ bool) {
	picture, err := pictures.ReadFile("icons/" + string(icon) + "-32-template.png")
	if err == nil { // a test has seen every one
		systray.SetTemplateIcon(picture, picture)
	}
}

func escape(label string) string { return label }

func panelLight(bool) bool { return false }

// show runs the application's event loop, which must be the main thread's, until ctx or the session ends.
func show(ctx context.Context, _ *tray, ready func(*painter)) error {
	begun := make(chan struct{})
	systray.Run(func() {
		ready(newPainter())
		close(begun)
		context.AfterFunc(ctx, systray.Quit)
	}, nil)
	<-begun
	return nil
}
