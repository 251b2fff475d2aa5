//go:build unix && !darwin

package tray

import (
	"context"
	"embed"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"fyne.io/systray"
	"github.com/godbus/dbus/v5"
)

// The item carries one picture, which panels scale: the double of the 22 px drawing is exactly halved by those that
// want 22, and right for those with twice the density.
//
//go:embed icons/*-44-light.png icons/*-44-dark.png
var pictures embed.FS

func setIcon(icon Icon, light bool) {
	variant := "dark"
	if light {
		variant = "light"
	}
	picture, err := pictures.ReadFile("icons/" + string(icon) + "-44-" + variant + ".png")
	if err != nil { // a test has seen every one
		return
	}
	// systray panics where the bus has gone meanwhile. It has kept the picture by then, and offers it on the next bus.
	defer func() { _ = recover() }()
	systray.SetIcon(append([]byte(pixelsMagic), picture...))
}

// escape keeps underscores from becoming access keys.
func escape(label string) string { return strings.ReplaceAll(label, "_", "__") }

// panelLight is what was heard of the panel.
func panelLight(heard bool) bool { return heard }

const busVariable = "DBUS_SESSION_BUS_ADDRESS"

// show makes the menu, and offers it on the session bus whenever there is one.
func show(ctx context.Context, t *tray, ready func(*painter)) error {
	registerPixels()
	systray.SetTitle("CODITECT Sync") // also the item's name on the bus, so it comes first
	ready(newPainter())
	level := slog.LevelInfo // said once
	for wait := time.Second; ctx.Err() == nil; wait = min(2*wait, 30*time.Second) {
		conn, err := connect(ctx)
		if err == nil {
			wait = time.Second
			t.cfg.Logger.Debug("tray icon offered on the session bus")
			t.offer(ctx, conn)
			continue
		}
		t.cfg.Logger.Log(ctx, level, "no session bus for the tray icon", "error", err)
		level = slog.LevelDebug
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
	return nil
}

// offer shows the icon until ctx ends or the bus is gone. systray uses the same shared connection; closing it takes the
// icon away and ends systray's goroutines. Its own way to end fails where there was no bus.
func (t *tray) offer(ctx context.Context, conn *dbus.Conn) {
	defer func() { _ = conn.Close() }()
	changes := t.attend(ctx, conn)
	t.post(ctx, func() { t.hidden = false })
	t.post(ctx, t.repaint) // taken only after the look that follows the one before: the menu is true from the start
	start, _ := systray.RunWithExternalLoop(nil, nil)
	start()
	var following sync.WaitGroup
	following.Go(func() { t.follow(ctx, conn, changes) })
	t.post(ctx, t.repaint) // what was painted while systray began is not on the bus
	select {
	case <-ctx.Done():
	case <-conn.Context().Done():
		t.post(ctx, func() { t.hidden = true })
	}
	_ = conn.Close()
	following.Wait()
}

// connect returns the shared connection to a session bus that runs already. The address is put into the environment,
// because the D-Bus library starts a bus of its own where it finds none.
func connect(ctx context.Context) (*dbus.Conn, error) {
	address, err := busAddress()
	if err != nil {
		return nil, err
	}
	if err := os.Setenv(busVariable, address); err != nil {
		return nil, err
	}
	// The shared connection cannot be given up on, so a bus that does not answer is found out with another one.
	limited, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	probe, err := dbus.Connect(address, dbus.WithContext(limited))
	if err != nil {
		return nil, err
	}
	_ = probe.Close()
	return dbus.SessionBus()
}

// busAddress finds the session bus as the specification says, but for starting one.
func busAddress() (string, error) {
	if address := os.Getenv(busVariable); address != "" && address != "autolaunch:" {
		return address, nil
	}
	path := filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "bus")
	if !filepath.IsAbs(path) {
		return "", fs.ErrNotExist
	}
	if _, err := os.Stat(path); err != nil {
		return "", err
	}
	return "unix:path=" + dbus.EscapeBusAddressValue(path), nil
}
