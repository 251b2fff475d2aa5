//go:build unix && !darwin

package tray

import (
	"context"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

// The portal says whether a person prefers light or dark.
const (
	portalName      = "org.freedesktop.portal.Desktop"
	portalPath      = "/org/freedesktop/portal/desktop"
	portalSettings  = "org.freedesktop.portal.Settings"
	appearance      = "org.freedesktop.appearance"
	colorScheme     = "color-scheme"
	preferDark      = uint32(1)
	portalTimeout   = 3 * time.Second
	settingsChanged = portalSettings + ".SettingChanged"
)

// panelFollows tells that the panel is as light as the windows. Other desktops have a dark one in any case.
func panelFollows() bool {
	return slices.Contains(strings.Split(os.Getenv("XDG_CURRENT_DESKTOP"), ":"), "KDE")
}

// The panel's end of the protocol.
const (
	watcherName     = "org.kde.StatusNotifierWatcher"
	watcherPath     = "/StatusNotifierWatcher"
	watcherRegister = watcherName + ".RegisterStatusNotifierItem"
	itemPath        = "/StatusNotifierItem"
	ownerChanged    = "org.freedesktop.DBus.NameOwnerChanged"
)

// attend asks the bus to tell what happens to the panel, from now on.
func (t *tray) attend(ctx context.Context, conn *dbus.Conn) <-chan *dbus.Signal {
	changes := make(chan *dbus.Signal, 64)
	conn.Signal(changes)
	t.subscribe(ctx, conn, dbus.WithMatchInterface("org.freedesktop.DBus"), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, watcherName))
	if panelFollows() {
		t.subscribe(ctx, conn, dbus.WithMatchInterface(portalSettings), dbus.WithMatchMember("SettingChanged"))
		t.setPanel(ctx, readScheme(ctx, conn))
	}
	return changes
}

// follow acts on what happens to the panel until conn is closed. It registers with a panel that begins later: systray
// does so too, but begins to watch only after it has looked for a panel, and a panel that comes in between, as when a
// session begins, would never hear of us. To register twice does no harm; to register before the item is complete does.
func (t *tray) follow(ctx context.Context, conn *dbus.Conn, changes <-chan *dbus.Signal) {
	for change := range changes {
		if scheme, ok := schemeOf(change); ok {
			t.setPanel(ctx, scheme)
		}
		if panelBegan(change) {
			conn.Object(watcherName, watcherPath).Go(watcherRegister, dbus.FlagNoReplyExpected|dbus.FlagNoAutoStart, nil, itemPath)
		}
	}
}

func (t *tray) subscribe(ctx context.Context, conn *dbus.Conn, options ...dbus.MatchOption) {
	if err := conn.AddMatchSignalContext(ctx, options...); err != nil {
		t.cfg.Logger.Debug("panel not followed", "error", err)
	}
}

func panelBegan(s *dbus.Signal) bool {
	if s.Name != ownerChanged || len(s.Body) != 3 || s.Body[0] != watcherName {
		return false
	}
	owner, ok := s.Body[2].(string)
	return ok && owner != ""
}

func (t *tray) setPanel(ctx context.Context, scheme uint32) {
	t.post(ctx, func() { t.light, t.painted = scheme != preferDark, time.Time{} })
}

// readScheme asks without starting a portal; no answer counts as dark, which is right for most panels.
func readScheme(ctx context.Context, conn *dbus.Conn) uint32 {
	limited, cancel := context.WithTimeout(ctx, portalTimeout)
	defer cancel()
	var value dbus.Variant
	call := conn.Object(portalName, portalPath).CallWithContext(limited, portalSettings+".Read", dbus.FlagNoAutoStart, appearance, colorScheme)
	if call.Store(&value) != nil {
		return preferDark
	}
	if inner, ok := value.Value().(dbus.Variant); ok {
		value = inner
	}
	if scheme, ok := value.Value().(uint32); ok {
		return scheme
	}
	return preferDark
}

func schemeOf(s *dbus.Signal) (uint32, bool) {
	if s.Name != settingsChanged || len(s.Body) != 3 || s.Body[0] != appearance || s.Body[1] != colorScheme {
		return 0, false
	}
	value, ok := s.Body[2].(dbus.Variant)
	if !ok {
		return 0, false
	}
	scheme, ok := value.Value().(uint32)
	return scheme, ok
}
