package desktop

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/config"
)

// Enabled tells whether launchd starts the agent of this home at login. Blocking: a small file is read and launchctl asked,
// because a person can switch a login item off in the system's settings, which leaves the file alone.
func (a Autostart) Enabled() (bool, error) {
	path, err := agentPath()
	if err != nil {
		return false, err
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, app.Errorf(app.CodeDenied, "start at login", "%s cannot be read.", path).Wrap(err)
	}
	disabled, err := exec.Command("launchctl", "print-disabled", domain()).Output() //nolint:noctx // it answers at once
	off := err == nil && strings.Contains(string(disabled), `"`+label+`" => disabled`)
	return !off && a.starts(arguments(string(text))), nil
}

// Set makes launchd start the agent of this home from the next login on, or not. Nothing is bootstrapped or booted out
// now: the one would start a second agent beside the one that asks, the other would end it if launchd started it. Switching
// it off leaves a LaunchAgent of another home alone. Blocking: a file is replaced or removed, launchctl runs.
func (a Autostart) Set(on bool) error {
	path, err := agentPath()
	if err != nil {
		return err
	}
	if on {
		if err := config.WriteFile(path, []byte(launchAgent(a.command))); err != nil {
			return err
		}
		return undisable()
	}
	if enabled, err := a.Enabled(); err != nil || !enabled {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return app.Errorf(app.CodeDenied, "start at login", "%s cannot be removed.", path).Wrap(err)
	}
	return nil
}

// undisable takes back what a person switched off in the system's settings.
func undisable() error {
	out, err := exec.Command("launchctl", "enable", domain()+"/"+label).CombinedOutput() //nolint:noctx // it answers at once
	if err != nil {
		return app.Errorf(app.CodeFailed, "start at login", "launchd does not start this program at login.").
			WithHint("Allow it in System Settings, General, Login Items.").Wrap(fmt.Errorf("%w: %s", err, out))
	}
	return nil
}

func domain() string { return "gui/" + strconv.Itoa(os.Getuid()) }

func agentPath() (string, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return "", app.Errorf(app.CodeFailed, "start at login", "This user has no home directory.").Wrap(err)
	}
	return filepath.Join(home, "Library", "LaunchAgents", label+".plist"), nil
}
