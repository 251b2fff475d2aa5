//go:build unix && !darwin

package tray

import (
	"fmt"
	"testing"

	"github.com/godbus/dbus/v5"
)

// portal is the desktop's answer to whether it is light or dark.
type portal struct{ scheme uint32 }

// Read is called over the bus.
func (p *portal) Read(namespace, key string) (dbus.Variant, *dbus.Error) {
	if namespace != appearance || key != colorScheme {
		return dbus.Variant{}, dbus.MakeFailedError(fmt.Errorf("no %s %s", namespace, key))
	}
	return dbus.MakeVariant(dbus.MakeVariant(p.scheme)), nil
}

// TestPanelBrightness: the icon fits a light panel, and follows it when it becomes dark.
func TestPanelBrightness(t *testing.T) {
	t.Parallel()
	b := startBus(t, busPath(t))
	p := b.startPanel()
	conn := b.connect()
	if err := conn.Export(&portal{scheme: 2}, portalPath, portalSettings); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.RequestName(portalName, dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
	c := startChild(t, protectedScene("gs://a").order(), b.env(), "XDG_CURRENT_DESKTOP=KDE")
	i := p.item()
	wants := func(variant string) {
		t.Helper()
		eventually(t, func() string {
			if i.pixels() != argb(t, Protected, variant) {
				return "the picture is not the " + variant + " one"
			}
			return ""
		})
	}
	wants("light")
	for _, change := range []struct {
		scheme  uint32
		variant string
	}{{1, "dark"}, {0, "light"}} {
		if err := conn.Emit(portalPath, settingsChanged, appearance, colorScheme, dbus.MakeVariant(change.scheme)); err != nil {
			t.Fatal(err)
		}
		wants(change.variant)
	}
	c.ends()
}
