package sqlite

import (
	"errors"

	"golang.org/x/sys/windows"
)

func isNoSpace(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL)
}

// mayWrite is not known on Windows before something is written.
func mayWrite(string) error { return nil }

func isReadOnlySystem(err error) bool { return errors.Is(err, windows.ERROR_WRITE_PROTECT) }
