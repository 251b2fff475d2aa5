package desktop

import (
	"errors"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"

	"github.com/coditect-ai/coditect-sync/app"
)

const (
	runKey   = `Software\Microsoft\Windows\CurrentVersion\Run`
	runValue = "CODITECT Sync"
	// approvedKey is where the settings and the task manager note what a person switched off: an odd first byte.
	approvedKey = `Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run`
)

// Enabled tells whether Windows starts the agent of this home at login. It is false for what a person switched off in the
// task manager. It returns at once.
func (a Autostart) Enabled() (bool, error) {
	line, err := runLine()
	if err != nil || line == "" {
		return false, err
	}
	command, err := windows.DecomposeCommandLine(line)
	return err == nil && a.starts(command) && !switchedOff(), nil //nolint:nilerr // what is no command line starts nothing
}

// Set makes Windows start the agent of this home from the next login on, or not. Switching it off leaves a value for
// another home alone. It returns at once.
func (a Autostart) Set(on bool) error {
	key, _, err := registry.CreateKey(registry.CURRENT_USER, runKey, registry.SET_VALUE)
	if err != nil {
		return refused(err)
	}
	defer func() { _ = key.Close() }()
	if on {
		if err := key.SetStringValue(runValue, windows.ComposeCommandLine(a.command)); err != nil {
			return refused(err)
		}
		return approve()
	}
	if enabled, err := a.Enabled(); err != nil || !enabled {
		return err
	}
	if err := key.DeleteValue(runValue); err != nil && !errors.Is(err, registry.ErrNotExist) {
		return refused(err)
	}
	return nil
}

// runLine is the command line that Windows runs at login, "" where there is none.
func runLine() (string, error) {
	key, err := registry.OpenKey(registry.CURRENT_USER, runKey, registry.QUERY_VALUE)
	if errors.Is(err, registry.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", refused(err)
	}
	defer func() { _ = key.Close() }()
	line, _, err := key.GetStringValue(runValue)
	if errors.Is(err, registry.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", refused(err)
	}
	return line, nil
}

func switchedOff() bool {
	key, err := registry.OpenKey(registry.CURRENT_USER, approvedKey, registry.QUERY_VALUE)
	if err != nil {
		return false
	}
	defer func() { _ = key.Close() }()
	note, _, err := key.GetBinaryValue(runValue)
	return err == nil && len(note) > 0 && note[0]%2 == 1
}

// approve takes back what a person switched off in the task manager.
func approve() error {
	key, err := registry.OpenKey(registry.CURRENT_USER, approvedKey, registry.SET_VALUE)
	if errors.Is(err, registry.ErrNotExist) {
		return nil
	}
	if err != nil {
		return refused(err)
	}
	defer func() { _ = key.Close() }()
	if err := key.DeleteValue(runValue); err != nil && !errors.Is(err, registry.ErrNotExist) {
		return refused(err)
	}
	return nil
}

func refused(err error) error {
	return app.Errorf(app.CodeDenied, "start at login", "Windows does not let this program change what starts at login.").Wrap(err)
}
