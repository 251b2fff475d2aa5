//go:build unix && !darwin

package desktop

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/config"
)

// entryName is the autostart entry, and the name of the application for the desktop.
const entryName = "coditect-sync.desktop"

// Enabled tells whether the session starts the agent of this home. It is false for an entry that is hidden, switched off
// by GNOME's settings, of another home, or whose program is gone. Blocking: one small file is read.
func (a Autostart) Enabled() (bool, error) {
	path, err := entryPath()
	if err != nil {
		return false, nil //nolint:nilerr // a user without a home directory, as a service may be, logs in nowhere
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, app.Errorf(app.CodeDenied, "start at login", "%s cannot be read.", path).Wrap(err)
	}
	e := parseEntry(string(text))
	return e.on() && a.starts(e.command()), nil
}

// Set makes the session start the agent of this home from the next login on, or not. Switching it off leaves an entry for
// another home alone. Blocking: one small file is replaced or removed.
func (a Autostart) Set(on bool) error {
	path, err := entryPath()
	if err != nil {
		return err
	}
	if on {
		return config.WriteFile(path, []byte(autostartEntry(a.command)))
	}
	if enabled, err := a.Enabled(); err != nil || !enabled {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return app.Errorf(app.CodeDenied, "start at login", "%s cannot be removed.", path).Wrap(err)
	}
	return nil
}

// entryPath is where the session looks. A relative $XDG_CONFIG_HOME counts for nothing, says the specification.
func entryPath() (string, error) {
	dir := os.Getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(dir) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", app.Errorf(app.CodeFailed, "start at login", "This user has no home directory.").Wrap(err)
		}
		dir = filepath.Join(home, ".config")
	}
	return filepath.Join(dir, "autostart", entryName), nil
}

// on tells whether a session takes notice of the entry.
func (e entry) on() bool {
	if e["Hidden"] == "true" || e["X-GNOME-Autostart-enabled"] == "false" || e["Exec"] == "" {
		return false
	}
	try := unescape(e["TryExec"])
	if try == "" {
		return true
	}
	_, err := exec.LookPath(try)
	return err == nil
}
