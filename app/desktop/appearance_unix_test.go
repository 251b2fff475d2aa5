//go:build unix && !darwin

package desktop

import (
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// portal is a desktop's settings.
type portal struct{ scheme uint32 }

func (p portal) Read(namespace, key string) (dbus.Variant, *dbus.Error) {
	if namespace != "org.freedesktop.appearance" || key != "color-scheme" {
		return dbus.Variant{}, dbus.NewError("org.freedesktop.portal.Error.NotFound", nil)
	}
	return dbus.MakeVariant(dbus.MakeVariant(p.scheme)), nil
}

func TestDarkIsAskedOfThePortal(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", apptest.StartBus(t))
	if PrefersDark(t.Context()) {
		t.Error("dark, though nobody says so")
	}
	for scheme, want := range map[uint32]bool{0: false, 1: true, 2: false} {
		address, err := busAddress()
		if err != nil {
			t.Fatal(err)
		}
		conn, err := dbus.Connect(address)
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.Export(portal{scheme}, "/org/freedesktop/portal/desktop", "org.freedesktop.portal.Settings"); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.RequestName("org.freedesktop.portal.Desktop", dbus.NameFlagDoNotQueue); err != nil {
			t.Fatal(err)
		}
		if got := PrefersDark(t.Context()); got != want {
			t.Errorf("color-scheme %d: %v", scheme, got)
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWithoutABusItIsNotDark(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+t.TempDir()+"/none")
	if PrefersDark(t.Context()) {
		t.Error("dark")
	}
}
