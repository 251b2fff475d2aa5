//go:build unix && !darwin

package desktop

import (
	"context"
	"time"

	"github.com/godbus/dbus/v5"
)

// askWithin limits the question for the appearance: a window is waiting to be shown.
const askWithin = 500 * time.Millisecond

// PrefersDark tells whether the person's desktop is set to dark, by the settings portal. GTK 3 knows themes only, which
// some desktops do not change with it. False where nobody answers. Blocking: at most half a second.
func PrefersDark(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	address, err := busAddress()
	if err != nil {
		return false
	}
	conn, err := dial(ctx, address)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }() // only asked
	var answer dbus.Variant
	portal := conn.Object("org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop")
	err = portal.CallWithContext(ctx, "org.freedesktop.portal.Settings.Read", 0,
		"org.freedesktop.appearance", "color-scheme").Store(&answer)
	for err == nil { // Read wraps the value once more than needed
		inner, wrapped := answer.Value().(dbus.Variant)
		if !wrapped {
			break
		}
		answer = inner
	}
	const dark = uint32(1)
	scheme, ok := answer.Value().(uint32)
	return err == nil && ok && scheme == dark
}
