package tray

import (
	"context"
	"embed"
	"runtime"
	"strings"
	"time"

	"fyne.io/systray"
	"golang.org/x/sys/windows/registry"
)

//go:embed icons/*-light.ico icons/*-dark.ico
var pictures embed.FS

func setIcon(icon Icon, light bool) {
	variant := "dark"
	if light {
		variant = "light"
	}
	picture, err := pictures.ReadFile("icons/" + string(icon) + "-" + variant + ".ico")
	if err == nil { // a test has seen every one
		systray.SetIcon(picture)
	}
}

// escape keeps ampersands from becoming access keys.
func escape(label string) string { return strings.ReplaceAll(label, "&", "&&") }

// panelLight tells whether the task bar is light. It is dark unless a person chose otherwise.
func panelLight(bool) bool {
	const path = `Software\Microsoft\Windows\CurrentVersion\Themes\Personalize`
	key, err := registry.OpenKey(registry.CURRENT_USER, path, registry.QUERY_VALUE)
	if err != nil {
		return false
	}
	defer func() { _ = key.Close() }()
	light, _, err := key.GetIntegerValue("SystemUsesLightTheme")
	return err == nil && light != 0
}

// show runs the message loop of the icon in a thread of its own until ctx or the session ends. systray adds the icon
// again when the task bar was restarted. Where the desktop never takes the icon its goroutine is left behind.
func show(ctx context.Context, _ *tray, ready func(*painter)) error {
	begun, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread()
		systray.Run(func() { ready(newPainter()); close(begun) }, nil)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
	}
	select {
	case <-begun:
		systray.Quit()
		<-ended
	case <-time.After(5 * time.Second):
	}
	return nil
}
