package login

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/godbus/dbus/v5"
)

// The Secret Service, as gnome-keyring and KWallet have it.
const (
	secretsName    = "org.freedesktop.secrets"
	secretsPath    = "/org/freedesktop/secrets"
	secretsService = "org.freedesktop.Secret.Service"
	loginKeys      = "/org/freedesktop/secrets/collection/login"
)

// probeKeychain looks whether a Secret Service is there and the collection that go-keyring uses is open. It asks the bus only
// where there is one: the library would start a bus of its own, with nothing behind it.
func probeKeychain() error {
	if !hasBus() {
		return errNoKeychain
	}
	ctx, cancel := context.WithTimeout(context.Background(), keychainWithin)
	defer cancel()
	conn, err := dbus.ConnectSessionBus(dbus.WithContext(ctx))
	if err != nil {
		return errors.Join(errNoKeychain, err)
	}
	defer func() { _ = conn.Close() }() // nothing was sent that could be lost
	path, err := collection(ctx, conn)
	if err != nil {
		return err
	}
	var locked bool
	if err := property(ctx, conn, path, "org.freedesktop.Secret.Collection", "Locked", &locked); err != nil {
		return err
	}
	if locked {
		return errLocked
	}
	return nil
}

func hasBus() bool {
	if address := os.Getenv("DBUS_SESSION_BUS_ADDRESS"); address != "" {
		return address != "autolaunch:"
	}
	for _, dir := range []string{os.Getenv("XDG_RUNTIME_DIR"), fmt.Sprintf("/run/user/%d", os.Getuid())} {
		if _, err := os.Stat(filepath.Join(dir, "bus")); dir != "" && err == nil {
			return true
		}
	}
	return false
}

// collection is the one named login, else the default one.
func collection(ctx context.Context, conn *dbus.Conn) (dbus.ObjectPath, error) {
	var all []dbus.ObjectPath
	if err := property(ctx, conn, secretsPath, secretsService, "Collections", &all); err != nil {
		return "", err
	}
	if slices.Contains(all, loginKeys) {
		return loginKeys, nil
	}
	var path dbus.ObjectPath
	err := conn.Object(secretsName, secretsPath).CallWithContext(ctx, secretsService+".ReadAlias", 0, "default").Store(&path)
	if err != nil {
		return "", noService(err)
	}
	if path == "/" { // nobody has made one, and making one asks for a new password
		return "", errNoKeychain
	}
	return path, nil
}

func property(ctx context.Context, conn *dbus.Conn, path dbus.ObjectPath, of, name string, into any) error {
	var v dbus.Variant
	err := conn.Object(secretsName, path).CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get", 0, of, name).Store(&v)
	if err == nil {
		err = v.Store(into)
	}
	return noService(err)
}

// noService tells a bus without a Secret Service from one whose service does not answer.
func noService(err error) error {
	if e, ok := errors.AsType[dbus.Error](err); ok {
		const bus = "org.freedesktop.DBus.Error."
		if e.Name == bus+"ServiceUnknown" || e.Name == bus+"NameHasNoOwner" || strings.HasPrefix(e.Name, bus+"Spawn.") {
			return errors.Join(errNoKeychain, err)
		}
	}
	if err != nil {
		return errors.Join(errLocked, err)
	}
	return nil
}
