package config

import (
	"errors"
	"os"
	"strings"
)

// osMachineID is the id that systemd or D-Bus minted when the system was installed.
func osMachineID() (string, error) {
	var errs error
	for _, path := range []string{"/etc/machine-id", "/var/lib/dbus/machine-id"} {
		raw, err := os.ReadFile(path)
		if id := strings.TrimSpace(string(raw)); err == nil && id != "" {
			return id, nil
		}
		errs = errors.Join(errs, err)
	}
	return "", errs
}
